"""What a person needs who reports an internal error."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import traceback
from importlib import metadata


def report(error: Exception) -> str:
    """The error, the command and the versions; where it happened, with DIAGRAD_DEBUG=1."""
    debug = os.environ.get("DIAGRAD_DEBUG") == "1"
    trace = "".join(traceback.format_exception(error)) if debug else ""
    return (
        f"{trace}diagrad: internal error: {type(error).__name__}: {error}\n"
        "This is a mistake in Diagrad, not in your problem. Please report it, with the text of\n"
        "the problem and these lines:\n"
        f"  command  {shlex.join(['diagrad', *sys.argv[1:]])}\n"
        f"  version  diagrad {version('diagrad')}, Python {platform.python_version()},"
        f" NumPy {version('numpy')}, {platform.system()}\n"
        "DIAGRAD_DEBUG=1 shows where it happened."
    )


def version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"
