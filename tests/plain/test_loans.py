"""A loan in the borrower's books: drawn, closed over, paid late, prepaid, ended."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.close_period import close_period, rebuild
from flows.lent import lent, standing
from flows.loans import charge, draw, meet, pay
from flows.market import rows_of
from flows.pledges import record
from flows.value_chain import value_chain
from schemas.capital import CapitalTerms
from schemas.errors import Refused, RegisterError, StoreError
from schemas.registers import JournalLine, LoanFact
from tasks import store
from tests import leased, shop
from tests.builders import temporary_store
from tests.command import ROOT, datafactor

ENTITY, LOAN = "jiangbei-data", "LOAN-9"
VOUCHER = "V1,1,making,Cloud,2026-06-01,rain,development,staff,600000.00,E-1,labour,,,"
SECURED = {"principal": "200000.00", "method": "interest_only", "basis": "ACT/360"}
BOARD = {"name": "board", "text": "the board of the borrower has agreed"}


def document() -> str:
    """The leased rain with a loan that is settled each quarter, and a condition."""
    terms = json.loads(leased.document())
    terms["capital"] |= SECURED | {"conditions": [BOARD]}
    return json.dumps(terms, ensure_ascii=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A loan that was agreed and registered, and its life to the end."""
    home = tmp_path_factory.mktemp("lent")
    shop.prepare(home)
    (home / "vouchers.csv").write_text(f"{leased.HEADING}\n{VOUCHER}\n", "utf-8")
    (home / "factors" / "rain.yaml").write_text(document(), "utf-8")
    (home / "calendars").mkdir()
    days = (ROOT / "deployments" / "calendars" / "cn.yaml").read_bytes()
    (home / "calendars" / "cn.yaml").write_bytes(days)
    with temporary_store(home, **shop.places(home)):
        value_chain.fn("rain", shop.DAY)
        yield home


@contextmanager
def saying(capital: dict[str, Any], home: Path) -> Iterator[None]:
    """Let the document say other terms for a while."""
    file = home / "factors" / "rain.yaml"
    before = file.read_text("utf-8")
    terms = json.loads(before)
    terms["capital"] |= capital
    file.write_text(json.dumps(terms, ensure_ascii=False), "utf-8")
    yield
    file.write_text(before, "utf-8")


def drawing() -> dict[str, Any]:
    return draw(LOAN, "", shop.DAY, None, None, evidence="ADVICE-1")


def paying(amount: str, day: str, keep: str = "") -> dict[str, Any]:
    on = date.fromisoformat(day)
    return pay(LOAN, amount, "", on, keep, None, evidence=f"ADVICE {day}")


def balances() -> dict[str, int]:
    """What the accounts of the loan hold, in fen; bank of the loan's entries alone."""
    held: dict[str, int] = {}
    for line in rows_of(JournalLine, entity=ENTITY):
        if line["event"] in ("borrow", "interest", "repay"):
            held[line["account"]] = held.get(line["account"], 0) + line["amount_fen"]
    return held


def test_a_drawdown_waits_for_its_condition_and_for_the_register(home: Path) -> None:
    with pytest.raises(Refused, match="board of the borrower has agreed") as refused:
        drawing()
    assert "no registration is recorded" in str(refused.value)
    assert rows_of(LoanFact, loan=LOAN) == []

    file = home / "search.txt"
    file.write_text("illustrative search result", "utf-8")
    record(
        *(LOAN, "perfect", shop.DAY, file),
        registration="ZD-9",
        registered_at="2026-06-30T09:00:00+08:00",
        valid_to=date(2027, 12, 31),
        evidence="ZD-9",
    )
    meet(LOAN, "board", shop.DAY, None, evidence="MINUTES-4")
    left_out = {"conditions": [], "annual_rate": "0.001"}
    said = "changed annual_rate, conditions since"
    with saying(left_out, home), pytest.raises(Refused, match=said):
        drawing()
    told = drawing()
    drawing()

    assert [f["event"] for f in rows_of(LoanFact, loan=LOAN)] == ["condition", "draw"]
    assert told["tranches"][0]["outstanding"] == "200000.00"
    assert balances() == {"1002": 20_000_000, "2001": -20_000_000}


def test_each_close_bears_the_interest_of_its_days(home: Path) -> None:
    for month in ("2026-06", "2026-07", "2026-08"):
        close_period.fn(ENTITY, month)

    # 20.00 a day: the 30th of June alone, then 31 and 31 days
    lines = rows_of(JournalLine, entity=ENTITY, event="interest", account="2231")
    assert [(n["entry"], n["period"], n["amount_fen"]) for n in lines] == [
        ("interest/LOAN-9/2026-06", "2026-06", -2_000),
        ("interest/LOAN-9/2026-07", "2026-07", -62_000),
        ("interest/LOAN-9/2026-08", "2026-08", -62_000),
    ]
    assert rebuild(ENTITY, "2026-08")["same"]


def test_a_late_payment_is_told_with_its_class_and_bears_a_penalty(home: Path) -> None:
    late = standing(LOAN, date(2026, 9, 30))["tranches"][0]

    # 82 days to 2026-09-20, a Sunday that is worked: 1,640.00; 10 days of it at 5.4 %
    assert late["due"] == {
        **{"fees": "0.00", "penalty": "2.46"},
        **{"interest": "1640.00", "principal": "0.00"},
    }
    assert (late["days_past_due"], late["tier"]) == (10, "special_mention")
    assert late["next"]["payable_on"] == "2026-12-21"

    charge(LOAN, "reminder", "50.00", "", date(2026, 9, 25), None, evidence="L-1")
    paid = paying("1692.46", "2026-09-30")["tranches"][0]

    assert paid["payments"][0]["fees"] == "50.00"
    assert (paid["days_past_due"], paid["tier"]) == (0, "normal")
    # 10 days of the quarter that runs, 200.00, are borne and not due
    assert balances()["2231"] == -20_000


def test_what_does_not_follow_is_refused_and_nothing_is_recorded(home: Path) -> None:
    before = rows_of(LoanFact, loan=LOAN)

    with pytest.raises(RegisterError, match="a payment of 2026-09-30 is recorded"):
        paying("1.00", "2026-09-29")
    with pytest.raises(RegisterError, match="are left over"):
        paying("100600.00", "2026-10-20")
    with pytest.raises(Refused, match="a tranche is drawn once"):
        draw(LOAN, "", shop.DAY, "1.00", None, evidence="ADVICE-1")
    with pytest.raises(StoreError, match="there is no loan LOAN-8; there are LOAN-9"):
        standing("LOAN-8", None)

    assert rows_of(LoanFact, loan=LOAN) == before


def test_a_prepayment_and_the_end_leave_nothing_in_the_accounts(home: Path) -> None:
    # 30 days of 20.00 come first
    half = paying("100600.00", "2026-10-20", "term")["tranches"][0]
    assert half["outstanding"] == "100000.00"

    # 20 days of 10.00
    ended = paying("100200.00", "2026-11-09", "term")["tranches"][0]

    assert (ended["outstanding"], ended["next"]) == ("0.00", None)
    held = balances()
    assert (held["2001"], held["2231"]) == (0, 0)
    # 1,640.00 + 600.00 + 200.00 interest, 2.46 penalty, 50.00 fee
    assert held["6603"] == -held["1002"] == 249_246
    assert store.verify(store.current()).exit == 0


def test_of_several_tranches_one_is_named(home: Path) -> None:
    halves = [
        {"tranche": name, "lender": f"Bank {name}", "amount": "100000.00"}
        for name in ("a", "b")
    ]
    shared = {"kind": "facility", "lender": "", "tranches": halves}
    terms = lent(LOAN).terms.model_dump() | shared
    facility = lent(LOAN)._replace(terms=CapitalTerms.model_validate(terms))

    assert facility.part("b").terms.loan == "LOAN-9/b"
    with pytest.raises(RegisterError, match="has the tranches a, b: name one"):
        facility.part("")


def test_the_command_shows_the_loan(home: Path) -> None:
    places = ("DATAFACTOR_HOME", "DATAFACTOR_FACTORS", "DATAFACTOR_DATA")
    env: dict[str, Any] = {name: os.environ[name] for name in places}
    shown, early = ("loan", LOAN, "--as-of", "2026-09-30"), ("--on", "2026-09-01")
    said = datafactor(*shown, home=home, **env)
    wrong = datafactor("pay", LOAN, "1", *early, "--evidence", "E", home=home, **env)

    assert said.exit == 0
    assert "normal 正常" in said.out
    assert "drawn 提款 200,000.00 CNY on 2026-06-30" in said.out
    assert wrong.exit == 1
    assert "a payment of 2026-11-09 is recorded already" in wrong.err
