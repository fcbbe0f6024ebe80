"""Whatever the text, reading ends within a second in a problem or a ProblemError."""

import sys
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagrad.errors import ProblemError
from diagrad.language import read, read_expression

VALID = """x: row[Dx] & positive; W: matrix[Dx, 2*H]; y: column[H + 1] & onehot; g: elementwise
h = sigmoid(x @ W + 1e-5) ** 2  # a layer
z = where(h > 0.5, g(h), prime(g)(-h)) * pi / Dx
J = sum(z, axis=1, keepdims=True) + einsum("ij,ij->", h, z.T.T) - norm(y @ ones(1, H))
"""
SIGNS = "()[]{}:;,.+-*/@&^|~<>=!'\"\\#\n\r\t\0 _019eλ₁ᵀ−ﬁ²½\ud800\u202e\u200b"
WORDS = "x W y h matrix scalar onehot .T ** 10 lambda if __class__ import 1e99 axis= True None"
CALLS = "row[ sum( where( einsum( prime( ones( eye("
PIECES = [*SIGNS, *WORDS.split(), *CALLS.split()]
mutations = st.lists(
    st.tuples(st.integers(0, len(VALID)), st.integers(0, 6), st.sampled_from(PIECES)), max_size=6
)


def outcome(text: Any) -> str:
    """The message, empty for a problem; only ProblemError may come, in a second of work."""
    begun = time.thread_time()
    try:
        read(text)
        said = ""
    except ProblemError as error:
        said = str(error)
    assert time.thread_time() - begun < 1
    said.encode()
    return said


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_is_a_problem_or_an_error(text: str) -> None:
    outcome(text)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_pieces_are_a_problem_or_an_error(text: str) -> None:
    outcome(text)
    outcome("x: row[n]; W: matrix[n, n]\nh = " + text)


@settings(deadline=None, max_examples=500)
@given(mutations)
def test_a_damaged_problem_is_a_problem_or_an_error(changes: list[tuple[int, int, str]]) -> None:
    text = VALID
    for at, length, piece in changes:
        text = text[:at] + piece + text[at + length :]
    outcome(text)


def test_the_undamaged_problem_is_read() -> None:
    assert outcome(VALID) == ""


N = 19_000
BOMBS = {
    "brackets": "a = " + "(" * N + "1" + ")" * N,
    "square brackets": "x: row" + "[" * N,
    "calls": "a = " + "sin(" * 150 + "1" + ")" * 150,
    "signs": "a = " + "-" * N + "1",
    "powers": "a = " + "2**" * (N // 2) + "1",
    "mixed nesting": "a = " + "-(2**" * 90 + "1" + ")" * 90,
    "a long sum": "s: scalar; a = " + "s+" * (N // 2 - 9) + "s",
    "a long chain of transposes": "s: scalar; a = s" + ".T" * (N // 2 - 9),
    "a long chain of calls": "s: scalar; a = s" + "(s)" * (N // 3 - 9),
    "a long chain of comparisons": "s: scalar; a = s" + "<s" * (N // 2 - 9),
    "facts without end": "s: scalar" + "&positive" * (N // 2 - 9),
    "primes": "s: scalar; a = " + "prime(" * 99 + "sin" + ")" * 99 + "(s)",
    "a tower of powers": "x: row[n]; a = x**10**9",
    "a folded exponent": "x: row[n]; b = 10**9; a = x**b",
    "powers of powers": "a = ((10**300)**1000)**1000",
    "squares of squares": "s: scalar; a = " + "square(" * 40 + "10*s" + ")" * 40,
    "squares by definition": "a0 = 10;" + ";".join(f"a{k + 1}=a{k}*a{k}" for k in range(60)),
    "a negative exponent": "s: scalar; a = s ** -1001",
    "zero to a negative power": "a = 0 ** -1",
    "a long number": "a = " + "9" * 90_000,
    "a long fraction": "a = 0." + "0" * 90_000 + "1",
    "a large exponent": "a = 1e" + "9" * 90_000,
    "a number with gaps": "a = 1" + "_0" * 40_000,
    "a power in a size": "x: row[n**99999999]",
    "nested powers in a size": "x: row[((n**8)**8)**8]",
    "a dense size": "x: row[(" + "+".join("abcdefghijklm") + ")**8]",
    "a long name": "a" * 90_000 + " = 1",
    "names alike": ";".join(f"{'ab' * 20}{k} = 1" for k in range(1500)) + ";z = " + "ba" * 22,
    "a large size": "x: row[10**8]",
    "a long text": "#" * 100_001,
    "too many words": "a " * 25_000,
    "many statements": ";" * 50_000 + "1",
    "a rank without end": 'x: row[n]; a = einsum("a,b,c,d,e,f,g,h,i->abcdefghi"' + ",x" * 9 + ")",
    "a null byte": "a = 1 # \0 \nb = \0",
    "a surrogate": "a = \ud800",
    "a bidirectional override": "a = \u202e1",
    "a terminal sequence": "a = 1 +  # \x1b[2J",
    "a call of the system": "a = __import__('os').system('true')",
    "an attribute of an attribute": "s: scalar; a = s.T.mro",
    "a comprehension": "a = [b for b in (1,)]",
    "a formatted string": "a = f'{1}'",
    "an escape": 'a = einsum("\\ud800->")',
    "a walrus": "(a := 1)",
    "a cycle of definitions": "".join(f"a{k} = a{k + 1}\n" for k in range(3000)) + "a3000 = a0",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused(bomb: str) -> None:
    assert outcome(BOMBS[bomb])


LARGE = {
    "definitions": "a0: scalar\n" + "".join(f"a{k + 1} = a{k} + a{k}\n" for k in range(3000)),
    "declarations": "".join(f"a{k}: row[n{k}] & positive\n" for k in range(2000)),
    "short statements": ";".join(f"a{k}=1" for k in range(4900)),
    "nesting": "a = " + "(" * 49 + "1" + "+1)" * 49,
    "a wide line": "é = 1 # " + "é" * 90_000,
    "a wide statement": "λ: scalar; y = " + "clip(λ, 0, 1)*" * 90 + "λ" + " " * 90_000,
}


@pytest.mark.parametrize("text", LARGE)
def test_a_large_problem_is_read_in_time(text: str) -> None:
    assert outcome(LARGE[text]) == ""


@pytest.mark.parametrize("thing", [b"x: row[n]", None, 3, ["x"]])
def test_only_text_is_a_problem(thing: object) -> None:
    assert "a problem is text" in outcome(thing)


def test_deep_text_does_no_harm_in_a_small_thread() -> None:
    said: list[str] = []
    before = threading.stack_size(512 * 1024)
    try:
        deep = (
            "brackets",
            "signs",
            "powers",
            "a long sum",
            "a long chain of calls",
            "mixed nesting",
        )
        for bomb in deep:
            thread = threading.Thread(target=lambda b=bomb: said.append(outcome(BOMBS[b])))
            thread.start()
            thread.join()
    finally:
        threading.stack_size(before)
    assert len(said) == len(deep)
    assert all(said)


def test_a_bomb_is_refused_with_little_stack_left() -> None:
    def deeper(levels: int) -> str:
        return deeper(levels - 1) if levels else outcome("a = " + "(" * 99 + "1" + ")" * 99)

    assert deeper(sys.getrecursionlimit() // 4) == ""


def test_expressions_are_as_safe() -> None:
    source = read(VALID)
    for bomb in BOMBS.values():
        with pytest.raises(ProblemError):
            read_expression(bomb, source)
