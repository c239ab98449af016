"""Name a stretch of accounting periods: a month, a year, or from a month to another."""

import re
from typing import NamedTuple, Self

from schemas.errors import FactorError

MONTH = r"[0-9]{4}-(?:0[1-9]|1[0-2])"
FORMS = re.compile(
    rf"(?P<year>[0-9]{{4}})|(?P<first>{MONTH})(?:\.\.(?P<last>{MONTH}))?"
)


class Span(NamedTuple):
    """First and last period, both included."""

    first: str
    last: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Read what a person wrote.

        ``2026`` -> 2026-01 to 2026-12; ``2026-06`` is that month; ``2026-01..2026-06``
        the first half of the year.

        Raises:
            FactorError: It is none of these, or ends before it begins.
        """
        found = FORMS.fullmatch(text)
        if found is None:
            raise FactorError(
                f"{text} is no period: write a month 2026-06, a year 2026, or"
                " 2026-01..2026-06"
            )
        if year := found["year"]:
            return cls(f"{year}-01", f"{year}-12")
        last = found["last"] or found["first"]
        if last < found["first"]:
            raise FactorError(f"{text} ends before it begins: exchange the months")
        return cls(found["first"], last)

    def __str__(self) -> str:
        """Write it as a person does."""
        if self.first == self.last:
            return self.first
        year = self.first[:4]
        whole = self == (f"{year}-01", f"{year}-12")
        return year if whole else f"{self.first}..{self.last}"
