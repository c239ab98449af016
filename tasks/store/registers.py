"""Post checked rows into the registers: the one mapping from contract to table.

The same row again is nothing; other content under the same key is refused, and with it
the whole publication.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pandera.polars as pa
import polars as pl
from sqlalchemy import (
    Connection,
    Select,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from schemas.artifact import Snapshot
from schemas.errors import RegisterError, StoreError
from schemas.quality import WHOLE
from schemas.registers import (
    NEW_KEY,
    Approval,
    AssetCard,
    AssetEvent,
    CollateralRoot,
    Cost,
    CoverState,
    Dispute,
    Entitlement,
    Erasure,
    Invoice,
    JournalLine,
    Loan,
    LoanFact,
    Order,
    PeriodClose,
    Pledge,
    PledgeEvent,
    ProductEvent,
    Right,
    Usage,
)
from schemas.tables.columns import Row
from schemas.tables.ledger import (
    ApprovalRow,
    AssetCardRow,
    AssetEventRow,
    CostLine,
    JournalEntry,
    JournalLineRow,
    PeriodCloseRow,
)
from schemas.tables.lineage import ErasureRow, RunOutput, StageRun
from schemas.tables.market import (
    EntitlementEvent,
    InvoiceLine,
    OfferEvent,
    OrderRow,
    Quota,
    SealedUsage,
)
from schemas.tables.pledge import (
    Collateral,
    CollateralRootRow,
    CoverStateRow,
    LoanFactRow,
    LoanRow,
    PledgeEventRow,
    PledgeRow,
)
from schemas.tables.rights import DisputeEvent, RightEvent
from tasks.store import collateral
from tasks.store.database import reading
from tasks.store.place import Store

Values = dict[str, Any]  # one register row: text, integers, dates, flags
Key = tuple[Any, ...]
BATCH = 200
READ = 20_000

TABLES: dict[type[pa.DataFrameModel], type[Row]] = {
    Right: RightEvent,
    Dispute: DisputeEvent,
    Cost: CostLine,
    AssetCard: AssetCardRow,
    AssetEvent: AssetEventRow,
    Approval: ApprovalRow,
    JournalLine: JournalLineRow,
    PeriodClose: PeriodCloseRow,
    Loan: LoanRow,
    LoanFact: LoanFactRow,
    CollateralRoot: CollateralRootRow,
    Pledge: PledgeRow,
    PledgeEvent: PledgeEventRow,
    CoverState: CoverStateRow,
    Order: OrderRow,
    Entitlement: EntitlementEvent,
    Usage: SealedUsage,
    Invoice: InvoiceLine,
    ProductEvent: OfferEvent,
    Erasure: ErasureRow,
}
CONTRACTS = {contract.__name__: contract for contract in TABLES}
NOTHING = pl.lit("")
# Columns that registers gained, with what they say of frames posted before.
ADDED: dict[type[pa.DataFrameModel], dict[str, pl.Expr]] = {
    JournalLine: {
        "asset": pl.col("entry").str.split("/").list.get(1, null_on_oob=True),
        "event": pl.col("entry").str.split("/").list.first(),
        "voucher": NOTHING,
        "approval": NOTHING,
    },
    Cost: {
        "production_factor": pl.lit("service"),
        "file_sha256": NOTHING,
        "reverses": NOTHING,
    },
    Pledge: {
        "rank": pl.lit(1, pl.Int64),
        "meets_ppm": pl.lit(WHOLE, pl.Int64),
        "minor_ppm": pl.lit(0, pl.Int64),
    },
    Right: {
        "number": pl.lit(1, pl.Int64),
        "field": NOTHING,
        "territory": NOTHING,
        "exclusive": pl.lit(False),
        "sublicensable": pl.lit(False),
        "evidence_sha256": NOTHING,
    },
}


def contract_of(register: str) -> type[pa.DataFrameModel]:
    """Find a register by the name of its contract.

    Raises:
        StoreError: No table is mapped to it.
    """
    if register not in CONTRACTS:
        raise StoreError(f"there is no register {register}: there are {[*CONTRACTS]}")
    return CONTRACTS[register]


def key_of(contract: type[pa.DataFrameModel]) -> list[str]:
    """List the columns that name the business event."""
    return list(contract.to_schema().unique or ())


def rows_of(contract: type[pa.DataFrameModel], frame: pl.LazyFrame) -> list[Values]:
    """Read a posted frame as rows of its contract.

    Raises:
        RegisterError: A column is missing, of another type, or holds a NUL.
    """
    name = contract.__name__
    wanted = {c: d.dtype.type for c, d in contract.to_schema().columns.items()}
    added = ADDED.get(contract, {})
    if frame.collect_schema().keys() == wanted.keys() - added.keys():
        frame = frame.with_columns(**added).select(*wanted)
    if frame.collect_schema() != pl.Schema(wanted):
        raise RegisterError(
            f"{name}: the frame's columns are not those of its contract"
        )
    rows = frame.collect().to_dicts()
    # PostgreSQL cannot store it, so neither database does.
    if any("\0" in v for row in rows for v in row.values() if isinstance(v, str)):
        raise RegisterError(f"{name}: a text holds a NUL character: remove it")
    return rows


def post(
    c: Connection, register: str, rows: Sequence[Values], artifact: str, poster: str
) -> None:
    """Enter rows; called inside the publishing transaction.

    Raises:
        RegisterError: A row differs from the one posted under its key, or a CHECK, a
            seal or a cap refuses it.
    """
    contract = contract_of(register)
    table, key = TABLES[contract], key_of(contract)
    known = _posted(c, table, key, rows)
    fresh = []
    for row in rows:
        at = tuple(row[k] for k in key)
        if at not in known:
            fresh.append({**row, "artifact": artifact, "poster": poster})
        elif known[at] != row:
            raise RegisterError(
                f"{register}: other content is posted under this {', '.join(key)}:"
                " correct it by a new event, never by changing the old one"
            )
    try:
        if fresh:
            c.execute(insert(table), fresh)
        AFTER.get(contract, _nothing_more)(c, fresh)
    except IntegrityError as error:
        raise RegisterError(f"{register}: a row is refused, {why(error)}") from error


def _posted(
    c: Connection, table: type[Row], key: list[str], rows: Sequence[Values]
) -> dict[Key, Values]:
    """Read what is already posted under the keys of ``rows``."""
    columns = [getattr(table, k) for k in key]
    names = [n for n in (rows[0] if rows else ())]
    found: dict[Key, Values] = {}
    for start in range(0, len(rows), BATCH):
        keys = [tuple(row[k] for k in key) for row in rows[start : start + BATCH]]
        query = select(table).where(tuple_(*columns).in_(keys))
        for row in c.execute(query).mappings():
            found[tuple(row[k] for k in key)] = {n: row[n] for n in names}
    return found


def _nothing_more(_: Connection, __: Sequence[Values]) -> None:
    return None


def _seal(c: Connection, lines: Sequence[Values]) -> None:
    """Insert the entries after their lines; the trigger weighs them."""
    shared = ("entity", "entry", "artifact", "poster")
    entries = {tuple(line[n] for n in shared) for line in lines}
    if entries:
        c.execute(
            insert(JournalEntry),
            [dict(zip(shared, e, strict=True)) for e in sorted(entries)],
        )


def _weigh(c: Connection, closes: Sequence[Values]) -> None:
    """Refuse the close of a month into which something was posted meanwhile.

    Its trial balance was added up before; the write lock keeps the count true.
    """
    line = JournalLineRow
    for close in closes:
        stands = c.scalar(
            select(func.count(func.distinct(col(line.entry)))).where(
                col(line.entity) == close["entity"],
                col(line.period) == close["period"],
            )
        )
        if stands != close["entries"]:
            raise RegisterError(
                "PeriodClose: something was posted to the month while it was closed:"
                " close it again"
            )


def _open(c: Connection, events: Sequence[Values]) -> None:
    """Open the counter of a new entitlement; a renewal raises its limit."""
    for event in (e for e in events if e["event"] != "revoke"):
        at = col(Quota.entitlement) == event["entitlement"]
        if event["event"] == "grant":
            ordered = col(OrderRow.order) == event["entitlement"]
            unit = c.scalar(select(col(OrderRow.unit)).where(ordered))
            if unit is None:
                raise RegisterError("Entitlement: there is no order of this number")
            c.execute(insert(Quota).values(**counter(event, unit)))
            continue
        limit, more = col(Quota.limit_units), event["quota"]
        if more is None and event["reason"] == NEW_KEY:
            continue
        same = limit.is_(None) if more is None else limit.is_not(None)
        raised = update(Quota).where(at, same).values(limit_units=limit + more)
        if c.execute(raised).rowcount == 0:
            raise RegisterError(
                "Entitlement: a renewal adds units to a grant with a quota, and to no"
                " other"
            )


def counter(event: Values, unit: str) -> Values:
    """Write the counter that a grant opens: nothing is used yet."""
    used = {"used_calls": 0, "used_rows": 0}
    limit = event["quota"]
    return {
        "entitlement": event["entitlement"],
        "unit": unit,
        "limit_units": limit,
    } | used


AFTER: dict[type[pa.DataFrameModel], Callable[[Connection, Sequence[Values]], None]] = {
    JournalLine: _seal,
    PeriodClose: _weigh,
    CollateralRoot: collateral.rest,
    Pledge: collateral.secure,
    PledgeEvent: collateral.happen,
    LoanFact: collateral.in_order,
    CoverState: collateral.in_turn,
    Entitlement: _open,
}


def why(error: IntegrityError) -> str:
    """Name the rule that refused, without the row's values."""
    diagnosis = getattr(error.orig, "diag", None)
    return str(diagnosis.message_primary if diagnosis else error.orig)


def snapshot(s: Store, wanted: Snapshot, poster: str) -> tuple[pl.DataFrame, str]:
    """Read the rows of a register as they stand now.

    Args:
        poster: "task@factor"; its own rows stay out of the digest, so that what a
            stage posted does not undo its reuse.

    Returns:
        All rows in the contract's columns, sorted by key, and the digest.
    """
    contract = contract_of(wanted.register.__name__)
    table, key = TABLES[contract], key_of(contract)
    schema = {n: d.dtype.type for n, d in contract.to_schema().columns.items()}
    query = select(*(getattr(table, n) for n in (*schema, "poster")))
    for column in (*wanted.where, *wanted.but):
        if column not in schema:
            raise StoreError(f"{contract.__name__} has no column {column} to ask for")
    for column, value in wanted.where.items():
        query = query.where(getattr(table, column) == value)
    for column, value in wanted.but.items():
        query = query.where(getattr(table, column) != value)
    if wanted.own:
        query = query.where(getattr(table, "poster") == poster)  # noqa: B009 - registers share no base
    if wanted.known_before:
        known = recorded_before(wanted.known_before)
        query = query.where(getattr(table, "artifact").in_(known))  # noqa: B009 - see above
    frame = pl.DataFrame(schema=schema | {"poster": pl.String})
    with reading(s.engine) as c:
        # Part by part: a million rows as Python objects are gigabytes.
        for part in c.execute(query).partitions(READ):
            rows = [tuple(row) for row in part]
            frame.vstack(pl.DataFrame(rows, frame.schema, orient="row"), in_place=True)
    # Sorted here: a database sorts by its own collation, and the bytes must not.
    frame = frame.rechunk().sort(key)
    others = frame.filter(pl.col("poster") != poster).drop("poster")
    digest = hashlib.sha256(others.write_ndjson().encode()).hexdigest()
    return frame.drop("poster"), digest


def recorded_before(moment: datetime) -> Select[tuple[str]]:
    """Ask for the artifacts that complete runs had yielded before a moment."""
    run = select(col(RunOutput.artifact)).join(
        StageRun, col(StageRun.hash) == col(RunOutput.run)
    )
    return run.where(col(StageRun.status) == "COMPLETE", col(StageRun.at) < moment)


def rebuilt(
    postings: Iterator[tuple[str, str, str, Sequence[Values]]],
) -> dict[type[Row], dict[Key, Values]]:
    """Replay postings (register, artifact, poster, rows): what the tables must hold."""
    tables: dict[type[Row], dict[Key, Values]] = {t: {} for t in TABLES.values()}
    tables[JournalEntry], tables[Collateral], tables[Quota] = {}, {}, {}
    for register, artifact, poster, rows in postings:
        contract = contract_of(register)
        table, key = tables[TABLES[contract]], key_of(contract)
        for row in rows:
            at = tuple(row[k] for k in key)
            if at in table:
                continue
            table[at] = {**row, "artifact": artifact, "poster": poster}
            _project(tables, contract, table[at])
    collateral.recount(tables)
    return tables


def _project(
    tables: dict[type[Row], dict[Key, Values]],
    contract: type[pa.DataFrameModel],
    row: Values,
) -> None:
    """Replay what follows from one row: its entry, its counter."""
    if contract is JournalLine:
        entry = {n: row[n] for n in ("entity", "entry", "artifact", "poster")}
        tables[JournalEntry].setdefault((row["entity"], row["entry"]), entry)
    if contract in (Pledge, PledgeEvent):
        collateral.project(tables, row)
    if contract is Entitlement:
        _count_units(tables, row)


def _count_units(tables: dict[type[Row], dict[Key, Values]], event: Values) -> None:
    """Replay what an entitlement's counter allows; what it used, usage says."""
    at = (event["entitlement"],)
    if event["event"] == "grant":
        unit = tables[OrderRow].get(at, {"unit": ""})["unit"]
        tables[Quota][at] = counter(event, unit)
    elif event["event"] == "renew" and event["quota"] and at in tables[Quota]:
        known = tables[Quota][at]
        tables[Quota][at] = {
            **known,
            "limit_units": (known["limit_units"] or 0) + event["quota"],
        }
