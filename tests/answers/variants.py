"""`cases(record)`: right and wrong answers to one problem, each with the verdict it deserves."""

from typing import Any

from .maker import Case as Case
from .maker import Maker
from .rights import right
from .world import Unusable
from .wrongs import wrong


def cases(record: dict[str, Any], seed: int = 0) -> list[Case]:
    """Deterministic; empty for a record that numbers cannot decide."""
    try:
        maker = Maker(record, seed)
    except Unusable:
        return []
    made = [maker.dressed(case) for case in (*right(maker), *wrong(maker))]
    found: dict[tuple[object, ...], Case] = {}
    for case in made:
        found.setdefault((case.of, case.layout, case.strict, case.answer), case)
    return list(found.values())
