"""Diagrad's compiled functions beside other systems', in one process, on one core.

    python benchmarks/peers.py                  some minutes, most of them other systems' compilers'
    python benchmarks/peers.py --quick          under a minute: small sizes, without slow compilers
    python benchmarks/peers.py --only A --peer jax --peer numpy
    python benchmarks/peers.py --write          into benchmarks/RESULTS.md and benchmarks/peers.svg

The peers are the extra `bench`: `pip install -e ".[bench]"`; one that is not installed is left
out. A peer is timed after its outputs were compared with Diagrad's, and by the fastest of its
forms. What is printed is how many times as long as ours it took: the median of the rounds' ratios,
their quartiles, and the ratio aimed at.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR")
ENVIRONMENT = {
    **{f"{name}_NUM_THREADS": "1" for name in THREADS},
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
MODULES = ("numpy", "numba", "pytensor", "jax", "torch", "sklearn")
QUICK = ("single", "assignment", "n = 50,", "digits")  # the sizes of a quick run


def alone() -> None:
    """Pins the process to a core and, where threads are not limited yet, starts it again limited:
    libraries read their environment when they are imported."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if any(os.environ.get(name) != value for name, value in ENVIRONMENT.items()):
        if os.environ.get("DIAGRAD_ALONE"):
            sys.exit("the environment of the benchmark could not be set")
        environment = os.environ | ENVIRONMENT | {"DIAGRAD_ALONE": "1"}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, no slow compilers")
    parser.add_argument("--only", action="append", metavar="TEXT", help="workloads with this title")
    parser.add_argument("--peer", action="append", choices=MODULES, help="only these peers")
    parser.add_argument("--write", action="store_true", help="record table and plot")
    return parser.parse_args(argv)


def chosen(title: str, asked: argparse.Namespace) -> bool:
    """`--only A` is the workloads whose title begins so; other text may stand within it."""
    if asked.quick and not any(size in title for size in QUICK):
        return False
    return not asked.only or any(
        title.startswith(f"{words}:") or (len(words) > 1 and words.casefold() in title.casefold())
        for words in asked.only
    )


def imported(names: Sequence[str]) -> Iterator[ModuleType]:
    for name in names:
        try:
            yield importlib.import_module(f"peer_{name}")
        except ImportError as error:
            print(f"{name} is left out: {error}")


def compiler() -> str:
    command = os.environ.get("CC", "cc")
    try:
        found = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "no C compiler"
    return found.stdout.splitlines()[0]


def processor() -> str:
    path = Path("/proc/cpuinfo")
    text = path.read_text("utf-8") if path.exists() else ""
    model = re.search(r"model name\s*: (.*)", text)
    vectors = [name for name in ("avx2", "avx512f") if f" {name} " in text]
    name = model[1] if model else platform.processor() or platform.machine()
    return ", ".join([name, *vectors])


def surroundings(modules: Sequence[ModuleType]) -> str:
    """What the numbers depend on."""
    from importlib.metadata import version

    versions = [f"{module.NAME} {module.VERSION}" for module in modules]
    versions += [f"Diagrad {version('diagrad')}", f"Python {platform.python_version()}"]
    return f"{processor()}; {platform.system()}; {compiler()}; {', '.join(versions)}"


def derivation() -> str:
    """What derivation.py prints: import, cold start, derivations."""
    command = [sys.executable, str(HERE / "derivation.py")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.rstrip()


def main(argv: Sequence[str] | None = None) -> None:
    asked = options(argv)
    # Only now, when the environment is set: these import NumPy.
    import race
    import tables
    from workloads import workloads

    warnings.simplefilter("ignore")
    modules = list(imported(asked.peer or MODULES))
    where = surroundings(modules)
    print(f"{where}\n")
    rows = []
    for workload in workloads():
        if chosen(workload.title, asked):
            for row in race.rows(workload, modules, not asked.quick):
                rows.append(row)
                print(race.told(row), flush=True)
    words = f"{tables.overview(rows)}\n"
    print(f"\n{words}")
    startup = "" if asked.only or asked.quick else derivation()
    print(startup, end="\n" if startup else "")
    if asked.write:
        command = " ".join(["python benchmarks/peers.py", *sys.argv[1:]])
        tables.record(HERE / "RESULTS.md", race.page(rows, command, where, startup))
        (HERE / "peers.svg").write_text(tables.plot(rows), "utf-8")


if __name__ == "__main__":
    alone()
    main()
