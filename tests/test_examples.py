"""Every example reads, evaluates and derives; the README's examples say what is printed."""

from __future__ import annotations

import doctest
import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import diagrad as dg

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.dg"))
SEED = ROOT / "examples" / "one_hidden_layer.dg"
SIZES = {"N": 6, "Dx": 5, "H": 4, "Dy": 3, "M": 7, "D": 4, "C": 3, "K": 5, "d": 3, "n": 5, "m": 4}
SIZES |= {"E": 3, "F": 5, **{f"D{k}": 3 + k % 3 for k in range(11)}}
DECLARATION = re.compile(r"(\w+):\s*(scalar|row|column|matrix)(?:\[(.*?)\])?((?:\s*&[^;#\n]*)?)")

GRADIENTS = {
    "x": "((yhat - y) @ W2.T * h * (1 - h)) @ W1.T",
    "W1": "x.T @ ((yhat - y) @ W2.T * h * (1 - h))",
    "b1": "(yhat - y) @ W2.T * h * (1 - h)",
    "W2": "h.T @ (yhat - y)",
    "b2": "yhat - y",
}


def point(text: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random arrays for the declared variables, true to their facts."""
    arrays = {}
    for name, kind, dims, facts in DECLARATION.findall(re.sub("#.*", "", text)):
        sizes = [SIZES[d.strip()] for d in dims.split(",") if d.strip()]
        shape = {"row": (1, *sizes), "column": (*sizes, 1), "scalar": (1, 1)}.get(kind, sizes)
        arrays[name] = value(tuple(shape), facts, rng)
    return arrays


def value(shape: tuple[int, ...], facts: str, rng: np.random.Generator) -> np.ndarray:
    a = rng.standard_normal(shape)
    if "onehot" in facts:
        axis = 0 if "axis=0" in facts or shape[1] == 1 else 1
        return (a == a.max(axis=axis, keepdims=True)).astype(float)
    if "spd" in facts:
        return a @ a.T + np.eye(len(a))
    return np.abs(a) + 0.5 if "positive" in facts else a


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def example(request) -> Path:
    return request.param


def test_there_are_examples():
    assert len(EXAMPLES) == 16


def test_an_example_says_what_it_is_and_reads_without_a_warning(example: Path):
    assert re.match(r"# \S", example.read_text("utf-8"))
    assert tuple(dg.load(example).warnings) == ()


def test_an_example_evaluates_to_finite_values(example: Path):
    arrays = point(example.read_text("utf-8"), np.random.default_rng(0))
    problem = dg.load(example)
    values = problem.evaluate(**arrays)
    assert np.size(values[problem.last]) == 1
    assert all(np.isfinite(v).all() for v in values.values())


def test_an_example_is_derived_by_each_of_its_variables_and_checked(example: Path):
    problem = dg.load(example)
    names = problem.default_wrt(problem.last)
    derivations = problem.derive(problem.last, wrt=names)
    assert [d.wrt for d in derivations] == names
    for d in derivations:
        assert "einsum" not in d.result.source
        assert d.result.shape == problem.formula(d.wrt).shape
        assert d.verification.max_relative_error <= d.verification.bound <= 1e-6


def test_the_gradients_of_an_example_are_the_slopes_of_its_last_value(example: Path):
    rng = np.random.default_rng(1)
    problem, arrays = dg.load(example), point(example.read_text("utf-8"), rng)
    for d in problem.derive(problem.last, wrt=problem.default_wrt(problem.last)):
        direction, step = rng.standard_normal(arrays[d.wrt].shape), 1e-5
        if d.wrt == "P":  # a change of the precision that keeps it symmetric
            direction = direction + direction.T
        ahead, behind = (
            problem.evaluate(**{**arrays, d.wrt: arrays[d.wrt] + s * direction})[problem.last]
            for s in (step, -step)
        )
        slope = np.sum(ahead - behind) / (2 * step)
        stated = np.sum(d.result.evaluate(**arrays) * direction)
        # Of the smallest slopes, rounding the value leaves no six digits.
        assert slope == pytest.approx(stated, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("name", GRADIENTS)
def test_the_seed_network_has_the_gradients_of_the_textbook(name: str):
    assert GRADIENTS[name] == dg.load(SEED).derive("J", wrt=name).result.source


def test_the_packaged_seed_is_the_example():
    assert SEED.read_text("utf-8") == files("diagrad").joinpath(SEED.name).read_text("utf-8")


def test_the_readme_is_true(monkeypatch):
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert (failed, tried > 3) == (0, True)
