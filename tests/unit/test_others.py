"""What is found around a loan: pledges on the same data, and what is lent beside it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.capital import CapitalTerms
from schemas.collateral import Fingerprint
from schemas.contract import frame_of
from schemas.registers import CollateralRoot, JournalLine, Loan, Pledge, PledgeEvent
from schemas.survey import Surveyed
from tasks.capital.others import survey
from tests.finance_case import CODE, DRAWDOWN, HOLDER, capital_terms, pledged
from tests.store.build import event, loan, root

OURS, THEIRS = "a" * 64, "b" * 64


def roots(*found: tuple[str, int]) -> pl.LazyFrame:
    rows = [(r, f"index/rain!{r[0]}.csv", 100, ppm, "") for r, ppm in found]
    return frame_of(Fingerprint, rows).lazy()


def rows(register: type[Any], *known: dict[str, Any] | tuple[Any, ...]) -> pl.LazyFrame:
    said = [tuple(k.values()) if isinstance(k, dict) else k for k in known]
    return frame_of(register, said).lazy()


def surveyed(
    pledges: Sequence[tuple[Any, ...]] = (),
    events: Sequence[dict[str, Any]] = (),
    known: Sequence[dict[str, Any]] = (),
    loans: Sequence[dict[str, Any]] = (),
    repaid: Sequence[tuple[Any, ...]] = (),
    terms: CapitalTerms | None = None,
) -> Surveyed:
    return survey(
        terms or capital_terms(),
        DRAWDOWN,
        rows(Pledge, *pledges),
        rows(PledgeEvent, *events),
        rows(CollateralRoot, *known),
        rows(Loan, *loans),
        rows(JournalLine, *repaid),
        roots((OURS, 1_000_000)),
    )


def met(**given: Any) -> dict[str, dict[str, Any]]:
    found = surveyed(**given).met.collect()
    return {row["request"]: row for row in found.iter_rows(named=True)}


# Another company pledged another asset, under other names.
OTHER = pledged(request="L-9", entity="other", asset="disguise", principal_fen=7)


def rests(on: str, **changed: Any) -> dict[str, Any]:
    named = {"request": "L-9", "entity": "other", "asset": "disguise"}
    return root(**(named | {"root": on, "place": "x/y!z.csv"} | changed))


def test_where_nobody_pledged_only_the_own_row_says_that_somebody_looked() -> None:
    found = met()

    assert [*found] == ["LOAN-1"]
    assert (found["LOAN-1"]["secured_fen"], found["LOAN-1"]["shared"]) == (0, "")


def test_another_companys_pledge_of_the_same_bytes_is_found_with_the_root() -> None:
    found = met(pledges=[OTHER], known=[rests(OURS)])

    assert found["L-9"]["secured_fen"] == 7
    assert found["L-9"]["cap_fen"] == 538_080_000
    assert found["L-9"]["shared"] == "x/y!z.csv (1000000 ppm)"


@pytest.mark.parametrize(
    "known",
    [[rests(THEIRS)], [rests(OURS, request="L-8")], []],
    ids=["other bytes", "of another pledge", "no roots"],
)
def test_what_rests_on_other_data_is_not_told(known: list[dict[str, Any]]) -> None:
    assert [*met(pledges=[OTHER], known=known)] == ["LOAN-1"]


def test_a_released_pledge_holds_no_data_any_more() -> None:
    released = event("release", request="L-9")

    assert [*met(pledges=[OTHER], known=[rests(OURS)], events=[released])] == ["LOAN-1"]


def test_the_seniors_consent_is_told_by_its_amount() -> None:
    given = event("consent", request="L-9", junior="LOAN-1", amount_fen=3)

    found = met(pledges=[OTHER], known=[rests(OURS)], events=[given])

    assert found["L-9"]["consent_fen"] == 3


def test_a_line_without_pledge_asks_for_no_collateral() -> None:
    terms = capital_terms(kind="unsecured_line")

    assert [*met(pledges=[OTHER], known=[rests(OURS)], terms=terms)] == ["LOAN-1"]


def owed(number: str, fen: int, **changed: Any) -> dict[str, Any]:
    named = {"lender": "Bank (illustrative)", "borrower_code": CODE}
    return loan(loan=number, amount_fen=fen, **(named | changed))


def lent(loans: Sequence[dict[str, Any]], **given: Any) -> dict[str, tuple[int, int]]:
    borrower = {"name": HOLDER, "credit_code": CODE, "industry": "I65 software"}
    terms = capital_terms(borrower=borrower)
    found = surveyed(loans=loans, terms=terms, **given).lent.collect()
    return {m: (fen, n) for m, _, fen, n in found.iter_rows()}


def test_other_loans_add_up_by_borrower_industry_and_lender() -> None:
    known = [
        owed("L-1", 5, industry="I64", tranche="a"),
        owed("L-1", 6, industry="I64", tranche="b", lender="Bank B"),
        owed("L-2", 7, industry="C35", borrower_code="X"),
        owed("L-3", 8, industry="I65 software", borrower_code="X", lender="Bank B"),
    ]

    assert lent(known) == {"borrower": (11, 1), "industry": (19, 2), "lender": (12, 2)}


def test_the_agreement_itself_is_no_other_loan() -> None:
    assert lent([owed("LOAN-1", 5)])["borrower"] == (0, 0)


def test_a_loan_ends_with_its_pledge_and_a_line_with_its_term() -> None:
    line = {"kind": "unsecured_line", "matures_on": date(2025, 6, 19)}
    late = {"matures_on": date(2025, 6, 19)}
    known = [owed("L-8", 3, **line), owed("L-9", 5, **late)]

    assert lent(known)["borrower"] == (5, 1)
    released = event("release", request="L-9")
    ended = lent(known, pledges=[OTHER], events=[released])
    assert ended["borrower"] == (0, 0)


def test_a_line_counts_on_its_last_day() -> None:
    line = {"kind": "unsecured_line", "matures_on": DRAWDOWN}

    assert lent([owed("L-8", 3, **line)])["borrower"] == (3, 1)


def booked(entry: str, account: str, fen: int) -> tuple[Any, ...]:
    when, why = (date(2025, 5, 31), "2025-05"), ("", "repay", "ADVICE", "")
    return ("other", entry, 1, *when, account, fen, "repayment", *why)


def test_principal_that_the_books_say_was_repaid_is_owed_no_more() -> None:
    known = [
        owed("L-1", 100),
        owed("L-2", 100, kind="facility", tranche="a"),
        owed("L-2", 100, kind="facility", tranche="b"),
        owed("L-22", 100),
    ]
    repaid = [
        booked("repay/L-1/1", "2001", 10),
        booked("repay/L-1/2", "250101", 20),
        booked("repay/L-1/2", "2231", 7),  # interest
        booked("repay/L-1/2", "1002", -27),
        booked("repay/L-2/b/1", "2501", 40),
        booked("repay/L-2/1", "2501", 40),  # of no tranche of that name
    ]

    assert lent(known, repaid=repaid)["borrower"] == (400 - 10 - 20 - 40, 3)
