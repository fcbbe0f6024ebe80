"""What different requests for one derivative must have in common, without the oracle."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

import diagrad as dg

from .check import derive, limited
from .functions import Array
from .oracle import NoPoint, Target, arrange, define, evaluate, known, target_of, tensor
from .points import Env, draw_env
from .problems import Case

LAYOUTS = ("auto", "gradient", "numerator", "denominator", "vec", "tensor")
CLOSE = 1e-8


def inconsistencies(case: Case) -> list[str]:
    """What contradicts what: layouts among themselves, a Hessian its transpose, a mixed second
    derivative the one in the other order."""
    target = target_of(case)
    env = somewhere(target)
    if env is None:
        return []
    value = derived(replace(case, layout="tensor"), target, env)
    if value is None:
        return []
    if case.order == 1:
        return layouts(case, target, env, value)
    if isinstance(case.wrt, str):
        turned = value
    else:
        swapped = replace(case, layout="tensor", wrt=case.wrt[::-1])
        other = derived(swapped, target_of(swapped), env)
        if other is None:
            return ["only one of the two orders is derived"]
        turned = other
    same = alike(value, turned.transpose(2, 3, 0, 1))
    found = [] if same else ["the second derivative differs from its transpose"]
    return found + layouts(case, target, env, value)


def somewhere(target: Target) -> Env | None:
    for attempt in range(8):
        rng = np.random.default_rng([1, attempt])
        env = draw_env(target.problem, target.names, attempt, rng, shrink=0.9**attempt)
        try:
            if define(target, env).inverts:
                known(target, env, tensor(target, env), rng)
        except (NoPoint, np.linalg.LinAlgError):
            continue
        return env
    return None


def layouts(case: Case, target: Target, env: Env, value: Array) -> list[str]:
    """The layouts whose numbers are not those of the tensor, arranged."""
    found = []
    for layout in LAYOUTS:
        got = derived(replace(case, layout=layout), target, env)
        if got is None or layout == "tensor":
            continue
        want = arrange(value, layout, case.order)
        if got.ndim == 4:
            want = value
        if case.order == 2 and 1 in (value[:, :, 0, 0].size, value[0, 0].size):
            got, want = got.reshape(-1), value.transpose(1, 0, 3, 2).reshape(-1)
        if got.size == 1:
            got = got.reshape(want.shape)
        if not alike(got, want):
            found.append(f"{layout} differs from tensor")
    return found


def derived(case: Case, target: Target, env: Env) -> Array | None:
    """The value of the derivative with its unit axes; None where there is none in this layout."""
    try:
        source = formula(case).source
    except dg.DerivationError:
        return None
    value = evaluate(source, env, target.problem.functions)
    if case.layout == "tensor":
        return value.reshape(tensor_shape(target, env))
    return value


def formula(case: Case) -> Any:
    with warnings.catch_warnings(), limited(10.0):
        warnings.simplefilter("ignore")
        return derive(case).result


def tensor_shape(target: Target, env: Env) -> tuple[int, ...]:
    """The axes of F and of X, or for the second order those of the two variables."""
    names = target.names
    last = env.values[names[-1]].shape
    if target.case.order == 2:
        return env.values[names[0]].shape + last
    value, _ = target.value(env, {})
    return value.shape[1:] + last


def alike(got: Array, want: Array) -> bool:
    if got.shape != want.shape:
        return False
    scale = max(1e-3, float(np.max(np.abs(want), initial=0.0)))
    return bool(np.max(np.abs(got - want), initial=0.0) <= CLOSE * scale)
