/* Vectors of entries, and products of matrices by BLAS. */

#define VECTOR(n) __attribute__((vector_size(n * sizeof(real)), aligned(sizeof(real)), may_alias))
typedef real V2 VECTOR(2);
typedef real V4 VECTOR(4);
typedef real V8 VECTOR(8);
typedef real V16 VECTOR(16);

typedef void gemm_routine(
    const char *, const char *, const int *, const int *, const int *, const real *,
    const real *, const int *, const real *, const int *, const real *, real *, const int *);
static gemm_routine *gemm;

/* Where BLAS's routine for this type is; Fortran's signature. */
void set_gemm(void *routine);
void set_gemm(void *routine) { memcpy(&gemm, &routine, sizeof gemm); }

/* c = scale a b, row-major: a rows x terms, b terms x columns, each perhaps stored transposed; the
   rows of c are `step` apart. */
static void __attribute__((unused)) product(
    real *c, const real *a, const real *b, int a_turned, int b_turned,
    int rows, int columns, int terms, int a_step, int b_step, int step, real scale)
{
    const real zero = R(0.0);
    gemm(b_turned ? "T" : "N", a_turned ? "T" : "N", &columns, &rows, &terms, &scale,
         b, &b_step, a, &a_step, &zero, c, &step);
}

/* The same for a square c that is symmetric: blocks on and above the diagonal, then their mirror. */
static void __attribute__((unused)) symmetric_product(
    real *c, const real *a, const real *b, int a_turned, int b_turned,
    int rows, int terms, int a_step, int b_step, real scale)
{
    const int block = rows < 256 ? (rows + 3) / 4 : 96;
    for (int i = 0; i < rows; i += block) {
        const int high = i + block < rows ? block : rows - i;
        product(c + (ptrdiff_t)i * rows + i,
                a + (a_turned ? (ptrdiff_t)i : (ptrdiff_t)i * a_step),
                b + (b_turned ? (ptrdiff_t)i * b_step : (ptrdiff_t)i),
                a_turned, b_turned, high, rows - i, terms, a_step, b_step, rows, scale);
    }
    const int tile = 32;
    for (int i = 0; i < rows; i += tile)
        for (int j = 0; j <= i; j += tile)
            for (int p = i; p < i + tile && p < rows; p++)
                for (int q = j; q < j + tile && q < p; q++)
                    c[(ptrdiff_t)p * rows + q] = c[(ptrdiff_t)q * rows + p];
}
