"""The words of a page: shapes, facts, conventions, layouts. All sentences are Unicode."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from diagrad.dimensions import UNIT, Size, is_row, is_scalar, is_vector
from diagrad.expression import Apply, Expression, Symbol, walk
from diagrad.language import Source
from diagrad.language.source import Declaration
from diagrad.operations.elementwise import Elementwise
from diagrad.operations.room import entry_text
from diagrad.show import Names, printed

FACTS = {
    "onehot": "one-hot",
    "simplex": "sums to 1",
    "prob": "entries in (0, 1)",
    "pm1": "entries ±1",
    "positive": "positive",
    "nonneg": "≥ 0",
    "spd": "symmetric positive definite",
    "lower": "lower triangular",
    "upper": "upper triangular",
}


# Where a formula at the beginning of a sentence ends; a comma in brackets is a part of it.
ENDS = re.compile(r"[;.,]\s(?![^(]*\))|\.$")


def shape_words(shape: Sequence[object], names: Names) -> str:
    """1×Dx with the dimensions as they print; (H+1)×n; scalar."""
    sizes = [size_words(str(size), names) for size in shape]
    return "scalar" if set(sizes) == {"1"} else "×".join(sizes)


def size_words(size: str, names: Names) -> str:
    shown = re.sub(r"[^\W\d]\w*", lambda m: names.shown(m[0], "unicode"), size)
    shown = shown.replace("*", " ").replace("-", "−")
    return f"({shown})" if set(shown) & set(" +−") else shown


def facts_of(declaration: Declaration) -> str:
    """`one-hot`, `rows one-hot`."""
    matrix = not is_vector(declaration.shape)
    said = []
    for fact in sorted(declaration.facts):
        word = FACTS.get(fact, fact)
        if fact in ("onehot", "simplex") and matrix:
            along = "columns " if declaration.sums_along == 0 else "rows "
            word = along + word.replace("sums", "sum")
        said.append(word)
    return ", ".join(said)


def convention(source: Source, needed: Iterable[str]) -> str:
    """`row vectors`, `column vectors` or `N examples, one a row`, decided from what is declared."""
    declared = [d for name, d in source.variables.items() if name in set(needed)]
    examples = _examples(source, declared)
    vectors = {is_row(d.shape) for d in declared if is_vector(d.shape)}
    if examples or not vectors:
        return examples
    if len(vectors) == 2:
        return "rows and columns as declared"
    return "row vectors" if vectors == {True} else "column vectors"


def _examples(source: Source, declared: Sequence[Declaration]) -> str:
    """`N examples, one a row`, where labels or a mean say so."""
    for d in declared:
        if d.facts & {"onehot", "simplex"} and UNIT not in d.shape:
            axis = 1 if d.sums_along == 0 else 0
            return f"{d.shape[axis]} examples, one a {'column' if axis else 'row'}"
    matrices = [d.shape for d in declared if UNIT not in d.shape]
    counted = set(_divided_by(source))
    for axis, place in enumerate(("row", "column")):
        for shape in matrices:
            if str(shape[axis]) in counted:
                return f"{shape[axis]} examples, one a {place}"
    return ""


def _divided_by(source: Source) -> Iterator[str]:
    """The sizes that scalar definitions are divided by: N in ∑(…)/(2 N)."""
    for definition in source.definitions.values():
        for node in walk(definition.expression) if is_scalar(definition.expression.shape) else ():
            if isinstance(node, Apply) and node.operation.name == "/":
                divisor = node.operands[1]
                product = isinstance(divisor, Apply) and divisor.operation.name == "*"
                parts = divisor.operands if isinstance(divisor, Apply) and product else (divisor,)
                yield from (part.name for part in parts if isinstance(part, Symbol))


def remark_on(name: str, expression: Expression, names: Names) -> str:
    """How a function works on its operand, and what is added to every row."""
    if not isinstance(expression, Apply) or is_scalar(expression.shape):
        return ""
    operation, operands = expression.operation, expression.operands
    shown = [printed(operand, "unicode", names) for operand in operands]
    if isinstance(operation, Elementwise):
        return ", ".join(filter(None, ["entry by entry", _meaning(operation)]))
    if operation.name == "softmax" and UNIT not in expression.shape:
        down = expression.parameters[:1] == (0,)
        by = "column by column: " if down else "row by row: "
        return by + _softmax(names.shown(name, "unicode"), shown[0], "ij", "kj" if down else "ik")
    if operation.name == "softmax":
        return _softmax(names.shown(name, "unicode"), shown[0], "i", "k")
    if operation.name == "+" and UNIT in operands[1].shape and UNIT not in expression.shape:
        each = {True: "row", False: "column"}[is_row(operands[1].shape)]
        return "" if is_scalar(operands[1].shape) else f"{shown[1]} is added to every {each}"
    return ""


def _softmax(value: str, of: str, at: str, along: str) -> str:
    share = f"Σₖ exp({entry_text(of, along)})"
    return f"{entry_text(value, at)} = exp({entry_text(of, at)}) / {share}"


def _meaning(function: Elementwise) -> str:
    """σ(t) = 1 / (1 + e⁻ᵗ), where the room's summary begins with such a formula."""
    formula = ENDS.split(function.summary)[0].rpartition(" = ")[2]
    if not re.search(r"[|²ˣ(]", formula):
        return ""
    at = formula.replace("x", "t").replace("ˣ", "ᵗ").replace("mat(", "max(")
    return f"{function.word}(t) = {at.replace('etp', 'exp').replace('mat', 'max')}"


def of_differentials(of: str, vector: str, text: str, d: str = "d") -> Iterator[str]:
    """What the signs of the route by differentials mean: `of` is the scalar that is differentiated,
    `vector` what else is, each "" where there is none; `text` is that of the page, `d` the sign of
    a change."""
    yield f"{d}u is a small change of u; what has no {d} is held fixed"
    if of:
        paired = ", where ⟨A, B⟩ = Σᵢⱼ Aᵢⱼ Bᵢⱼ = tr(Aᵀ B)" if "⟨" in text else ""
        yield f"{d}{of} = ⟨∂{of}/∂u, {d}u⟩{paired}: what stands beside {d}u is the derivative"
    if vector:
        yield f"the derivative of {vector} by u is what stands before {d}u in {d}{vector}"
        if f"{d}{vector}ᵀ = " in text:
            yield f"rows stand there as columns, {d}{vector}ᵀ and {d}uᵀ"


def rank(shape: Sequence[object]) -> int:
    """0 for a scalar, 1 for a row or a column, 2 for a matrix."""
    return sum(str(size) != "1" for size in shape)


def kind(shape: Sequence[Size | str]) -> str:
    """ "row", "column", "matrix" or "scalar"."""
    rows, columns = (str(size) != "1" for size in shape)
    if rows and columns:
        return "matrix"
    return "column" if rows else "row" if columns else "scalar"


def listed(words: Sequence[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


COUNTED = {2: "both", 3: "all three", 4: "all four", 5: "all five", 6: "all six"}


def all_of(count: int) -> str:
    return COUNTED.get(count, f"all {count}")
