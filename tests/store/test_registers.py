"""Registers: one mapping, the same row again is nothing, never above the cap."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, StatementError
from sqlmodel import col

from schemas import registers as contracts
from schemas.artifact import Snapshot
from schemas.errors import RegisterError, StoreError
from schemas.money import LARGEST_FEN
from schemas.registers import REGISTERS, Cost, JournalLine, PeriodClose, Right
from schemas.tables.columns import table_of
from schemas.tables.ledger import CostLine
from schemas.tables.pledge import Collateral, PledgeRow
from tasks import store
from tasks.store import Store
from tasks.store.database import reading, writing
from tasks.store.registers import TABLES, key_of
from tests.store.build import (
    SAMPLES,
    cost,
    frame_of,
    line,
    made,
    pledge,
    post_pledge,
    run,
    sha,
)
from tests.store.clients import pledge_at_once
from tests.store.test_publish import pool


def post(s: Store, contract: Any, *rows: dict[str, Any], task: str = "post") -> None:
    """Publish a run that posts rows."""
    frame = made(s, "posted", frame_of(contract, rows), sha(f"{task} {rows}"))
    store.publish(s, run(frame, task=task, register=contract.__name__))


def rows_in(s: Store, table: Any) -> list[dict[str, Any]]:
    with reading(s.engine) as c:
        return [dict(r) for r in c.execute(select(table)).mappings()]


def test_every_register_is_mapped() -> None:
    assert set(TABLES) == set(REGISTERS)
    declared = {
        c
        for c in vars(contracts).values()
        if isinstance(c, type) and issubclass(c, pa.DataFrameModel)
    } - {pa.DataFrameModel}
    assert declared == set(REGISTERS)


@pytest.mark.parametrize("contract", REGISTERS)
def test_a_table_has_its_contracts_columns_types_and_key(contract: Any) -> None:
    schema = contract.to_schema()
    table = table_of(TABLES[contract])
    kinds = {"VARCHAR": pl.String, "BIGINT": pl.Int64, "DATE": pl.Date}
    kinds["BOOLEAN"] = pl.Boolean

    columns = {c.name: c for c in table.columns}

    assert set(columns) - set(schema.columns) == {"artifact", "poster"}
    for name, wanted in schema.columns.items():
        assert kinds[str(columns[name].type)] is wanted.dtype.type, name
        assert columns[name].nullable is wanted.nullable, name
    assert {c.name for c in table.primary_key} == set(key_of(contract))


def violations(contract: Any) -> list[tuple[str, Any]]:
    """List for each check of a contract a value that breaks it."""
    broken: list[tuple[str, Any]] = []
    for name, column in contract.to_schema().columns.items():
        for check in column.checks:
            limit = check.statistics
            match check.name:
                case "isin":
                    broken.append((name, "no word of it"))
                case "greater_than":
                    broken.append((name, limit["min_value"]))
                case "greater_than_or_equal_to":
                    broken.append((name, limit["min_value"] - 1))
                case "less_than_or_equal_to":
                    broken.append((name, limit["max_value"] + 1))
                case "not_equal_to":
                    broken.append((name, limit["value"]))
                case "str_matches":
                    wrong = ("2026-13", "2026-1", "x026-01")
                    hex = ("0", "G" * 64, "a" * 63 + " ")
                    broken += [(name, t) for t in (wrong if name == "period" else hex)]
                case _:
                    raise AssertionError(f"no value breaks {check.name} yet")
        if column.dtype.type is pl.Int64 and name.endswith("_fen"):
            broken += [(name, 1.5), (name, LARGEST_FEN + 1)]
    return broken


@pytest.mark.parametrize("contract", REGISTERS)
def test_the_database_repeats_every_check_of_a_contract(
    s: Store, contract: Any
) -> None:
    artifact = store.publish(s, run(made(s, "f", pl.DataFrame({"a": [1]})))).refs["f"]
    posted = {"artifact": bytes.fromhex(artifact.id), "poster": "t@f"}
    row = {**SAMPLES[contract], **posted}
    good = {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}
    names = ", ".join(f'"{c}"' for c in good)
    marks = ", ".join(f":{c}" for c in good)
    table = table_of(TABLES[contract]).name
    statement = text(f"INSERT INTO {table} ({names}) VALUES ({marks})")

    for column, value in violations(contract):
        if value == 1.5 and s.engine.dialect.name == "postgresql":
            continue  # a BIGINT has no fraction there
        refused = pytest.raises(DBAPIError, match=rf"(?i)check constraint.*{column}")
        with refused, writing(s.engine) as c:
            c.execute(statement, {**good, column: value})

    if contract is not JournalLine:  # a line alone is refused at the end
        with writing(s.engine) as c:
            c.execute(statement, good)


def test_a_month_into_which_something_was_posted_meanwhile_is_not_closed(
    s: Store,
) -> None:
    post(s, JournalLine, line(1, 100, "a/x/1"), line(2, -100, "a/x/1"))
    post(s, JournalLine, line(1, 100, "a/x/2"), line(2, -100, "a/x/2"), task="chain")

    with pytest.raises(RegisterError, match="posted to the month while it was closed"):
        post(s, PeriodClose, SAMPLES[PeriodClose] | {"entries": 1}, task="close")
    post(s, PeriodClose, SAMPLES[PeriodClose] | {"entries": 2}, task="close")

    later = (line(1, 5, "a/x/3"), line(2, -5, "a/x/3"))
    with pytest.raises(RegisterError, match="a closed period takes no posting"):
        post(s, JournalLine, *later, task="late")


def test_the_same_row_again_is_nothing_and_another_one_is_refused(s: Store) -> None:
    post(s, Cost, cost())
    post(s, Cost, cost(), cost(line=2), task="again")

    with pytest.raises(RegisterError) as refused:
        post(s, Cost, cost(amount_fen=99), task="changed")

    assert "Cost: other content is posted under this entity, voucher, line" in str(
        refused.value
    )
    assert "V-1" not in str(refused.value)
    assert [r["line"] for r in rows_in(s, CostLine)] == [1, 2]
    assert store.verify(s).exit == 0


@pytest.mark.parametrize(
    "lines", [[line(1, 100), line(2, -99)], [line(1, 100)]], ids=["unequal", "alone"]
)
def test_an_entry_that_does_not_balance_is_refused(
    s: Store, lines: list[dict[str, Any]]
) -> None:
    with pytest.raises(RegisterError, match="two lines or more that sum to 0"):
        post(s, JournalLine, *lines)
    assert store.runs(s) == []


def test_a_sealed_entry_takes_no_further_line(s: Store) -> None:
    post(s, JournalLine, line(1, 100), line(2, -100))
    post(s, JournalLine, line(1, 100), line(2, -100), task="again")

    with pytest.raises(RegisterError, match="sealed"):
        post(s, JournalLine, line(3, 5), line(4, -5), task="more")


def test_lines_without_their_entry_cannot_be_committed(s: Store) -> None:
    artifact = store.publish(s, run(made(s, "f", pl.DataFrame({"a": [1]})))).refs["f"]
    extra = {"artifact": artifact.id, "poster": "t@f"}

    with pytest.raises(DBAPIError, match=r"(?i)foreign key"), writing(s.engine) as c:
        c.execute(insert(TABLES[JournalLine]), [{**line(1, 5), **extra}])


def test_pledges_fill_the_cap_and_no_fen_more(s: Store) -> None:
    post_pledge(s, pledge("A"))
    post_pledge(s, pledge("B", principal_fen=300_000_000))

    with pytest.raises(RegisterError, match="would exceed its cap"):
        post_pledge(s, pledge("C", principal_fen=1))
    (counter,) = rows_in(s, Collateral)
    assert (counter["pledged_fen"], counter["cap_fen"]) == (800_000_000, 800_000_000)


def test_a_replayed_pledge_counts_once(s: Store) -> None:
    post_pledge(s, pledge("A"))
    post_pledge(s, pledge("A"), task="again")

    (counter,) = rows_in(s, Collateral)
    assert counter["pledged_fen"] == 500_000_000


@pytest.mark.parametrize(
    ("first", "second"), [(True, False), (False, True), (True, True)]
)
def test_an_exclusive_pledge_stands_alone(s: Store, first: bool, second: bool) -> None:
    post_pledge(s, pledge("A", principal_fen=1, exclusive=first))

    with pytest.raises(RegisterError, match="is already pledged"):
        post_pledge(s, pledge("B", principal_fen=1, exclusive=second))
    post_pledge(s, pledge("C", principal_fen=1, exclusive=second, asset="other"))


def test_the_latest_cap_holds_unless_more_is_pledged_already(s: Store) -> None:
    post_pledge(s, pledge("A", principal_fen=500, cap_fen=1_000))
    post_pledge(s, pledge("B", principal_fen=600, cap_fen=1_100))

    with pytest.raises(RegisterError, match="would exceed its cap"):
        post_pledge(s, pledge("C", principal_fen=1, cap_fen=1_000))
    (counter,) = rows_in(s, Collateral)
    assert (counter["pledged_fen"], counter["cap_fen"]) == (1_100, 1_100)


def test_sixteen_processes_never_pledge_above_the_cap(s: Store) -> None:
    s.engine.dispose()
    with pool(16) as workers:
        answers = list(workers.map(pledge_at_once, [s.settings] * 16, range(16)))

    pledges = rows_in(s, PledgeRow)
    (counter,) = rows_in(s, Collateral)
    assert len(pledges) == 14  # 14 × 70 = 980 ≤ 1,000 < 15 × 70
    assert sum(r["principal_fen"] for r in pledges) == counter["pledged_fen"] == 980
    assert {r["request"] for r in pledges} == {r for some in answers for r in some}
    assert store.verify(s, s.settings.anchor).exit == 0


def test_a_snapshot_is_sorted_and_its_digest_leaves_out_ones_own_rows(s: Store) -> None:
    post(s, Cost, cost(voucher="V-2"), task="import")
    wanted = Snapshot(register=Cost, where={"entity": "jiangbei"})
    _, before = store.snapshot(s, wanted, "assetize@flights")

    post(s, Cost, cost(voucher="V-1"), task="assetize")
    own, same = store.snapshot(s, wanted, "assetize@flights")
    post(s, Cost, cost(voucher="V-3"), task="import")
    _, other = store.snapshot(s, wanted, "assetize@flights")

    assert own["voucher"].to_list() == ["V-1", "V-2"]
    assert own.schema == frame_of(Cost, []).schema
    assert before == same != other


def test_a_snapshot_holds_only_what_was_asked_for(s: Store) -> None:
    post(s, Cost, cost(), cost(entity="other"))
    wanted = Snapshot(register=Cost, where={"entity": "other"})

    frame, _ = store.snapshot(s, wanted, "x@y")

    assert frame["entity"].to_list() == ["other"]
    but = Snapshot(register=Cost, where={}, but={"entity": "other"})
    assert store.snapshot(s, but, "x@y")[0]["entity"].to_list() == ["jiangbei"]
    with pytest.raises(StoreError, match="no column town"):
        store.snapshot(s, Snapshot(register=Cost, where={}, but={"town": "x"}), "x@y")
    empty, _ = store.snapshot(s, Snapshot(register=Right, where={}), "x@y")
    assert empty.columns == list(Right.to_schema().columns)
    with pytest.raises(StoreError, match="no column town"):
        store.snapshot(s, Snapshot(register=Cost, where={"town": "x"}), "x@y")


def test_a_snapshot_knows_what_was_recorded_before_a_moment(s: Store) -> None:
    post(s, Cost, cost(voucher="V-1"), task="first")
    between = datetime.now(UTC)
    post(s, Cost, cost(voucher="V-2"), task="second")

    def known(moment: datetime) -> list[str]:
        asked = Snapshot(register=Cost, where={}, known_before=moment)
        return store.snapshot(s, asked, "x@y")[0]["voucher"].to_list()

    assert known(between - timedelta(days=1)) == []
    assert known(between) == ["V-1"]
    assert known(datetime.now(UTC)) == ["V-1", "V-2"]


def test_a_frame_that_is_not_the_contracts_is_refused(s: Store) -> None:
    frame = frame_of(Cost, [cost()]).with_columns(pl.col("line").cast(pl.Int32))

    with pytest.raises(RegisterError, match="not those of its contract"):
        store.publish(s, run(made(s, "posted", frame), register="Cost"))
    with pytest.raises(RegisterError, match="NUL"):
        post(s, Cost, cost(pool="a\0b"))
    with pytest.raises(StoreError, match="no register Gates"):
        store.publish(s, run(made(s, "posted", frame), register="Gates"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.integers(1, LARGEST_FEN), min_size=1, max_size=40))
def test_money_comes_back_to_the_fen(s: Store, amounts: list[int]) -> None:
    with s.engine.connect() as c, c.begin() as transaction:
        rows = [{**_counter(n), "cap_fen": a} for n, a in enumerate(amounts)]
        c.execute(insert(Collateral), rows)
        found = c.scalars(select(col(Collateral.cap_fen)).order_by(Collateral.asset))
        assert list(found) == amounts
        transaction.rollback()


def _counter(n: int) -> dict[str, Any]:
    return {"entity": "e", "asset": f"{n:04}", "pledged_fen": 0, "exclusive": False}


@pytest.mark.parametrize(
    "bad", [1.0, True, "1", None, LARGEST_FEN + 1, -LARGEST_FEN - 1, float("nan")]
)
def test_what_is_not_whole_fen_is_refused_as_money(s: Store, bad: object) -> None:
    with pytest.raises((StatementError, DBAPIError)), writing(s.engine) as c:
        c.execute(insert(Collateral), [{**_counter(1), "cap_fen": bad}])
