/* Functions of entries, written so that compilers vectorise the loops that call them.

   exp, log and tanh: the argument is reduced by powers of 2, and a polynomial or a fraction of two
   that interpolates at Chebyshev's nodes does the rest. Errors, in units in the last place
   (tests/test_compile_functions measures them): exp 1.5, log 1.5, tanh 3, sigmoid 2.6, softplus 2.
   Where exp would be below twice the smallest normal number it is 0. Overflow, NaN and infinities
   come out as from the C library. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ALIGNED __attribute__((aligned(64)))
#define PURE static inline __attribute__((unused, always_inline))

#if REAL_BITS == 64
typedef int64_t whole;
typedef uint64_t bits;
#define STANDARD(name) name
#define MANTISSA 52
#define BIAS 1023.0
#define SHIFTER 0x1.8p52
#define EXP_MOST 710.0
#define EXP_LEAST (-707.7032713652975)
#define LN2_HIGH 0x1.62e42fep-1
#define LN2_LOW 1.8206359985041462e-09
#define ROOT_HALF 0x3fe6a09e667f3bcdu
#define ONE 0x3ff0000000000000u
#define NORMAL 0x1p-1022
#define UP 0x1p54
#define UP_EXPONENT 54.0
#else
typedef int32_t whole;
typedef uint32_t bits;
#define STANDARD(name) name##f
#define MANTISSA 23
#define BIAS 127.0f
#define SHIFTER 0x1.8p23f
#define EXP_MOST 89.0f
#define EXP_LEAST (-86.64339f)
#define LN2_HIGH 0.693145751953125f
#define LN2_LOW 1.4286068203094173e-06f
#define ROOT_HALF 0x3f3504f3u
#define ONE 0x3f800000u
#define NORMAL 0x1p-126f
#define UP 0x1p25f
#define UP_EXPONENT 25.0f
#endif

/* Of an entry or of a vector; its text stands once, for squares of squares are no rarity. */
#define SQUARE(x) __extension__({ __auto_type x_ = (x); x_ * x_; })

PURE bits bits_of(real x) { bits b; memcpy(&b, &x, sizeof b); return b; }
PURE real real_of(bits b) { real x; memcpy(&x, &b, sizeof x); return x; }

/* x to a whole power that is at least 1. */
PURE real whole_power(real x, int n)
{
    real y = R(1.0);
    for (; n > 1; n >>= 1) {
        if (n & 1) y *= x;
        x *= x;
    }
    return x * y;
}

/* 2^n for a whole n in the range of normal numbers. */
PURE real two_to(real n)
{
    return real_of(bits_of(n + (SHIFTER + BIAS)) << MANTISSA);
}

/* exp(r) - 1 for |r| <= log(2)/2. */
PURE real exp_rest(real r)
{
#if REAL_BITS == 64
    const real r2 = r * r, r4 = r2 * r2;
    const real a = 0.5000000000000001 + r * 0.16666666666666669;
    const real b = 0.041666666666623824 + r * 0.008333333333330039;
    const real c = 0.0013888888917367081 + r * 0.00019841269863171557;
    const real d = 2.4801521057868204e-05 + r * 2.7557268276905696e-06;
    const real e = 2.7620201591031547e-07 + r * 2.5100472505694996e-08;
    return r + r2 * ((a + r2 * b) + r4 * ((c + r2 * d) + r4 * e));
#else
    const real r2 = r * r;
    const real a = 0.5f + r * 0.166665767f;
    const real b = 0.0416665542f + r * 0.00836323288f;
    return r + r2 * (a + r2 * (b + r2 * 0.00139262508f));
#endif
}

PURE real exp_(real x)
{
    x = x > EXP_MOST ? EXP_MOST : x;
    const real n = (x * R(1.4426950408889634) + SHIFTER) - SHIFTER;
    const real p = exp_rest((x - n * LN2_HIGH) - n * LN2_LOW);
    const real half = two_to(n - R(1.0)), y = half + half * p;
    return x < EXP_LEAST ? R(0.0) : y + y;
}

/* exp(x) - 1 for x <= 0. */
PURE real expm1_below(real x)
{
    x = x < R(-60.0) ? R(-60.0) : x;
    const real n = (x * R(1.4426950408889634) + SHIFTER) - SHIFTER;
    const real p = exp_rest((x - n * LN2_HIGH) - n * LN2_LOW);
    const real scale = two_to(n);
    return (scale - R(1.0)) + scale * p;
}

PURE real log_(real x)
{
    const int tiny = x < NORMAL;
    const real scaled = tiny ? x * UP : x;
    const bits b = bits_of(scaled) + (ONE - ROOT_HALF);
    const real e = (real)(whole)(b >> MANTISSA) - BIAS - (tiny ? UP_EXPONENT : R(0.0));
    const real m = real_of((b & (((bits)1 << MANTISSA) - 1)) + ROOT_HALF);
    const real f = m - R(1.0), s = f / (R(2.0) + f), z = s * s, half = R(0.5) * f * f;
#if REAL_BITS == 64
    const real z2 = z * z;
    const real a = 0.666666666666667 + z * 0.39999999999899444;
    const real c = 0.2857142862600327 + z * 0.22222211130259878;
    const real d = 0.18182889455674947 + z * 0.15331710618210773;
    const real rest = z * (a + z2 * (c + z2 * (d + z2 * 0.14616585424888623)));
#else
    const real rest = z * ((0.666666666f + z * 0.400001219f) + z * z * (0.285508166f + z * 0.233305819f));
#endif
    const real y = e * LN2_HIGH + (f - (half - (s * (half + rest) + e * LN2_LOW)));
    const real special = x == R(0.0) ? -(real)INFINITY : (real)NAN;
    return x > R(0.0) ? (x < (real)INFINITY ? y : x) : special;
}

PURE real abs_(real x) { return STANDARD(fabs)(x); }

/* x, no farther away from 0 than `most`. */
PURE real at_most(real x, real most)
{
    const real size = abs_(x);
    return STANDARD(copysign)(size > most ? most : size, x);
}

PURE real tanh_(real x)
{
    const real t = expm1_below(R(-2.0) * abs_(x));
    return STANDARD(copysign)(-t / (t + R(2.0)), x);
}

/* exp(y) = 2^n (q + p) / (q - p) where p / q is tanh(r / 2) for the rest r: a division that stands
   here anyway saves half of the polynomial. */
PURE real sigmoid_(real x)
{
    const real y = at_most(-x, -EXP_LEAST);
    const real n = (y * R(1.4426950408889634) + SHIFTER) - SHIFTER;
    const real r = (y - n * LN2_HIGH) - n * LN2_LOW, z = r * r;
#if REAL_BITS == 64
    const real p = r + r * z * (6.60873854216536e-05 * z + 0.02777476467114725);
    const real q = (0.001983524438526506 * z + 0.22221619600895712) * z + 2.0;
#else
    const real p = r + r * z * 0.0166452126f;
    const real q = 0.199956931f * z + 2.0f;
#endif
    const real under = q - p;
    return x < EXP_LEAST ? R(0.0) : under / (under + two_to(n) * (q + p));
}

/* log(1 + x) for 0 <= x <= 1. */
PURE real log1p_up_to_one(real x)
{
    const real u = R(1.0) + x;
    return log_(u) + (x - (u - R(1.0))) / u;
}

PURE real relu_(real x) { return x <= R(0.0) ? R(0.0) : x; }
PURE real softplus_(real x) { return relu_(x) + log1p_up_to_one(exp_(-abs_(x))); }
PURE real step_(real x) { return x > R(0.0) ? R(1.0) : R(0.0); }
PURE real sign_(real x) { return x > R(0.0) ? R(1.0) : x < R(0.0) ? R(-1.0) : x; }
PURE real gelu_(real x)
{
    return R(0.5) * x * STANDARD(erfc)(x * R(-0.70710678118654752440));
}

PURE real larger(real a, real b) { return b > a || b != b ? b : a; }
PURE real smaller(real a, real b) { return b < a || b != b ? b : a; }
