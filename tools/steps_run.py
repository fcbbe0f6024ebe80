"""Every step of every derivation of a file of problems, compared with numbers.

    python tools/steps_run.py problems.jsonl [more.jsonl] [--jobs 2]

A line of the file is an object with "id", "problem", "of", "wrt" and, where they are not the
default, "order" and "layout". Problems that Diagrad refuses are counted apart.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import diagrad as dg
from diagrad.derivation import truth
from diagrad.derivation.account import ROUTES
from diagrad.errors import DerivationError, ProblemError


def walked(line: str) -> tuple[str, str, int, str]:
    """The problem's name, "true", "refused" or "wrong", the number of steps, and what is wrong."""
    asked: dict[str, Any] = json.loads(line)
    steps = 0
    try:
        problem = dg.parse(asked["problem"])
        wrt = asked["wrt"]
        by = tuple(wrt) if isinstance(wrt, list) else wrt
        order, layout = asked.get("order", 1), asked.get("layout", "auto")
        derivation = problem.derive(asked["of"], by, order, layout)
    except (ProblemError, DerivationError) as error:
        return asked["id"], "refused", 0, str(error).splitlines()[0]
    try:
        source = derivation.telling.last.book.source
        for route in ROUTES:
            told = derivation.steps_by(route)
            steps += sum(truth.check(source, step) for step in told)
            for fault in truth.faults(told, source.names, derivation.result):
                raise AssertionError(f"{route}: {fault}")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        return asked["id"], "wrong", steps, what
    return asked["id"], "true", steps, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    lines = [line for f in options.files for line in f.read_text("utf-8").splitlines() if line]
    outcomes, total = Counter[str](), 0
    with ProcessPoolExecutor(options.jobs) as pool:
        for name, outcome, steps, what in pool.map(walked, lines, chunksize=8):
            outcomes[outcome] += 1
            total += steps
            if outcome == "wrong":
                print(f"{name}: {what}")
    print(f"{dict(outcomes)}, {total} formulas of steps compared")
    return 1 if outcomes["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
