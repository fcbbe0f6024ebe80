"""From the text of a C unit to a loaded library: compiled once, kept, and checked before it loads.

The key of a library is its text, the compiler and what it predefines, the flags, and the C library.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from diagrad.compile.compiler import LONGEST, PATIENCE, Compiler, candidates, introduced
from diagrad.compile.store import Store, digest, of_process, of_user, warn_once
from diagrad.errors import NoCompiler

Loaded = TypeVar("Loaded")

TRIAL = "int diagrad_trial(int x);\nint diagrad_trial(int x) { return 6 * x; }\n"

_compilers: dict[tuple[str | None, str | None], Compiler | str] = {}
_libraries: dict[str, ctypes.CDLL | NoCompiler] = {}


def library(text: str, flags_extra: Sequence[str] = ()) -> ctypes.CDLL:
    """A C11 translation unit as a library of this process; it is never unloaded.

    The first use compiles, later ones load what is kept. Raises NoCompiler, and Refused, which is
    one, for a text that alone does not compile; either is remembered.
    """
    compiler = working()
    key = _key(text, compiler, flags_extra)
    if key not in _libraries:
        try:
            _libraries[key] = obtain(text, compiler, flags_extra, ctypes.CDLL)
        except NoCompiler as error:
            _libraries[key] = error.with_traceback(None)
    known = _libraries[key]
    if isinstance(known, NoCompiler):
        raise type(known)(known.reason)
    return known


def address(library: ctypes.CDLL, function: str) -> int:
    """Where a function of a library is. Raises AttributeError."""
    return ctypes.cast(getattr(library, function), ctypes.c_void_p).value or 0


def working() -> Compiler:
    """The compiler, found and tried once for each CC and PATH. Raises NoCompiler."""
    asked = os.environ.get("CC"), os.environ.get("PATH")
    if asked not in _compilers:
        try:
            _compilers[asked] = _first_working()
        except NoCompiler as error:
            _compilers[asked] = error.reason
    known = _compilers[asked]
    if isinstance(known, str):
        raise NoCompiler(known)
    return known


def obtain(
    text: str,
    compiler: Compiler,
    extra: Sequence[str],
    load: Callable[[str], Loaded],
    seconds: float = LONGEST,
) -> Loaded:
    """What `load` makes of the library, from the user's cache or else a directory of the process.

    Going on to the second, for the first cannot be written to or loaded from, warns once. Raises
    Refused, NoCompiler where the second will not do either.
    """
    key = _key(text, compiler, extra)
    failures: list[str] = []
    for place in (of_user, of_process):
        try:
            store = place()
            path = store.find(key) or _built(store, key, text, compiler, extra, seconds)
            loaded = _loaded(path, load)
        except (OSError, ImportError) as error:
            failures.append(str(error))
            continue
        if failures:
            warn_once(failures[0])
        return loaded
    raise NoCompiler(f"a library could not be written and loaded: {failures[-1]}")


def _loaded(path: Path, load: Callable[[str], Loaded]) -> Loaded:
    """A library that does not load is not kept."""
    try:
        return load(str(path))
    except (OSError, ImportError):
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _first_working() -> Compiler:
    """Raises NoCompiler with what each candidate did."""
    reasons = []
    for command in candidates():
        try:
            compiler = introduced(command)
            _try_out(compiler)
        except (NoCompiler, OSError) as error:
            reasons.append(error.reason if isinstance(error, NoCompiler) else str(error))
        else:
            return compiler
    raise NoCompiler("; ".join(reasons))


def _try_out(compiler: Compiler) -> None:
    """Raises NoCompiler where a small library does not compute."""
    trial = obtain(TRIAL, compiler, (), ctypes.CDLL, PATIENCE)
    # A compiler of C++ calls functions by other names.
    if not hasattr(trial, "diagrad_trial") or trial.diagrad_trial(7) != 42:
        raise NoCompiler(f"{compiler.command[0]} compiles to what does not compute")


def _built(
    store: Store, key: str, text: str, compiler: Compiler, extra: Sequence[str], seconds: float
) -> Path:
    with store.workroom() as room:
        return store.keep(key, compiler.compile(text, room, extra, seconds))


def _key(text: str, compiler: Compiler, extra: Sequence[str]) -> str:
    parts = [text, *compiler.command, compiler.identity, *compiler.flags, "--", *extra]
    parts += [platform.machine(), *platform.libc_ver()]
    return digest("\0".join(parts).encode())
