"""What a step used of facts: a declaration, or what is known of a value."""

from __future__ import annotations

from collections.abc import Callable

from diagrad.index import knowledge
from diagrad.index.context import Application, Context
from diagrad.index.term import Applied, Definition, Factor, Head, Variable
from diagrad.operations.room import entry_text

# The laws that hold by facts; all others hold of any numbers.
LAWS_OF_FACTS = ("sums to 1", "entries are 0, 1 or ±1", "orthogonal", "symmetric", "centred")

Called = Callable[[Head], str]


def fact(application: Application, context: Context, called: Called, defined: Called) -> str:
    """The sentence for one use of such a law; nothing for other laws, and where no name has the
    fact. `called` prints a variable or definition, `defined` the line that defines it."""
    if application.law not in LAWS_OF_FACTS:
        return ""
    after = [f for term in application.after for f in term.factors]
    gone = [f for f in application.before.factors if f not in after]
    for factor in gone or application.before.factors:
        sentence = _of(application.law, factor, context, called, defined)
        if sentence:
            return sentence
    return ""


def _of(law: str, factor: Factor, context: Context, called: Called, defined: Called) -> str:
    head = factor.head
    if not isinstance(head, Variable | Definition):
        return ""
    name = called(head)
    words = context.facts[head].words if head in context.facts else frozenset()  # type: ignore[index]
    match law:
        case "sums to 1" if knowledge.unit_axes(context, head):
            return _sums(head, name, words, knowledge.unit_axes(context, head))
        case "entries are 0, 1 or ±1" if "pm1" in words:
            return f"the entries of {name} are ±1, so their squares are 1"
        case "entries are 0, 1 or ±1" if "onehot" in words:
            return f"the entries of {name} are 0 or 1, so they equal their squares"
        case "orthogonal" if "orthogonal" in words:
            return f"{name} is orthogonal: {name}ᵀ {name} = {name} {name}ᵀ = I"
        case "symmetric" if "symmetric" in words:
            return f"{name} is symmetric: {name}ᵀ = {name}"
        case "centred" if head in context.centred:
            (axis,) = sorted(context.centred[head])[:1]
            labels = "k" if len(head.axes) == 1 else "kj" if axis == 0 else "ik"
            lines = [defined(d) for d in (head, *_within(head)) if d in context.centred]
            return f"Σₖ {entry_text(name, labels)} = 0, since {' and '.join(lines)}"
    return ""


def sums_to_one(head: Head, called: Called, context: Context) -> list[str]:
    """p is a softmax, so Σₖ pₖ = 1."""
    along = knowledge.unit_axes(context, head)
    return [_sums(head, called(head), frozenset(), along)] if along else []


def _within(head: Definition) -> list[Definition]:
    """The definitions that a definition is made of directly."""
    waiting, found = [head.body], list[Definition]()
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, Definition):
            found.append(inner)
        else:
            waiting.extend(inner.children)
    return list(dict.fromkeys(found))


def _sums(head: Head, name: str, words: frozenset[str], along: tuple[int, ...]) -> str:
    labels = "ik" if along == (1,) else "ki" if len(head.axes) == 2 else "k"
    total = f"Σₖ {entry_text(name, labels)} = 1"
    each = {"ik": "each row of ", "ki": "each column of "}.get(labels, "")
    if "onehot" in words:
        return f"{each}{name} is one-hot, so {total}"
    if words:
        return f"{each}{name} sums to 1: {total}"
    body = head.body if isinstance(head, Definition) else head
    made = body.operation.name if isinstance(body, Applied) else "made so"
    return f"{each}{name} is a {made}, so {total}" if made == "softmax" else total
