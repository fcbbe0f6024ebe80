"""The functions of functions.c against values computed with more digits: how far off they are, in
units in the last place, and what becomes of zeros, infinities, NaN and the ends of the range."""

from __future__ import annotations

import ctypes
import decimal
import math
from decimal import Decimal

import numpy as np
import pytest

from diagrad.compile.build import library
from diagrad.compile.c import resource

pytestmark = pytest.mark.usefixtures("compiles")

# Units in the last place, as functions.c states them. Where a value is smaller than every normal
# number, any error up to the smallest normal number is allowed.
STATED = {"exp": 1.5, "log": 1.5, "tanh": 3.0, "sigmoid": 2.6, "softplus": 2.0}
# Where exp overflows, leaves the normal range, and underflows.
EDGES = {
    np.float64: [709.782712893384, 709.7827128933841, 710.5, -708.39641853, -708.4, -745.2, -746],
    np.float32: [88.72283, 88.72284, 89.5, -87.33654, -87.4, -103.97, -104],
}
UNIT = """
void each_{name}(const real *x, real *y, int count);
void each_{name}(const real *x, real *y, int count)
{{
    for (int k = 0; k < count; k++) y[k] = {name}_(x[k]);
}}
"""
WIDE = decimal.Context(prec=60, Emax=9999999, Emin=-9999999, traps=[])
SMALL = Decimal("1e-15")


def unit(real: str, width: int, suffix: str) -> str:
    head = f"typedef {real} real;\n#define REAL_BITS {width}\n#define R(x) x{suffix}\n"
    return "\n".join([head, resource("functions.c"), *(UNIT.format(name=n) for n in STATED)])


@pytest.fixture(scope="module")
def each(compiles):
    """A function of C on every entry of an array."""
    libraries = {
        np.dtype(np.float64): library(unit("double", 64, "")),
        np.dtype(np.float32): library(unit("float", 32, "##f")),
    }

    def values(name, x):
        y = np.empty_like(x)
        function = getattr(libraries[x.dtype], f"each_{name}")
        function(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), x.size)
        return y

    return values


@pytest.fixture
def wide():
    with decimal.localcontext(WIDE):
        yield


def exactly(name: str, x: float) -> Decimal:
    """The value with 40 digits or more."""
    z = Decimal(x)
    match name:
        case "exp":
            return z.exp()
        case "log":
            return z.ln()
        case "tanh":
            e = (-2 * abs(z)).exp()
            return z - z**3 / 3 if abs(z) < SMALL else ((1 - e) / (1 + e)).copy_sign(z)
        case "sigmoid":
            return 1 / (1 + (-z).exp())
        case "softplus":
            e = (-abs(z)).exp()
            return max(z, Decimal(0)) + (e - e * e / 2 if e < SMALL else (1 + e).ln())
    raise AssertionError(name)


def in_double(name: str, x):
    """The value in double precision, which is exact for single precision."""
    with np.errstate(all="ignore"):
        match name:
            case "exp" | "log" | "tanh":
                return getattr(np, name)(x)
            case "sigmoid":
                return 1 / (1 + np.exp(-x))
            case "softplus":
                return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))
    raise AssertionError(name)


def arguments(name: str, dtype, count: int):
    """Of every size that the type has, of the size of numbers in a network, and the edges."""
    rng, info = np.random.default_rng(3), np.finfo(dtype)
    exponents = rng.uniform(info.minexp - info.nmant, info.maxexp, count)
    spread = np.exp2(exponents, dtype=np.float64).astype(dtype)
    dense = [rng.uniform(-edge, edge, count) for edge in (1, 8, 40, max(EDGES[dtype]) + 1)]
    special = [info.tiny, info.smallest_subnormal, info.max, 1, 1 - info.epsneg, 1 + info.eps]
    one = np.concatenate([spread, *dense, special, EDGES[dtype]]).astype(dtype)
    both = np.concatenate([one, -one])
    both = both[np.isfinite(both) & (both != 0)]
    return both[both > 0] if name == "log" else both


def unit_in_the_last_place(value: float, info: np.finfo) -> float:
    exponent = max(math.frexp(value)[1] - 1, info.minexp)
    return math.ldexp(1.0, exponent - info.nmant)


@pytest.mark.parametrize("name", STATED)
def test_float64_is_within_the_stated_units_in_the_last_place(each, name, wide):
    info = np.finfo(np.float64)
    x = arguments(name, np.float64, 300)
    largest = Decimal(float(info.max))
    for at, got in zip(x.tolist(), each(name, x).tolist(), strict=True):
        want = exactly(name, at)
        if abs(want) > largest:
            assert got == math.inf, (at, got)
            continue
        error = abs(Decimal(got) - want)
        unit = Decimal(unit_in_the_last_place(float(want), info))
        least = Decimal(2 * float(info.tiny))
        allowed = Decimal(STATED[name]) * unit if abs(want) >= least else least
        assert error <= allowed, (at, got, float(error / unit))


@pytest.mark.parametrize("name", STATED)
def test_float32_is_within_the_stated_units_in_the_last_place(each, name):
    info = np.finfo(np.float32)
    x = arguments(name, np.float32, 100_000)
    got, want = each(name, x), in_double(name, x.astype(np.float64))
    finite = abs(want) <= info.max
    assert np.all(got[~finite] == np.inf)
    got, want, x = got[finite].astype(np.float64), want[finite], x[finite]
    unit = np.exp2(np.maximum(np.frexp(want)[1] - 1, info.minexp) - float(info.nmant))
    least = 2 * float(info.tiny)
    allowed = np.where(abs(want) >= least, STATED[name] * unit, least)
    worst = np.argmax(abs(got - want) / allowed)
    error = abs(got - want)[worst]
    assert error <= allowed[worst], (x[worst], got[worst], error / unit[worst])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_zeros_infinities_and_nan_are_as_mathematics_has_them(each, dtype):
    inf, nan = np.inf, np.nan
    x = np.array([0.0, -0.0, inf, -inf, nan], dtype)
    expected = {
        "exp": [1, 1, inf, 0, nan],
        "log": [-inf, -inf, inf, nan, nan],
        "tanh": [0.0, -0.0, 1, -1, nan],
        "sigmoid": [0.5, 0.5, 1, 0, nan],
        "softplus": [math.log(2), math.log(2), inf, 0, nan],
    }
    for name, values in expected.items():
        want, got = np.array(values, dtype), each(name, x)
        np.testing.assert_allclose(got, want, rtol=2 * np.finfo(dtype).eps, err_msg=name)
        if name == "tanh":
            assert np.signbit(got).tolist()[:4] == [False, True, False, True]
    assert np.isnan(each("log", np.array([-1, -np.finfo(dtype).max], dtype))).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "softplus"])
def test_exponentials_stay_in_their_range_everywhere(each, name, dtype):
    y = each(name, np.sort(arguments(name, dtype, 20_000)))
    low, high = {"tanh": (-1, 1), "sigmoid": (0, 1)}.get(name, (0, np.inf))
    assert np.all(y >= low) and np.all(y <= high)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_vector_and_a_single_number_give_the_same(each, dtype):
    """The rest of a loop that vectors do not fill is computed one by one."""
    x = np.linspace(-20, 20, 37).astype(dtype)
    for name in STATED:
        argument = abs(x) + 0.1 if name == "log" else x
        whole = each(name, argument)
        single = [each(name, argument[k : k + 1])[0] for k in range(len(x))]
        np.testing.assert_array_almost_equal_nulp(np.array(single), whole, 1)
