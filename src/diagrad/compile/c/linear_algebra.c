/* Linear algebra on matrices, row-major: by elimination with partial pivoting where they are square. */

#define SWAP(a, b) do { const real s_ = (a); (a) = (b); (b) = s_; } while (0)

/* Eliminates a in place to L and U; the rows of a are exchanged as in order, and the sign of the
   exchange is returned, 0 for a matrix without an inverse. */
static int __attribute__((unused)) eliminated(real *a, int *order, int n)
{
    int sign = 1;
    for (int k = 0; k < n; k++) {
        int best = k;
        for (int i = k + 1; i < n; i++)
            if (abs_(a[i * n + k]) > abs_(a[best * n + k])) best = i;
        order[k] = best;
        if (best != k) {
            sign = -sign;
            for (int j = 0; j < n; j++) SWAP(a[k * n + j], a[best * n + j]);
        }
        if (a[k * n + k] == R(0.0)) return 0;
        for (int i = k + 1; i < n; i++) {
            const real c = a[i * n + k] / a[k * n + k];
            a[i * n + k] = c;
            for (int j = k + 1; j < n; j++) a[i * n + j] -= c * a[k * n + j];
        }
    }
    return sign;
}

/* The inverse of a, which is overwritten; NaN everywhere where there is none. */
static void __attribute__((unused)) inverse(real *x, real *a, int *order, int n)
{
    if (!eliminated(a, order, n)) {
        for (int i = 0; i < n * n; i++) x[i] = (real)NAN;
        return;
    }
    for (int i = 0; i < n * n; i++) x[i] = R(0.0);
    for (int i = 0; i < n; i++) x[i * n + i] = R(1.0);
    for (int k = 0; k < n; k++)
        if (order[k] != k)
            for (int j = 0; j < n; j++) SWAP(x[k * n + j], x[order[k] * n + j]);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            for (int j = 0; j < n; j++) x[i * n + j] -= a[i * n + k] * x[k * n + j];
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++)
            for (int j = 0; j < n; j++) x[i * n + j] -= a[i * n + k] * x[k * n + j];
        for (int j = 0; j < n; j++) x[i * n + j] /= a[i * n + i];
    }
}

/* The lower triangular l with l times its transpose the symmetric part of a; NaN everywhere where
   that is not positive definite. */
static void __attribute__((unused)) cholesky(real *restrict l, const real *restrict a, int n)
{
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
            real rest = R(0.5) * (a[i * n + j] + a[j * n + i]);
            for (int k = 0; k < j; k++) rest -= l[i * n + k] * l[j * n + k];
            if (i == j && !(rest > R(0.0))) {
                for (int k = 0; k < n * n; k++) l[k] = (real)NAN;
                return;
            }
            l[i * n + j] = i == j ? STANDARD(sqrt)(rest) : rest / l[j * n + j];
        }
        for (int j = i + 1; j < n; j++) l[i * n + j] = R(0.0);
    }
}

/* det a, which is overwritten. */
static real __attribute__((unused)) determinant(real *a, int *order, int n)
{
    real product = (real)eliminated(a, order, n);
    if (product == R(0.0)) return product;
    for (int i = 0; i < n; i++) product *= a[i * n + i];
    return product;
}

/* log |det a| of a, which is overwritten. */
static real __attribute__((unused)) log_determinant(real *a, int *order, int n)
{
    if (!eliminated(a, order, n)) return -(real)INFINITY;
    real sum = R(0.0);
    for (int i = 0; i < n; i++) sum += log_(abs_(a[i * n + i]));
    return sum;
}

static inline real __attribute__((unused)) dot(const real *p, const real *q, int count)
{
    real sum = R(0.0);
    for (int i = 0; i < count; i++) sum += p[i] * q[i];
    return sum;
}

/* p and q rotated by the angle of this tangent. */
static inline void __attribute__((unused)) rotate(
    real *restrict p, real *restrict q, int count, real tangent)
{
    const real cosine = R(1.0) / STANDARD(sqrt)(R(1.0) + tangent * tangent);
    for (int i = 0; i < count; i++) {
        const real x = p[i], y = q[i];
        p[i] = cosine * (x - tangent * y);
        q[i] = cosine * (tangent * x + y);
    }
}

/* Rotates the lines of w, two at a time, until all are orthogonal but for `rounding`, and those of
   the square v with them (Hestenes, Inversion of matrices by biorthogonalization, 1958). */
static void __attribute__((unused)) orthogonalise(
    real *restrict w, real *restrict v, int lines, int length, real rounding)
{
    int rotated = 1;
    for (int sweep = 0; rotated && sweep < 60; sweep++) {
        rotated = 0;
        for (int k = 1; k < lines; k++)
            for (int l = 0; l < k; l++) {
                real *const p = w + (ptrdiff_t)l * length, *const q = w + (ptrdiff_t)k * length;
                const real pp = dot(p, p, length), qq = dot(q, q, length), pq = dot(p, q, length);
                if (abs_(pq) <= rounding * STANDARD(sqrt)(pp) * STANDARD(sqrt)(qq)) continue;
                const real z = (qq - pp) / (R(2.0) * pq), size = abs_(z);
                const real root = size < R(1e6) ? STANDARD(sqrt)(R(1.0) + z * z) : size;
                const real tangent = STANDARD(copysign)(R(1.0) / (size + root), z);
                rotate(p, q, length, tangent);
                rotate(v + (ptrdiff_t)l * lines, v + (ptrdiff_t)k * lines, lines, tangent);
                rotated = 1;
            }
    }
}

/* The pseudoinverse x of a, in which singular values that are 0 but for rounding count as 0; NaN
   everywhere where an entry of a is not finite. w has room for a, v for the square of its shorter
   side. */
static void __attribute__((unused)) pseudoinverse(
    real *restrict x, const real *restrict a, real *restrict w, real *restrict v, int rows,
    int columns)
{
    const int wide = rows < columns, lines = wide ? rows : columns, length = wide ? columns : rows;
    const real rounding = (real)length * (REAL_BITS == 64 ? R(0x1p-52) : R(0x1p-23));
    real most = R(0.0), largest = R(0.0);
    int finite = 1;
    for (int i = 0; i < rows * columns; i++) {
        finite = finite && abs_(a[i]) < (real)INFINITY;
        most = abs_(a[i]) > most ? abs_(a[i]) : most;
    }
    for (int i = 0; i < rows * columns; i++) x[i] = finite ? R(0.0) : (real)NAN;
    if (!finite || most == R(0.0)) return;
    for (int p = 0; p < lines; p++) {
        for (int i = 0; i < length; i++)
            w[p * length + i] = (wide ? a[p * columns + i] : a[i * columns + p]) / most;
        for (int i = 0; i < lines; i++) v[p * lines + i] = (real)(i == p);
    }
    orthogonalise(w, v, lines, length, rounding);
    for (int p = 0; p < lines; p++) {
        const real square = dot(w + p * length, w + p * length, length);
        largest = square > largest ? square : largest;
    }
    for (int p = 0; p < lines; p++) {
        const real square = dot(w + p * length, w + p * length, length);
        if (square <= rounding * rounding * largest) continue;
        for (int i = 0; i < length; i++)
            for (int j = 0; j < lines; j++)
                x[wide ? i * lines + j : j * length + i]
                    += v[p * lines + j] * (w[p * length + i] / square) / most;
    }
}
