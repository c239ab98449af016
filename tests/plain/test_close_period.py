"""A month closed by the command: once, in order, again the same, byte for byte."""

import os
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from flows.close_period import close_period, rebuild
from flows.demo import AS_OF, FACTOR
from flows.disclose import disclosed
from flows.market import rows_of
from flows.value_chain import value_chain
from schemas.artifact import Snapshot, Stage
from schemas.errors import Refused, RegisterError, StoreError
from schemas.registers import JournalLine, PeriodClose
from tasks import store
from tasks.asset.balance import trial_balance
from tasks.store.database import writing
from tests.builders import temporary_store
from tests.command import ROOT, datafactor
from tests.june import ENTITY, KEPT, PERIOD, laid_out


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo's books, which begin with June, closed to June."""
    home = tmp_path_factory.mktemp("closed")
    with temporary_store(home, **laid_out(home)):
        value_chain.fn(FACTOR, AS_OF)
        disclosed(ENTITY, PERIOD)
        close_period.fn(ENTITY, PERIOD)
        yield home


def test_a_month_is_closed_by_one_row_that_names_its_entries(closed: Path) -> None:
    (row,) = rows_of(PeriodClose, entity=ENTITY)
    lines = rows_of(JournalLine, entity=ENTITY)

    assert row["period"] == PERIOD
    assert row["entries"] == len({line["entry"] for line in lines})
    # by hand: 650,000.00 + 900,000.01 / 3 + 300,000.00 / 3 + 45,500.50 + 60,000.00
    # = 1,155,500.51, over 60 months from 2026-06
    charged = [n for n in lines if n["event"] == "amortise" and n["account"] == "1702"]
    assert [(n["period"], n["amount_fen"]) for n in charged] == [(PERIOD, -1_925_834)]
    research = [n["amount_fen"] for n in lines if n["account"] == "530101"]
    assert sum(research) == 0 < len(research)
    assert store.verify(store.current()).exit == 0


def test_a_closed_month_is_left_as_it_is(closed: Path) -> None:
    before = rows_of(JournalLine, entity=ENTITY)

    again = close_period.fn(ENTITY, PERIOD)

    assert again["again"] is True
    assert rows_of(JournalLine, entity=ENTITY) == before


def test_a_close_ends_with_a_statement_and_another_close_keeps_it(closed: Path) -> None:
    close_period.fn(ENTITY, PERIOD)

    s = store.current()
    made, early = store.runs(s, ENTITY, "disclose")
    said = store.scan(s, made.refs["statement"]).collect().row(0, named=True)
    lines = store.scan(s, made.refs["lines"]).collect().to_dicts()
    # by hand: 1,155,500.51 less the first month's 19,258.34
    assert [n["closing_fen"] for n in lines] == [None, 113_624_217, None]
    assert (said["closed"], said["first"]) == (True, PERIOD)
    assert said["supersedes"] == early.refs["statement"].id
    assert said["reason"].startswith("made before its last period was closed")


def test_a_close_is_rebuilt_byte_for_byte_from_what_it_read(closed: Path) -> None:
    found = rebuild(ENTITY)

    assert (found["period"], found["same"]) == (PERIOD, True)
    assert {frame["task"] for frame in found["frames"]} == {"close", "post"}
    assert all(frame["recorded"] for frame in found["frames"])
    with pytest.raises(StoreError, match="2031-01 of jiangbei-data is not closed"):
        rebuild(ENTITY, "2031-01")


@pytest.mark.parametrize(
    ("month", "said"),
    [
        ("2025-12", "begin with 2026-01"),
        ("2099-01", "2099-01 is not over yet"),
        ("June", "period: does not fit"),
    ],
)
def test_a_month_that_cannot_be_closed_is_refused(
    closed: Path, month: str, said: str
) -> None:
    with pytest.raises(RegisterError, match=said):
        close_period.fn(ENTITY, month)


def test_no_month_is_left_out(closed: Path) -> None:
    with pytest.raises(Refused, match="2026-07 is open: close it first"):
        close_period.fn(ENTITY, "2026-08")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journallinerow SET amount_fen = amount_fen + 1",
        "UPDATE journallinerow SET memo = 'other'",
        "DELETE FROM journallinerow",
        "UPDATE periodcloserow SET entries = 0",
        "DELETE FROM periodcloserow",
    ],
)
def test_what_is_posted_is_never_changed_in_the_database(
    closed: Path, statement: str
) -> None:
    with (
        pytest.raises(DBAPIError, match="are never"),
        writing(store.current().engine) as c,
    ):
        c.execute(text(statement))


def test_a_late_voucher_lands_in_the_open_month(closed: Path) -> None:
    vouchers = closed / "data" / "vouchers.csv"
    first = vouchers.read_text("utf-8").splitlines()[1]
    late = re.sub("[0-9a-f]{64}", "99" * 32, first.replace("V-2026-001", "V-2026-099"))
    late = late.replace("MEMO-01", "MEMO-99")
    with vouchers.open("a") as file:
        file.write(f"{late}\n")

    value_chain.fn(FACTOR, AS_OF)
    close_period.fn(ENTITY, "2026-07")

    lines = rows_of(JournalLine, entity=ENTITY, voucher="V-2026-099")
    assert {str(line["booked_on"]) for line in lines} == {"2026-07-01"}
    assert {line["period"] for line in lines} == {"2026-07"}
    assert all("of 2026-06-10, booked in the open period" in n["memo"] for n in lines)
    assert rebuild(ENTITY, PERIOD)["same"], "as it was known then"


def test_the_command_says_what_is_closed(closed: Path) -> None:
    places = ("DATAFACTOR_HOME", "DATAFACTOR_FACTORS", "DATAFACTOR_DATA")
    env: dict[str, Any] = {name: os.environ[name] for name in places}
    asked = ("close", ENTITY, PERIOD)
    said = datafactor(*asked, "--json", home=closed, **env)
    rebuilt = datafactor(*asked, "--rebuild", home=closed, **env)

    assert (said.exit, said.data["period"], said.data["again"]) == (0, PERIOD, True)
    assert rebuilt.exit == 0
    assert "the close of 2026-06 is the same, byte for byte" in rebuilt.out


def closed_books(home: Path, document: str) -> tuple[str, bytes, int]:
    """Close by a changed document; give digest, balance and what was appraised."""
    env = laid_out(home)
    file = Path(env["DATAFACTOR_FACTORS"]) / f"{FACTOR}.yaml"
    file.write_text(document, "utf-8")
    with temporary_store(home, **env) as s:
        chain = value_chain.fn(FACTOR, AS_OF, Stage.ASSET)
        close_period.fn(ENTITY, PERIOD)
        (row,) = rows_of(PeriodClose, entity=ENTITY)
        lines = Snapshot(register=JournalLine, where={"entity": ENTITY})
        journal = store.snapshot(s, lines, "")[0]
        valued = store.scan(s, chain.frames["asset"]["valuation"]).collect()
    balance = trial_balance(journal.lazy(), PERIOD).collect()
    appraised = int(valued["appraised_fen"].item())
    return row["trial_balance_sha256"], balance.write_csv().encode(), appraised


def test_doubling_what_was_appraised_leaves_the_trial_balance_byte_identical(
    tmp_path: Path,
) -> None:
    stated = (ROOT / "deployments" / "factors" / f"{FACTOR}.yaml").read_text("utf-8")
    stated = stated.replace(f"package:{KEPT}", "vouchers.csv")
    flows = re.findall(r"inflow: {values: \[(.*?)\]", stated)
    doubled = stated
    for said in flows:
        twice = [str(2 * Decimal(n.strip(' "'))) for n in said.split(",")]
        doubled = doubled.replace(said, ", ".join(f'"{n}"' for n in twice))

    (digest, balance, value), (other, same, more) = (
        closed_books(tmp_path / name, document)
        for name, document in (("once", stated), ("twice", doubled))
    )

    assert flows
    assert more > value > 0
    assert same == balance
    assert other == digest
