"""A workload's contenders: compared, raced, and told."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import chain
from types import ModuleType

import ours
import tables
from measuring import FULL, QUICK, Array, Disagreement, Form, agree, promising, raced, ratios
from tables import Measured, Row, duration
from workloads import Workload

PAGE = """
## Peers

`{command}`, in one process, on one core and with one thread:
{where}.
Results are allocated by each call, except where “into” says that ours writes into arrays; Diagrad
takes the memory of results that were let go of. A peer's outputs are Diagrad's, by comparison. Each
cell is how many times as long as Diagrad the peer took,
by processor time: the median of the rounds' ratios, in brackets their quartiles, and whether it is
the ratio aimed at. Where Diagrad does not compile the workload, it is the peer's time.

{overview}

![How many times as long as Diagrad the peers took](peers.svg)

The forms of the peers, the fastest of those tried, and the time of a call:

{forms}

Import, cold start and derivation, `python benchmarks/derivation.py`:

```
{startup}
```
"""


def contenders(w: Workload, modules: Sequence[ModuleType], thorough: bool) -> Iterator[Form]:
    """The forms whose outputs are right; a line says which are not, and why."""
    # Of what is too large for evaluating formulas, the first contender, ours, is the measure.
    expected: list[Array] | None = ours.evaluated(w)
    theirs = (form for module in modules for form in tried(module, w, thorough))
    for form in chain(ours.forms(w), theirs):
        try:
            if form.vouched:
                form.vouched()
            else:
                outputs = form.outputs()
                expected = outputs if expected is None else expected
                agree(outputs, expected, w.tolerance)
        except Exception as error:
            reason = str(error) if isinstance(error, Disagreement) else first_line(error)
            print(f"{w.title}: {form.peer}, {form.name}, is left out: {reason}")
        else:
            yield form


def tried(module: ModuleType, w: Workload, thorough: bool) -> Iterator[Form]:
    """A module's forms, up to the first that it cannot build."""
    try:
        yield from module.forms(w, thorough)
    except Exception as error:
        print(f"{w.title}: {module.NAME} is left out: {first_line(error)}")


def first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def rows(w: Workload, modules: Sequence[ModuleType], thorough: bool) -> list[Row]:
    """A row, and where ours also writes into given arrays, another."""
    effort = FULL if thorough else QUICK
    forms = list(contenders(w, modules, thorough))
    if not forms:
        return []
    forms = promising(forms, effort)
    timed = dict(zip([(f.peer, f.name) for f in forms], raced(forms, effort), strict=True))
    fastest: dict[str, tuple[str, list[float]]] = {}
    for (peer, name), seconds in timed.items():
        if peer not in fastest or median(seconds) < median(fastest[peer][1]):
            fastest[peer] = name, seconds
    mine = {name: fastest.pop(name)[1] for name in (ours.NAME, ours.INTO) if name in fastest}
    if ours.INTO not in mine:
        return [row(w.title, mine.get(ours.NAME), fastest, w.aims)]
    return [
        row(w.title, mine.get(ours.NAME), fastest, w.aims),
        row(f"{w.title}, into", mine[ours.INTO], fastest, w.aims_into),
    ]


median = statistics.median


def row(title, mine, fastest, aims) -> Row:  # type: ignore[no-untyped-def]
    peers = {
        peer: Measured(
            name, median(seconds), ratios(seconds, mine) if mine else None, aims.get(peer)
        )
        for peer, (name, seconds) in fastest.items()
    }
    return Row(title, median(mine) if mine else None, peers)


def told(row: Row) -> str:
    """A workload as it is printed when it is done."""
    lines = [f"{row.title}: {'not compiled' if row.ours is None else duration(row.ours)}"]
    for peer, m in row.peers.items():
        ratio = "" if m.times is None else tables.cell(m)
        lines.append(f"    {peer:16} {duration(m.seconds):>9}  {ratio:30} {m.form}".rstrip())
    return "\n".join(lines)


def page(rows: Sequence[Row], command: str, where: str, startup: str) -> str:
    return PAGE.format(
        command=command,
        where=where,
        overview=tables.overview(rows),
        forms=tables.forms(rows),
        startup=startup,
    )
