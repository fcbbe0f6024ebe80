"""Compiled libraries on disk, in a directory where nobody but its owner can put one.

The name of a library is `KEY-DIGEST.so`: KEY is what it was made from, DIGEST what it consists of.
A library that does not agree with its name was cut short or damaged; it is deleted, never loaded.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from diagrad.errors import CacheWarning

SUFFIX = ".dll" if os.name == "nt" else ".so"
MOST_LIBRARIES = 1000
ABANDONED = 86400.0  # seconds after which the directory of a build is one of a process that died
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

_private: dict[int, Path] = {}
_warned: list[str] = []


class Store:
    """Libraries in one directory, which exists and is the user's own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def find(self, key: str) -> Path | None:
        """The library of this key, whole and the user's own."""
        for path in sorted(self.directory.glob(f"{key}-*{SUFFIX}")):
            if _sound(path):
                with contextlib.suppress(OSError):
                    os.utime(path)
                return path
            with contextlib.suppress(OSError):
                path.unlink()
        return None

    @contextlib.contextmanager
    def workroom(self) -> Iterator[Path]:
        """A directory for one build, on the file system of the libraries. Raises OSError."""
        room = Path(tempfile.mkdtemp(prefix="build-", dir=self.directory))
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)

    def keep(self, key: str, built: Path) -> Path:
        """Moves a built library to its place in one step. Raises OSError."""
        kept = self.directory / f"{key}-{digest(built.read_bytes())}{SUFFIX}"
        built.chmod(0o600)
        os.replace(built, kept)
        self._tidy()
        return kept

    def _tidy(self) -> None:
        """Deletes the libraries that were used longest ago, and what dead builds left."""
        with contextlib.suppress(OSError):
            libraries = sorted(self.directory.glob(f"*{SUFFIX}"), key=lambda p: p.stat().st_mtime)
            for path in libraries[:-MOST_LIBRARIES]:
                path.unlink()
            for room in self.directory.glob("build-*"):
                if room.stat().st_mtime < time.time() - ABANDONED:
                    shutil.rmtree(room, ignore_errors=True)


def digest(content: bytes) -> str:
    """SHA-256, its first 128 bits in hexadecimal."""
    return hashlib.sha256(content).hexdigest()[:32]


def of_user() -> Store:
    """The libraries of the user, or of DIAGRAD_CACHE. Raises OSError with the reason where no
    directory is there, or one that others can write to."""
    named = Path(os.path.abspath(_named()))
    named.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = named.resolve(strict=True)
    if _of_others(directory.stat()):
        raise PermissionError(
            f"{directory} has another owner or may be written to by others: a library in it could "
            f"be anyone's"
        )
    for above in directory.parents if os.name != "nt" else ():
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise PermissionError(f"anyone may replace what is in {above}")
    return Store(directory)


def of_process() -> Store:
    """Libraries of this process, deleted when it ends; a forked process has its own.

    Raises OSError.
    """
    process = os.getpid()
    if process not in _private:
        made = Path(tempfile.mkdtemp(prefix="diagrad-")).resolve()
        if _private.setdefault(process, made) == made:
            atexit.register(_delete, process, made)
    return Store(_private[process])


def warn_once(reason: str) -> None:
    """Says in this process, once, that the user's cache did not do."""
    if not _warned:
        _warned.append(reason)
        warnings.warn(
            f"compiled code is not kept for the next process: {reason}; "
            "set DIAGRAD_CACHE to a directory of your own",
            CacheWarning,
            stacklevel=2,
        )


def _sound(path: Path) -> bool:
    try:
        status = path.lstat()
        mine = stat.S_ISREG(status.st_mode) and not _of_others(status)
        return mine and path.stem.partition("-")[2] == digest(path.read_bytes())
    except OSError:
        return False


def _of_others(status: os.stat_result) -> bool:
    if os.name == "nt":
        return False
    return status.st_uid != os.geteuid() or bool(status.st_mode & OTHERS_WRITE)


def _named() -> str:
    """DIAGRAD_CACHE, or the place where this system keeps the caches of a user."""
    given = os.environ.get("DIAGRAD_CACHE")
    if given:
        return given
    home = os.path.expanduser("~")
    if sys.platform == "darwin":
        caches = os.path.join(home, "Library", "Caches")
    elif os.name == "nt":
        caches = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    else:
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    if not os.path.isabs(caches):
        raise FileNotFoundError("the user has no home directory, and DIAGRAD_CACHE is not set")
    return os.path.join(caches, "diagrad")


def _delete(process: int, directory: Path) -> None:
    if os.getpid() == process:
        shutil.rmtree(directory, ignore_errors=True)
