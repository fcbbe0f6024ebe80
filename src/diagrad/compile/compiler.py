"""The machine's own C compiler: found, asked who it is, and run with a limit on its time."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from diagrad.compile.store import digest
from diagrad.errors import NoCompiler, Refused

# No -ffast-math: NaN, infinities and signed zeros mean what they mean in NumPy. A square root
# need not set errno, no flag of an exception is read, and a * b + c may round once. gcc 12.2 makes
# wrong code of two small nests side by side where it makes vectors of straight lines.
FLAGS = (
    "-std=c11",
    "-O3",
    "-march=native",
    "-fPIC",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-fopenmp-simd",
    "-fno-tree-slp-vectorize",
)
PATIENCE = 30.0  # seconds for an answer or a trial; the longest text has LONGEST
LONGEST = 300.0
WORDS = 2000  # characters of a compiler's complaint that an error repeats


class TooSlow(Refused):
    """Not done in the time it was given."""


@dataclass(frozen=True)
class Compiler:
    """A command, the flags it takes, and the macros it predefines with them: its version and the
    processor that it compiles for."""

    command: tuple[str, ...]
    flags: tuple[str, ...]
    identity: str

    def compile(self, text: str, room: Path, extra: Sequence[str], seconds: float) -> Path:
        """A shared library, made in a directory of its own. Raises Refused, OSError."""
        (room / "unit.c").write_text(text, "utf-8")
        built = room / "unit.out"
        command = [*self.command, *self.flags, "-shared", *extra]
        said = _run([*command, "-o", built.name, "unit.c", "-lm"], seconds, room)
        if not built.is_file():
            raise Refused(f"{self.command[0]} made no file and said {_quoted(said)}")
        return built


def candidates() -> list[tuple[str, ...]]:
    """The commands to try: that in CC alone, or else those of the usual names.

    Raises NoCompiler where there is none.
    """
    given = os.environ.get("CC", "").strip()
    try:
        words = shlex.split(given, posix=os.name != "nt")
    except ValueError as error:
        raise NoCompiler(f"CC is {given!r}, which does not read as a command: {error}") from None
    tried = [words] if words else [["cc"], ["gcc"], ["clang"]]
    found = [
        (os.path.abspath(path), *rest) for name, *rest in tried if (path := shutil.which(name))
    ]
    if not found:
        names = ", ".join(name for name, *_ in tried)
        raise NoCompiler(f"{names} not found")
    return found


def introduced(command: tuple[str, ...]) -> Compiler:
    """The compiler of this command with the flags that it takes. Raises Refused, OSError."""
    try:
        return Compiler(command, FLAGS, _identity(command, FLAGS))
    except TooSlow:
        raise
    except Refused:
        whole = _identity(command, ())
    taken = tuple(flag for flag in FLAGS if _takes(command, flag))
    return Compiler(command, taken, _identity(command, taken) if taken else whole)


def _takes(command: tuple[str, ...], flag: str) -> bool:
    try:
        return bool(_identity(command, (flag,)))
    except Refused:
        return False


def _identity(command: tuple[str, ...], flags: Sequence[str]) -> str:
    macros = _run([*command, *flags, "-dM", "-E", "-x", "c", "-"], PATIENCE)
    if "#define __STDC_VERSION__ " not in macros:
        raise Refused(f"{command[0]} does not answer like a C compiler: {_quoted(macros)}")
    return digest("\n".join(sorted(macros.splitlines())).encode())


def _run(command: Sequence[str], seconds: float, room: Path | None = None) -> str:
    """What a command says; nothing that it started outlives its time. Raises Refused, OSError."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=room or tempfile.gettempdir(),
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except BaseException as error:
            _kill(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise TooSlow(f"{command[0]} was not done after {seconds:g} seconds") from None
            raise
        words = _read(said)
    if code:
        raise Refused(f"{command[0]} ended with {code} and said {_quoted(words)}")
    return words


def _kill(process: subprocess.Popen[bytes]) -> None:
    """A compiler is several processes; all of them go, with the one that was started."""
    if os.name == "nt":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):  # they are gone
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read(1 << 20).decode("utf-8", "replace")


def _quoted(words: str) -> str:
    words = words.strip()
    return repr(words) if len(words) <= WORDS else f"{words[:WORDS]!r} …"
