"""What was measured, as tables for RESULTS.md and as a plot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from measuring import Spread

BEGIN, END = "<!-- peers -->", "<!-- end of peers -->"


class Measured(NamedTuple):
    """A peer's fastest form: its name, the seconds of a call, how many times as long as ours."""

    form: str
    seconds: float
    times: Spread | None
    aim: float | None = None


class Row(NamedTuple):
    """A workload: its title, our seconds where it is compiled, and its peers."""

    title: str
    ours: float | None
    peers: Mapping[str, Measured]


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.9995 * size:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds / 1e-6)} µs"


def digits(number: float) -> str:
    """A number with three digits that count, without an exponent."""
    rounded = float(f"{number:.2e}")  # 9.996 is 10.0
    places = 2 - math.floor(math.log10(rounded)) if rounded > 0 else 0
    return f"{rounded:.{min(max(places, 0), 3)}f}"


def times(spread: Spread) -> str:
    low, middle, high = (digits(number) for number in spread)
    return f"{middle}× ({low}–{high})"


def cell(m: Measured | None) -> str:
    if m is None:
        return "–"
    if m.times is None:
        return duration(m.seconds)
    reached = "" if m.aim is None else f", {'≥' if m.times.middle >= m.aim else 'not'} {m.aim:g}"
    return times(m.times) + reached


def lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = "|---" + "|--:" * (len(head) - 1) + "|"
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(r)} |" for r in rows)])


def peers_of(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.peers))


def overview(rows: Sequence[Row]) -> str:
    """By workload and peer how many times as fast ours is; the peer's time where ours has none."""
    names = peers_of(rows)
    cells = [
        [row.title, "not compiled" if row.ours is None else duration(row.ours),
         *(cell(row.peers.get(name)) for name in names)]
        for row in rows
    ]  # fmt: skip
    return lines(["workload", "Diagrad", *names], cells)


def forms(rows: Sequence[Row]) -> str:
    """By workload and peer the time, and the form that was fastest."""
    names = peers_of(rows)
    cells = [
        [row.title, *(f"{duration(m.seconds)}, {m.form}" if (m := row.peers.get(name)) else "–"
                      for name in names)]
        for row in rows
    ]  # fmt: skip
    return lines(["workload", *names], cells)


def recorded(kept: str, words: str) -> str:
    """RESULTS.md with these words between the marks, and what else stands there as it is."""
    if BEGIN not in kept:
        kept = f"{kept.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, _, rest = kept.partition(BEGIN)
    return f"{before}{BEGIN}\n{words.strip()}\n{END}{rest.partition(END)[2]}"


def record(path: Path, words: str) -> None:
    kept = path.read_text("utf-8") if path.exists() else "# Results\n"
    path.write_text(recorded(kept, words), "utf-8")


# The plot: a line for each workload, on it a point for each peer at its ratio, on a log scale.

WIDTH, STEP, LEFT, TOP, RIGHT = 900, 20, 360, 50, 20
COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#8a6d3b", "#7b4fa3", "#e08e0b", "#444444")


def bounds(rows: Sequence[Row]) -> tuple[float, float]:
    """The powers of ten around all ratios and 1."""
    ratios = [1.0, *(m.times.middle for r in rows for m in r.peers.values() if m.times)]
    return math.floor(math.log10(min(ratios))), max(1, math.ceil(math.log10(max(ratios))))


def text(x: float, y: float, words: str, anchor: str = "start", colour: str = "#444") -> str:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escaped}</text>'


def point(x: float, y: float, place: int) -> str:
    colour = COLOURS[place % len(COLOURS)]
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'


def plot(rows: Sequence[Row]) -> str:
    """An SVG picture of the workloads that ours computes."""
    rows = [row for row in rows if any(m.times for m in row.peers.values())]
    names, (low, high) = peers_of(rows), bounds(rows)
    height = TOP + STEP * len(rows) + 30

    def across(ratio: float) -> float:
        return LEFT + (math.log10(ratio) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for power in range(int(low), int(high) + 1):
        x = across(10.0**power)
        colour = "#888" if power == 0 else "#ddd"
        parts.append(f'<path d="M{x:.1f} {TOP - 10}V{height - 25}" stroke="{colour}"/>')
        parts.append(text(x, height - 10, f"{10.0**power:g}×", "middle"))
    for place, name in enumerate(names):
        x = 20 + place * (WIDTH - 40) / len(names)
        parts.append(point(x, 16, place))
        parts.append(text(x + 9, 20, name))
    for place, row in enumerate(rows):
        y = TOP + STEP * (place + 0.5)
        parts.append(text(LEFT - 10, y + 4, row.title, "end"))
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#eee"/>')
        for name, m in row.peers.items():
            if m.times:
                parts.append(point(across(m.times.middle), y, names.index(name)))
    return "\n".join([*parts, "</svg>\n"])
