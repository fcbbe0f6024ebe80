"""Runs random problems against the oracle; `--show SEED` looks at one.

Exit status 1 when a derivative is wrong or anything but an honest refusal is raised.
"""

import argparse
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from statistics import mean, median, quantiles
from textwrap import fill
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small arrays, and other jobs beside this one

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from generated.check import derive, examine
from generated.consistency import inconsistencies
from generated.oracle import evaluate, points, target_of
from generated.problems import case
from generated.vocabulary import REQUESTS, VOCABULARY, used

KINDS = ("right", "wrong", "unsupported", "undecided", "error", "inconsistent")
BAD = ("wrong", "error", "inconsistent")


class Found(NamedTuple):
    """What came of a seed; times are the processor's, of the derivation and of everything."""

    seed: int
    kind: str
    reason: str
    seconds: float
    total: float
    words: frozenset[str]


def run(seed: int, every: int) -> Found:
    """Examines a case, and every so many of them for contradictions between requests."""
    start = time.process_time()
    asked = case(seed)
    words = frozenset(used(asked))
    try:
        outcome = examine(asked)
        kind, reason, seconds = outcome.kind, outcome.reason, outcome.seconds
        if kind == "right" and every and seed % every == 0:
            reason = "; ".join(inconsistencies(asked))
            kind = "inconsistent" if reason else kind
    except Exception as error:
        kind, reason, seconds = "error", f"beside it: {type(error).__name__}: {error}", 0.0
    return Found(seed, kind, reason, seconds, time.process_time() - start, words)


def outcomes(seeds: range, jobs: int, every: int) -> Iterator[Found]:
    if jobs == 1:
        yield from (run(seed, every) for seed in seeds)
        return
    with Pool(jobs) as pool:
        yield from pool.imap(partial(run, every=every), seeds, chunksize=8)


def general(reason: str) -> str:
    """A reason without the names and numbers of its case."""
    line = next((text for text in reason.splitlines() if text.strip()), "")
    line = re.sub(
        r"the formula .* failed its check .*(\([a-z ]+\)), worst .*", r"a failed check \1", line
    )
    return re.sub(r"\d+", "#", re.sub(r"'[^']*'|\"[^\"]*\"", "…", line))[:100]


def report(found: list[Found], all_words: bool) -> bool:
    """Prints the counts and the failures; whether there were any."""
    print(table("all", Counter(f.kind for f in found)))
    for request in REQUESTS:
        print(table(request, Counter(f.kind for f in found if request in f.words)))
    coverage(found, all_words)
    times = [f.seconds for f in found]
    if len(times) > 1:
        each = 1e3 * sum(f.total for f in found) / len(found)
        print(f"processor time: {each:.1f} ms a case, {1e3 * mean(times):.1f} ms to derive", end="")
        print(f" (median {1e3 * median(times):.1f}, 99% {1e3 * quantiles(times, n=100)[-1]:.0f})")
    slowest = sorted(found, key=lambda f: -f.seconds)[:5]
    print("slowest:", ", ".join(f"seed {f.seed} {f.seconds:.2f} s" for f in slowest))
    reasons = Counter(general(f.reason) for f in found if f.kind in ("unsupported", *BAD))
    for reason, number in reasons.most_common(20):
        print(f"{number:6} {reason}")
    bad = [f for f in found if f.kind in BAD]
    for f in bad[:40]:
        print(f"\n## seed {f.seed}: {f.kind}: {f.reason}\n{case(f.seed)}")
    if bad:
        print("\nfailing seeds:", *(f.seed for f in bad))
    return bool(bad)


def coverage(found: list[Found], all_words: bool) -> None:
    """How many cases differentiate each operation and depend on each fact; with what outcome, of
    the ones that fail or where all are asked for."""
    counts = {word: Counter(f.kind for f in found if word in f.words) for word in VOCABULARY}
    listed = [f"{word} {sum(counts[word].values())}" for word in VOCABULARY]
    print(fill("covered: " + ", ".join(listed), 100, subsequent_indent="  "))
    for word, kinds in counts.items():
        if all_words or kinds.keys() & set(BAD):
            print(table(f"  {word}", kinds))


def table(title: str, counts: Counter[str]) -> str:
    return f"{title:26}" + "  ".join(f"{kind} {counts[kind]}" for kind in KINDS if counts[kind])


def show(seed: int) -> None:
    """One case in full, with the derivative's values and the formula's at the first point."""
    asked = case(seed)
    print(asked)
    found = examine(asked)
    print(f"{found.kind}: {found.reason}\nsource: {found.source}\n{found.seconds:.3f} s")
    target = target_of(asked)
    for env, value in points(target, 1):
        print("sizes:", env.sizes)
        print(f"derivative, with all its axes {value.shape}:\n{value}")
        if found.source:
            got = evaluate(found.source, env, target.problem.functions)
            print(f"formula {got.shape}:\n{got}")


def source(seed: int) -> str:
    try:
        return str(derive(case(seed)).result.source)
    except ValueError as error:
        return str(error)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=500)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--words", action="store_true", help="outcomes of every operation and fact")
    parser.add_argument(
        "--consistency", type=int, default=20, metavar="N", help="compare layouts of every Nth case"
    )
    parser.add_argument("--show", type=int, metavar="SEED")
    parser.add_argument("--sources", action="store_true", help="print the formulas only, as JSON")
    args = parser.parse_args()
    if args.show is not None:
        show(args.show)
        return 0
    seeds = range(args.seed, args.seed + args.count)
    if args.sources:
        print(json.dumps([source(seed) for seed in seeds]))
        return 0
    found = list(outcomes(seeds, args.jobs, args.consistency))
    return int(report(found, args.words))


if __name__ == "__main__":
    sys.exit(main())
