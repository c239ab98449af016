"""A loan from its facts alone: where payments go, and what the books are asked."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.entity import CHART
from schemas.errors import ContractError, RegisterError
from schemas.loan import BookTerms, LoanPart, LoanTerms
from schemas.registers import JournalLine, LoanFact, PeriodClose
from tasks.capital.loan.book import Book, Fact, Market, follow
from tasks.capital.loan.keep import digest_of, keep_loans
from tests.loan_case import CHINA, fixings, loan_terms, lpr_rate

MARKET = Market(fixings(), CHINA)
DRAWN = Fact("draw", 1, date(2025, 6, 20), 500_000_000)
LOAN_05 = loan_terms(method="interest_only", basis="ACT/360")


def paid(number: int, on: str, yuan: str, keep: str = "") -> Fact:
    fen = int(Decimal(yuan) * 100)
    return Fact("pay", number, date.fromisoformat(on), fen, keep)


def book_of(terms: LoanTerms, *facts: Fact, by: str = "2026-12-31") -> Book:
    book = follow(terms, [DRAWN, *facts], MARKET, date.fromisoformat(by))
    assert book is not None
    return book


def test_a_loan_that_nobody_drew_has_no_book() -> None:
    assert follow(LOAN_05, [], MARKET, date(2026, 1, 1)) is None
    early = date(2025, 6, 19)
    assert follow(LOAN_05, [DRAWN], MARKET, early) is None


def test_interest_settled_each_quarter_is_that_of_loan_05() -> None:
    quarters = [("2025-09-22", "46000"), ("2025-12-22", "45500")]
    quarters += [("2026-03-20", "45000"), ("2026-06-22", "5046000")]
    facts = [paid(n, *told) for n, told in enumerate(quarters, 1)]

    book = book_of(LOAN_05, *facts)

    assert [p.made.interest for p in book.payments] == [
        *(4_600_000, 4_550_000, 4_500_000, 4_600_000)
    ]
    assert [p.made.penalty for p in book.payments] == [0] * 4
    assert (book.outstanding, book.unpaid()) == (0, [])


def test_part_of_a_loan_may_be_drawn() -> None:
    half = Fact("draw", 1, date(2025, 6, 20), 250_000_000)

    book = follow(LOAN_05, [half], MARKET, date(2025, 6, 20))

    assert book is not None
    assert book.rows[0].interest == 2_300_000  # half of LOAN-05's 46,000.00


def test_what_is_left_over_is_told_and_not_kept() -> None:
    with pytest.raises(RegisterError, match="CNY are due by 2025-09-22, so 0"):
        book_of(LOAN_05, paid(1, "2025-09-22", "46000.01"))


def test_what_is_left_over_repays_early_after_the_interest_that_runs() -> None:
    facts = [paid(1, "2025-09-20", "46000"), paid(2, "2025-10-10", "1000000", "term")]

    book = book_of(LOAN_05, *facts)

    # 20 days of 5,000,000.00 at 3.6 % of 360 are 10,000.00; the rest is principal
    assert book.payments[1].made[:-1] == (0, 0, 1_000_000, 99_000_000)
    assert book.outstanding == 401_000_000
    # 71 days of 4,010,000.00 to 2025-12-20 are 28,471.00
    assert next(r.interest for r in book.unpaid()) == 2_847_100


@pytest.mark.parametrize(
    ("yuan", "said"),
    [
        ("10000", "10,000.00 CNY of interest until 2025-10-10 come before"),
        ("5010000.01", "between 0.01 and 5,000,000.00"),
    ],
)
def test_a_prepayment_that_does_not_fit_is_refused(yuan: str, said: str) -> None:
    first = paid(1, "2025-09-20", "46000")

    with pytest.raises(RegisterError, match=said):
        book_of(LOAN_05, first, paid(2, "2025-10-10", yuan, "term"))


def test_a_loan_is_ended_early_to_the_fen() -> None:
    facts = [paid(1, "2025-09-20", "46000"), paid(2, "2025-10-10", "5010000", "term")]

    book = book_of(LOAN_05, *facts)

    assert (book.outstanding, book.unpaid()) == (0, [])
    assert book.borne(date(2027, 1, 1)) == 4_600_000 + 1_000_000


def test_a_late_payment_bears_its_penalty_and_pays_it_after_the_fees() -> None:
    fee = Fact("fee", 1, date(2025, 9, 25), 20_000, "reminder")

    book = book_of(LOAN_05, fee, paid(1, "2025-10-02", "46269"))

    # 46,000.00 payable on 2025-09-22, 10 days at 5.4 % of 360 are 69.00
    assert book.payments[0].made == (20_000, 6_900, 4_600_000, 0, 0)


def test_a_rate_that_is_not_published_is_asked_for() -> None:
    terms = loan_terms(rate=lpr_rate())

    with pytest.raises(ContractError, match="no LPR 1Y of 2025-06"):
        book_of(terms)


ENTITY = "jiangbei"
COLUMNS = ["entry", "booked_on", "account", "amount_fen"]


def facts_of(
    *facts: Fact, loan: str = "LOAN-1", terms: LoanTerms = LOAN_05
) -> pl.LazyFrame:
    part = LoanPart(agreement=loan, tranche="1", lender="Bank", terms=terms)
    rows = [
        (
            *(loan, f.event, f.number, "1", f.on, f.amount),
            digest_of(part) if f.event == "draw" else f.name,
            *(f"{f.event}-{f.number}", "", ""),
        )
        for f in facts
    ]
    return frame_of(LoanFact, rows).lazy()


def book_terms(terms: LoanTerms = LOAN_05, **changed: Any) -> BookTerms:
    part = LoanPart(agreement="LOAN-1", tranche="1", lender="Bank", terms=terms)
    stated: dict[str, Any] = {"factor": ENTITY, "entity": ENTITY, "parts": (part,)}
    stated |= {"accounts": CHART, "calendar": CHINA}
    return BookTerms.model_validate(stated | changed)


def posted_by(
    facts: pl.LazyFrame,
    journal: pl.DataFrame,
    day: date,
    terms: LoanTerms = LOAN_05,
    shut: str = "",
    closes: str = "",
) -> pl.DataFrame:
    """Add to a journal what is proposed and new, as ``post`` does."""
    over = frame_of(PeriodClose, [(ENTITY, shut, day, 1, "")] if shut else [])
    asked = book_terms(terms, closes=closes)
    made = keep_loans(facts, journal.lazy(), over.lazy(), asked, day).collect()
    fresh = made.join(journal, on=["entity", "entry"], how="anti")
    return pl.concat([journal, fresh])


EMPTY = frame_of(JournalLine, [])


def test_a_drawdown_and_the_close_of_its_month_are_posted_once() -> None:
    facts = facts_of(DRAWN)

    first = posted_by(facts, EMPTY, date(2025, 6, 20))
    again = posted_by(facts, first, date(2025, 6, 20))
    closed = posted_by(facts, first, date(2025, 6, 30), closes="2025-06")

    assert first.equals(again)
    assert first.select(COLUMNS).rows() == [
        ("borrow/LOAN-1/1", date(2025, 6, 20), "1002", 500_000_000),
        ("borrow/LOAN-1/1", date(2025, 6, 20), "2001", -500_000_000),
    ]
    # 20 to 30 June are 11 days of 500.00
    assert closed.select(COLUMNS).rows()[2:] == [
        ("interest/LOAN-1/2025-06", date(2025, 6, 30), "6603", 550_000),
        ("interest/LOAN-1/2025-06", date(2025, 6, 30), "2231", -550_000),
    ]


def test_a_loan_of_more_than_a_year_is_a_long_term_one() -> None:
    terms = loan_terms(months=13)

    made = posted_by(facts_of(DRAWN, terms=terms), EMPTY, date(2025, 6, 20), terms)

    assert made["account"].to_list() == ["1002", "2501"]


def test_a_payment_accrues_the_open_months_and_its_own_days_before_it_is_booked() -> (
    None
):
    facts = facts_of(DRAWN, paid(1, "2025-09-22", "46000"))
    june = posted_by(facts_of(DRAWN), EMPTY, date(2025, 6, 30), closes="2025-06")

    made = posted_by(facts, june, date(2025, 9, 22), shut="2025-06")

    accrued = made.filter(event="interest", account="2231")
    assert accrued.select("entry", "amount_fen").rows() == [
        ("interest/LOAN-1/2025-06", -550_000),
        ("interest/LOAN-1/2025-07", -1_550_000),
        ("interest/LOAN-1/2025-08", -1_550_000),
        # 1 to 19 September 9,500.00; the new row runs since the 20th: 1,000.00
        ("interest/LOAN-1/2025-09-22", -1_050_000),
    ]
    repaid = made.filter(event="repay").select("account", "amount_fen").rows()
    assert repaid == [("2231", 4_600_000), ("1002", -4_600_000)]


def test_what_is_learned_of_a_closed_month_falls_into_the_next_close() -> None:
    facts = facts_of(DRAWN, paid(1, "2025-09-22", "46000"))
    journal = EMPTY
    for month in ("2025-06-30", "2025-07-31", "2025-08-31", "2025-09-30"):
        day = date.fromisoformat(month)
        over = f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"
        journal = posted_by(facts_of(DRAWN), journal, day, shut=over, closes=month[:7])

    late = posted_by(facts, journal, date(2025, 9, 22), shut="2025-09")
    october = posted_by(
        facts, late, date(2025, 10, 31), shut="2025-09", closes="2025-10"
    )

    # September bore a penalty, 9 days of 6.90, that the late payment takes away
    nine = journal.filter(entry="interest/LOAN-1/2025-09", account="2231")
    assert nine["amount_fen"].sum() == -(1_500_000 + 6_210)
    assert late.filter(event="interest").equals(journal.filter(event="interest"))
    ten = october.filter(entry="interest/LOAN-1/2025-10", account="2231")
    assert ten["amount_fen"].sum() == -(1_550_000 - 6_210)


def test_a_correction_in_an_open_month_is_the_next_number() -> None:
    first = posted_by(facts_of(DRAWN), EMPTY, date(2025, 7, 10))
    wrong = first.with_columns(
        amount_fen=pl.when(event="interest", entry="interest/LOAN-1/2025-06")
        .then(pl.col("amount_fen") * 2)
        .otherwise("amount_fen")
    )

    made = posted_by(facts_of(DRAWN), wrong, date(2025, 7, 10))

    mended = made.filter(entry="interest/LOAN-1/2025-06/2", account="2231")
    assert mended["amount_fen"].to_list() == [550_000]


def test_the_loans_of_others_and_an_account_that_is_missing() -> None:
    day = date(2025, 6, 20)
    other = posted_by(facts_of(DRAWN, loan="LOAN-2"), EMPTY, day)
    assert other.is_empty()

    chart = {role: n for role, n in CHART.items() if role != "short_term_loan"}
    asked, shut = book_terms(accounts=chart), frame_of(PeriodClose, []).lazy()
    with pytest.raises(ContractError, match="no account for 'short_term_loan'"):
        keep_loans(facts_of(DRAWN), EMPTY.lazy(), shut, asked, day)


def test_terms_that_changed_after_the_drawdown_post_nothing() -> None:
    dearer = loan_terms(
        method="interest_only",
        basis="ACT/360",
        rate={"kind": "fixed", "annual_rate": "0.04"},
    )

    with pytest.raises(RegisterError, match="other terms of loan LOAN-1 than those"):
        posted_by(facts_of(DRAWN), EMPTY, date(2025, 6, 30), dearer)


@settings(max_examples=60, deadline=None)
@given(
    method=st.sampled_from(
        ["equal_instalments", "equal_principal", "bullet", "interest_only"]
    ),
    basis=st.sampled_from(["ACT/360", "ACT/365", "30/360"]),
    principal=st.integers(10_000, 10**12),
    months=st.integers(1, 24),
    waits=st.lists(st.integers(1, 120), min_size=1, max_size=6),
    share=st.integers(1, 99),
    early=st.booleans(),
    fee=st.integers(0, 10_000),
)
def test_after_the_last_payment_every_account_of_a_loan_is_nothing(
    method: str,
    basis: str,
    principal: int,
    months: int,
    waits: list[int],
    share: int,
    early: bool,
    fee: int,
) -> None:
    terms = loan_terms(
        method=method, basis=basis, months=months, grace_days=3,
        principal=str(Decimal(principal).scaleb(-2)),
    )  # fmt: skip
    facts = [DRAWN._replace(amount=principal)]
    if fee:
        facts.append(Fact("fee", 1, date(2025, 6, 25), fee, "handling"))
    journal, day = (
        posted_by(facts_of(*facts, terms=terms), EMPTY, DRAWN.on, terms),
        DRAWN.on,
    )
    for number, wait in enumerate([*waits, 900], 1):
        day = day + timedelta(days=wait)
        book = follow(terms, facts, MARKET, day)
        assert book is not None
        due = sum(book.claims(day))
        amount = due if wait == 900 else due * share // 100
        keep = ""
        if early and number == 2 and book.rows[-1].due_on > day > book.rows[0].due_on:
            amount, keep = due + book.outstanding // 2, "term"
        if amount <= 0:
            continue
        try:
            with_it = [*facts, Fact("pay", number, day, amount, keep)]
            follow(terms, with_it, MARKET, day)
        except RegisterError:  # a prepayment that the interest until the day eats up
            continue
        facts = with_it
        journal = posted_by(facts_of(*facts, terms=terms), journal, day, terms)

    sums = journal.group_by("entry").agg(pl.col("amount_fen").sum())
    assert sums["amount_fen"].to_list() == [0] * sums.height
    left = journal.group_by("account").agg(pl.col("amount_fen").sum())
    held = dict(left.iter_rows())
    assert {held.get(a, 0) for a in ("2001", "2501", "2231")} == {0}
    # what it cost is what was paid beyond the principal
    assert held["6603"] == -held["1002"]
    ended = follow(terms, facts, MARKET, day)
    assert ended is not None
    assert (ended.outstanding, ended.unpaid()) == (0, [])
