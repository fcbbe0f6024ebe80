"""Functions that C code brings with it, each only where it is used: printed code those of entries
and of matrices, compiled code, which has vectors of entries, those of matrices."""

from __future__ import annotations

import re
from collections.abc import Iterable

# In the order in which they may call each other.
FUNCTIONS = {
    "square": """\
static double square(double x)
{
    return x * x;
}
""",
    "sigmoid": """\
/* 1 / (1 + exp(-x)), without overflow. */
static double sigmoid(double x)
{
    const double e = exp(-fabs(x));
    return (x >= 0.0 ? 1.0 : e) / (1.0 + e);
}
""",
    "softplus": """\
/* log(1 + exp(x)), without overflow. */
static double softplus(double x)
{
    return (x > 0.0 ? x : 0.0) + log1p(exp(-fabs(x)));
}
""",
    "relu": """\
static double relu(double x)
{
    return x <= 0.0 ? 0.0 : x;
}
""",
    "step": """\
static double step(double x)
{
    return x > 0.0 ? 1.0 : 0.0;
}
""",
    "sign": """\
static double sign(double x)
{
    return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x;
}
""",
    "gelu": """\
/* x times the distribution function of the normal distribution. */
static double gelu(double x)
{
    return 0.5 * x * erfc(-0.7071067811865476 * x);
}
""",
    "larger": """\
/* The larger one; not a number where one is not. */
static double larger(double a, double b)
{
    return b > a || isnan(b) ? b : a;
}
""",
    "smaller": """\
/* The smaller one; not a number where one is not. */
static double smaller(double a, double b)
{
    return b < a || isnan(b) ? b : a;
}
""",
    "eliminate": """\
/* Gauss's elimination of the n x n matrix a with partial pivoting, and of the n x m matrix x along
   with it. The sign of the exchange of rows, 0 where a has no inverse. */
static int eliminate(double *a, double *x, size_t n, size_t m)
{
    int exchanged = 1;
    for (size_t k = 0; k < n; k++) {
        size_t best = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[best * n + k]))
                best = i;
        if (a[best * n + k] == 0.0)
            return 0;
        if (best != k) {
            exchanged = -exchanged;
            for (size_t j = 0; j < n; j++) {
                const double swapped = a[k * n + j];
                a[k * n + j] = a[best * n + j];
                a[best * n + j] = swapped;
            }
            for (size_t j = 0; j < m; j++) {
                const double swapped = x[k * m + j];
                x[k * m + j] = x[best * m + j];
                x[best * m + j] = swapped;
            }
        }
        for (size_t i = k + 1; i < n; i++) {
            const double c = a[i * n + k] / a[k * n + k];
            for (size_t j = k; j < n; j++)
                a[i * n + j] -= c * a[k * n + j];
            for (size_t j = 0; j < m; j++)
                x[i * m + j] -= c * x[k * m + j];
        }
    }
    return exchanged;
}
""",
    "inverse": """\
/* The inverse of the n x n matrix a, which is overwritten; not a number where there is none. */
static void inverse(double *x, double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            x[i * n + j] = i == j ? 1.0 : 0.0;
    if (!eliminate(a, x, n, n)) {
        for (size_t i = 0; i < n * n; i++)
            x[i] = NAN;
        return;
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            for (size_t j = 0; j < n; j++)
                x[i * n + j] -= a[i * n + k] * x[k * n + j];
        for (size_t j = 0; j < n; j++)
            x[i * n + j] /= a[i * n + i];
    }
}
""",
    "determinant": """\
/* The determinant of the n x n matrix a, which is overwritten. */
static double determinant(double *a, size_t n)
{
    double product = eliminate(a, a, n, 0);
    for (size_t i = 0; i < n && product != 0.0; i++)
        product *= a[i * n + i];
    return product;
}
""",
    "log_determinant": """\
/* log |det a| of the n x n matrix a, which is overwritten. */
static double log_determinant(double *a, size_t n)
{
    double sum = 0.0;
    if (!eliminate(a, a, n, 0))
        return -INFINITY;
    for (size_t i = 0; i < n; i++)
        sum += log(fabs(a[i * n + i]));
    return sum;
}
""",
    "cholesky": """\
/* The lower triangular x with x x^T = (a + a^T) / 2; not a number where that is not positive. */
static void cholesky(double *x, const double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double rest = (a[i * n + j] + a[j * n + i]) / 2.0;
            for (size_t k = 0; k < j && j <= i; k++)
                rest -= x[i * n + k] * x[j * n + k];
            x[i * n + j] = j > i ? 0.0 : j < i ? rest / x[j * n + j] : sqrt(rest);
        }
    for (size_t i = 0; i < n; i++)
        if (!(x[i * n + i] > 0.0)) {
            for (size_t k = 0; k < n * n; k++)
                x[k] = NAN;
            return;
        }
}
""",
    "dot": """\
static double dot(const double *p, const double *q, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += p[i] * q[i];
    return sum;
}
""",
    "rotate": """\
/* p and q, of n entries, rotated by the angle of this tangent. */
static void rotate(double *p, double *q, size_t n, double tangent)
{
    const double cosine = 1.0 / sqrt(1.0 + tangent * tangent);
    for (size_t i = 0; i < n; i++) {
        const double x = p[i], y = q[i];
        p[i] = cosine * (x - tangent * y);
        q[i] = cosine * (tangent * x + y);
    }
}
""",
    "orthogonalise": """\
/* Rotates the k lines of w, of n entries each, two at a time, until all are orthogonal but for
   rounding, and those of the k x k matrix v with them (Hestenes, Inversion of matrices by
   biorthogonalization, 1958). */
static void orthogonalise(double *w, double *v, size_t k, size_t n, double rounding)
{
    int rotated = 1;
    for (size_t sweep = 0; rotated && sweep < 60; sweep++) {
        rotated = 0;
        for (size_t j = 1; j < k; j++)
            for (size_t i = 0; i < j; i++) {
                double *p = w + i * n, *q = w + j * n;
                const double pp = dot(p, p, n), qq = dot(q, q, n), pq = dot(p, q, n);
                if (fabs(pq) <= rounding * sqrt(pp) * sqrt(qq))
                    continue;
                const double z = (qq - pp) / (2.0 * pq), size = fabs(z);
                const double root = size < 1000000.0 ? sqrt(1.0 + z * z) : size;
                const double tangent = (z < 0.0 ? -1.0 : 1.0) / (size + root);
                rotate(p, q, n, tangent);
                rotate(v + i * k, v + j * k, k, tangent);
                rotated = 1;
            }
    }
}
""",
    "pseudoinverse": """\
/* The pseudoinverse x of the m x n matrix a, in which singular values that are 0 but for rounding
   count as 0; not a number where an entry of a is not finite. There is room for a in w, and for the
   square of its shorter side in v. */
static void pseudoinverse(double *x, const double *a, double *w, double *v, size_t m, size_t n)
{
    const size_t lines = m < n ? m : n, length = m < n ? n : m;
    const double rounding = (double)length * (nextafter(1.0, 2.0) - 1.0);
    double most = 0.0, largest = 0.0;
    int finite = 1;
    for (size_t i = 0; i < m * n; i++) {
        finite = finite && isfinite(a[i]);
        most = fabs(a[i]) > most ? fabs(a[i]) : most;
    }
    for (size_t i = 0; i < m * n; i++)
        x[i] = finite ? 0.0 : NAN;
    if (!finite || most == 0.0)
        return;
    for (size_t p = 0; p < lines; p++) {
        for (size_t i = 0; i < length; i++)
            w[p * length + i] = (m < n ? a[p * n + i] : a[i * n + p]) / most;
        for (size_t i = 0; i < lines; i++)
            v[p * lines + i] = i == p ? 1.0 : 0.0;
    }
    orthogonalise(w, v, lines, length, rounding);
    for (size_t p = 0; p < lines; p++) {
        const double square = dot(w + p * length, w + p * length, length);
        largest = square > largest ? square : largest;
    }
    for (size_t p = 0; p < lines; p++) {
        const double square = dot(w + p * length, w + p * length, length);
        for (size_t i = 0; i < length && square > rounding * rounding * largest; i++)
            for (size_t j = 0; j < lines; j++)
                x[m < n ? i * lines + j : j * length + i]
                    += v[p * lines + j] * (w[p * length + i] / square) / most;
    }
}
""",
}
# Those of matrices, by the word of the language.
LINEAR_ALGEBRA = {
    "inv": "inverse",
    "det": "determinant",
    "logdet": "log_determinant",
    "cholesky": "cholesky",
    "pinv": "pseudoinverse",
}
NEEDS = {
    **dict.fromkeys(("inverse", "determinant", "log_determinant"), ("eliminate",)),
    "pseudoinverse": ("dot", "rotate", "orthogonalise"),
}
# Those of the C library that are called, by the word of the language.
LIBRARY = {
    name: name
    for name in "exp log sqrt tanh sin cos tan sinh cosh erf log1p expm1 pow".split()  # noqa: SIM905
} | {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "abs": "fabs"}
CALLED = re.compile(rf"\b({'|'.join([*LIBRARY.values(), 'erfc', 'nextafter'])})\(")
NUMBER = re.compile(r"\b\d+\.\d+\b")


def texts(names: Iterable[str], single: bool) -> list[str]:
    """The functions of these names and those that they need."""
    wanted = set(names)
    wanted.update(*(NEEDS.get(name, ()) for name in names))
    found = [text for name, text in FUNCTIONS.items() if name in wanted]
    return [_as_float(text) for text in found] if single else found


def _as_float(text: str) -> str:
    text = CALLED.sub(r"\1f(", text.replace("double", "float"))
    return NUMBER.sub(r"\g<0>f", text)
