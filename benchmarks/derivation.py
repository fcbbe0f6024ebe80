"""How long it takes to import Diagrad, to start it cold, and to derive.

Runs are interleaved on one core and medians are printed. Start-up is that of whole processes with
their bytecode written, beside the same process without Diagrad; derivations are timed with and
without their check by numbers. Run it as `python benchmarks/derivation.py`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import diagrad as dg
from diagrad.request import Request

ROUNDS = 15
EXAMPLE = Path(__file__).parent.parent / "examples" / "one_hidden_layer.dg"
EMPTY = "import click, numpy\n@click.command()\ndef main(): pass\nmain()"
PROCESSES = {
    "python with numpy": ["-c", "import numpy"],
    "import diagrad": ["-c", "import diagrad"],
    "empty click command with numpy": ["-c", EMPTY],
    "diagrad derive": ["-m", "diagrad", "derive", str(EXAMPLE), "--wrt", "x"],
}


def milliseconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - start)


def process(arguments: list[str]) -> float:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *arguments]
    return milliseconds(
        lambda: subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=True)
    )


def layers(count: int) -> str:
    """A network of that many sigmoid layers."""
    lines = ["h0: row[D0]; y: row[K] & onehot"]
    for k in range(1, count + 1):
        lines.append(f"W{k}: matrix[D{k - 1}, D{k}]; b{k}: row[D{k}]")
        lines.append(f"h{k} = sigmoid(h{k - 1} @ W{k} + b{k})")
    lines.append(f"V: matrix[D{count}, K]; J = -sum(y * log(softmax(h{count} @ V)))")
    return "\n".join(lines)


def derivation(text: str, wrt: str) -> float:
    return milliseconds(lambda: dg.parse(text).derive("J", wrt=wrt))


def unchecked(text: str, wrt: str) -> float:
    """Without the check by numbers, which `derive` always makes."""
    return milliseconds(lambda: Request(dg.parse(text), "J", [wrt], 1, "auto").answers())


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    seed = EXAMPLE.read_text("utf-8")
    texts = {f"{n} layers, by W1": (layers(n), "W1") for n in (1, 2, 5, 10, 20)}
    texts |= {f"seed, by {w}": (seed, w) for w in ("x", "W1", "b1", "W2", "b2")}
    timed = {name: [] for name in [*PROCESSES, *texts]}
    checked = {name: [] for name in texts}
    for _ in range(ROUNDS):
        for name, arguments in PROCESSES.items():
            timed[name].append(process(arguments))
        for name, (text, wrt) in texts.items():
            checked[name].append(derivation(text, wrt))
            timed[name].append(unchecked(text, wrt))
    for name, times in timed.items():
        with_check = f"{statistics.median(checked[name]):8.1f} checked" if name in checked else ""
        print(f"{name:32} {statistics.median(times):8.1f} ms {with_check}")


if __name__ == "__main__":
    main()
