"""What a method finds: its value, each step on the way, and what must be said."""

from decimal import Decimal
from typing import NamedTuple

from schemas.appraisal import Approach


class Step(NamedTuple):
    """One figure on the way, not rounded. ``period`` is a year, or 0."""

    name: str
    item: str
    period: int
    amount: Decimal
    unit: str = "CNY"


class Note(NamedTuple):
    """What a reader must be told; ``said`` fills the sentence of ``code``."""

    code: str
    said: tuple[str, ...]


class Found(NamedTuple):
    """The value of one method, in fen, rounded once, half up."""

    method: str
    approach: Approach
    weight: Decimal
    value_fen: int
    steps: tuple[Step, ...]
    notes: tuple[Note, ...] = ()
