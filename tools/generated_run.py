"""Runs random problems against the oracle; `--show SEED` looks at one.

Exit status 1 when a derivative is wrong or anything but an honest refusal is raised.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from generated.check import Outcome, derive, examine
from generated.oracle import evaluate, points, target_of
from generated.problems import case

KINDS = ("right", "wrong", "unsupported", "undecided", "error")


def run(seed: int) -> tuple[int, Outcome]:
    found = examine(case(seed))
    return seed, Outcome(found.kind, found.reason, found.seconds, found.source)


def outcomes(seeds: range, jobs: int) -> Iterator[tuple[int, Outcome]]:
    if jobs == 1:
        yield from map(run, seeds)
        return
    with Pool(jobs) as pool:
        yield from pool.imap(run, seeds, chunksize=8)


def general(reason: str) -> str:
    """A reason without the names and numbers of its case."""
    line = next((text for text in reason.splitlines() if text.strip()), "")
    line = re.sub(
        r"the formula .* failed its check .*(\([a-z ]+\)), worst .*", r"a failed check \1", line
    )
    return re.sub(r"\d+", "#", re.sub(r"'[^']*'|\"[^\"]*\"", "…", line))[:100]


def report(found: list[tuple[int, Outcome]]) -> bool:
    """Prints the counts and the failures; whether there were any."""
    print(table("all", Counter(o.kind for _, o in found)))
    groups: dict[str, Counter[str]] = {}
    for seed, o in found:
        asked = case(seed)
        key = f"order {asked.order} {asked.layout}"
        groups.setdefault(key, Counter())[o.kind] += 1
    for key in sorted(groups):
        print(table(key, groups[key]))
    times = [o.seconds for _, o in found]
    if len(times) > 1:
        print(f"derive: median {median(times):.4f} s, 95% {quantiles(times, n=20)[-1]:.4f} s")
    slowest = max(found, key=lambda pair: pair[1].seconds)
    print(f"slowest: {slowest[1].seconds:.3f} s, seed {slowest[0]}")
    reasons = Counter(general(o.reason) for _, o in found if o.kind in ("unsupported", "error"))
    for reason, number in reasons.most_common(20):
        print(f"{number:6} {reason}")
    bad = [(seed, o) for seed, o in found if o.kind in ("wrong", "error")]
    for seed, o in bad[:40]:
        print(f"\n## seed {seed}: {o.kind}: {o.reason}\n{case(seed)}")
    if bad:
        print("\nfailing seeds:", *(seed for seed, _ in bad))
    return bool(bad)


def table(title: str, counts: Counter[str]) -> str:
    return f"{title:24}" + "  ".join(f"{kind} {counts[kind]}" for kind in KINDS)


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
    return int(report(list(outcomes(seeds, args.jobs))))


if __name__ == "__main__":
    sys.exit(main())
