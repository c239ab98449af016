"""Read from the store what lenders hold on a day: pledges, debts, values, states."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date

from flows.document import factor_named
from flows.lent import books_of, days_past_due, lent
from flows.virtual import all_of
from schemas.errors import DatafactorError, FactorError
from schemas.factor import Factor
from schemas.registers import (
    CollateralRoot,
    CoverState,
    Loan,
    LoanFact,
    Pledge,
    PledgeEvent,
)
from tasks import store
from tasks.capital.hold import At, Owed
from tasks.capital.loan.book import Book
from tasks.pledged import Held, Row, held

NOT_STATED = "not stated"


def live_pledges() -> list[Held]:
    """List the pledges that secure something now, in the order they were posted."""
    registers = (all_of(r).to_dicts() for r in (Pledge, PledgeEvent, CollateralRoot))
    return [one for one in held(*registers) if one.total > 0]


def loans() -> dict[str, Row]:
    """Read the loans by their number; of several tranches the first."""
    rows = all_of(Loan).sort("loan", "tranche", descending=True).to_dicts()
    return {row["loan"]: row for row in rows}


def documents() -> dict[str, Factor]:
    """Find the document of each loan that was assessed, by the agreement's number."""
    found = {}
    for run in store.newest(store.current(), "capitalize"):
        with suppress(FactorError):  # a document that is gone tells nothing any more
            terms = factor_named(run.publication.factor)
            if terms.loan:
                found[terms.loan.agreement] = terms
    return found


def owed_on(pledges: Sequence[Held], day: date) -> dict[str, Owed]:
    """Say what is owed under each pledge on a day, and in which industry.

    By what was recorded of the loan: drawdowns, payments, fees. Where that cannot be
    told, or no drawdown is recorded, all that the pledge secures: nobody has shown that
    a part was repaid.
    """
    known, written = loans(), documents()
    drawn = set(all_of(LoanFact).filter(event="draw")["loan"])
    found = {}
    for one in pledges:
        terms = written.get(one.request)
        told = known.get(one.request, {}).get("industry") or industry_of(terms)
        facts = by_facts(one.request, day) if one.request in drawn else None
        left, accrued, late = facts or (one.total, 0, 0)
        found[one.request] = Owed(left, accrued, told, late)
    return found


def by_facts(number: str, day: date) -> tuple[int, int, int] | None:
    """Follow a loan to a day: fen left and accrued unpaid, and days past due.

    None where its document does not say any more how it bears interest.
    """
    try:
        loan = lent(number)
        books = [book for _, book in books_of(loan, day) if book]
        late = days_past_due(loan, day)
    except DatafactorError:
        return None
    accrued = sum(unpaid(b, day) for b in books)
    return sum(b.outstanding for b in books), accrued, late


def unpaid(book: Book, day: date) -> int:
    """Sum up interest and penalty that have accrued, and fees; less what was paid."""
    paid = sum(p.made.interest + p.made.penalty for p in book.payments)
    return max(book.borne(day) - paid, 0) + book.claims(day).fees


def industry_of(terms: Factor | None) -> str:
    """Name the borrower's industry, else that of the decision that the data serve."""
    if terms is None or terms.loan is None:
        return NOT_STATED
    return terms.loan.borrower.industry or terms.scenario.industry


def states() -> dict[str, str]:
    """Read the state of each pledge that was recorded last."""
    last = all_of(CoverState).sort("number").group_by("request").last()
    return dict(last.select("request", "state").iter_rows())


def values_on(day: date) -> dict[At, int | None]:
    """Read the appraised value of each asset as its last run found it, in fen.

    None where no report stands or none is valid on the day; an asset whose gates were
    shut has no value at all.
    """
    found: dict[At, int | None] = {}
    for run in store.newest(store.current(), "assetize"):
        if ref := run.refs.get("valuation"):
            row = store.scan(store.current(), ref).collect().row(0, named=True)
            found[row["entity"], row["asset"]] = value_on(row, day)
    return found


def value_on(row: Row, day: date) -> int | None:
    """Give the appraised value of a valuation on a day; None where it is not valid."""
    first, last = row["appraised_on"], row["valid_to"]
    if first is None or last is None or not first <= day <= last:
        return None
    return int(row["appraised_fen"])
