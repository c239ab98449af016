"""What is asked before a loan is drawn, and which facts of it are refused."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from schemas.contract import frame_of
from schemas.errors import RegisterError
from schemas.lending import DrawAct, LoanAct
from schemas.loan import LoanPart
from schemas.registers import LoanFact, Pledge, PledgeEvent
from tasks.capital.lend import draw_loan, record_loan_fact
from tests.finance_case import happened, pledged
from tests.loan_case import CHINA, loan_terms

TERMS = loan_terms(method="interest_only", basis="ACT/360")
PART = LoanPart(agreement="LOAN-1", tranche="1", lender="Bank", terms=TERMS)
SIGNED = date(2025, 6, 20)
BOARD = {"name": "board", "text": "the board has agreed"}
ESCROW = {"name": "escrow", "text": "the account is open"}


def act(event: str, on: str, **changed: Any) -> LoanAct:
    stated: dict[str, Any] = {
        "factor": "index",
        "loan": "LOAN-1",
        "event": event,
        "effective_on": on,
        "recorded_on": "2026-12-31",
        "evidence": f"E-{event}",
        "conditions": [BOARD, ESCROW],
        "tranche": None if event == "condition" else PART,
        "calendar": CHINA,
    }
    return LoanAct.model_validate(stated | changed)


def drawing(on: date = SIGNED, **changed: Any) -> DrawAct:
    stated = act("draw", str(on), amount="5000000.00").model_dump() | {
        "agreed": "5000000.00",
        "signed_on": SIGNED,
        "matures_on": date(2026, 6, 20),
        "pledged": True,
        "registered_first": True,
        "policy": "test-policy",
    }
    return DrawAct.model_validate(stated | changed)


def facts(*acts: LoanAct) -> pl.DataFrame:
    """Record one after the other."""
    known = frame_of(LoanFact, [])
    for one in acts:
        known = pl.concat([known, record_loan_fact(known.lazy(), one).collect()])
    return known


MET = facts(
    act("condition", "2025-06-01", name="board"),
    act("condition", "2025-06-02", name="escrow"),
)
REGISTERED = happened(
    "perfect",
    registration="ZD-1",
    registered_at="2025-06-20T09:00:00+08:00",
    valid_to=date(2030, 6, 19),
)


def drawn(
    known: pl.DataFrame = MET,
    terms: DrawAct | None = None,
    events: tuple[Any, ...] = (REGISTERED,),
    pledges: tuple[Any, ...] = (pledged(),),
) -> tuple[dict[str, str], pl.DataFrame]:
    """Give the grounds of the gates that are shut, and the fact."""
    terms = terms or drawing()
    made = draw_loan(
        known.lazy(),
        frame_of(Pledge, pledges).lazy(),
        frame_of(PledgeEvent, events).lazy(),
        terms,
        terms.effective_on,
    )
    gates = made.gates.collect()
    assert gates.height == 5
    shut = gates.filter(~pl.col("passed")).select("gate", "ground")
    return dict(shut.iter_rows()), made.drawn.collect()


def test_a_loan_is_drawn_when_all_that_was_asked_is_met() -> None:
    shut, fact = drawn()

    row = fact.row(0, named=True)
    assert shut == {}
    assert (row["event"], row["number"], row["tranche"]) == ("draw", 1, "1")
    assert (row["effective_on"], row["amount_fen"]) == (SIGNED, 500_000_000)


def test_a_drawdown_with_an_unmet_condition_is_refused_by_its_name() -> None:
    half = facts(act("condition", "2025-06-01", name="board"))

    shut, _ = drawn(half)
    late, _ = drawn(MET, drawing(date(2025, 6, 21)))

    assert shut.keys() == {"conditions_precedent"}
    assert "escrow (the account is open)" in shut["conditions_precedent"]
    assert "board" not in shut["conditions_precedent"]
    assert late == {}


def test_a_condition_that_is_met_only_later_is_not_met() -> None:
    known = facts(
        act("condition", "2025-06-01", name="board"),
        act("condition", "2025-06-22", name="escrow"),
    )

    assert "escrow" in drawn(known)[0]["conditions_precedent"]
    assert drawn(known, drawing(date(2025, 6, 22)))[0] == {}


@pytest.mark.parametrize(
    ("changed", "gate", "said"),
    [
        ({"amount": "5000000.01"}, "agreed_amount", "5,000,000.01 of 5,000,000.00"),
        ({"effective_on": date(2025, 6, 19)}, "drawdown_day", "agreed from 2025-06-20"),
        ({"effective_on": date(2026, 6, 20)}, "drawdown_day", "due by 2026-06-20"),
        ({"agreed": "4000000.00"}, "terms_as_agreed", "4000000.00 were agreed"),
    ],
)
def test_what_was_not_agreed_is_not_paid_out(
    changed: dict[str, Any], gate: str, said: str
) -> None:
    shut, _ = drawn(terms=drawing(**changed))

    assert said in shut[gate]


def test_the_pledge_is_registered_first_where_the_policy_asks_so() -> None:
    shut, _ = drawn(events=())
    spared, _ = drawn(events=(), terms=drawing(registered_first=False))
    unsecured, _ = drawn(events=(), pledges=(), terms=drawing(pledged=False))
    bare, _ = drawn(events=(), pledges=(), terms=drawing(registered_first=False))

    assert "no registration is recorded" in shut["pledge"]
    assert (spared, unsecured) == ({}, {})
    assert "no pledge secures LOAN-1" in bare["pledge"]


def test_a_tranche_is_drawn_once_and_the_same_again_is_the_same_fact() -> None:
    _, first = drawn()
    known = pl.concat([MET, first])

    again, fact = drawn(known)
    shut, _ = drawn(known, drawing(evidence="E-other"))

    assert again == {}
    assert fact.equals(first)
    assert "a tranche is drawn once" in shut["agreed_amount"]


LOAN = pl.concat([MET, drawn()[1]])


def test_a_payment_is_recorded_once() -> None:
    paid = act("pay", "2025-09-22", amount="46000")

    first = record_loan_fact(LOAN.lazy(), paid).collect()
    again = record_loan_fact(pl.concat([LOAN, first]).lazy(), paid).collect()

    assert first.row(0, named=True)["amount_fen"] == 4_600_000
    assert again.equals(first)


def after(*acts: LoanAct) -> pl.DataFrame:
    known = LOAN
    for one in acts:
        known = pl.concat([known, record_loan_fact(known.lazy(), one).collect()])
    return known


@pytest.mark.parametrize(
    ("event", "on", "said"),
    [
        ("pay", "2025-09-21", "a payment of 2025-09-22 is recorded already"),
        ("fee", "2025-09-22", "a payment of 2025-09-22 is recorded already"),
        ("pay", "2025-09-23", "0.00 CNY are due by 2025-09-23"),
    ],
)
def test_what_is_dated_before_the_last_payment_or_exceeds_what_is_due_is_refused(
    event: str, on: str, said: str
) -> None:
    known = after(act("pay", "2025-09-22", amount="46000"))

    one = act(event, on, amount="1", name="reminder" if event == "fee" else "")
    with pytest.raises(RegisterError, match=said):
        record_loan_fact(known.lazy(), one)


def test_a_payment_before_the_drawdown_and_other_terms_are_refused() -> None:
    with pytest.raises(RegisterError, match="was not drawn by 2025-09-22"):
        record_loan_fact(MET.lazy(), act("pay", "2025-09-22", amount="1"))

    other = PART.model_copy(update={"terms": loan_terms(method="bullet")})
    with pytest.raises(RegisterError, match="says other terms of loan LOAN-1"):
        record_loan_fact(
            LOAN.lazy(), act("pay", "2025-09-22", amount="1", tranche=other)
        )


@pytest.mark.parametrize(
    ("name", "said"),
    [("boards", "there are board, escrow"), ("board", "is met since 2025-06-01")],
)
def test_a_condition_nobody_agreed_on_or_that_is_met_is_refused(
    name: str, said: str
) -> None:
    with pytest.raises(RegisterError, match=said):
        record_loan_fact(MET.lazy(), act("condition", "2025-06-09", name=name))


@pytest.mark.parametrize(
    ("event", "changed", "said"),
    [
        ("fee", {"amount": "1"}, "a condition and a fee have a name"),
        ("pay", {"amount": "1", "name": "x"}, "nothing else has"),
        ("pay", {}, "state the amount"),
        ("condition", {"name": "board", "amount": "1"}, "a condition has none"),
        ("fee", {"amount": "1", "name": "x", "keep": "term"}, "only a payment repays"),
        ("pay", {"amount": "0"}, "greater than 0"),
        ("pay", {"amount": "0.001"}, "at most two decimals"),
        ("pay", {"amount": "1", "evidence": " "}, "pattern"),
    ],
)
def test_an_act_that_says_too_little_or_too_much_is_refused(
    event: str, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        act(event, "2025-09-22", **changed)


def test_what_has_not_come_is_not_recorded() -> None:
    with pytest.raises(ValidationError, match="2027-01-01 has not come"):
        act("pay", "2027-01-01", amount="1")
