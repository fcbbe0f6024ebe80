"""From C text to a library: the compiler that the machine has, and what is kept."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from diagrad.compile import blas, build, compiler, store
from diagrad.compile.build import library
from diagrad.errors import CacheWarning, NoCompiler, Refused

pytestmark = pytest.mark.usefixtures("compiles")

ANSWER = "int answer(void);\nint answer(void) {{ return {}; }}\n"


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """As a process that starts: nothing is remembered, nothing kept."""
    monkeypatch.setenv("DIAGRAD_CACHE", str(tmp_path / "cache"))
    forget(monkeypatch)
    yield tmp_path / "cache"
    for private in store._private.values():
        store._delete(os.getpid(), private)


def forget(monkeypatch):
    for module, name, empty in (
        (build, "_compilers", {}),
        (build, "_libraries", {}),
        (store, "_private", {}),
        (store, "_warned", []),
    ):
        monkeypatch.setattr(module, name, empty)


def script(path: Path, *lines: str) -> str:
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return str(path)


def entries(cache):
    return sorted(p for p in cache.iterdir() if p.suffix == store.SUFFIX)


# The compiler


def test_text_becomes_a_function_that_can_be_called():
    assert library(ANSWER.format(42)).answer() == 42


def test_the_same_text_is_the_same_library_and_other_flags_are_another():
    assert library(ANSWER.format(1)) is library(ANSWER.format(1))
    assert library(ANSWER.format(1), ["-DTWICE"]) is not library(ANSWER.format(1))
    assert library("int two(void) { return TWO; }", ["-DTWO=2"]).two() == 2


def test_an_address_is_that_of_the_function():
    made = library("int one(void) { return 1; }\nint two(void) { return 2; }")
    assert ctypes.CFUNCTYPE(ctypes.c_int)(build.address(made, "two"))() == 2
    assert build.address(made, "one") != build.address(made, "two")
    with pytest.raises(AttributeError):
        build.address(made, "three")


def test_no_flag_makes_arithmetic_careless():
    text = "int nan(double x) { return x != x; }\ndouble zero(void) { return -0.0; }\n"
    text += "#ifdef __FAST_MATH__\n#error careless\n#endif\n"
    assert library(text) and not {"-ffast-math", "-Ofast"} & set(build.working().flags)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["exit 1"], "ended with 1 and said ''"),
        (["exit 0"], "does not answer like a C compiler: ''"),
        (["echo hello"], "does not answer like a C compiler: 'hello'"),
        (["head -c 3000 /dev/zero"], "does not answer like a C compiler"),
        (["echo '#define __STDC_VERSION__ 201112L'"], "made no file and said '#define"),
        (
            ["echo '#define __STDC_VERSION__ 201112L'", "test $# -lt 8 || echo junk > unit.out"],
            "a library could not be written and loaded",
        ),
        (["kill -9 $$"], "ended with -9"),
    ],
)
def test_a_broken_compiler_is_named_and_not_tried_again(fresh, monkeypatch, tmp_path, lines, said):
    count = tmp_path / "count"
    command = script(tmp_path / "broken", f"echo >> {count}", *lines)
    monkeypatch.setenv("CC", command)
    with pytest.raises(NoCompiler) as first:
        library(ANSWER.format(1))
    assert said in first.value.reason and "name one in CC" in str(first.value)
    tried = count.stat().st_size
    with pytest.raises(NoCompiler) as second:
        library(ANSWER.format(2))
    assert second.value.reason == first.value.reason
    assert count.stat().st_size == tried


def test_a_compiler_that_hangs_is_given_up_with_all_that_it_started(fresh, monkeypatch, tmp_path):
    alive = tmp_path / "alive"
    child = f"while :; do echo >> '{alive}'; sleep 0.1; done &"
    monkeypatch.setenv("CC", script(tmp_path / "slow", child, "wait"))
    monkeypatch.setattr(compiler, "PATIENCE", 1.0)
    with pytest.raises(NoCompiler, match="was not done after 1 seconds"):
        library(ANSWER.format(1))
    beats = alive.stat().st_size
    time.sleep(0.5)
    assert alive.stat().st_size == beats > 0


@pytest.mark.parametrize(
    ("cc", "reason"),
    [
        ("no-such-compiler -m64", "no-such-compiler not found"),
        ("gcc 'unclosed", 'CC is "gcc \'unclosed", which does not read as a command'),
        ("/dev/null", "/dev/null not found"),
    ],
)
def test_a_name_that_is_no_command_is_said(fresh, monkeypatch, cc, reason):
    monkeypatch.setenv("CC", cc)
    with pytest.raises(NoCompiler) as raised:
        build.working()
    assert reason in raised.value.reason


def test_without_any_compiler_the_names_that_were_tried_are_said(fresh, monkeypatch, tmp_path):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoCompiler, match="cc, gcc, clang not found; install one"):
        build.working()


def test_cc_is_words_and_no_shell_reads_it(fresh, monkeypatch, tmp_path):
    real = build.working().command[0]
    named = script(tmp_path / "my cc", f'exec {real} "$@"')
    monkeypatch.setenv("CC", f"'{named}' '-DX=$(id);'")
    assert build.working().command == (named, "-DX=$(id);")
    assert library(ANSWER.format(3)).answer() == 3


def test_flags_that_a_compiler_does_not_know_are_left_out(fresh, monkeypatch, tmp_path):
    real = build.working().command[0]
    refuse = 'for f; do case $f in -march=*|-fopenmp-simd) exit 1;; esac; done; exec {} "$@"'
    monkeypatch.setenv("CC", script(tmp_path / "plain", refuse.format(real)))
    left = set(compiler.FLAGS) - set(build.working().flags)
    assert left == {"-march=native", "-fopenmp-simd"}
    assert library(ANSWER.format(3)).answer() == 3


def test_text_that_does_not_compile_is_refused_in_the_words_of_the_compiler():
    for _ in range(2):
        with pytest.raises(Refused, match=r"did not compile this: .*unit\.c:1"):
            library("this is not C")
    assert library(ANSWER.format(4)).answer() == 4


def test_text_that_takes_too_long_is_refused(fresh, monkeypatch, tmp_path):
    real = build.working().command[0]
    wait = f'grep -q slow unit.c 2>/dev/null && sleep 60; exec {real} "$@"'
    monkeypatch.setenv("CC", script(tmp_path / "cc", wait))
    monkeypatch.setattr(build.obtain, "__defaults__", (0.5,))
    with pytest.raises(Refused, match=r"was not done after 0\.5 seconds"):
        library("int slow(void) { return 1; }")


# Kept libraries


def test_a_library_is_kept_for_the_next_process_and_for_its_owner_alone(fresh, monkeypatch):
    library(ANSWER.format(5))
    kept = entries(fresh)
    assert len(kept) == 2  # with the trial of the compiler
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept)
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o700
    assert len(list(fresh.iterdir())) == 2  # no build leaves anything
    forget(monkeypatch)
    monkeypatch.setattr(compiler.Compiler, "compile", None)
    assert library(ANSWER.format(5)).answer() == 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:5000] + b"\xff" * 64 + content[5064:],
        lambda content: content + b"\0",
        lambda content: b"\x7fELF",
    ],
)
def test_a_damaged_library_is_made_again(fresh, monkeypatch, damage):
    library(ANSWER.format(6))
    forget(monkeypatch)
    for path in entries(fresh):
        content = path.read_bytes()
        path.unlink()  # the loaded one stays as it is
        path.write_bytes(damage(content))
        path.chmod(0o600)
    assert library(ANSWER.format(6)).answer() == 6
    assert all(store._sound(path) for path in entries(fresh))


def test_a_library_that_others_could_have_changed_is_made_again(fresh, monkeypatch):
    library(ANSWER.format(6))
    forget(monkeypatch)
    for path in entries(fresh):
        path.chmod(0o666)
    assert library(ANSWER.format(6)).answer() == 6
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in entries(fresh))


def test_another_compiler_or_processor_has_libraries_of_its_own(fresh, monkeypatch):
    first = build.working()
    key = build._key("text", first, ())
    other = compiler.Compiler(first.command, first.flags, "another")
    assert build._key("text", other, ()) != key != build._key("text", first, ("-DX",))
    assert first.identity == compiler.introduced(first.command).identity
    generic = compiler._identity(first.command, [f for f in first.flags if "march" not in f])
    assert generic != first.identity


def test_few_libraries_are_kept_those_used_last(fresh, monkeypatch):
    monkeypatch.setattr(store, "MOST_LIBRARIES", 3)
    library(ANSWER.format(0))
    for age, path in enumerate(entries(fresh), 1):
        os.utime(path, (1000 * age, 1000 * age))
    oldest = entries(fresh)[0]
    library(ANSWER.format(1)), library(ANSWER.format(2))
    assert len(entries(fresh)) == 3 and oldest not in entries(fresh)


def test_what_a_build_that_died_left_is_deleted_after_a_day(fresh):
    for name, age in (("build-old", 2e5), ("build-new", 0)):
        (fresh / name).mkdir(parents=True)
        then = (fresh / name).stat().st_mtime - age
        os.utime(fresh / name, (then, then))
    fresh.chmod(0o700)
    library(ANSWER.format(1))
    assert sorted(p.name for p in fresh.glob("build-*")) == ["build-new"]


def in_process(code: str, **environment: str) -> subprocess.Popen:
    program = f"from diagrad.compile.build import library\n{code}"
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def test_processes_that_compile_the_same_at_once_do_not_disturb_each_other(fresh):
    code = f"print([library({ANSWER!r}.format(i)).answer() for i in range(3)])"
    running = [in_process(code) for _ in range(2)]
    assert [process.communicate() for process in running] == [("[0, 1, 2]\n", "")] * 2
    assert all(store._sound(path) for path in entries(fresh)) and len(entries(fresh)) == 4


def test_threads_that_compile_the_same_at_once_get_the_same(fresh):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: library(ANSWER.format(4)).answer(), range(4)))
    assert made == [4] * 4 and len(entries(fresh)) == 2


@pytest.mark.parametrize("place", ["a file", "below a file", "written by others", "below anyone's"])
def test_where_the_cache_will_not_do_code_is_compiled_for_the_process(
    fresh, monkeypatch, tmp_path, place
):
    if "file" in place:
        fresh.write_text("in the way")
        monkeypatch.setenv("DIAGRAD_CACHE", str(fresh / "x" if place != "a file" else fresh))
    else:
        fresh.mkdir()
        fresh.chmod(0o777)
        if place == "below anyone's":
            monkeypatch.setenv("DIAGRAD_CACHE", str(fresh / "mine"))
    with pytest.warns(CacheWarning, match="set DIAGRAD_CACHE to a directory of your own") as caught:
        assert library(ANSWER.format(7)).answer() == 7
        assert library(ANSWER.format(8)).answer() == 8
    assert len(caught) == 1
    private = store.of_process().directory
    assert stat.S_IMODE(private.stat().st_mode) == 0o700 and len(entries(private)) == 3


def test_another_owner_of_the_cache_is_not_trusted(fresh, monkeypatch):
    library(ANSWER.format(9))
    forget(monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PermissionError, match="has another owner or may be written to by others"):
        store.of_user()


@pytest.mark.parametrize("operation", ["mkdtemp", "replace"])
def test_a_cache_that_can_only_be_read_is_read(fresh, monkeypatch, operation):
    library(ANSWER.format(9))
    forget(monkeypatch)
    owner, real = (store.tempfile, "mkdtemp") if operation == "mkdtemp" else (os, "replace")
    original = getattr(owner, real)

    def read_only(*args, **kwargs):
        if str(fresh) in str((args, kwargs)):
            raise OSError(30, "Read-only file system")
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, real, read_only)
    assert library(ANSWER.format(9)).answer() == 9
    with pytest.warns(CacheWarning, match="Read-only file system"):
        assert library(ANSWER.format(10)).answer() == 10


def test_libraries_that_may_not_be_loaded_from_the_cache_are_loaded_from_elsewhere(fresh):
    def load(path):
        if path.startswith(str(fresh)):
            raise OSError("failed to map segment from shared object")
        return path

    with pytest.warns(CacheWarning, match="failed to map segment"):
        path = build.obtain(ANSWER.format(1), build.working(), (), load)
    assert path.startswith(str(store.of_process().directory))


def test_no_directory_at_all_is_no_compiler(fresh, monkeypatch):
    fresh.write_text("in the way")
    monkeypatch.setattr(store.tempfile, "mkdtemp", lambda **_: (_ for _ in ()).throw(OSError(28)))
    with warnings.catch_warnings(), pytest.raises(NoCompiler, match="could not be written"):
        library(ANSWER.format(1))


def test_what_a_process_compiled_for_itself_goes_with_it(fresh, tmp_path):
    (tmp_path / "tmp").mkdir()
    fresh.write_text("in the way")
    quiet = "import warnings; warnings.simplefilter('ignore')"
    code = f"{quiet}\nprint(library({ANSWER!r}.format(1)).answer())"
    out, err = in_process(code, TMPDIR=str(tmp_path / "tmp")).communicate()
    assert (out, err) == ("1\n", "") and list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("system", "variables", "place"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/diagrad"),
        ("linux", {}, "/home/me/.cache/diagrad"),
        ("darwin", {}, "/home/me/Library/Caches/diagrad"),
        ("linux", {"DIAGRAD_CACHE": "/y"}, "/y"),
    ],
)
def test_the_cache_is_where_the_system_keeps_caches(monkeypatch, system, variables, place):
    for name in ("XDG_CACHE_HOME", "DIAGRAD_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", system)
    assert store._named() == place


# SciPy's BLAS


def test_blas_is_called_by_its_address():
    scipy = pytest.importorskip("scipy")
    found = blas.blas()
    assert scipy and found is not None and set(found) == set(blas.ROUTINES)
    text = """
    void dgemv(char *, int *, int *, double *, double *, int *, double *, int *, double *,
               double *, int *);
    typedef void (*gemv)(char *, int *, int *, double *, double *, int *, double *, int *,
                         double *, double *, int *);
    void product(void *f, double *a, double *x, double *y);
    void product(void *f, double *a, double *x, double *y)
    {
        int m = 3, n = 2, one = 1;
        double alpha = 1, beta = 0;
        ((gemv)f)("T", &m, &n, &alpha, a, &m, x, &one, &beta, y, &one);
    }
    """
    A, x, y = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 4.0]), np.empty(2)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (A, x, y)]
    library(text).product(ctypes.c_void_p(found["dgemv"]), *pointers)
    assert y.tolist() == (A @ x).tolist()


def test_without_scipy_there_is_no_blas(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.linalg", None)
    assert blas.blas.__wrapped__() is None
