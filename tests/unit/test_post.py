"""Posting: target minus already posted, in an open month, with a second person."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from schemas.asset import Posted, PostTerms, Proposed
from schemas.contract import frame_of
from schemas.registers import Approval, JournalLine, PeriodClose
from tasks.asset.approval import posting
from tasks.asset.post import post
from tests.finance_case import ACC_09, AS_OF, asset_terms, failed, make_asset

REVERSE = "reverse/"
ONE, TWO = "a" * 64, "b" * 64


def lines(rows: tuple[Any, ...] = ACC_09, **changed: Any) -> pl.DataFrame:
    """What the third stage proposes of ACC-09."""
    made = make_asset(asset_terms(**changed), rows)
    return made.journal.collect()


def closed_to(*periods: str) -> pl.DataFrame:
    rows = [("jiangbei", p, date(2025, 5, 1), 1, ONE) for p in periods]
    return frame_of(PeriodClose, rows)


def decided(subject: str, decision: str, on: date, key: str = TWO) -> tuple[Any, ...]:
    return ("jiangbei", subject, decision, ONE, key, "Li", on, "", "00")


def posted(
    proposed: pl.DataFrame,
    known: pl.DataFrame | None = None,
    closed: pl.DataFrame | None = None,
    approvals: tuple[tuple[Any, ...], ...] = (),
    terms: PostTerms | None = None,
    as_of: date = AS_OF,
) -> Posted:
    before = frame_of(JournalLine, []) if known is None else known
    return post(
        proposed.lazy(),
        before.lazy(),
        (closed_to() if closed is None else closed).lazy(),
        frame_of(Approval, approvals).lazy(),
        terms or posting(asset_terms()),
        as_of,
    )


def subject_asked(made: Posted) -> str:
    return str(made.gates.collect().filter(gate="approval")["evidence"].item())


def test_the_stage_proposes_and_posts_nothing_itself() -> None:
    from typing import get_args

    from schemas.asset import Asset
    from schemas.registers import REGISTERS

    contract = get_args(Asset.__annotations__["journal"])[1]

    assert contract is Proposed
    assert contract not in REGISTERS


def test_what_is_posted_is_posted_once() -> None:
    first = posted(lines())
    again = posted(lines(), first.posted.collect())

    assert first.posted.collect()["amount_fen"].sum() == 0
    assert first.posted.collect().height == lines().height > 0
    assert again.posted.collect().is_empty()
    assert failed(again.gates) == {}


def test_the_next_voucher_is_posted_beside_what_stands() -> None:
    made = posted(lines(), lines(ACC_09[:-1]))

    entries = made.posted.collect()["entry"].unique().to_list()
    assert entries == ["incur/index-asset/V7/1"]


def test_a_line_of_a_closed_month_is_booked_on_the_first_open_day() -> None:
    made = posted(lines(), closed=closed_to("2025-01", "2025-02", "2025-03"))

    found = made.posted.collect()
    late = found.filter(voucher="V4", event="incur")
    assert set(found["period"]) == {"2025-04"}
    assert set(late["booked_on"]) == {date(2025, 4, 1)}
    assert "of 2025-02-28, booked in the open period" in late["memo"][0]
    in_time = found.filter(voucher="V7")
    assert set(in_time["booked_on"]) == {date(2025, 4, 20)}
    assert "open period" not in in_time["memo"][0]


def test_a_late_voucher_comes_after_those_that_stand() -> None:
    months = ("2025-01", "2025-02", "2025-03")
    before = posted(lines(ACC_09[:2] + ACC_09[3:])).posted.collect()

    made = posted(lines(), before, closed_to(*months)).posted.collect()

    assert set(made["voucher"]) == {"V3"}
    assert set(made.filter(event="incur")["booked_on"]) == {date(2025, 4, 1)}


def test_a_posted_entry_whose_voucher_is_gone_shuts_the_gate() -> None:
    made = posted(lines(ACC_09[1:]), lines())

    assert "1 of" in failed(made.gates)["books_continue"]
    assert "lost their voucher" in failed(made.gates)["books_continue"]


def test_a_posted_entry_that_was_reversed_may_go() -> None:
    gone = lines(ACC_09[:1])
    back = gone.with_columns(
        entry=REVERSE + pl.col("entry"),
        amount_fen=-pl.col("amount_fen"),
        event=pl.lit("reverse"),
    )

    made = posted(lines(ACC_09[1:]), pl.concat([lines(), back]))

    assert failed(made.gates) == {}


@pytest.mark.parametrize(
    "changed",
    [{"amount_fen": pl.col("amount_fen") * 2}, {"account": pl.lit("1002")}],
    ids=["amount", "account"],
)
def test_other_content_under_a_posted_key_shuts_the_gate(
    changed: dict[str, pl.Expr],
) -> None:
    made = posted(lines().with_columns(**changed), lines())

    assert "say something else now" in failed(made.gates)["books_continue"]
    assert "book a reversal first" in failed(made.gates)["books_continue"]


def test_an_earlier_day_does_not_miss_what_was_posted_later() -> None:
    early = make_asset(asset_terms(), as_of=date(2025, 1, 31)).journal.collect()

    made = posted(early, lines(), as_of=date(2025, 1, 31))

    assert failed(made.gates) == {}
    assert made.posted.collect().is_empty()


@pytest.mark.parametrize(("above", "shut"), [("360000.00", False), ("359999.99", True)])
def test_the_threshold_is_the_most_that_one_person_posts(
    above: str, shut: bool
) -> None:
    # the greatest entry of ACC-09 is V3 with 360,000.00
    terms = posting(asset_terms(approval_above=above))

    made = posted(lines(), terms=terms)

    assert ("approval" in failed(made.gates)) is shut
    if shut:
        ground = failed(made.gates)["approval"]
        assert "2 entries of 720,000.00 CNY" in ground  # incurred, then ready for use
        assert f"datafactor approve {subject_asked(made)}" in ground


def test_a_factors_own_threshold_is_never_above_the_policys() -> None:
    """Who prepares an entry also writes the document."""
    known = asset_terms()
    assert known.rules is not None
    strict = known.rules.model_copy(update={"approval_above": Decimal("359999.99")})
    terms = posting(asset_terms(approval_above="9999999.00", rules=strict))

    assert "approval" in failed(posted(lines(), terms=terms).gates)


def approved_case(
    *approvals: tuple[str, date, str], **changed: Any
) -> tuple[Posted, str]:
    terms = posting(asset_terms(approval_above="359999.99"))
    subject = subject_asked(posted(lines(), terms=terms))
    rows = tuple(decided(subject, what, on, key) for what, on, key in approvals)
    changed_terms = changed.pop("terms", terms)
    return posted(lines(**changed), approvals=rows, terms=changed_terms), subject


def test_an_approved_entry_is_posted_and_names_its_approval() -> None:
    made, subject = approved_case(("approve", date(2025, 5, 2), TWO))

    found = made.posted.collect()
    assert failed(made.gates) == {}
    assert set(found.filter(voucher="V3")["approval"]) == {subject}
    assert set(found.filter(pl.col("voucher") != "V3")["approval"]) == {""}


@pytest.mark.parametrize(
    ("days", "shut"),
    [((1, 2), True), ((2, 2), True), ((2, 1), False)],
    ids=["rejected later", "rejected the same day", "approved after a rejection"],
)
def test_the_last_word_counts(days: tuple[int, int], shut: bool) -> None:
    approve, reject = (date(2025, 5, d) for d in days)

    made, _ = approved_case(("approve", approve, TWO), ("reject", reject, "c" * 64))

    assert ("approval" in failed(made.gates)) is shut


def test_changed_terms_void_an_approval_and_another_appraisal_does_not() -> None:
    day = ("approve", date(2025, 5, 2), TWO)
    longer = {"life_months": 61, "method": "straight_line", "life_basis": "peers"}
    other = asset_terms(approval_above="359999.99", amortization=longer)
    revalued = asset_terms(approval_above="359999.99", appraisal=[])

    made, _ = approved_case(day, terms=posting(other))
    kept, _ = approved_case(day, terms=posting(revalued))

    assert "approval" in failed(made.gates)
    assert failed(kept.gates) == {}


def test_an_approval_of_other_entries_is_none() -> None:
    made, _ = approved_case(("approve", date(2025, 5, 2), TWO), rows=ACC_09[:3])

    assert failed(made.gates) == {}  # the same entry above, fewer below

    dearer = (*ACC_09[:2], (*ACC_09[2][:8], 36_000_001, *ACC_09[2][9:]))
    made, _ = approved_case(("approve", date(2025, 5, 2), TWO), rows=dearer)
    assert "approval" in failed(made.gates)
