"""Hold what a gate of the second stage is asked about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from schemas.product import ProductTerms
from tasks.product.lineage import Taken, taken

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence


@dataclass(frozen=True)
class Case:
    """What a reviewer has on the table."""

    terms: ProductTerms
    findings: pl.DataFrame  # contract Finding: of all columns of what is read
    as_of: date

    @cached_property
    def taken(self) -> tuple[Taken, ...]:
        """The personal and sensitive columns that the product reads: found once."""
        return taken(self.terms)


Question = Callable[[Case], Iterable[Answer]]
