"""Operations on whole tensors in C: what no loop of a schedule does."""

from __future__ import annotations

from collections.abc import Callable

from diagrad.compile.c.text import Scope, indented, strides_of, variable
from diagrad.compile.c_functions import LINEAR_ALGEBRA
from diagrad.compile.digits import RESHAPED
from diagrad.compile.statements import LOCAL, Buffer, Library, Unwritten
from diagrad.operations.extremes import FIRST, SHARED
from diagrad.operations.factorisations import CHOLESKY, LOWER_ONES

# Loops over the axes along which one was chosen.
Each = Callable[[list[str]], list[str]]


def written(statement: Library, scope: Scope, scratch: Callable[[Buffer], str]) -> list[str]:
    """The lines of an operation; `scratch` gives room for a copy of a tensor. Raises Unwritten."""
    word = statement.head.operation.name
    target, *of = (scope.called[b] for b in (statement.target, *statement.arguments))
    sizes = [size.evaluate(scope.sizes) for size in statement.arguments[0].axes]
    if word == RESHAPED.name:
        return [f"memcpy({target}, {of[0]}, {scope.count(statement.target)} * sizeof(real));"]
    if statement.head.operation in CHOSEN:
        return _chosen(statement, target, of, sizes)
    if statement.head.operation is LOWER_ONES:
        return _loops([0, 1], sizes, [f"{target}[{sizes[1]} * i0 + i1] = (real)(i1 <= i0);"])
    if word not in LINEAR_ALGEBRA or len(sizes) != 2:
        raise Unwritten(word)
    matrix, order = statement.arguments[0], sizes[0]
    if word == CHOLESKY.name:
        return [f"cholesky({target}, {of[0]}, {order});"]
    copy = scratch(matrix)
    if word == "pinv":
        short = matrix.axes[sizes[0] > sizes[1]]
        rotations = scratch(Buffer("", (short, short), LOCAL))
        return [f"pseudoinverse({target}, {of[0]}, {copy}, {rotations}, {order}, {sizes[1]});"]
    function = LINEAR_ALGEBRA[word]
    inverse = bool(statement.target.axes)
    call = f"{function}({target}, {copy}, {order})" if inverse else f"{function}({copy}, {order})"
    return [
        f"memcpy({copy}, {of[0]}, {order**2} * sizeof(real));",
        f"{call};" if inverse else f"{target}[0] = {call};",
    ]


def _chosen(statement: Library, target: str, of: list[str], sizes: list[int]) -> list[str]:
    """Entries that say, along some axes, which ones were chosen."""
    along = list(statement.head.parameters)
    kept = [axis for axis in range(len(sizes)) if axis not in along]
    strides = strides_of([sizes[axis] for axis in kept])
    chosen = " + ".join(f"{s} * {variable(k)}" for k, s in zip(kept, strides, strict=True)) or "0"
    place = " + ".join(f"{s} * {variable(k)}" for k, s in enumerate(strides_of(sizes)))

    def each(lines: list[str]) -> list[str]:
        return _loops(along, sizes, lines)

    entry, largest = f"{of[0]}[{place}]", f"{of[1]}[{chosen}]"
    body = CHOSEN[statement.head.operation](target, place, entry, largest, each)
    return _loops(kept, sizes, body) if kept else ["{", *indented(body), "}"]


def _first(target: str, place: str, entry: str, largest: str, each: Each) -> list[str]:
    """1 at the first entry that is nearest to the one that was chosen."""
    inner = [
        f"const real far = abs_({entry} - {largest});",
        f"{target}[{place}] = R(0.0);",
        # What is not a number is the nearest, as for NumPy.
        "const int nearer = first < 0 || far < least || (far != far && least == least);",
        f"if (nearer) {{ least = far; first = {place}; }}",
    ]
    return [
        "real least = R(0.0);",
        "int first = -1;",
        *each(inner),
        f"if (first >= 0) {target}[first] = R(1.0);",
    ]


def _shared(target: str, place: str, entry: str, largest: str, each: Each) -> list[str]:
    """1 at the entries that equal the one that was chosen, over their number."""
    near = f"{entry} == {largest} || abs_({entry} - {largest}) <= R(1e-12) * abs_({largest})"
    return [
        "real count = R(0.0);",
        *each([f"count += {target}[{place}] = (real)({near});"]),
        *each([f"{target}[{place}] /= count;"]),
    ]


CHOSEN = {FIRST: _first, SHARED: _shared}


def _loops(axes: list[int], sizes: list[int], body: list[str]) -> list[str]:
    for axis in reversed(axes):
        i = variable(axis)
        head = f"for (int {i} = 0; {i} < {sizes[axis]}; {i}++) {{"
        body = [head, *indented(body), "}"]
    return body
