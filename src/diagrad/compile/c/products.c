/* Vectors of entries, and products of matrices by BLAS. */

#define VECTOR(n) __attribute__((vector_size(n * sizeof(real)), aligned(sizeof(real)), may_alias))
typedef real V2 VECTOR(2);
typedef real V4 VECTOR(4);
typedef real V8 VECTOR(8);
typedef real V16 VECTOR(16);

/* Eight rows of a, from the first entries of each: r[q] are their entries q. Halves of rows that
   change places are read to where they go; then blocks of 2 and of 1 entries change places. */
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE __builtin_shufflevector
static inline __attribute__((unused, always_inline)) void columns_of_eight(
    V8 *restrict r, const real *restrict a, ptrdiff_t step)
{
    for (int k = 0; k < 4; k++)
        for (int half = 0; half < 8; half += 4) {
            const V4 upper = *(const V4 *)&a[k * step + half];
            const V4 lower = *(const V4 *)&a[(k + 4) * step + half];
            r[half + k] = SHUFFLE(upper, lower, 0, 1, 2, 3, 4, 5, 6, 7);
        }
    for (int k = 0; k < 8; k += 2) {
        const V8 x = r[k], y = r[k + 1];
        r[k] = SHUFFLE(x, y, 0, 8, 2, 10, 4, 12, 6, 14);
        r[k + 1] = SHUFFLE(x, y, 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int four = 0; four < 8; four += 4)
        for (int k = four; k < four + 2; k++) {
            const V8 x = r[k], y = r[k + 2];
            r[k] = SHUFFLE(x, y, 0, 1, 8, 9, 4, 5, 12, 13);
            r[k + 2] = SHUFFLE(x, y, 2, 3, 10, 11, 6, 7, 14, 15);
        }
}
#else
static inline __attribute__((unused)) void columns_of_eight(
    V8 *restrict r, const real *restrict a, ptrdiff_t step)
{
    for (int p = 0; p < 8; p++)
        for (int q = 0; q < 8; q++) r[q][p] = a[p * step + q];
}
#endif

/* b = a transposed; a is rows x columns, the rows of each are so far apart. */
static void __attribute__((unused)) turn(
    real *restrict b, int b_step, const real *restrict a, int a_step, int rows, int columns)
{
    const int high = rows - rows % 8, wide = columns - columns % 8;
    for (int i = 0; i < high; i += 8)
        for (int j = 0; j < wide; j += 8) {
            V8 r[8];
            columns_of_eight(r, &a[(ptrdiff_t)i * a_step + j], a_step);
            for (int q = 0; q < 8; q++) *(V8 *)&b[(ptrdiff_t)(j + q) * b_step + i] = r[q];
        }
    for (int i = 0; i < high; i++)
        for (int j = wide; j < columns; j++)
            b[(ptrdiff_t)j * b_step + i] = a[(ptrdiff_t)i * a_step + j];
    for (int i = high; i < rows; i++)
        for (int j = 0; j < columns; j++)
            b[(ptrdiff_t)j * b_step + i] = a[(ptrdiff_t)i * a_step + j];
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
            columns_of_eight(r, &c[(ptrdiff_t)j * n + i], n);
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
   high-performance matrix multiplication, 2008: a block of b, in panels, and a strip of a are copied
   so that they are read in order. */
#if defined(__AVX512F__)
#define LANES (64 / (int)sizeof(real))
#define TILE_ROWS 8
typedef real WIDE VECTOR(64 / sizeof(real));
#else
#define LANES (32 / (int)sizeof(real))
#define TILE_ROWS 4
typedef real WIDE VECTOR(32 / sizeof(real));
#endif
typedef real STRIP VECTOR(TILE_ROWS);
enum { TILE_COLUMNS = 3 * LANES, BLOCK_COLUMNS = 528, BLOCK_TERMS = 168, AT_ONCE = 8 };
/* Entries of room that a product needs. */
enum { PRODUCT_ROOM = BLOCK_TERMS * (BLOCK_COLUMNS + TILE_ROWS) };

/* The sums of one tile of so many vectors: c = before * c + scale * a b, of which `rows` by
   `columns` are stored. */
static inline __attribute__((unused, always_inline)) void tile(
    real *restrict c, int step, const real *restrict a, const real *restrict b, int terms,
    int vectors, int rows, int columns, real scale, int adds)
{
    WIDE sum[TILE_ROWS][3];
    for (int i = 0; i < TILE_ROWS; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = (WIDE){0};
    for (int k = 0; k < terms; k++)
        for (int i = 0; i < TILE_ROWS; i++)
            for (int j = 0; j < vectors; j++)
                sum[i][j] += a[k * TILE_ROWS + i] * *(const WIDE *)&b[k * TILE_COLUMNS + j * LANES];
    if (rows == TILE_ROWS && columns == vectors * LANES) {
        for (int i = 0; i < TILE_ROWS; i++) {
            WIDE *const to = (WIDE *)&c[(ptrdiff_t)i * step];
            for (int j = 0; j < vectors; j++)
                to[j] = adds ? to[j] + scale * sum[i][j] : scale * sum[i][j];
        }
        return;
    }
    real edge[TILE_ROWS * TILE_COLUMNS] ALIGNED;
    for (int i = 0; i < TILE_ROWS; i++)
        for (int j = 0; j < vectors; j++)
            *(WIDE *)&edge[i * TILE_COLUMNS + j * LANES] = sum[i][j];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const real value = scale * edge[i * TILE_COLUMNS + j];
            real *const to = &c[(ptrdiff_t)i * step + j];
            *to = adds ? *to + value : value;
        }
}

/* The tile whose first `skipped` columns, whole vectors, are left out. */
static inline __attribute__((unused, always_inline)) void tile_from(
    real *restrict c, int step, const real *restrict a, const real *restrict b, int terms,
    int skipped, int rows, int columns, real scale, int adds)
{
    const int vectors = (columns + LANES - 1) / LANES - skipped / LANES;
    c += skipped, b += skipped, columns -= skipped;
    if (vectors == 3) tile(c, step, a, b, terms, 3, rows, columns, scale, adds);
    if (vectors == 2) tile(c, step, a, b, terms, 2, rows, columns, scale, adds);
    if (vectors == 1) tile(c, step, a, b, terms, 1, rows, columns, scale, adds);
}

/* Copies `items` lines of `terms` entries, times weights where there are any, to groups of `width`
   lines, term by term; what is missing in the last group is 0. Lines that lie side by side are read
   as they lie, some terms at a time. */
static inline __attribute__((unused, always_inline)) void copied(
    real *restrict to, const real *restrict from, ptrdiff_t item, ptrdiff_t term, int items,
    int terms, int width, const real *restrict weights)
{
    const int whole = item == 1 ? items - items % width : 0;
    for (int t = 0; t < terms && whole; t += AT_ONCE)
        for (int first = 0; first < whole; first += width)
            for (int s = t; s < terms && s < t + AT_ONCE; s++)
                for (int q = 0; q < width; q += TILE_ROWS) {
                    STRIP entries = *(const STRIP *)&from[first + q + s * term];
                    if (weights) entries *= weights[s];
                    *(STRIP *)&to[(ptrdiff_t)first * terms + s * width + q] = entries;
                }
    for (int first = whole; first < items; first += width) {
        const int here = items - first < width ? items - first : width;
        for (int t = 0; t < terms; t++)
            for (int q = 0; q < width; q++) {
                const real entry = q < here ? from[(first + q) * item + t * term] : R(0.0);
                to[(ptrdiff_t)first * terms + t * width + q] = weights ? weights[t] * entry : entry;
            }
    }
}

/* A strip, times weights where there are any, from the panel that has it. */
static inline __attribute__((unused, always_inline)) void strip_of(
    real *restrict to, const real *restrict from, int terms, const real *restrict weights)
{
    for (int t = 0; t < terms; t++) {
        STRIP entries = *(const STRIP *)&from[t * TILE_COLUMNS];
        if (weights) entries *= weights[t];
        *(STRIP *)&to[t * TILE_ROWS] = entries;
    }
}

/* c = scale a diag(weights) b: a rows x terms, b terms x columns, with entries so far apart along
   each, the weights perhaps NULL. With `symmetric` tiles below the diagonal are left out. */
static void __attribute__((unused, noinline)) tiled_product(
    real *restrict c, const real *a, const real *b, const real *weights, ptrdiff_t a_row,
    ptrdiff_t a_term, ptrdiff_t b_term, ptrdiff_t b_column, int rows, int columns, int terms,
    real scale, int symmetric, real *restrict room)
{
    real *const strip = room + BLOCK_TERMS * BLOCK_COLUMNS;
    const int same = a == b && a_row == b_column && a_term == b_term;
    for (int k = 0; k < terms; k += BLOCK_TERMS) {
        const int deep = terms - k < BLOCK_TERMS ? terms - k : BLOCK_TERMS;
        const real *const by = weights ? weights + k : NULL;
        for (int first = 0; first < columns; first += BLOCK_COLUMNS) {
            const int wide = columns - first < BLOCK_COLUMNS ? columns - first : BLOCK_COLUMNS;
            const int end = symmetric && first + wide < rows ? first + wide : rows;
            copied(room, b + k * b_term + first * b_column, b_column, b_term, wide, deep,
                   TILE_COLUMNS, NULL);
            for (int i = 0; i < end; i += TILE_ROWS) {
                const int high = rows - i < TILE_ROWS ? rows - i : TILE_ROWS;
                const int in = i - first, panel = in - in % TILE_COLUMNS;
                if (same && in >= 0 && in < wide)
                    strip_of(strip, room + panel * deep + in % TILE_COLUMNS, deep, by);
                else
                    copied(strip, a + i * a_row + k * a_term, a_row, a_term, high, deep, TILE_ROWS,
                           by);
                for (int j = symmetric && in > 0 ? panel : 0; j < wide; j += TILE_COLUMNS) {
                    const int here = wide - j < TILE_COLUMNS ? wide - j : TILE_COLUMNS;
                    const int below = symmetric && in > j ? in - j : 0;
                    tile_from(c + (ptrdiff_t)i * columns + first + j, columns, strip,
                              room + j * deep, deep, below - below % LANES, high, here, scale,
                              k > 0);
                }
            }
        }
    }
    if (symmetric) mirror(c, rows);
}
