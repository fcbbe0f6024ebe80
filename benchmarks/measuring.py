"""Times of functions that return the same numbers, taken in turn on one core, and their ratios.

In every round each contender runs for some milliseconds, in an order drawn anew, so that what slows
the machine down slows all of them; the ratio of two contenders is taken within a round, and the
median of the rounds' ratios is what is reported, with its quartiles. Before its turn a contender
makes one call that is not timed, if calls are not long.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Form(NamedTuple):
    """One way of a peer to compute a workload: the call that is timed, and how its outputs are read
    as arrays. `vouched`, where there is one, takes the place of comparing them; it raises."""

    peer: str
    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    read: Callable[[Any], list[Array]] = lambda outputs: [np.asarray(o) for o in outputs]
    vouched: Callable[[], None] | None = None

    def outputs(self) -> list[Array]:
        return self.read(self.function(*self.arguments))


class Effort(NamedTuple):
    """The number of rounds, the seconds of a contender's turn and of a workload."""

    rounds: int
    turn: float
    limit: float


FULL = Effort(31, 0.004, 8.0)
QUICK = Effort(7, 0.001, 0.8)
FEWEST = 3  # rounds, however long they take
SCOUTING = 3  # rounds in which all forms of a peer run
WAIT, MOST_WAITS = 0.002, 100  # seconds, and how often they are waited for threads at most
COLD = 0.05  # seconds of a call that makes up for caches that the one before filled with its own
NEAR = 1.3  # a form that takes this many times as long as its peer's best runs no further


class Spread(NamedTuple):
    """The median of some numbers between their quartiles."""

    low: float
    middle: float
    high: float


def spread(numbers: Sequence[float]) -> Spread:
    if len(numbers) == 1:
        return Spread(numbers[0], numbers[0], numbers[0])
    return Spread(*statistics.quantiles(numbers, n=4, method="inclusive"))


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> Spread:
    """How many times as long as ours theirs took, round by round."""
    return spread([t / o for t, o in zip(theirs, ours, strict=True)])


def turn(form: Form, count: int, clock: Callable[[], float]) -> float:
    """Seconds of one call, the mean of `count` calls."""
    function, arguments = form.function, form.arguments
    start = clock()
    for _ in repeat(None, count):
        function(*arguments)
    return (clock() - start) / count


def calls(form: Form, seconds: float, clock: Callable[[], float]) -> tuple[int, float]:
    """How many calls last that long, and how long one lasts."""
    function, arguments = form.function, form.arguments
    function(*arguments)  # compiles, where it does so at first use
    count = 1
    while True:
        took = turn(form, count, clock)
        if took * count >= seconds / 2 or count >= 1 << 20:
            return max(1, round(seconds / max(took, 1e-9))), took
        count *= 4


def settle(clock: Callable[[], float]) -> None:
    """Waits for threads that still work for the one before: JAX frees large results in its own."""
    for _ in range(MOST_WAITS):
        before = clock()
        time.sleep(WAIT)
        if clock() - before < WAIT / 10:
            return


def raced(
    forms: Sequence[Form],
    effort: Effort,
    clock: Callable[[], float] = time.process_time,
    seed: int = 0,
) -> list[list[float]]:
    """Seconds of a call of each form, one number for each round.

    The clock is that of the process's processor time, all its threads together, which others who
    share the machine do not lengthen; with one core it is the time that passes on an idle machine.
    """
    shuffle = random.Random(seed).shuffle
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        counts = [calls(form, effort.turn, clock) for form in forms]
        length = sum(count * took for count, took in counts)
        rounds = min(effort.rounds, max(FEWEST, int(effort.limit / max(length, 1e-9))))
        times: list[list[float]] = [[] for _ in forms]
        order = list(range(len(forms)))
        for _ in range(rounds):
            shuffle(order)
            for place in order:
                form, (count, took) = forms[place], counts[place]
                settle(clock)
                if took < COLD:
                    form.function(*form.arguments)
                times[place].append(turn(form, count, clock))
    finally:
        if collecting:
            gc.enable()
    return times


def promising(forms: Sequence[Form], effort: Effort) -> list[Form]:
    """Of each peer the forms that may be its fastest."""
    best = [min(seconds) for seconds in raced(forms, effort._replace(rounds=SCOUTING))]
    fastest: dict[str, float] = {}
    for form, seconds in zip(forms, best, strict=True):
        fastest[form.peer] = min(seconds, fastest.get(form.peer, seconds))
    return [f for f, s in zip(forms, best, strict=True) if s <= NEAR * fastest[f.peer]]


class Disagreement(ValueError):
    """A contender that does not return the reference's numbers."""


def agree(found: Iterable[Array], expected: Iterable[Array], tolerance: float) -> None:
    """Raises Disagreement unless the outputs are equal, entry by entry in row-major order.

    An entry may be off by `tolerance` relative to itself, or by a thousandth of that relative to
    the largest entry of its array, for entries that cancel.
    """
    found, expected = list(found), list(expected)
    if len(found) != len(expected):
        raise Disagreement(f"{len(found)} outputs, not {len(expected)}")
    for place, (f, e) in enumerate(zip(found, expected, strict=True)):
        if f.size != e.size:
            raise Disagreement(f"output {place} has shape {f.shape}, not {e.shape}")
        if f.ndim and f.dtype != e.dtype:  # a scalar may be one of Python's
            raise Disagreement(f"output {place} is {f.dtype}, not {e.dtype}")
        least = 1e-3 * tolerance * float(np.abs(e).max())
        if not np.allclose(f.reshape(e.shape), e, rtol=tolerance, atol=least):
            worst = np.abs(f.reshape(e.shape) - e).max() / np.abs(e).max()
            raise Disagreement(f"output {place} is off by {worst:.1e} of its largest entry")
