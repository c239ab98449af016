"""LOAN-05 in the borrower's books, from drawdown to end, as ``post`` enters it."""

from datetime import date, timedelta

import polars as pl
import pytest

from schemas.asset import Posted, PostTerms
from schemas.contract import frame_of
from schemas.entity import CHART
from schemas.loan import BookTerms, LoanPart
from schemas.registers import Approval, JournalLine, LoanFact, PeriodClose
from tasks.asset.post import post
from tasks.capital.loan.keep import digest_of, keep_loans, month_end
from tests.loan_case import CHINA, loan_terms

ENTITY, LOAN = "jiangbei", "LOAN-5"
PART = LoanPart(
    agreement=LOAN,
    tranche="1",
    lender="Bank (illustrative)",
    terms=loan_terms(loan=LOAN, method="interest_only", basis="ACT/360"),
)
DRAWN = date(2025, 6, 20)
# On the 20th or, where it is a Saturday, on the Monday after it: LOAN-05's quarters.
PAID = {
    date(2025, 9, 22): 4_600_000,
    date(2025, 12, 22): 4_550_000,
    date(2026, 3, 20): 4_500_000,
    date(2026, 6, 22): 504_600_000,
}


def known_by(day: date) -> pl.LazyFrame:
    """The facts of the loan by a day."""
    told = (LOAN, "draw", 1, "1", DRAWN, 500_000_000, digest_of(PART), "A-1", "", "")
    paid = [
        (LOAN, "pay", n, "1", on, fen, "", f"P-{n}", "", "")
        for n, (on, fen) in enumerate(PAID.items(), 1)
        if on <= day
    ]
    return frame_of(LoanFact, [told, *paid]).lazy()


class Books:
    """Journal and closed months, as posts leave them."""

    def __init__(self, above: str = "9000000.00") -> None:
        self.journal, self.months = frame_of(JournalLine, []), frame_of(PeriodClose, [])
        self.above = above

    def post(
        self, day: date, month: str = "", facts: pl.LazyFrame | None = None
    ) -> Posted:
        """Propose by a day and post; a month is closed with it."""
        book = BookTerms(
            factor=ENTITY,
            entity=ENTITY,
            parts=(PART,),
            accounts=CHART,
            calendar=CHINA,
            closes=month,
        )
        told = known_by(day) if facts is None else facts
        books = self.journal.lazy(), self.months.lazy()
        made = keep_loans(told, *books, book, day)
        terms = PostTerms(
            factor=ENTITY,
            entity=ENTITY,
            policy="test",
            approval_above=self.above,
            terms_sha256="0" * 64,
            closes=month,
            closed_on=day + timedelta(days=1) if month else None,
        )
        done = post(made, *books, frame_of(Approval, []).lazy(), terms, day)
        if done.gates.collect()["passed"].all():
            self.journal = pl.concat([self.journal, done.posted.collect()])
            self.months = pl.concat([self.months, done.period.collect()])
        return done

    def close(self, month: str) -> None:
        """Close a month, which must pass every gate."""
        day = month_end(date.fromisoformat(f"{month}-01"))
        assert self.post(day, month).gates.collect()["passed"].all()

    def balance(self, account: str) -> int:
        """What an account holds, in fen; debit above 0."""
        return int(self.journal.filter(account=account)["amount_fen"].sum())


@pytest.fixture(scope="module")
def year() -> Books:
    """The loan's life: each payment on its day, each month closed at its end."""
    books, day = Books(), DRAWN
    while day <= date(2026, 6, 30):
        if day == DRAWN or day in PAID:
            assert books.post(day).gates.collect()["passed"].all()
        if day == month_end(day):
            books.close(f"{day:%Y-%m}")
        day += timedelta(days=1)
    return books


def test_each_quarter_bears_the_interest_of_loan_05(year: Books) -> None:
    interest = year.journal.filter(event="interest", account="6603")
    repaid = year.journal.filter(event="repay", account="2231")

    assert repaid["amount_fen"].to_list() == [
        4_600_000,
        4_550_000,
        4_500_000,
        4_600_000,
    ]
    assert interest["amount_fen"].sum() == 4_600_000 + 4_550_000 + 4_500_000 + 4_600_000
    # A month of 31 days bears 15,500.00, one of 30 days 15,000.00, February 14,000.00
    by_month = interest.group_by("period").agg(pl.col("amount_fen").sum())
    assert dict(by_month.iter_rows()) == {
        "2025-06": 550_000,
        **dict.fromkeys(("2025-07", "2025-08", "2025-10", "2025-12"), 1_550_000),
        **dict.fromkeys(("2026-01", "2026-03", "2026-05"), 1_550_000),
        **dict.fromkeys(("2025-09", "2025-11", "2026-04"), 1_500_000),
        "2026-02": 1_400_000,
        "2026-06": 950_000,
    }


def test_after_the_last_payment_the_accounts_hold_nothing(year: Books) -> None:
    assert [year.balance(account) for account in ("2001", "2501", "2231")] == [0, 0, 0]
    assert year.balance("6603") == -year.balance("1002") == 18_250_000
    assert year.months.height == 13


def test_a_payment_of_a_closed_month_is_booked_in_the_open_one() -> None:
    books = Books()
    books.post(DRAWN)
    for month in ("2025-06", "2025-07", "2025-08", "2025-09"):
        known = known_by(DRAWN)
        day = month_end(date.fromisoformat(f"{month}-01"))
        books.post(day, month, known)

    late = date(2025, 9, 22)
    assert books.post(late).gates.collect()["passed"].all()
    again = books.post(late)
    books.close("2025-10")

    repaid = books.journal.filter(event="repay")
    assert set(repaid["period"]) == {"2025-10"}
    assert repaid["memo"].str.contains("of 2025-09-22, booked in the open").all()
    assert again.posted.collect().is_empty()
    # owed since 2025-09-20: 42 days of 500.00, and no penalty is left of September
    assert books.balance("2231") == -2_100_000


def test_what_stands_above_its_threshold_waits_with_one_subject() -> None:
    books = Books(above="4999999.99")

    first, second = (books.post(DRAWN).gates.collect() for _ in range(2))

    assert books.journal.is_empty()
    shut = first.filter(~pl.col("passed"))
    assert shut["gate"].to_list() == ["approval"]
    assert first.equals(second), "the same subject, to be approved once"
