"""Names of a problem as identifiers of C."""

from __future__ import annotations

import re
import unicodedata

from diagrad.compile.c_functions import FUNCTIONS, LIBRARY
from diagrad.compile.in_numpy import new_name

# Keywords, types, macros and functions of the headers that are included, and of those that CBLAS
# may include.
KEYWORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while alignas alignof bool constexpr false nullptr static_assert
    thread_local true typeof typeof_unqual asm fortran
"""
NAMES = """
    NULL NAN INFINITY HUGE HUGE_VAL HUGE_VALF HUGE_VALL I complex imaginary offsetof size_t
    ptrdiff_t wchar_t max_align_t float_t double_t math_errhandling MATH_ERRNO MATH_ERREXCEPT
    fpclassify isfinite isinf isnan isnormal signbit isgreater isgreaterequal isless islessequal
    islessgreater isunordered iszero issubnormal iscanonical issignaling MAXFLOAT DOMAIN SING
    OVERFLOW UNDERFLOW PLOSS TLOSS X_TLOSS SNAN SNANF SNANL CMPLX CMPLXF CMPLXL errno unix linux
    i386 sun vax near far erfc blasint
"""
PREFIXES = ("_", "M_", "FP_", "cblas_", "CBLAS", "Cblas", "OPENBLAS", "openblas_", "BLAS", "MKL")
RESERVED = frozenset(
    (
        *(*KEYWORDS.split(), *NAMES.split(), *FUNCTIONS),
        *(name + suffix for name in LIBRARY.values() for suffix in ("", "f")),
    )
)


def identifier(name: str, taken: set[str]) -> str:
    """A name as C has it, that is not taken."""
    plain = unicodedata.normalize("NFKD", name)
    letters = (c if c.isascii() and (c.isalnum() or c == "_") else f"u{ord(c):04x}" for c in plain)
    name = re.sub(r"^(?=\d)", "value", "".join(letters)) or "value"
    if name.startswith(PREFIXES):
        name = f"v{name}" if name.startswith("_") else f"v_{name}"
    return new_name(name, taken)
