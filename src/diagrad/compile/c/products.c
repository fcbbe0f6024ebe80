/* Vectors of entries, and products of matrices by BLAS. */

#define VECTOR(n) __attribute__((vector_size(n * sizeof(real)), aligned(sizeof(real)), may_alias))
typedef real V2 VECTOR(2);
typedef real V4 VECTOR(4);
typedef real V8 VECTOR(8);
typedef real V16 VECTOR(16);

/* Eight vectors as the columns of what they were the rows of: blocks of 4, of 2, of 1 entries off
   the diagonal change places. */
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE __builtin_shufflevector
static inline __attribute__((unused, always_inline)) void turn_eight(V8 *r)
{
    for (int k = 0; k < 4; k++) {
        const V8 a = r[k], b = r[k + 4];
        r[k] = SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
        r[k + 4] = SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (int k = 0; k < 8; k += k % 2 ? 3 : 1) {
        const V8 a = r[k], b = r[k + 2];
        r[k] = SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
        r[k + 2] = SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int k = 0; k < 8; k += 2) {
        const V8 a = r[k], b = r[k + 1];
        r[k] = SHUFFLE(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
        r[k + 1] = SHUFFLE(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
    }
}
#else
static inline __attribute__((unused)) void turn_eight(V8 *r)
{
    for (int p = 0; p < 8; p++)
        for (int q = 0; q < p; q++) {
            const real kept = r[p][q];
            r[p][q] = r[q][p];
            r[q][p] = kept;
        }
}
#endif

/* b = a transposed; a is rows x columns. */
static void __attribute__((unused)) turn(
    real *restrict b, const real *restrict a, int rows, int columns)
{
    const int high = rows - rows % 8, wide = columns - columns % 8;
    for (int i = 0; i < high; i += 8)
        for (int j = 0; j < wide; j += 8) {
            V8 r[8];
            for (int p = 0; p < 8; p++) r[p] = *(const V8 *)&a[(ptrdiff_t)(i + p) * columns + j];
            turn_eight(r);
            for (int q = 0; q < 8; q++) *(V8 *)&b[(ptrdiff_t)(j + q) * rows + i] = r[q];
        }
    for (int i = 0; i < high; i++)
        for (int j = wide; j < columns; j++)
            b[(ptrdiff_t)j * rows + i] = a[(ptrdiff_t)i * columns + j];
    for (int i = high; i < rows; i++)
        for (int j = 0; j < columns; j++)
            b[(ptrdiff_t)j * rows + i] = a[(ptrdiff_t)i * columns + j];
}

/* What is below the diagonal of a square matrix, from what is above it. */
static void __attribute__((unused)) mirror(real *c, int n)
{
    for (int i = 0; i < n; i += 8)
        for (int j = 0; j <= i; j += 8) {
            if (i + 8 > n || i == j) {
                for (int p = i; p < i + 8 && p < n; p++)
                    for (int q = j; q < j + 8 && q < p; q++)
                        c[(ptrdiff_t)p * n + q] = c[(ptrdiff_t)q * n + p];
                continue;
            }
            V8 r[8];
            for (int q = 0; q < 8; q++) r[q] = *(const V8 *)&c[(ptrdiff_t)(j + q) * n + i];
            turn_eight(r);
            for (int p = 0; p < 8; p++) *(V8 *)&c[(ptrdiff_t)(i + p) * n + j] = r[p];
        }
}

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
    mirror(c, rows);
}
