"""Compares what the engine derives for a generated case with the oracle."""

import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import diagrad as dg

from .functions import Array
from .interpreter import Interpreter
from .oracle import FLOOR, TOLERANCE, Target, arrange, evaluate, points, target_of
from .points import Env
from .problems import Case, case

LIMIT = 10.0  # of the processor's time, as the machine may be busy
Points = list[tuple[Env, Array]]


@dataclass(frozen=True)
class Outcome:
    """`kind`: right, wrong, unsupported, undecided (no good point) or error; `reason` says more.

    `seconds` of the processor's time went into the derivation.
    """

    kind: str
    reason: str
    seconds: float
    source: str
    derivation: Any = None


def derive(asked: Case) -> Any:
    """The engine's derivation; a row with a column warns, which is no concern here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem = dg.parse(asked.text)
        return problem.derive(asked.of, wrt=asked.wrt, order=asked.order, layout=asked.layout)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises `TimeoutError` inside the block once it has run too long."""

    def stop(signum: int, frame: Any) -> None:
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def examine(asked: Case) -> Outcome:
    """Derives and judges; never raises, as every exception is a finding."""
    start = time.process_time()
    try:
        with limited(LIMIT):
            derivation = derive(asked)
            source = derivation.result.source
    except (dg.DerivationError, dg.Unsupported) as error:
        return Outcome("unsupported", f"{type(error).__name__}: {error}", spent(start), "")
    except Exception as error:
        return Outcome("error", f"{type(error).__name__}: {error}", spent(start), "")
    seconds = spent(start)
    target = target_of(asked)
    good = points(target, 2)
    if not good:
        return Outcome("undecided", "no good point", seconds, source, derivation)
    reason = judge(target, derivation.result, good)
    return Outcome("wrong" if reason else "right", reason, seconds, source, derivation)


def spent(start: float) -> float:
    return time.process_time() - start


@cache
def outcome(seed: int) -> Outcome:
    """The outcome of a seed's case, once a process."""
    return examine(case(seed))


def judge(target: Target, formula: Any, good: Points) -> str:
    """What is wrong with a formula at these points; empty where nothing is."""
    for env, value in good:
        try:
            got = evaluate(formula.source, env, target.problem.functions)
        except (ValueError, np.linalg.LinAlgError, KeyError, TypeError, SyntaxError) as error:
            return f"source cannot be evaluated: {type(error).__name__}: {error}"
        reason = difference(target, got, value, str(formula.layout))
        if not reason and got.size > 1 and sizes_of(formula.shape, env) != got.shape:
            reason = f"shape {formula.shape} of a value {got.shape}"
        if reason:
            return f"{reason}; source: {formula.source}"
    return ""


def sizes_of(shape: tuple[str, ...], env: Env) -> tuple[int, ...]:
    run = Interpreter({name: array[None] for name, array in env.values.items()}, [])
    return tuple(round(float(run.text(str(axis)).item())) for axis in shape)


def difference(target: Target, got: Array, value: Array, layout: str = "") -> str:
    """How a value differs from the derivative r×s×m×n in the layout that was asked for."""
    asked = target.case
    want = arrange(value, asked.layout, asked.order)
    if got.ndim == 4 and want.ndim == 2 and asked.layout in ("auto", "vec"):
        if "tensor" not in layout:
            return f"an array of rank 4 whose layout says {layout!r}"
        want = value
    if mixed_with_scalar(value, asked.order):
        want = value.transpose(1, 0, 3, 2) if got.ndim == 2 and 1 in got.shape else value
        got, want = got.reshape(-1), want.reshape(-1)
    if want.size == 1:
        got, want = got.reshape(-1), want.reshape(-1)
    if got.shape != want.shape:
        return f"shape {got.shape}, not {want.shape}"
    if not np.isfinite(got).all():
        return "not finite"
    error = np.max(np.abs(got - want), initial=0.0) / max(FLOOR, np.max(np.abs(want), initial=0.0))
    return f"relative error {error:.2g}" if error > TOLERANCE[asked.order] else ""


def mixed_with_scalar(value: Array, order: int) -> bool:
    """d²F by an array and a scalar: the contract leaves open whether it is a row, a column or in
    the array's shape."""
    return order == 2 and (value.shape[:2] == (1, 1)) != (value.shape[2:] == (1, 1))
