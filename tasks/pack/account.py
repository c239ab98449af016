"""Follow a loan's account from what was recorded of it: drawn, paid, owed on a day.

The terms, the published rates and the days of banks stand in the body of the run that
last kept the loan in its borrower's books; the facts stand in posted frames. So the
account is computed again by whoever holds the pack.

5,000,000.00 drawn on 2026-07-03; of 430,166.67 paid on 2026-07-30 13,500.00 are
interest at 3.6 % by 30/360 -> 4,583,333.33 are owed.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl
from pydantic import ValidationError

from schemas.errors import DatafactorError
from schemas.loan import BookTerms, LoanPart
from schemas.money import yuan
from tasks.capital.loan.book import Book, Market, follow
from tasks.capital.loan.keep import facts_of
from tasks.pack.chain import Link
from tasks.pack.chosen import Loan

KEEPING = "keep_loans"  # the task that keeps loans in the books
Facts = dict[str, Any]  # JSON


def kept_by(links: Sequence[Link], loan: Loan) -> BookTerms | None:
    """Find by what terms the loan was kept last; None if it never was, or not so."""
    for one in reversed(links):
        agreed = [p.get("agreement") for p in one.said.terms.get("parts", ())]
        if one.said.task == KEEPING and loan.number in agreed:
            try:
                return BookTerms.model_validate(one.said.terms)
            except ValidationError:  # of another release
                return None
    return None


def accounts_of(
    links: Sequence[Link], loan: Loan, facts: pl.DataFrame, on: date
) -> Iterator[tuple[LoanPart, Book]]:
    """Follow each tranche that was drawn to a day.

    Args:
        links: The chain.
        loan: Which.
        facts: Contract LoanFact.
        on: The day.
    """
    terms = kept_by(links, loan)
    if terms is None:
        return
    market = Market(terms.lpr.fixings, terms.calendar)
    for part in terms.parts:
        if part.agreement == loan.number:
            try:
                book = follow(part.terms, facts_of(facts, part), market, on)
            except DatafactorError:  # what is recorded does not follow by these terms
                continue
            if book is not None:
                yield part, book


def account_facts(part: LoanPart, book: Book, on: date) -> Facts:
    """Tell how one tranche stands on a day."""
    claims = book.claims(on)
    return {
        "tranche": part.tranche,
        "lender": part.lender,
        "on": str(on),
        "drawn_on": str(book.terms.begins),
        "drawn": f"{book.terms.principal:.2f}",
        "outstanding": f"{yuan(book.outstanding):.2f}",
        "due": f"{yuan(sum(claims)):.2f}",
    }
