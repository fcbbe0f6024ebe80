"""The Caller in C, built as an extension of this very Python and NumPy."""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
from importlib.resources import files
from types import ModuleType

import numpy as np

from diagrad.compile.build import obtain, working
from diagrad.errors import NoCompiler

NAME = "diagrad.compile._caller"
PARTS = ("fitting.c", "calling.c", "caller.c")


@functools.cache
def extension() -> ModuleType | None:
    """The module of PARTS; None where it cannot be built, as without Python's headers.

    Not for Python without a global lock, on which they rely, and not on Windows, where an
    extension is linked with Python's own library.
    """
    if os.name == "nt" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    try:
        return obtain(_text(), working(), _flags(), _imported)
    except NoCompiler:
        return None


def _text() -> str:
    """The unit, and what else the library depends on."""
    soabi = sysconfig.get_config_var("SOABI")
    folder = files("diagrad").joinpath("compile")
    parts = [f'#line 1 "{part}"\n{folder.joinpath(part).read_text("utf-8")}' for part in PARTS]
    return "\n".join([f"/* {sys.version!r} {soabi} NumPy {np.__version__} */", *parts])


def _flags() -> list[str]:
    folders = {sysconfig.get_path("include"), sysconfig.get_path("platinclude"), np.get_include()}
    link = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    return ["-fvisibility=hidden", *link, *(f"-I{folder}" for folder in sorted(folders))]


def _imported(path: str) -> ModuleType:
    loader = importlib.machinery.ExtensionFileLoader(NAME, path)
    spec = importlib.util.spec_from_file_location(NAME, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module
