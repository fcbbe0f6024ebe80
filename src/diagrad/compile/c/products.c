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

/* Products of matrices in tiles of some rows by 3 vectors, after Goto and van de Geijn, Anatomy of
   high-performance matrix multiplication, 2008: a block of a and a panel of b are copied so that
   they are read in order. */
#if defined(__AVX512F__)
#define LANES (64 / sizeof(real))
#define TILE_ROWS 8
typedef real WIDE VECTOR(64 / sizeof(real));
#else
#define LANES (32 / sizeof(real))
#define TILE_ROWS 4
typedef real WIDE VECTOR(32 / sizeof(real));
#endif
enum { TILE_COLUMNS = 3 * LANES, BLOCK_ROWS = 192, BLOCK_TERMS = 128 };
/* Entries of room that a product needs. */
enum { PRODUCT_ROOM = BLOCK_TERMS * (BLOCK_ROWS + TILE_COLUMNS) };

/* The sums of one tile: c = before * c + scale * a b, of which `rows` by `columns` are stored. */
static inline __attribute__((unused, always_inline)) void tile(
    real *restrict c, int step, const real *restrict a, const real *restrict b, int terms,
    int rows, int columns, real scale, int adds)
{
    WIDE sum[TILE_ROWS][3];
    for (int i = 0; i < TILE_ROWS; i++) sum[i][0] = sum[i][1] = sum[i][2] = (WIDE){0};
    for (int k = 0; k < terms; k++) {
        const WIDE b0 = *(const WIDE *)&b[k * TILE_COLUMNS];
        const WIDE b1 = *(const WIDE *)&b[k * TILE_COLUMNS + LANES];
        const WIDE b2 = *(const WIDE *)&b[k * TILE_COLUMNS + 2 * LANES];
        for (int i = 0; i < TILE_ROWS; i++) {
            const real factor = a[k * TILE_ROWS + i];
            sum[i][0] += factor * b0;
            sum[i][1] += factor * b1;
            sum[i][2] += factor * b2;
        }
    }
    if (rows == TILE_ROWS && columns == TILE_COLUMNS) {
        for (int i = 0; i < TILE_ROWS; i++) {
            WIDE *const to = (WIDE *)&c[(ptrdiff_t)i * step];
            for (int j = 0; j < 3; j++)
                to[j] = adds ? to[j] + scale * sum[i][j] : scale * sum[i][j];
        }
        return;
    }
    real edge[TILE_ROWS * TILE_COLUMNS] ALIGNED;
    for (int i = 0; i < TILE_ROWS; i++) {
        *(WIDE *)&edge[i * TILE_COLUMNS] = sum[i][0];
        *(WIDE *)&edge[i * TILE_COLUMNS + LANES] = sum[i][1];
        *(WIDE *)&edge[i * TILE_COLUMNS + 2 * LANES] = sum[i][2];
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const real value = scale * edge[i * TILE_COLUMNS + j];
            real *const to = &c[(ptrdiff_t)i * step + j];
            *to = adds ? *to + value : value;
        }
}

/* Copies `items` lines of `terms` entries to groups of `width` lines, term by term; what is missing
   in the last group is 0. */
static inline __attribute__((unused, always_inline)) void copied(
    real *restrict to, const real *restrict from, ptrdiff_t item, ptrdiff_t term, int items,
    int terms, int width)
{
    for (int first = 0; first < items; first += width, to += (ptrdiff_t)terms * width) {
        const real *const of = from + first * item;
        const int here = items - first < width ? items - first : width;
        if (here == width && item == 1)
            for (int t = 0; t < terms; t++)
                memcpy(to + t * width, of + t * term, (size_t)width * sizeof(real));
        else if (here == width)
            for (int t = 0; t < terms; t++)
                for (int q = 0; q < width; q++) to[t * width + q] = of[q * item + t * term];
        else
            for (int t = 0; t < terms; t++)
                for (int q = 0; q < width; q++)
                    to[t * width + q] = q < here ? of[q * item + t * term] : R(0.0);
    }
}

/* c = scale a b: a rows x terms, b terms x columns, with entries so far apart along each; with
   `symmetric`, tiles below the diagonal are left out. */
static void __attribute__((unused, noinline)) tiled_product(
    real *restrict c, const real *restrict a, const real *restrict b, ptrdiff_t a_row,
    ptrdiff_t a_term, ptrdiff_t b_term, ptrdiff_t b_column, int rows, int columns, int terms,
    real scale, int symmetric, real *restrict room)
{
    real *const panel = room + BLOCK_TERMS * BLOCK_ROWS;
    for (int k = 0; k < terms; k += BLOCK_TERMS) {
        const int deep = terms - k < BLOCK_TERMS ? terms - k : BLOCK_TERMS;
        for (int i = 0; i < rows; i += BLOCK_ROWS) {
            const int high = rows - i < BLOCK_ROWS ? rows - i : BLOCK_ROWS;
            copied(room, a + i * a_row + k * a_term, a_row, a_term, high, deep, TILE_ROWS);
            for (int j = symmetric ? i - i % TILE_COLUMNS : 0; j < columns; j += TILE_COLUMNS) {
                const int wide = columns - j < TILE_COLUMNS ? columns - j : TILE_COLUMNS;
                const int end = symmetric && j + TILE_COLUMNS - i < high ? j + TILE_COLUMNS - i : high;
                copied(panel, b + k * b_term + j * b_column, b_column, b_term, wide, deep,
                       TILE_COLUMNS);
                for (int p = 0; p < end; p += TILE_ROWS)
                    tile(c + (ptrdiff_t)(i + p) * columns + j, columns, room + p * deep, panel, deep,
                         high - p < TILE_ROWS ? high - p : TILE_ROWS, wide, scale, k > 0);
            }
        }
    }
    if (symmetric) mirror(c, rows);
}
