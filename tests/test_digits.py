"""The digits example learns to read, and its gradient check finds a gradient that is wrong."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("autograd")

PATH = Path(__file__).resolve().parent.parent / "examples" / "digits.py"
FEW = ["--epochs", "5", "--hidden", "16"]
DIMENSIONS = [64, 2, 10]
PARAMS = ["W1", "b1", "W2", "b2"]


@pytest.fixture(scope="module")
def digits() -> ModuleType:
    spec = importlib.util.spec_from_file_location("digits", PATH)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def spoil(digits: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns the sign of one gradient."""
    step, place = digits.STEP, 1 + PARAMS.index(name)

    def wrong(**point: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(-v if k == place else v for k, v in enumerate(step(**point)))

    wrong.backend = step.backend  # type: ignore[attr-defined]
    monkeypatch.setattr(digits, "STEP", wrong)


def checked(digits: ModuleType) -> float:
    """The relative difference that the gradient check finds, on ten digits."""
    X, _, Y, _ = digits.digits()
    params = digits.initial(DIMENSIONS, np.random.default_rng(0))
    return digits.gradient_check(
        lambda x: digits.forward_backward_prop(X[:10], Y[:10], x, DIMENSIONS), params
    )


def test_a_few_epochs_are_enough_to_read_most_digits(digits, capsys):
    assert digits.main(FEW) > 0.85
    printed = capsys.readouterr().out
    assert "∂J/∂W2 = Aᵀ (Ŷ − Y) / N\n" in printed
    assert "gradient check: passed" in printed
    assert printed.count("epoch ") == 5  # lines, because this is no terminal
    assert "\x1b" not in printed


def test_the_derived_gradients_are_those_of_autograd(digits):
    X, _, Y, _ = digits.digits()
    weights = digits.unpacked(digits.initial(DIMENSIONS, np.random.default_rng(1)), DIMENSIONS)
    differences = digits.beside_autograd(X[:32], Y[:32], weights)
    assert list(differences) == PARAMS
    assert max(differences.values()) < 1e-10


def test_the_flat_vector_holds_the_parameters_in_the_order_of_the_exercise(digits):
    weights = digits.unpacked(np.arange(3 * 2 + 2 + 2 * 4 + 4), [3, 2, 4])
    assert {name: w.shape for name, w in weights.items()} == {
        "W1": (3, 2),
        "b1": (1, 2),
        "W2": (2, 4),
        "b2": (1, 4),
    }
    assert [w.flat[0] for w in weights.values()] == [0, 6, 8, 16]


def test_the_gradient_check_passes(digits):
    assert checked(digits) < digits.BOUND / 100


@pytest.mark.parametrize("name", PARAMS)
def test_the_gradient_check_finds_a_wrong_sign(digits, monkeypatch, name: str):
    spoil(digits, name, monkeypatch)
    assert checked(digits) > 1e-3


def test_nothing_is_trained_with_a_wrong_gradient(digits, monkeypatch, capsys):
    spoil(digits, "b1", monkeypatch)
    with pytest.raises(SystemExit, match="gradient check: FAILED"):
        digits.main(FEW)
    assert "epoch" not in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--epochs", "0"], ["--batch", "0"], ["--seed", "-1"]])
def test_options_that_make_no_sense_are_refused(digits, capsys, wrong: list[str]):
    with pytest.raises(SystemExit):
        digits.main(wrong)
    assert "at least" in capsys.readouterr().err
