"""How time and text grow with a network's layers, and what the larger examples take.

For networks of 1 to 40 layers: all gradients derived in one request, with and without their check
by numbers, and their text at two depths. Run it as `python benchmarks/layers.py`; with `--write` it
records the table in `benchmarks/RESULTS.md` and the plot in `benchmarks/layers.svg`.
"""

from __future__ import annotations

import argparse
import math
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import diagrad as dg
from diagrad import pages
from diagrad.request import Request

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
COUNTS = (1, 2, 5, 10, 20, 40)
LARGE = ("lstm", "gru", "transformer", "ten_layers")
ROUNDS = 5
HEAD = ("variables", "derived", "checked", "overview", "standard", "characters")
BEGIN, END = "<!-- layers -->", "<!-- end of layers -->"


class Measured(NamedTuple):
    """Times in milliseconds: of the derivation, its check, the text at two depths; the length of
    the longer text."""

    variables: int
    derived: float
    checked: float
    overview: float
    standard: float
    characters: int


def layers(count: int) -> str:
    """A network of that many layers, sigmoid and at last softmax."""
    lines = [f"h0: row[D0]; y: row[D{count}] & onehot"]
    for k in range(1, count + 1):
        lines.append(f"W{k}: matrix[D{k - 1}, D{k}]; b{k}: row[D{k}]")
        function = "softmax" if k == count else "sigmoid"
        lines.append(f"h{k} = {function}(h{k - 1} @ W{k} + b{k})")
    return "\n".join([*lines, f"J = -sum(y * log(h{count}))"])


def milliseconds(run: Callable[[], object]) -> float:
    """The time of the processor, which others who share it do not lengthen."""
    start = time.process_time()
    run()
    return 1e3 * (time.process_time() - start)


def once(text: str) -> Measured:
    problem = dg.parse(text)
    wrt = problem.default_wrt("J")
    request = Request(problem, "J", wrt, 1, "auto")
    derived = milliseconds(request.answers)
    # What is found is kept, so a second request has the answers to be checked.
    request = Request(problem, "J", wrt, 1, "auto")
    answers = request.answers()
    checked = milliseconds(lambda: request.verified(answers))
    texts: list[str] = []
    times = []
    for depth in ("overview", "standard"):
        # Steps are made with the first text, so each depth has derivations of its own.
        found = problem.derive("J", wrt)
        times.append(milliseconds(lambda d=depth, f=found: texts.append(pages.text(f, depth=d))))
    return Measured(len(wrt), derived, checked, *times, len(texts[-1]))


def measured(text: str) -> Measured:
    """The medians of several runs."""
    runs = [once(text) for _ in range(ROUNDS)]
    return Measured(*(statistics.median(column) for column in zip(*runs, strict=True)))


def table(first: str, rows: Sequence[tuple[str, Measured]]) -> str:
    lines = [f"| {' | '.join([first, *HEAD])} |", "|---" + "|--:" * len(HEAD) + "|"]
    for name, m in rows:
        times = [f"{value:.0f} ms" for value in m[1:5]]
        cells = [name, str(m.variables), *times, str(m.characters)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def record(by_layers: str, by_example: str) -> None:
    """Put the tables into RESULTS.md, between the marks, and keep what else stands there."""
    path = HERE / "RESULTS.md"
    kept = path.read_text("utf-8") if path.exists() else f"# Results\n\n{BEGIN}\n{END}\n"
    before, _, rest = kept.partition(BEGIN)
    machine = f"one core of a shared {platform.machine()} server"
    software = f"Python {platform.python_version()}, NumPy {np.__version__}"
    words = (
        "## Layers\n\n"
        f"`python benchmarks/layers.py --write`, on {machine},\n"
        f"{software}; processor time, medians of {ROUNDS} runs. All gradients in\n"
        "one request: derived, checked by numbers, told at two depths, steps included; and the\n"
        "characters of the text at standard depth.\n\n"
        f"{by_layers}\n\n![Time and text by layers](layers.svg)\n\n{by_example}\n"
    )
    path.write_text(f"{before}{BEGIN}\n{words}{END}{rest.partition(END)[2]}", "utf-8")


# The plot: both axes logarithmic, so that what grows linearly has the slope of the grey lines.

WIDTH, HEIGHT, LEFT, BOTTOM = 560, 360, 60, 40
SERIES = {
    "derived, ms": ("#1b6ca8", 1),
    "checked, ms": ("#d1495b", 2),
    "standard text, ms": ("#3a7d44", 4),
    "characters / 1000": ("#8a6d3b", 5),
}


def place(x: float, y: float) -> tuple[float, float]:
    across = math.log(x) / math.log(40)
    up = math.log10(max(y, 1.0)) / 3.3
    return LEFT + across * (WIDTH - LEFT - 130), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - 20)


def line(points: Sequence[tuple[float, float]], style: str) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline fill="none" points="{joined}" {style}/>'


def words(x: float, y: float, text: str, colour: str = "#444", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{text}</text>'


def plot(rows: Sequence[tuple[int, Measured]]) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(4):
        x, y = place(1, 10**power)
        parts.append(line([(x, y), place(40, 10**power)], 'stroke="#eee"'))
        parts.append(words(x - 8, y + 4, str(10**power), anchor="end"))
    parts += [line([place(1, s), place(40, 40 * s)], 'stroke="#ddd"') for s in (1, 5, 25)]
    parts += [words(place(n, 1)[0], HEIGHT - 20, str(n), anchor="middle") for n, _ in rows]
    parts.append(words(place(6, 1)[0], HEIGHT - 4, "layers", anchor="middle"))
    for name, (colour, column) in SERIES.items():
        scale = 0.001 if "/ 1000" in name else 1.0
        points = [place(n, scale * m[column]) for n, m in rows]
        parts.append(line(points, f'stroke="{colour}" stroke-width="2"'))
        parts.append(words(points[-1][0] + 6, points[-1][1] + 4, name, colour))
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    once(layers(2))
    rows = [(count, measured(layers(count))) for count in COUNTS]
    by_layers = table("layers", [(str(count), m) for count, m in rows])
    examples = [(n, measured((EXAMPLES / f"{n}.dg").read_text("utf-8"))) for n in LARGE]
    by_example = table("example", examples)
    print(f"{by_layers}\n\n{by_example}")
    if write:
        record(by_layers, by_example)
        (HERE / "layers.svg").write_text(plot(rows), "utf-8")


if __name__ == "__main__":
    main()
