"""The names of a problem being written: variables appear when an expression needs them."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .pieces import (
    SCALAR,
    Piece,
    Shape,
    call,
    flip,
    is_vector,
    product,
    size,
    times,
    transpose,
    words,
)

NAMES = {
    "scalar": words("a c lam beta s t mu eps alpha tau sigma k e rho_1 d"),
    "vector": words("x y u v w b p q z r b1 x_1 yhat theta delta2 mu_k y2 i ybar"),
    "matrix": words("A B W X Y M S Q W1 W2 V Sigma K P Theta Z1 T E"),
    "dimension": words("n m d N H D Dx Dy p k T B C N1"),
    "definition": words("h z a1 z1 s1 e_1 yhat J L loss f delta H1 o out score pi_1 q1 delta1 G"),
    "function": words("g phi f psi"),
}
POSITIVE_FACTS = ({"positive"}, {"prob"})
BOUNDED_FACTS = ({"prob"}, {"pm1"}, {"onehot"}, {"simplex"})
SCALAR_FACTS = ({"positive"}, {"nonneg"}, {"prob"}, {"pm1"})
VECTOR_FACTS = (*SCALAR_FACTS, {"onehot"}, {"simplex"})
MATRIX_FACTS = (*VECTOR_FACTS, {"onehot(axis=0)"}, {"simplex(axis=0)"})
SQUARE_FACTS = (
    *({fact} for fact in words("symmetric spd orthogonal invertible diagonal lower upper")),
    {"symmetric"},
    {"diagonal"},
    {"orthogonal"},
    {"spd"},
    {"symmetric", "invertible"},
    {"lower", "invertible"},
    {"diagonal", "nonneg"},
    {"symmetric", "positive"},
    {"upper", "nonneg"},
)


Rule = Callable[["Scope", Shape, int], Piece | None]
Rules = Mapping[bool, tuple[Sequence[Rule], Sequence[float]]]


@dataclass
class Named:
    """A name that expressions may use; `positive`: every entry is, `bounded`: within [-1, 1]."""

    name: str
    shape: Shape
    facts: frozenset[str] = frozenset()
    positive: bool = False
    bounded: bool = False
    uses: int = 0


@dataclass
class Scope:
    """Everything declared so far; `fuel` bounds the number of operations still to be written.

    `rules` has the operations with their weights, for scalars under True, for others under False.
    """

    rng: random.Random
    rules: Rules
    dimensions: list[str] = field(default_factory=list)
    variables: list[Named] = field(default_factory=list)
    definitions: list[tuple[Named, str]] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    budget: int = 4
    fuel: int = 30

    def fresh(self, kind: str) -> str:
        """A name not used yet in the problem: kinds share some names, as users' problems do."""
        free = [name for name in NAMES[kind] if name not in self.taken]
        name = self.rng.choice(free)
        self.taken.add(name)
        return name

    def dimension(self, unlike: str = "") -> str:
        """A dimension, more often than not another one than `unlike`."""
        dimension = self.rng.choice(self.dimensions)
        return self.rng.choice(self.dimensions) if dimension == unlike else dimension

    def shape(self, kind: str = "") -> Shape:
        """A random shape of a kind: scalar, row, column, matrix or square."""
        m, n = self.rng.choices(self.dimensions, k=2)
        if m == n and len(self.dimensions) > 1 and self.rng.random() < 0.5:
            m, n = self.rng.sample(self.dimensions, 2)
        if self.rng.random() < 0.03:
            n = times(m, n)
        kind = kind or self.rng.choice(["row", "column", "matrix", "matrix", "square"])
        shapes = {"scalar": SCALAR, "row": ("1", n), "column": (m, "1"), "square": (n, n)}
        return shapes.get(kind, (m, n))

    def number(self) -> Piece:
        return Piece(self.rng.choice(["2", "3", "0.5", "0.1", "1.5", "0.25", "4", "0.7", "1"]))

    def constant(self) -> Piece:
        """A number written as a number, as pi, or as a dimension."""
        if self.rng.random() < 0.75:
            return self.number()
        return self.rng.choice([Piece("pi"), size(self.dimension())])

    def names(self) -> list[Named]:
        return [*self.variables, *(named for named, _ in self.definitions)]

    def declare(self, shape: Shape, facts: frozenset[str] | None = None) -> Piece:
        """A new variable; its facts are random unless they are given."""
        if shape == SCALAR:
            kind, choices = "scalar", SCALAR_FACTS
        elif is_vector(shape):
            kind, choices = "vector", VECTOR_FACTS
        else:
            kind, choices = "matrix", MATRIX_FACTS
            if shape[0] == shape[1] and self.rng.random() < 0.75:
                choices = SQUARE_FACTS
        if facts is None:
            none = self.rng.random() < (0.45 if choices is SQUARE_FACTS else 0.72)
            facts = frozenset() if none else frozenset(self.rng.choice(choices))
        named = Named(self.fresh(kind), shape, facts)
        named.positive = set(facts) in POSITIVE_FACTS or "positive" in facts
        named.bounded = set(facts) in BOUNDED_FACTS
        named.uses = 1
        self.variables.append(named)
        return Piece(named.name)

    def define(self, piece: Piece, shape: Shape, positive: bool = False) -> Piece:
        """A new definition, while the problem may have one more; otherwise the piece itself."""
        if len(self.definitions) >= 4:
            return piece
        named = Named(self.fresh("definition"), shape, positive=positive)
        self.definitions.append((named, piece.text))
        return Piece(named.name)

    def function(self) -> str:
        if not self.functions:
            self.functions.append(self.fresh("function"))
        return self.functions[0]

    def leaf(self, shape: Shape, want: str = "") -> Piece | None:
        """A name of this shape (or its transpose) with the wanted property, declared if need be."""
        fitting = [n for n in self.names() if not want or getattr(n, want)]
        candidates = [n for n in fitting if n.shape in (shape, flip(shape))]
        may_declare = len(self.variables) < self.budget
        if candidates and (not may_declare or self.rng.random() < 0.55):
            weights = [3.0 if n.uses == 0 else 1.0 / n.uses for n in candidates]
            named = self.rng.choices(candidates, weights)[0]
            named.uses += 1
            name = Piece(named.name)
            return name if named.shape == shape else transpose(name)
        if not may_declare:
            return None
        facts = {"positive": POSITIVE_FACTS, "bounded": BOUNDED_FACTS}.get(want)
        if facts and shape == SCALAR:
            facts = facts[:2]
        return self.declare(shape, frozenset(self.rng.choice(facts)) if facts else None)

    def chooses(self, piece: Piece) -> bool:
        """Whether a name, or its transpose, is a one-hot matrix, which a square one would not make
        invertible."""
        name = piece.text.removesuffix(".T")
        return any(v.name == name and "onehot" in str(v.facts) for v in self.variables)

    def filler(self, shape: Shape) -> Piece:
        """Something of this shape from the names there are, when no name has it."""
        if shape == SCALAR:
            return self.constant()
        m, n = shape
        ways: list[Piece] = []
        for named in self.names():
            name = Piece(named.name)
            if m == "1" and named.shape[1] == n:
                ways.append(call(self.rng.choice(["sum", "mean"]), name, "axis=0"))
            if n == "1" and named.shape[0] == m:
                ways.append(call(self.rng.choice(["sum", "mean"]), name, "axis=1"))
            for other in self.names():
                if named.shape[0] == m and other.shape == (named.shape[1], n):
                    ways.append(product(name, Piece(other.name), "@"))
                if sorted(named.shape) == sorted(("1", m)) and other.shape == (n, "1") != shape:
                    ways.append(call("outer", name, Piece(other.name)))
        return self.rng.choice(ways) if ways else call("ones", m, n)
