"""`problem(rng)`: a random well-typed problem and what to differentiate in it, as a `Case`."""

import random
import re
from dataclasses import dataclass

from .growth import grow
from .pieces import SCALAR, Piece, Shape, call, extent, is_vector, power, product, words
from .rules import RULES, spotlight
from .scope import Named, Scope
from .templates import attention, classic, junk, loss, network

IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
OPERATION = re.compile(r"\*\*|[-+*/@(]")
SIMPLE, LARGEST = 9, 1100


@dataclass(frozen=True)
class Case:
    """A problem and one request about it; `dims` as its declarations write them."""

    text: str
    of: str
    wrt: str | tuple[str, str]
    order: int
    layout: str
    dims: tuple[str, ...]

    def __str__(self) -> str:
        asked = f"# of={self.of!r} wrt={self.wrt!r} order={self.order} layout={self.layout!r}"
        return f"{self.text}{asked}"


def case(seed: int) -> Case:
    """The case of a seed."""
    return problem(random.Random(seed))


def problem(rng: random.Random) -> Case:
    """A random case; the same generator state gives the same case."""
    while True:
        scope = Scope(rng, RULES, budget=rng.choice([2, 3, 4, 4, 5, 6]))
        scope.dimensions = dimensions(scope)
        target, shape = body(scope)
        if (
            not 2 <= len(scope.variables) <= 6
            or len(target.text) > 240
            or undeclared(scope, target)
        ):
            continue
        request = asked(scope, target, shape)
        if request is not None:
            return request


def dimensions(scope: Scope) -> list[str]:
    rng = scope.rng
    names = [scope.fresh("dimension") for _ in range(rng.choice([1, 2, 3, 3, 4, 4]))]
    if len(names) > 1 and rng.random() < 0.1:
        names[-1] = rng.choice(["4", "3"])
    if len(names) > 1 and rng.random() < 0.06:
        names[-1] = rng.choice([f"{names[0]}+1", f"2*{names[0]}"])
    return names


def body(scope: Scope) -> tuple[Piece, Shape]:
    """The definitions, into `scope`, and the target with its shape."""
    rng = scope.rng
    style = rng.choices([network, attention, classic, junk, spotlight], [3, 0.6, 2, 4, 9])[0]
    target, shape = style(scope)
    if style in (network, attention) and rng.random() < 0.65:
        target, shape = loss(scope, target, shape), SCALAR
    if style in (network, attention) and rng.random() < 0.3:
        scope.fuel = 5
        target = product(target, grow(scope, SCALAR, 1))
    if shape not in (SCALAR,) and not is_vector(shape) and rng.random() < 0.35:
        target, shape = call(rng.choice(["sum", "mean", "norm"]), target), SCALAR
        target = power(target, "2") if rng.random() < 0.3 else target
    if rng.random() < 0.5:
        target = scope.define(target, shape)
    return target, shape


def undeclared(scope: Scope, target: Piece) -> bool:
    """Whether a dimension is used that no declaration has alone."""
    declared = {axis for named in scope.variables for axis in named.shape}
    texts = [target.text, *(text for _, text in scope.definitions), *declared]
    used = {name for text in texts for name in IDENTIFIER.findall(only_names(text))}
    names = {name for axis in scope.dimensions for name in IDENTIFIER.findall(axis)}
    return bool(names & used - declared)


def only_names(text: str) -> str:
    """The text without einsum's labels and without `.T`, which are no names."""
    return re.sub(r'"[^"]*"|\.T\b', "", text)


def reached(scope: Scope, text: str) -> set[str]:
    """Every name that a text depends on, through definitions too."""
    names = set(IDENTIFIER.findall(only_names(text)))
    for named, body_text in reversed(scope.definitions):
        if named.name in names:
            names |= set(IDENTIFIER.findall(only_names(body_text)))
    return names


def effort(scope: Scope, target: Piece, names: set[str]) -> int:
    """About how many operations lie on the way to the target."""
    texts = [target.text, *(text for named, text in scope.definitions if named.name in names)]
    return sum(len(OPERATION.findall(text)) for text in texts)


def asked(scope: Scope, target: Piece, shape: Shape) -> Case | None:
    """By what, how often and in which layout, as far as the contract gives a layout."""
    rng = scope.rng
    names = reached(scope, target.text)
    variables = [v for v in scope.variables if v.name in names]
    if not variables:
        return None
    weights = [0.25 if v.facts & {"pm1", "onehot"} else 1.0 for v in variables]
    wrt = rng.choices(variables, weights)[0]
    inner = [d for d, _ in scope.definitions if d.name in names and d.name != target.text]
    if inner and rng.random() < 0.2:
        wrt = rng.choice(inner)
    if rng.random() < 0.015:
        wrt = rng.choice(scope.variables)
    simple = effort(scope, target, names) <= SIMPLE or rng.random() < 0.02
    order = 2 if shape == SCALAR and simple and rng.random() < 0.4 else 1
    pair = wrt
    if order == 2 and wrt in variables and len(variables) > 1 and rng.random() < 0.25:
        pair = rng.choice([v for v in variables if v is not wrt])
    layouts = second_layouts(wrt, pair) if order == 2 else first_layouts(shape, wrt.shape)
    if not layouts or extent(wrt.shape, pair.shape if order == 2 else shape) > LARGEST:
        return None
    by = wrt.name if pair is wrt else (wrt.name, pair.name)
    used = {axis for v in scope.variables for axis in v.shape}
    dims = tuple(d for d in scope.dimensions if d in used)
    return Case(written(scope), target.text, by, order, rng.choice(layouts), dims)


def first_layouts(of: Shape, by: Shape) -> list[str]:
    """The layouts of a first derivative, the likelier ones repeated."""
    if by == SCALAR:
        return (
            ["auto"] * 4 + ["gradient"] * (of == SCALAR) + words("numerator denominator vec tensor")
        )
    if of == SCALAR:
        return ["auto"] * 4 + words("gradient numerator denominator vec tensor")
    if is_vector(of) and is_vector(by):
        return ["auto"] * 3 + words("numerator denominator vec tensor")
    return ["auto", "vec", "vec", "tensor"]


def second_layouts(first: Named, second: Named) -> list[str]:
    """The layouts of a Hessian."""
    shapes = {first.shape, second.shape}
    if shapes == {SCALAR}:
        return ["auto", "auto", "gradient", "numerator", "denominator", "vec", "tensor"]
    if all(s == SCALAR or is_vector(s) for s in shapes):
        return ["auto", "auto", "auto", "numerator", "denominator", "vec", "tensor"]
    return ["auto", "vec", "tensor"]


def written(scope: Scope) -> str:
    """The problem as text: declarations in any order, sometimes two on one line."""
    rng = scope.rng
    lines = [f"{name}: elementwise" for name in scope.functions]
    lines += [declaration(named) for named in scope.variables]
    rng.shuffle(lines)
    if rng.random() < 0.2 and len(lines) > 2:
        lines[:2] = ["; ".join(lines[:2])]
    if rng.random() < 0.15:
        lines.insert(0, "# a generated problem")
    lines += [f"{named.name} = {text}" for named, text in scope.definitions]
    return "\n".join(lines) + "\n"


def declaration(named: Named) -> str:
    m, n = named.shape
    if named.shape == SCALAR:
        kind = "scalar"
    elif m == "1":
        kind = f"row[{n}]"
    elif n == "1":
        kind = f"column[{m}]"
    else:
        kind = f"matrix[{m}, {n}]"
    return f"{named.name}: {' & '.join([kind, *sorted(named.facts)])}"
