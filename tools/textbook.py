"""How long results are beside the answers that books print, and how long they take.

    python tools/textbook.py [problems.jsonl ...] [--list]

A line of a file is an object with "id", "problem", "of", "wrt", "order", "layout" and "answer".
Tokens are names, numbers, operators and index letters; times are without the check, medians of
three.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import diagrad as dg
from diagrad.matrix.cost import tokens
from diagrad.request import Request

OWN = Path(__file__).parent.parent / "tests" / "textbook.jsonl"


class Measured(NamedTuple):
    name: str
    ratio: float
    seconds: float
    source: str
    answer: str


def measured(row: dict[str, Any]) -> Measured:
    problem = dg.parse(row["problem"])
    asked = (row["of"], [row["wrt"]], row["order"], row["layout"])
    times = []
    for _ in range(3):
        start = time.perf_counter()
        (found,) = Request(problem, *asked).answers()
        times.append(time.perf_counter() - start)
    formula = problem.derive(row["of"], row["wrt"], row["order"], row["layout"]).result
    ratio = tokens(formula.expression) / tokens(problem.expression(row["answer"]))
    assert found is not None
    return Measured(row["id"], ratio, statistics.median(times), formula.source, row["answer"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, default=[OWN])
    parser.add_argument("--list", action="store_true", help="show the results over 1.25")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = [line for path in options.files for line in path.read_text("utf-8").splitlines()]
    rows = [measured(json.loads(line)) for line in lines if line]
    ratios, times = sorted(r.ratio for r in rows), sorted(r.seconds for r in rows)
    matrix = sum("einsum" not in r.source for r in rows)
    print(
        f"{len(rows)} problems, {matrix} in matrix form; tokens / answer: "
        f"mean {statistics.mean(ratios):.3f}, over 1.25: {sum(r > 1.25 for r in ratios)}, "
        f"over 1.6: {sum(r > 1.6 for r in ratios)}; without the check: "
        f"median {1e3 * statistics.median(times):.1f} ms, "
        f"95% {1e3 * times[int(0.95 * len(times))]:.1f} ms, longest {1e3 * times[-1]:.0f} ms"
    )
    for row in rows if options.list else ():
        if row.ratio > 1.25:
            print(f"{row.name} {row.ratio:.2f}\n    {row.source}\n    {row.answer}")


if __name__ == "__main__":
    main()
