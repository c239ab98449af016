"""Keep loans in the borrower's books: what their facts ask to be posted by a day.

All entries follow from the facts, whether they were posted or not; ``post`` enters what
is new. Drawdowns and payments bear the number of their fact. Interest, with penalty, is
what has accrued less what was posted: at the end of each open month
(``interest/L-1/2026-07``), and to the day of a payment (``interest/L-1/2026-08-10``),
so that a payment clears what it pays. What is learned of a closed month falls into the
next accrual (CAS 28).

Source: 企业会计准则应用指南 附录, accounts 2001, 2231, 2501, 6603. 5,000,000.00 at
3.6 %, ACT/360, drawn on 2025-06-20, close of 2025-06 -> 6603 5,500.00 / 2231.
"""

import calendar
import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, NamedTuple

import polars as pl
import rfc8785

from schemas.asset import Proposed
from schemas.contract import frame_of
from schemas.entity import account_of
from schemas.errors import RegisterError
from schemas.loan import BookTerms, LoanPart
from schemas.registers import JournalLine, LoanFact, PeriodClose
from tasks.capital.loan.book import Book, Fact, Market, follow
from tasks.capital.loan.entries import (
    Lines,
    accrual_entry,
    drawdown_entry,
    repayment_entry,
)
from tasks.finance import months_later

Line = tuple[str | int | date, ...]  # contract JournalLine
Row = dict[str, Any]  # of contract LoanFact
DAY = timedelta(days=1)


class Cut(NamedTuple):
    """A day to accrue to: how its entry is called, booked, and up to which day."""

    name: str
    booked_on: date
    upto: date


def keep_loans(
    facts: Annotated[pl.LazyFrame, LoanFact],
    booked: Annotated[pl.LazyFrame, JournalLine],
    closed: Annotated[pl.LazyFrame, PeriodClose],
    terms: BookTerms,
    as_of: date,
) -> Annotated[pl.LazyFrame, Proposed]:
    """Propose the entries of an entity's loans by a day.

    Args:
        facts: What happened to loans, of others too.
        booked: The entity's journal.
        closed: Its closed months: nothing accrues in them any more.
        terms: Its loans, chart, LPR and calendar; and whether the day's month is over.
        as_of: The last day of which facts count.

    Raises:
        ContractError: The rate of a reset is missing, or the chart lacks an account.
        RegisterError: The document changed the terms of a loan that was drawn.
    """
    told, journal = facts.collect(), booked.collect()
    shut = str(closed.collect()["period"].max() or "")
    market = Market(terms.lpr.fixings, terms.calendar)
    lines: list[Line] = []
    for part in terms.parts:
        refuse_other_terms(told, part)
        book = follow(part.terms, facts_of(told, part), market, as_of)
        if book:
            ends = cuts(book.terms.begins, shut, as_of, bool(terms.closes))
            lines += drawdowns(told, part, book, terms)
            lines += accruals(journal, part, book, ends, terms)
            lines += payments(told, part, book, terms)
    return frame_of(Proposed, lines).lazy()


def refuse_other_terms(facts: pl.DataFrame, part: LoanPart) -> None:
    """Refuse to go on where the document says other terms than those drawn under.

    Raises:
        RegisterError: It does.
    """
    drawn = facts.filter(loan=part.agreement, tranche=part.tranche, event="draw")
    if set(drawn["name"]) - {digest_of(part)}:
        raise RegisterError(
            f"the document says other terms of loan {part.terms.loan} than those it was"
            " drawn under: put rate, method, days and months back"
        )


def digest_of(part: LoanPart) -> str:
    """Name by a digest the terms under which a tranche is drawn."""
    said = part.terms.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


def facts_of(facts: pl.DataFrame, part: LoanPart) -> list[Fact]:
    """Read what happened to one tranche."""
    mine = facts.filter(loan=part.agreement, tranche=part.tranche)
    named = mine.select("event", "number", "effective_on", "amount_fen", "name")
    return [Fact._make(row) for row in named.iter_rows()]


def cuts(begins: date, shut: str, as_of: date, over: bool) -> list[Cut]:
    """List the days to accrue to: ends of open months, and the day itself.

    Args:
        begins: Day of the drawdown.
        shut: Last closed month; empty: none.
        as_of: The day.
        over: Whether the day itself is over, as at a close.

    Drawn on 2026-06-20, nothing closed, to 2026-08-10 -> 2026-06, 2026-07, 2026-08-10.
    """
    month = begins.replace(day=1)
    if shut:
        month = max(month, months_later(date.fromisoformat(f"{shut}-01"), 1))
    found = []
    while (last := month_end(month)) < as_of or (over and last == as_of):
        found.append(Cut(f"{month:%Y-%m}", last, last + DAY))
        month = last + DAY
    if not over and month <= as_of:
        found.append(Cut(str(as_of), as_of, as_of))
    return found


def month_end(day: date) -> date:
    """Give the last day of a month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def drawdowns(
    facts: pl.DataFrame, part: LoanPart, book: Book, terms: BookTerms
) -> Iterator[Line]:
    """Write the entry of the drawdown."""
    for row in told(facts, part, "draw", book.terms.begins):
        key = f"borrow/{part.terms.loan}/{row['number']}"
        memo = f"drawdown 提款: {part.lender}, {part.terms.loan}"
        what = key, "borrow", row["effective_on"], memo, row["evidence"]
        yield from entry(what, drawdown_entry(book.terms), terms)


def payments(
    facts: pl.DataFrame, part: LoanPart, book: Book, terms: BookTerms
) -> Iterator[Line]:
    """Write the entry of each payment, as it was put to what was due."""
    put = {payment.number: payment.made for payment in book.payments}
    for row in told(facts, part, "pay", date.max):
        if made := put.get(row["number"]):
            key = f"repay/{part.terms.loan}/{row['number']}"
            memo = f"repayment 还款: {part.lender}, {part.terms.loan}"
            what = key, "repay", row["effective_on"], memo, row["evidence"]
            yield from entry(what, repayment_entry(made, book.terms), terms)


def told(facts: pl.DataFrame, part: LoanPart, event: str, by: date) -> list[Row]:
    """List the facts of a kind of one tranche by a day."""
    mine = facts.filter(
        pl.col("effective_on") <= by,
        loan=part.agreement,
        tranche=part.tranche,
        event=event,
    )
    return mine.sort("number").to_dicts()


def accruals(
    journal: Annotated[pl.DataFrame, JournalLine],
    part: LoanPart,
    book: Book,
    ends: Sequence[Cut],
    terms: BookTerms,
) -> Iterator[Line]:
    """Write what has accrued to each day and was not posted yet."""
    loan = part.terms.loan
    payable = account_of("interest_payable", terms.accounts, terms.entity)
    own = journal.filter(
        pl.col("entry").str.starts_with(f"interest/{loan}/"),
        account=payable,
        voucher=part.agreement,
    )
    fresh = 0
    for cut in ends:
        before = own.filter(pl.col("booked_on") <= cut.booked_on)
        posted = -int(before["amount_fen"].sum())
        amount = book.borne(cut.upto) - posted - fresh
        fresh += amount
        key = numbered(f"interest/{loan}/{cut.name}", own)
        memo = f"interest 利息 to {cut.booked_on}: {part.lender}, {loan}"
        what = key, "interest", cut.booked_on, memo, part.agreement
        yield from entry(what, accrual_entry(amount), terms)


def numbered(key: str, posted: pl.DataFrame) -> str:
    """Number a correction of what was accrued to the same day before."""
    nth = posted.filter(
        (pl.col("entry") == key) | pl.col("entry").str.starts_with(f"{key}/")
    )["entry"].n_unique()
    return f"{key}/{nth + 1}" if nth else key


def entry(
    what: tuple[str, str, date, str, str], sides: Lines, terms: BookTerms
) -> Iterator[Line]:
    """Write one balanced entry: key, event, day, memo, voucher; debits first."""
    key, event, on, memo, voucher = what
    ordered = sorted(sides, key=lambda side: side[1] < 0)
    for number, (role, amount) in enumerate(ordered, 1):
        account = account_of(role, terms.accounts, terms.entity)
        row = terms.entity, key, number, on, f"{on:%Y-%m}", account
        yield *row, amount, memo, "", event, voucher, ""
