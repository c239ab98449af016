"""One document proves one voucher: what was booked once is not booked again."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.contract import frame_of
from schemas.registers import Cost
from tests.finance_case import ACC_09, failed, make_asset, voucher

MAY = date(2025, 5, 31)
FEBRUARY = date(2025, 2, 3)  # the conditions are met: it would be capitalised
DIGEST, OTHER = "ab" * 32, "cd" * 32


def entered(number: str, amount: int = 1_000_000, **said: Any) -> tuple[Any, ...]:
    """A voucher line of May's invoice, dated where its cost is capitalised."""
    said = {"evidence": "INV-8", "sha256": DIGEST} | said
    return voucher(number, FEBRUARY, "development", "labelling", amount, **said)


def ground(*rows: tuple[Any, ...], spent: pl.DataFrame | None = None) -> str:
    """What shuts the gate; empty if nothing does."""
    made = make_asset(rows=(*ACC_09, *rows), as_of=MAY, spent=spent)
    shut = failed(made.gates)
    assert set(shut) <= {"vouchers"}
    return shut.get("vouchers", "")


def posted(*rows: tuple[Any, ...], entity: str = "jiangbei") -> pl.DataFrame:
    """Lines in the register of cost: as a voucher file says them, without the tax."""
    return frame_of(Cost, [(entity, *row[:-1]) for row in rows])


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"evidence": "INV-8 (copy)"},
        {"sha256": ""},
        {"sha256": "", "evidence": " INV-8 "},
        {"amount": 1},
    ],
    ids=["as it was", "other name", "no digest", "spaces", "a part of it"],
)
def test_an_invoice_under_two_vouchers_shuts_the_gate_and_names_both(
    again: dict[str, Any],
) -> None:
    said = ground(entered("V8"), entered("V908", **again))

    assert "2 lines rest on evidence that stands under another voucher too" in said
    assert "(V8, V908): keep each document under one voucher" in said
    assert "INV-8" not in said
    assert DIGEST not in said


def test_evidence_without_any_digest_is_known_by_its_name() -> None:
    assert "(V8, V908)" in ground(entered("V8", sha256=""), entered("V908", sha256=""))


def test_an_expense_that_was_taken_back_is_not_capitalised_under_another_number() -> (
    None
):
    """V2 was expensed, as 80,000.00 before the conditions; the register remembers."""
    v2 = ACC_09[1]
    rows = (*ACC_09[:1], *ACC_09[2:])
    again = voucher("V902", FEBRUARY, "development", "staff", 8_000_000, "INV-V2")

    kept = failed(make_asset(rows=(*ACC_09, again), as_of=MAY).gates)
    left = make_asset(rows=(*rows, again), as_of=MAY, spent=posted(v2))
    unknown = make_asset(rows=(*rows, again), as_of=MAY)

    assert "(V2, V902)" in kept["vouchers"]
    assert "(V2, V902)" in failed(left.gates)["vouchers"]
    assert failed(unknown.gates) == {}


def test_a_line_in_red_does_not_free_its_evidence_for_another_voucher() -> None:
    red = entered("V9", -1_000_000, reverses="V8/1")

    assert "2 lines rest" in ground(entered("V8"), red, entered("V908"))


def test_two_vouchers_of_different_evidence_pass() -> None:
    other: dict[str, Any] = {"evidence": "INV-9", "sha256": OTHER}

    assert ground(entered("V8"), entered("V9", **other)) == ""


def test_a_correction_in_red_and_a_new_voucher_with_new_evidence_pass() -> None:
    """The line in red may rest on the evidence of the line that it takes back."""
    red = entered("V9", -1_000_000, reverses="V8/1")
    new = entered("V10", 900_000, evidence="INV-10", sha256=OTHER)

    rows = (entered("V8"), red, new)

    assert ground(*rows) == ""
    assert ground(*rows, spent=posted(*ACC_09, entered("V8"))) == ""


def test_lines_of_one_voucher_may_share_their_evidence() -> None:
    number, _, *rest = entered("V8")

    assert ground((number, 1, *rest), (number, 2, *rest)) == ""


def test_what_is_posted_is_the_same_line_and_not_a_second_one() -> None:
    rows = (*ACC_09, entered("V8"))

    made = make_asset(rows=rows, as_of=MAY, spent=posted(*rows))

    assert failed(made.gates) == {}


def test_a_posted_line_still_proves_what_it_did_when_its_text_is_changed() -> None:
    changed = entered("V8", evidence="INV-7", sha256=OTHER)

    said = ground(changed, entered("V908"), spent=posted(entered("V8")))
    plain = ground(entered("V8"), entered("V908"), spent=posted(entered("V8")))

    assert "2 lines rest" in said
    assert "(V8, V908)" in said
    assert "2 lines rest" in plain


def test_lines_without_evidence_are_not_taken_for_one_document() -> None:
    bare: dict[str, Any] = {"evidence": " ", "sha256": ""}

    said = ground(entered("V8", **bare), entered("V908", **bare))

    assert "2 of 9 voucher lines lack evidence" in said
    assert "another voucher" not in said


def test_what_others_posted_twice_is_not_this_assets_matter() -> None:
    others = posted(
        entered("W1", evidence="W", sha256=OTHER),
        entered("W2", evidence="W", sha256=OTHER),
    )

    assert ground(entered("V8"), spent=others) == ""


def test_the_gate_counts_all_lines_but_names_six_vouchers() -> None:
    said = ground(*(entered(f"V{n}", 100) for n in range(10, 19)))

    assert "9 lines rest" in said
    assert "(V10, V11, V12, V13, V14, V15 and 3 more)" in said
