"""A schedule as a function in Python, over NumPy alone: readable, and everywhere."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.compile.digits import RESHAPED
from diagrad.compile.numpy_functions import ALONG, HELPERS, LINEAR_ALGEBRA, NUMPY, WRITTEN
from diagrad.compile.numpy_text import PRODUCT, SUM, Text, added, multiplied, number, power
from diagrad.compile.statements import (
    Buffer,
    Call,
    Count,
    Entry,
    Equal,
    Library,
    Literal,
    Loop,
    Named,
    Read,
    Result,
    Schedule,
    Statement,
    Unwritten,
    factors_of,
    reads,
)
from diagrad.dimensions import Size
from diagrad.index.term import Labels

Array = np.ndarray[Any, np.dtype[Any]]
LETTERS = "ijklmnopqrstuvwxyz"
# What the text of a function means by these names is not what a problem means by them.
TAKEN = frozenset({"np", "math", "inverse", *WRITTEN, *keyword.kwlist, *dir(builtins)})
SINGLE = "np.float32"
COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!="})


def source(schedule: Schedule, name: str = "f") -> str:
    """The text of a function of the inputs, which returns the outputs in a tuple. Raises
    Unwritten."""
    return Writer(schedule).source(name)


def function(schedule: Schedule) -> Callable[..., tuple[Array, ...]]:
    """That function, of arrays without unit axes."""
    names: dict[str, Any] = {}
    exec(compile(source(schedule), "<compiled by Diagrad>", "exec"), names)
    made: Callable[..., tuple[Array, ...]] = names["f"]
    return made


def named(schedule: Schedule) -> tuple[dict[Buffer, str], dict[str, str]]:
    """What tensors and dimensions are called in Python."""
    taken = set(TAKEN)
    sizes = {name: new_name(name, taken) for name in dimensions(schedule)}
    called = {}
    for buffer in schedule.buffers:
        name = re.sub(r"\W+", "_", buffer.name).strip("_")
        called[buffer] = new_name(
            name if name.isidentifier() else f"value_{name}".strip("_"), taken
        )
    return called, sizes


def dimensions(schedule: Schedule) -> list[str]:
    """The dimensions, those of tensors first."""
    names = (d.name for b in schedule.buffers for s in b.axes for d in s.dimensions)
    return list(dict.fromkeys((*names, *schedule.sizes)))


def new_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


class Writer:
    """Writes statements; `called` are the names of tensors, `sized` those of dimensions, `dtype` is
    the type of arrays that are made of numbers alone."""

    def __init__(
        self,
        schedule: Schedule,
        names: tuple[Mapping[Buffer, str], Mapping[str, str]] | None = None,
        dtype: str = "",
    ) -> None:
        self.schedule = schedule
        self.helpers: dict[str, str] = {}
        self.called, self.sized = names or named(schedule)
        self.dtype = dtype or self._dtype()
        self.loop_sizes: Mapping[int, Size] = {}

    def source(self, name: str) -> str:
        body = [line for s in self.schedule.statements for line in self.statement(s)]
        inputs = ", ".join(self.called[b] for b in self.schedule.inputs)
        outputs = ", ".join(self.called[b] for b in self.schedule.outputs)
        lines = [*self._prologue(), *body, f"return ({outputs},)"]
        function = "\n".join([f"def {name}({inputs}):", *(f"    {line}" for line in lines)])
        maths = "import math\n\n" if any("math." in h for h in self.helpers.values()) else ""
        parts = [f"{maths}import numpy as np\n", *self.helpers.values(), function + "\n"]
        return "\n\n".join(parts)

    def _prologue(self) -> Iterator[str]:
        """Sizes by name, and rows and columns with one axis."""
        known: set[str] = set()
        for buffer in self.schedule.inputs:
            called = self.called[buffer]
            if len(buffer.axes) < 2:
                yield f"{called} = np.reshape({called}, {-1 if buffer.axes else ()})"
            for k, size in enumerate(buffer.axes):
                plain = len(size.dimensions) == 1 and str(size).isidentifier()
                if plain and str(size) not in known:
                    known.add(str(size))
                    yield f"{self.size(size)} = {called}.shape[{k}]"
        for name in dimensions(self.schedule):
            if name not in known:
                yield f"{self.sized[name]} = {self.schedule.sizes[name]}"

    # Statements.

    def statement(self, statement: Statement) -> Iterator[str]:
        target = self.called[statement.target]
        if isinstance(statement, Library):
            word = statement.head.operation.name
            if word == RESHAPED.name:
                (of,) = statement.arguments
                shape = self.tuple(statement.target.axes)
                yield f"{target} = np.reshape({self.called[of]}, {shape}).copy()"
                return
            along = ALONG.get(statement.head.operation)
            if word not in LINEAR_ALGEBRA and along is None:
                raise Unwritten(word)
            self.helpers |= {n: t for n, t in HELPERS.items() if n == word}
            operands = [self.called[buffer] for buffer in statement.arguments]
            if along is not None:
                axes = tuple(statement.head.parameters)
                yield f"{target} = {along}({', '.join(operands)}, {axes})"
                return
            yield f"{target} = {LINEAR_ALGEBRA[word].format(*operands)}"
            return
        self.loop_sizes = statement.sizes
        text = self._value(statement)
        if statement.at == statement.free and not statement.adds:
            body = statement.body
            same = isinstance(body, Read) and set(statement.at) <= set(body.at)
            own = ".copy()" if same and not statement.reduce else ""
            yield f"{target} = {text.text}{own}"
            return
        letters = "".join(LETTERS[k] for k in statement.at)
        free = "".join(LETTERS[k] for k in statement.free)
        view = f'np.einsum("{letters}->{free}", {target})[...]' if letters != free else target
        yield f"{view} += {text.text}"

    def _value(self, loop: Loop) -> Text:
        if not loop.reduce:
            return self._whole(loop, loop.body, loop.free)
        contracted = self._contracted(loop) if loop.reduce == "sum" else None
        if contracted is None:
            every = _as_read(loop) or (*loop.free, *loop.over)
            body = self._whole(loop, loop.body, every)
            axes = tuple(k for k, label in enumerate(every) if label in loop.over)
            axis = f", axis={axes if len(axes) > 1 else axes[0]}" if loop.free else ""
            contracted = Text(f"np.{loop.reduce}({body.text}{axis})")
        if loop.finish == Result():
            return contracted
        return self.entry(loop.finish, loop.free, contracted)

    def _whole(self, loop: Loop, entry: Entry, at: Labels) -> Text:
        """An entry with an axis for every label."""
        text = self.entry(entry, at)
        if set(at) <= _labels(entry) and (at or any(reads(entry))):
            return text
        shape = self.tuple([loop.sizes[k] for k in at])
        if not at:
            return Text(f"np.asarray({text.text}, dtype={self.dtype})")
        like = f"np.full({shape}, {text.text}, dtype={self.dtype})"
        return Text(like if not _labels(entry) else f"np.broadcast_to({text.text}, {shape}).copy()")

    def _base(self, power: Call, text: Text) -> Text:
        """What is raised to a power; a number made of sizes as NumPy has it, for Python's own
        raise where they divide by 0 or are too large."""
        base, exponent = power.arguments
        small = isinstance(exponent, Literal) and abs(exponent.value) <= 4
        if isinstance(base, Read | Result) or any(reads(base)):
            return text
        if isinstance(base, Count | Literal) and small:
            return text
        return Text(f"np.float64({text.text})")

    def _dtype(self) -> str:
        names = [self.called[b] for b in self.schedule.inputs]
        return f"{names[0]}.dtype" if names else "float"

    def tuple(self, sizes: Sequence[Size]) -> str:
        texts = [self.size(size) for size in sizes]
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"

    def size(self, size: Size) -> str:
        terms = ((tuple(d._replace(name=self.sized[d.name]) for d in m), c) for m, c in size.terms)
        return str(Size(tuple(terms)))

    def _contracted(self, loop: Loop) -> Text | None:
        """A sum of products of two tensors."""
        factors = factors_of(loop.body)
        two = [f for f in factors if isinstance(f, Read) and f.at]
        rest = [f for f in factors if f not in two]
        if (
            len(two) != 2
            or any(_labels(f) for f in rest)
            or len(set(map(len, map(set, [r.at for r in two])))) < 1
        ):
            return None
        a, b = two
        if set(a.at) == set(b.at) or any(len(set(r.at)) < len(r.at) for r in two):
            return None
        products = (self._matmul(loop, a, b), self._matmul(loop, b, a))
        known = [text for text in products if text is not None] or [self._einsum(loop, a, b)]
        return self._times(rest, min(known, key=lambda text: text.text.count(".T")))

    def _times(self, factors: Sequence[Entry], text: Text) -> Text:
        if not factors:
            return text
        return Text(
            " * ".join(
                [*(self.entry(f, ()).within(PRODUCT) for f in factors), text.within(PRODUCT + 1)]
            ),
            PRODUCT,
        )

    def _matmul(self, loop: Loop, a: Read, b: Read) -> Text | None:
        if len(loop.over) != 1 or max(len(a.at), len(b.at)) > 2:
            return None
        (k,) = loop.over
        left, right = ([i for i in r.at if i != k] for r in (a, b))
        if (*left, *right) != loop.free or k not in a.at or k not in b.at:
            return None
        first, second = self.called[a.buffer], self.called[b.buffer]
        first += ".T" if len(a.at) == 2 and a.at[0] == k else ""
        second += ".T" if len(b.at) == 2 and b.at[1] == k else ""
        return Text(f"{first} @ {second}", PRODUCT)

    def _einsum(self, loop: Loop, a: Read, b: Read) -> Text:
        letters = dict(zip((*loop.free, *loop.over), LETTERS, strict=False))
        first, second, out = ("".join(letters[k] for k in at) for at in (a.at, b.at, loop.free))
        operands = f"{self.called[a.buffer]}, {self.called[b.buffer]}"
        return Text(f'np.einsum("{first},{second}->{out}", {operands}, optimize=True)')

    # Entries.

    def entry(self, entry: Entry, at: Labels, result: Text | None = None) -> Text:
        """An expression that broadcasts to axes with these labels."""
        match entry:
            case Read():
                return self._aligned(self.called[entry.buffer], entry.at, at)
            case Literal():
                return number(entry.value)
            case Count():
                return Text(self.sized[entry.name])
            case Named():
                return Text("np.pi")
            case Equal():
                eye = f"np.eye({self.size(self.loop_sizes[entry.at[0]])}, dtype={self.dtype})"
                return self._aligned(eye, entry.at, at)
            case Result():
                assert result is not None
                return result
            case Call():
                return self._call(entry, [self.entry(a, at, result) for a in entry.arguments])
        raise Unwritten("digits of an index")

    def _aligned(self, text: str, labels: Labels, at: Labels) -> Text:
        letters = dict(zip(at, LETTERS, strict=False))
        once = tuple(dict.fromkeys(labels))
        if once != labels:
            spelt = "".join(letters[k] for k in labels)
            text = f'np.einsum("{spelt}->{"".join(letters[k] for k in once)}", {text})'
        order = sorted(once, key=at.index)
        if tuple(order) != once:
            turned = tuple(once.index(k) for k in order)
            text = f"{text}.T" if len(order) == 2 else f"np.transpose({text}, {turned})"
        if not order:
            return Text(text)
        after = at[at.index(order[0]) :]
        if len(after) > len(order):
            text += "[" + ", ".join(":" if k in order else "None" for k in after) + "]"
        return Text(text)

    def _call(self, call: Call, of: Sequence[Text]) -> Text:
        name = call.name
        if name == "+":
            return Text(added([text.within(SUM) for text in of]), SUM)
        if name == "*":
            return multiplied(call, of)
        if name == "**":
            raised = power(call, (self._base(call, of[0]), of[1]))
            if "np." in raised.text and self.dtype == SINGLE and _is_number(call):
                root = raised.text.removeprefix("1 / ")
                return raised._replace(text=raised.text.replace(root, f"np.float32({root})"))
            return raised
        if name in COMPARISONS:
            return Text(f"({of[0].within(SUM)} {name} {of[1].within(SUM)})")
        if name in WRITTEN:
            self.helpers[name] = WRITTEN[name]
        elif name not in NUMPY:
            raise Unwritten(name)
        text = f"{NUMPY.get(name, name)}({', '.join(text.text for text in of)})"
        # NumPy's functions of Python's numbers are of double precision, and so is what they meet.
        return Text(f"np.float32({text})" if self.dtype == SINGLE and _is_number(call) else text)


def _as_read(loop: Loop) -> Labels:
    """All labels of a reduction in the order of a tensor that has them all, where those that are
    left are in order."""
    for read in reads(loop.body):
        whole = len(read.at) == len(set(read.at)) == len(loop.free) + len(loop.over)
        if whole and _without(read.at, loop.over) == loop.free:
            return read.at
    return ()


def _without(labels: Labels, some: Labels) -> Labels:
    return tuple(label for label in labels if label not in some)


def _is_number(entry: Entry) -> bool:
    """Whether an entry is made of numbers alone."""
    if isinstance(entry, Call):
        return all(map(_is_number, entry.arguments))
    return isinstance(entry, Literal | Count | Named)


def _labels(entry: Entry) -> set[int]:
    if isinstance(entry, Equal):
        return set(entry.at)
    if isinstance(entry, Call):
        return {k for argument in entry.arguments for k in _labels(argument)}
    return set(entry.at) if isinstance(entry, Read) else set()
