"""The Caller, in C and through ctypes: what fits a kernel, what is left to slow, what it costs."""

from __future__ import annotations

import gc
import sys
import sysconfig
import threading
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest

from diagrad.compile import extension
from diagrad.compile.build import address, library
from diagrad.compile.caller import Caller, fastest

pytestmark = pytest.mark.usefixtures("compiles")

# Inputs A (2×3), v (3×1), s (1×1); outputs s A (2×3) and the sum of v times s.
KERNELS = """
void scaled_{0}(const void *const *, void *const *, void *);
void scaled_{0}(const void *const *in, void *const *out, void *work)
{{
    const {0} *a = in[0], *v = in[1], *s = in[2];
    {0} *b = out[0], *total = out[1], *copy = work;
    for (int i = 0; i < 6; i++) copy[i] = a[i] * *s;
    for (int i = 0; i < 6; i++) b[i] = copy[i];
    *total = (v[0] + v[1] + v[2]) * *s;
}}
void aligned_{0}(const void *const *, void *const *, void *);
void aligned_{0}(const void *const *in, void *const *out, void *work)
{{
    (void)in;
    for (int i = 0; i < 100000; i++) ((char *)work)[i] = 1;
    *({0} *)out[0] = ({0})((unsigned long long)work % 64);
}}
"""
NAMES = ("A", "v", "s")
SHAPES = ((2, 3), (3, 1), (1, 1))
OUTPUTS = ((2, 3), None)


@pytest.fixture(scope="session")
def kernels(compiles):
    return library(KERNELS.format("double") + KERNELS.format("float"))


@pytest.fixture(params=["extension", "ctypes"])
def kind(request, compiles):
    if request.param == "ctypes":
        return Caller
    if extension.extension() is None:
        pytest.skip("the extension does not build here")
    return fastest()


class Calls:
    """A Caller and what it left to its slow functions."""

    def __init__(self, kind, names=NAMES, **options):
        self.slow, self.slow_into = [], []
        self.caller = kind(names, self._slow, self._slow_into, **options)

    def _slow(self, args, kwargs):
        self.slow.append((args, kwargs))
        return "slow"

    def _slow_into(self, outputs, args, kwargs):
        self.slow_into.append((outputs, args, kwargs))


@pytest.fixture
def calls(kind, kernels):
    calls = Calls(kind)
    calls.caller.add("d", SHAPES, OUTPUTS, address(kernels, "scaled_double"), 48, False)
    return calls


def values(dtype=np.float64):
    return (
        np.arange(6, dtype=dtype).reshape(2, 3),
        np.array([[1], [2], [4]], dtype),
        np.array([[2]], dtype),
    )


@pytest.fixture
def extended(compiles):
    """The Caller in C, for which Python's headers have to be here."""
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("Python.h is not installed")
    return fastest()


def test_the_extension_builds_here(extended):
    assert extension.extension() is not None and extended is not Caller


def test_without_the_headers_calls_go_through_ctypes(monkeypatch, tmp_path):
    monkeypatch.setattr(extension, "_flags", lambda: [f"-I{tmp_path}"])
    assert extension.extension.__wrapped__() is None
    monkeypatch.setattr("diagrad.compile.caller.extension", lambda: None)
    assert fastest.__wrapped__() is Caller


@pytest.mark.parametrize(("dtype", "code"), [("float64", "d"), ("float32", "f")])
@pytest.mark.parametrize("release", [False, True])
@pytest.mark.parametrize("workspace", [48, 200_000])
def test_a_call_gives_arrays_and_numpy_scalars(kind, kernels, dtype, code, release, workspace):
    c_type = "double" if code == "d" else "float"
    calls = Calls(kind)
    kernel = address(kernels, f"scaled_{c_type}")
    calls.caller.add(code, SHAPES, OUTPUTS, kernel, workspace, release)
    A, v, s = values(dtype)
    B, total = calls.caller(A, v, s)
    assert B.tolist() == (2 * A).tolist() and B.dtype == dtype and B.flags.owndata
    assert type(total) is np.dtype(dtype).type and total == 14
    assert not calls.slow and type(calls.caller(A, v, s)) is tuple


@pytest.mark.parametrize("code", ["d", "f"])
@pytest.mark.parametrize("release", [False, True])
def test_a_workspace_begins_at_a_cache_line_and_one_output_is_in_a_tuple_too(
    kind, kernels, code, release
):
    calls = Calls(kind, names=())
    kernel = address(kernels, f"aligned_{'double' if code == 'd' else 'float'}")
    calls.caller.add("d", (), (None,), address(kernels, "aligned_double"), 100_000, release)
    assert calls.caller() == (0.0,)
    other = Calls(kind, names=("x",))
    other.caller.add(code, ((1, 1),), ((1, 1, 1),), kernel, 100_000, release)
    (result,) = other.caller(np.ones((1, 1), code))
    assert result.shape == (1, 1, 1) and result == 0 and result.dtype == code


def test_results_that_are_held_are_never_written_again(calls):
    """A small result that is let go of may be used again; one that anything still has is not."""
    A, v, s = values()
    held = [calls.caller(A + k, v, s)[0] for k in range(5)]
    view = calls.caller(A, v, s)[0][:, 1:]
    buffer = memoryview(calls.caller(A, v, s)[0])
    before = [array.copy() for array in (*held, view, np.asarray(buffer))]
    for k in range(20):
        calls.caller(A - k, v, s)
    assert len({array.ctypes.data for array in held}) == 5
    for array, was in zip((*held, view, np.asarray(buffer)), before, strict=True):
        np.testing.assert_array_equal(array, was)


LARGE = """
void ones(const void *const *, void *const *, void *);
void ones(const void *const *in, void *const *out, void *work)
{
    (void)work;
    for (int i = 0; i < 1000000; i++) ((double *)out[0])[i] = *(const double *)in[0];
}
"""


def test_large_results_are_used_again_at_the_sizes_that_ran_last_alone(compiles):
    if extension.extension() is None:
        pytest.skip("the extension does not build here")
    calls = Calls(fastest(), names=("x",))
    kernel = address(library(LARGE), "ones")
    calls.caller.add("d", ((1, 1),), ((1000, 1000),), kernel)
    calls.caller.add("d", ((1, 2),), ((1000, 1000),), kernel)
    one, two = np.ones((1, 1)), np.full((1, 2), 2.0)
    (first,) = calls.caller(one)
    where, held = first.ctypes.data, sys.getrefcount(first)
    del first
    (first,) = calls.caller(one)
    assert first.ctypes.data == where and (first == 1).all()
    (other,) = calls.caller(two)
    assert sys.getrefcount(first) == held - 1, "the first sizes keep theirs no longer"
    assert (first == 1).all() and (other == 2).all()


DIAGONAL = """
void diagonal(const void *const *, void *const *, void *);
void diagonal(const void *const *in, void *const *out, void *work)
{
    (void)work;
    for (int i = 0; i < 200; i++) ((double *)out[0])[201 * i] = *(const double *)in[0];
}
"""


def test_a_result_that_begins_with_zeros_begins_with_them_where_it_is_used_again(kind):
    calls = Calls(kind, names=("x",))
    kernel = address(library(DIAGONAL), "diagonal")
    calls.caller.add("d", ((1, 1),), ((200, 200),), kernel, zeroed=(0,))
    for number in (1.0, 2.0, 3.0):
        (result,) = calls.caller(np.full((1, 1), number))
        np.testing.assert_array_equal(result, number * np.eye(200))
        result += 7  # the caller's to write
        del result


def test_a_result_that_was_changed_in_place_is_not_used_again(calls):
    A, v, s = values()
    want = calls.caller(A, v, s)[0].copy()
    for spoil in (
        lambda B: setattr(B.flags, "writeable", False),
        lambda B: setattr(B, "shape", (6,)),
        lambda B: setattr(B, "dtype", np.int64),
        lambda B: B.resize((7, 7), refcheck=False),
    ):
        spoil(calls.caller(A, v, s)[0])
        found = calls.caller(A, v, s)[0]
        assert found.flags.writeable and found.shape == want.shape and found.dtype == want.dtype
        np.testing.assert_array_equal(found, want)


def test_a_result_that_is_watched_is_gone_when_it_is_let_go_of(calls):
    A, v, s = values()
    watch = weakref.ref(calls.caller(A, v, s)[0])
    again = calls.caller(A, v, s)[0]
    assert watch() is not again


@pytest.mark.parametrize(
    "split", [lambda A, v, s: ((A, v), {"s": s}), lambda A, v, s: ((), {"s": s, "A": A, "v": v})]
)
def test_arguments_come_by_position_or_by_name_in_any_order(calls, split):
    args, kwargs = split(*values())
    assert calls.caller(*args, **kwargs)[1] == 14
    out = (np.empty((2, 3)), np.empty(()))
    assert calls.caller.into(out, *args, **kwargs) is None and out[1] == 14
    assert not calls.slow and not calls.slow_into


def test_names_that_python_uses_itself_are_names_like_others(kind, kernels):
    hostile = ("self", "out", "int", "args", "kwargs", "slow", "outputs", "given", "keywords", "λ")
    calls = Calls(kind, names=hostile)
    shapes = ((2, 3), (3, 1), (1, 1), *[(1, 1)] * 7)
    calls.caller.add("d", shapes, OUTPUTS, address(kernels, "scaled_double"), 48, False)
    given = dict(zip(hostile, (*values(), *[1.0] * 7), strict=True))
    assert calls.caller(**given)[1] == 14
    built = {"".join(name): value for name, value in reversed(given.items())}
    assert calls.caller(**built)[1] == 14
    out = [np.empty((2, 3)), np.empty((1, 1))]
    calls.caller.into(out, **given)
    assert out[1] == 14 and not calls.slow and not calls.slow_into
    assert calls.caller.inputs == hostile


def test_a_name_is_compared_by_value_where_it_is_another_object(kind, kernels):
    calls = Calls(kind, names=("first name", "v", "s"))
    calls.caller.add("d", SHAPES, OUTPUTS, address(kernels, "scaled_double"), 48, False)
    A, v, s = values()
    assert calls.caller(**{" ".join(["first", "name"]): A, "s": s, "v": v})[1] == 14


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        (("A",), {}),
        (("A", "v", "s", "s"), {}),
        (("A", "v"), {"w": "s"}),
        (("A", "v"), {"v": "v"}),
        (("A", "v", "s"), {"s": "s"}),
        ((), {"A": "A", "v": "v", "t": "s"}),
        (("A",), {"v": "v"}),
    ],
)
def test_arguments_that_do_not_bind_are_left_as_they_are_to_slow(calls, args, kwargs):
    named = dict(zip(NAMES, values(), strict=True))
    args = tuple(named[name] for name in args)
    kwargs = {name: named[value] for name, value in kwargs.items()}
    assert calls.caller(*args, **kwargs) == "slow"
    assert calls.caller.into(["outputs"], *args, **kwargs) is None
    ((given, keywords),) = calls.slow
    ((outputs, *same),) = calls.slow_into
    assert len(given) == len(args) and all(a is b for a, b in zip(given, args, strict=True))
    assert list(keywords) == list(kwargs) and all(keywords[n] is kwargs[n] for n in kwargs)
    assert outputs == ["outputs"] and type(same[0]) is tuple and type(same[1]) is dict


def misaligned(array):
    room = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    room[...] = array
    return room


@pytest.mark.parametrize(
    "change",
    [
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a[::-1],
        lambda a: a.astype(">f8" if sys.byteorder == "little" else "<f8"),
        misaligned,
        lambda a: a.astype(np.float32),
        lambda a: a.astype(np.int64),
        lambda a: a.astype(complex),
        lambda a: a.astype(object),
        lambda a: a.astype(np.longdouble),
        lambda a: a.reshape(3, 2),
        lambda a: a.ravel(),
        lambda a: a[None],
        lambda a: a.tolist(),
        lambda a: None,
        lambda a: 1.0,
        lambda a: "text",
    ],
)
def test_an_array_of_another_kind_goes_to_slow(calls, change):
    A, v, s = values()
    assert calls.caller(change(A), v, s) == "slow"
    assert calls.caller(s=s, v=v, A=change(A)) == "slow"


class Own(np.ndarray):
    pass


@pytest.mark.parametrize(
    "change",
    [
        lambda A, v, s: (A, v.ravel(), s),
        lambda A, v, s: (A, v, s.ravel()),
        lambda A, v, s: (A, v, s.reshape(())),
        lambda A, v, s: (A, v, s.reshape(1, 1, 1)),
        lambda A, v, s: (A, v, 2.0),
        lambda A, v, s: (A, v, 2),
        lambda A, v, s: (A, v, np.float64(2)),
        lambda A, v, s: (A.view(Own), v.view(Own), s),
        lambda A, v, s: (np.broadcast_to(A, (2, 3)), v, s),
        lambda A, v, s: (A, np.frombuffer(v.tobytes()), s),
    ],
)
def test_what_has_the_same_data_fits(calls, change):
    B, total = calls.caller(*change(*values()))
    assert total == 14 and B[1, 2] == 10 and type(B) is np.ndarray and not calls.slow


def test_a_vector_turned_around_is_another_shape(calls):
    A, v, s = values()
    assert calls.caller(A, v.T, s) == "slow"


@pytest.mark.parametrize("number", [True, 1 << 2000, 1j, np.float32(2), np.int64(2), "2", None])
def test_numbers_of_other_kinds_go_to_slow(calls, number):
    A, v, _ = values()
    assert calls.caller(A, v, number) == "slow"


def test_a_declared_matrix_of_one_row_is_no_vector(kind, kernels):
    calls = Calls(kind, axes=(2, 2, 1))
    calls.caller.add("d", SHAPES, OUTPUTS, address(kernels, "scaled_double"), 48, False)
    A, v, s = values()
    assert calls.caller(A, v, s)[1] == calls.caller(A, v, s.ravel())[1] == 14
    assert calls.caller(A, v.ravel(), s) == calls.caller(A, v, s.reshape(())) == "slow"
    assert calls.caller(A, v, 2.0) == "slow"


def test_single_and_double_precision_have_kernels_of_their_own(calls, kernels):
    calls.caller.add("f", SHAPES, OUTPUTS, address(kernels, "scaled_float"), 48, False)
    wide, narrow = values(), values(np.float32)
    for given, dtype in ((wide, np.float64), (narrow, np.float32), (wide, np.float64)):
        assert type(calls.caller(*given)[1]) is dtype
    A, v, _ = narrow
    assert type(calls.caller(A, v, 2.0)[1]) is type(calls.caller(A, v, 2)[1]) is np.float32
    assert type(calls.caller(A, v, np.float32(2))[1]) is np.float32
    assert calls.caller(A, v, np.float64(2)) == calls.caller(A, v, 1e300) == "slow"
    assert np.isposinf(calls.caller(A, v, np.inf)[1])
    assert calls.caller(A, wide[1], 2.0) == "slow"


def test_python_numbers_alone_are_doubles(kind, kernels):
    text = "void half(const double *const *in, double *const *out, void *w)"
    half = library(text + "{ (void)w; *out[0] = *in[0] / 2; }")
    text = "void less(const float *const *in, float *const *out, void *w)"
    less = library(text + "{ (void)w; *out[0] = *in[0] / 2; }")
    calls = Calls(kind, names=("x",))
    calls.caller.add("d", ((1, 1),), (None,), address(half, "half"))
    calls.caller.add("f", ((1, 1),), (None,), address(less, "less"))
    for given, dtype in ((3.0, np.float64), (np.float32(3), np.float32), (3, np.float64)):
        (result,) = calls.caller(given)
        assert type(result) is dtype and result == 1.5
    assert calls.caller(np.array(3, np.float32)) == (1.5,)


def test_slow_may_add_the_kernel_and_call_again(kind, kernels):
    class Compiled(kind):
        """Holds attributes and methods of its own."""

        def __init__(self):
            super().__init__(NAMES, self.compile)
            self.compiled = 0

        def compile(self, args, kwargs):
            self.compiled += 1
            self.add("d", SHAPES, OUTPUTS, address(kernels, "scaled_double"), 48, False)
            return self(*args, **kwargs)

        def __repr__(self):
            return f"Compiled({', '.join(self.inputs)})"

    f = Compiled()
    assert [f(*values())[1] for _ in range(3)] == [14, 14, 14]
    assert f.compiled == 1 and repr(f) == "Compiled(A, v, s)" and isinstance(f, kind)


def test_what_slow_raises_is_raised(kind):
    def slow(args, kwargs):
        raise KeyError("told")

    def slow_into(outputs, args, kwargs):
        raise IndexError("told")

    caller = kind(("x",), slow, slow_into)
    with pytest.raises(KeyError, match="told"):
        caller(1)
    with pytest.raises(IndexError, match="told"):
        caller.into([], 1)
    with pytest.raises(TypeError, match="fit no kernel"):
        kind(("x",), slow).into([], 1)
    with pytest.raises(TypeError):
        caller.into()


def test_many_shapes_are_found_and_stay(kind, kernels):
    calls = Calls(kind)
    for m in (2, 4, 3):
        shapes = ((m, 3), *SHAPES[1:])
        calls.caller.add("d", shapes, OUTPUTS, address(kernels, "scaled_double"), 48)
    _, v, s = values()
    for m in (2, 4, 3, 3, 2):
        assert calls.caller(np.ones((m, 3)), v, s)[1] == 14
    assert calls.caller(np.ones((5, 3)), v, s) == "slow"


def test_empty_arrays_fit(kind, kernels):
    calls = Calls(kind, names=("A",))
    nothing = library("void nothing(void *i, void *o, void *w) { (void)i; (void)o; (void)w; }")
    calls.caller.add("d", ((0, 3),), ((3, 0), (2, 0, 2)), address(nothing, "nothing"))
    a, b = calls.caller(np.ones((0, 3)))
    assert a.shape == (3, 0) and b.shape == (2, 0, 2)
    calls.caller.into((a, b), np.ones((0, 3)))
    assert not calls.slow and not calls.slow_into


@pytest.mark.parametrize("container", [tuple, list])
def test_into_writes_to_arrays_that_the_caller_has(calls, container):
    A, v, s = values()
    B, total = np.empty((2, 3)).view(Own), np.empty((1, 1, 1))
    assert calls.caller.into(container((B, total)), A, v, s) is None
    assert B.tolist() == (2 * A).tolist() and total == 14 and not calls.slow_into


def frozen(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "outputs",
    [
        lambda A, v, s: (np.empty((2, 3)),),
        lambda A, v, s: (np.empty((2, 3)), np.empty(()), np.empty(())),
        lambda A, v, s: (np.empty((3, 2)), np.empty(())),
        lambda A, v, s: (np.empty(6), np.empty(())),
        lambda A, v, s: (np.empty((2, 3)), np.empty(2)),
        lambda A, v, s: (np.empty((2, 3), np.float32), np.empty(())),
        lambda A, v, s: (np.empty((2, 3), ">f8"), np.empty(())),
        lambda A, v, s: (np.empty((3, 2)).T, np.empty(())),
        lambda A, v, s: (frozen(np.empty((2, 3))), np.empty(())),
        lambda A, v, s: (misaligned(np.empty((2, 3))), np.empty(())),
        lambda A, v, s: (A, np.empty(())),
        lambda A, v, s: (np.empty((2, 3)), A[1, 1:2]),
        lambda A, v, s: (np.empty((2, 3)), s),
        lambda A, v, s: (B := np.empty((2, 3)), B[1, 2:]),
        lambda A, v, s: (np.empty((2, 3)), 0.0),
        lambda A, v, s: (None, np.empty(())),
        lambda A, v, s: np.empty((2, 3)),
        lambda A, v, s: None,
        lambda A, v, s: {},
    ],
)
def test_outputs_that_cannot_be_written_to_go_to_slow_into(calls, outputs):
    given = values()
    kept = [array.copy() for array in given]
    out = outputs(*given)
    assert calls.caller.into(out, *given) is None
    assert calls.slow_into[0][0] is out and not calls.slow
    assert all((a == b).all() for a, b in zip(given, kept, strict=True))


def test_arrays_side_by_side_do_not_overlap(calls):
    room = np.zeros(17)
    A, B, total = room[:6].reshape(2, 3), room[6:12].reshape(2, 3), room[12:13]
    A[...] = 1
    calls.caller.into((B, total), A, np.ones(3), 2.0)
    assert not calls.slow_into and (B == 2).all() and total == 6


@pytest.mark.parametrize(
    "wrong",
    [
        {"dtype": "g"},
        {"dtype": "double"},
        {"kernel": 0},
        {"workspace": -1},
        {"shapes": SHAPES[:2]},
        {"shapes": ((2, 3), (3,), (1, 1))},
        {"shapes": ((2, 3), (-3, 1), (1, 1))},
        {"outputs": ((2, -3),)},
    ],
)
def test_a_kernel_that_cannot_be_is_refused(kind, wrong):
    right = {"dtype": "d", "shapes": SHAPES, "outputs": OUTPUTS, "kernel": 1, "workspace": 0}
    with pytest.raises(ValueError):
        Calls(kind).caller.add(**{**right, **wrong})
    with pytest.raises(ValueError, match="axes"):
        kind(NAMES, None, axes=(2, 1))
    with pytest.raises(ValueError, match="axes"):
        kind(NAMES, None, axes=(2, 1, 3))
    with pytest.raises(ValueError, match="more axes than its Caller was told"):
        kind(NAMES, None, axes=(0, 1, 0)).add(**right)


def test_calls_leak_nothing(calls, kernels):
    A, v, s = values()
    out = [np.empty((2, 3)), np.empty(())]
    calls.slow = calls.slow_into = type("Forgets", (), {"append": lambda self, call: None})()
    calls.caller.add("d", ((1, 3), *SHAPES[1:]), OUTPUTS, address(kernels, "scaled_double"), 9000)

    def use(times):
        for _ in range(times):
            calls.caller(A, v, s=s)
            calls.caller(A[:1], v, 2.0)
            calls.caller(s=s, v=v, A=A.T)
            calls.caller.into(out, A, v, s=s)
            calls.caller.into((A, A), A, v, s=s)

    use(3)
    before = [sys.getrefcount(x) for x in (A, v, s, out, out[0], calls.caller)]
    types = sys.getrefcount(np.dtype("d"))
    tracemalloc.start()
    use(300)  # fills the lists that Python and NumPy keep of freed objects
    gc.collect()
    first, _ = tracemalloc.get_traced_memory()
    use(300)
    gc.collect()
    second, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [sys.getrefcount(x) for x in (A, v, s, out, out[0], calls.caller)] == before
    assert sys.getrefcount(np.dtype("d")) < types + 50 and second - first < 10_000


def test_a_caller_in_a_cycle_is_collected(kind, kernels):
    class Compiled(kind):
        def __init__(self):
            super().__init__(NAMES, self.slow, self.slow)
            self.add("d", SHAPES, OUTPUTS, address(kernels, "scaled_double"), 10_000)

        def slow(self, *given):
            return None

    gc.collect()
    f = Compiled()
    f(*values())
    alive = weakref.ref(f)
    del f
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("release", [False, True])
@pytest.mark.parametrize("workspace", [48, 50_000])
def test_threads_may_call_at_once_while_kernels_are_added(kind, kernels, release, workspace):
    calls = Calls(kind)
    kernel = address(kernels, "scaled_double")
    calls.caller.add("d", SHAPES, OUTPUTS, kernel, workspace, release)
    wrong = []

    def work(number):
        A, v, _ = values()
        for _ in range(200):
            B, total = calls.caller(A, v, float(number))
            if total != 7 * number or (number * A != B).any():
                wrong.append((number, total))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for m in range(3, 40):
        calls.caller.add("d", ((m, 3), *SHAPES[1:]), OUTPUTS, kernel, 48, release)
    for thread in threads:
        thread.join()
    assert not wrong and not calls.slow


def test_a_kernel_that_releases_the_lock_lets_others_run(kind):
    wait = library(
        "void wait(const double *const *in, double *const *out, void *w)"
        "{ (void)w; volatile const double *flag = in[0]; while (!*flag) {} *out[0] = *flag; }"
    )
    flag = np.zeros((1, 1))
    calls = Calls(kind, names=("flag",))
    calls.caller.add("d", ((1, 1),), (None,), address(wait, "wait"), 0, True)
    got = []
    thread = threading.Thread(target=lambda: got.append(calls.caller(flag)))
    thread.start()
    flag[0, 0] = 3
    thread.join(20)
    assert got == [(3.0,)]


def test_the_two_callers_offer_the_same(extended):
    public = {name for name in dir(Caller) if not name.startswith("_")}
    assert public | {"inputs"} == {name for name in dir(extended) if not name.startswith("_")}


def test_a_caller_that_was_not_initialised_says_so(extended):
    bare = extended.__new__(extended)
    for use in (bare, lambda: bare.into([]), lambda: bare.add("d", (), (), 1)):
        with pytest.raises(TypeError, match="was not called"):
            use()
    made = extended((), print)
    with pytest.raises(TypeError, match="called already"):
        made.__init__((), print)
