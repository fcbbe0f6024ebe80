"""Runs the checker on right and wrong answers made from problems whose answer is known.

    python tools/answers_run.py FILE... [--limit N] [--seed S] [--jobs J] [--write PAGE]

A line of a file is an object with "id", "problem", "of", "wrt", "order", "layout" and "answer".
Exit status 1 when a verdict is false or a repair is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small arrays, and other jobs beside this one

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from answers.judging import Found, judged, shown
from answers.variants import Case, cases
from answers.world import Unusable, World

FALSE = ("false rejection", "false acceptance", "wrong repair")
FAULTS = (*FALSE, "error", "undecided", "other verdict", "kind", "line")
SHOWN = 60


def examined(row: dict[str, Any], seed: int, each: int | None) -> list[Found]:
    """The checker on the cases of a record; a record that numbers cannot decide has none."""
    made = cases(row, seed)
    if each is not None and len(made) > each:
        made = random.Random(f"{row['id']} {seed}").sample(made, each)
    if not made:
        return []
    worlds = {text: other_points({**row, "problem": text}, seed) for text in texts(made)}
    return [judged(case, worlds[case.problem]) for case in made]


def texts(made: list[Case]) -> list[str]:
    """The problem, without and with a name for what is differentiated."""
    return list(dict.fromkeys(case.problem for case in made))


def other_points(row: dict[str, Any], seed: int) -> World:
    """For repairs: not the points of the labels, where there are others."""
    for k in (seed + 1, seed, seed + 2):
        try:
            return World(row, k)
        except Unusable:
            continue
    raise Unusable(row["id"])


def outcomes(rows: list[dict[str, Any]], seed: int, each: int | None, jobs: int) -> Iterator[Found]:
    run = partial(examined, seed=seed, each=each)
    if jobs == 1:
        for row in rows:
            yield from run(row)
        return
    with Pool(jobs) as pool:
        for found in pool.imap(run, rows):
            yield from found


def counts(found: list[Found]) -> list[str]:
    """One line for each thing counted."""
    right = [f for f in found if f.case.verdict != "incorrect"]
    wrong = [f for f in found if f.case.verdict == "incorrect"]
    faults = Counter(f.fault for f in found)
    refused = [f for f in wrong if f.verdict == "incorrect"]
    several = [f for f in refused if "\n" in f.case.answer]
    offered = [f for f in refused if f.repair]
    times = sorted(f.seconds for f in found) or [0.0]
    return [
        f"cases: {len(found)} of {len({f.case.id.split('/')[0] for f in found})} problems; "
        f"right {len(right)}, wrong {len(wrong)}",
        *(f"{fault}: {faults[fault]}" for fault in FAULTS[:5]),
        f"verdict exactly right: {share(f.verdict == f.case.verdict for f in found)}",
        f"kind named correctly: {share(f.kind in f.case.kinds for f in refused)}",
        f"repair offered: {share(bool(f.repair) for f in refused)}",
        f"repair right: {share(f.repaired is True for f in offered)}",
        f"first wrong line right, of several: {share(f.line in f.case.lines for f in several)}",
        f"processor time: median {1e3 * median(times):.0f} ms, "
        f"95 % {1e3 * times[int(0.95 * (len(times) - 1))]:.0f} ms, longest {times[-1]:.1f} s",
    ]


def share(hits: Iterator[bool]) -> str:
    made = list(hits)
    return f"{sum(made)} of {len(made)} ({sum(made) / max(1, len(made)):.1%})"


def confusion(found: list[Found]) -> list[str]:
    """A Markdown table: what was deserved, by what was named; a kind that is among the deserved
    ones counts as it, and otherwise the first of them in the alphabet does."""
    pairs: Counter[tuple[str, str]] = Counter()
    for f in found:
        if f.case.verdict == "incorrect" and f.verdict == "incorrect":
            expected = f.kind if f.kind in f.case.kinds else min(f.case.kinds)
            pairs[expected, f.kind or "none"] += 1
    rows = sorted({row for row, _ in pairs})
    columns = sorted({column for _, column in pairs})
    lines = ["| deserved | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        cells = (str(pairs[row, column] or "") for column in columns)
        lines.append(f"| **{row}** | " + " | ".join(cells) + " |")
    return lines


def page(found: list[Found], seed: int) -> str:
    body = "\n".join(f"- {line}" for line in counts(found))
    return (
        "# What the checker makes of right and wrong answers\n\n"
        f"Written by `tools/answers_run.py --seed {seed} --write`: every problem's answer said "
        "differently and with mistakes in it, each labelled by numbers alone.\n\n"
        f"{body}\n\n"
        "Rows are the kinds that a mistake deserves, columns the kinds that were named; where a "
        "mistake deserves several and one of them was named, it counts as that one.\n\n"
        + "\n".join(confusion(found))
        + "\n"
    )


def report(found: list[Found], limit: int) -> bool:
    """Prints the counts and the failures, the worst first; whether a verdict or repair is false."""
    print("\n".join(counts(found)), "\n", sep="\n")
    print("\n".join(confusion(found)))
    failing = sorted((f for f in found if f.fault), key=lambda f: FAULTS.index(f.fault))
    for f in failing[:limit]:
        print(f"\n{shown(f)}")
    return any(f.fault in FALSE for f in found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, metavar="N", help="only N problems, spread evenly")
    parser.add_argument("--each", type=int, metavar="N", help="at most N cases of a problem")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", type=int, default=SHOWN, help="how many failing cases to print")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="a Markdown page of the counts")
    args = parser.parse_args()
    lines = [line for path in args.files for line in path.read_text("utf-8").splitlines() if line]
    rows = [json.loads(line) for line in lines]
    if args.limit and args.limit < len(rows):
        rows = [rows[k * len(rows) // args.limit] for k in range(args.limit)]
    found = list(outcomes(rows, args.seed, args.each, args.jobs))
    failed = report(found, args.show)
    if args.write:
        args.write.write_text(page(found, args.seed), "utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
