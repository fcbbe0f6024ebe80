"""Derivations as data for other programs, as JSON has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagrad.errors import DerivationError

if TYPE_CHECKING:
    from diagrad.derivation import Derivation
    from diagrad.derivation.step import Differential, Step
    from diagrad.formula import Formula


def as_data(d: Derivation, route: str) -> dict[str, Any]:
    """One object with the keys that the documentation promises."""
    check = d.verification
    steps, definitions = _told(d, route)
    return {
        "of": d.of,
        "wrt": d.wrt,
        "order": d.order,
        "layout": d.layout,
        "shape": list(d.result.shape),
        "result": formula_data(d.result),
        "definitions": [{"name": n, "formula": formula_data(f)} for n, f in definitions],
        "steps": [step_data(step) for step in steps],
        "verification": {
            "max_relative_error": check.bound,
            "points": check.points,
            "method": check.method,
        },
    }


def _told(d: Derivation, route: str) -> tuple[list[Step], tuple[tuple[str, Formula], ...]]:
    """The steps, and the names in them; none where a derivation has no steps."""
    try:
        return d.steps_by(route), d.definitions
    except DerivationError:
        return [], ()


def step_data(step: Step) -> dict[str, Any]:
    told = {"differentials": [differential_data(d) for d in step.differentials]}
    return {
        "target": list(step.target),
        "rule": step.rule,
        "because": step.because,
        "before": formula_data(step.before),
        "after": formula_data(step.after),
        "shape": list(step.shape),
        "substeps": [step_data(substep) for substep in step.substeps],
    } | (told if step.differentials else {})


def differential_data(d: Differential) -> dict[str, Any]:
    """dz₂ = dh W₂: of z2, called dz2, with the names that move and those of their differentials."""
    moved = [{"of": name, "name": called} for name, called in d.moved]
    return {"of": d.of, "name": d.name, "formula": formula_data(d.formula), "moved": moved}


def formula_data(formula: Formula) -> dict[str, str]:
    return {"source": formula.source, "unicode": formula.unicode(), "latex": formula.latex()}
