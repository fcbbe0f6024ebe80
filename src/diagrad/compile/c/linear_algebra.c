/* Linear algebra on square matrices, row-major, by elimination with partial pivoting. */

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
