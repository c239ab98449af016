"""Show the books of entities: trial balance, ledger of an asset, and their export.

What is shown is what is posted, now or as it was known on a day; nothing is written
into the books here. Each line names the entry it belongs to and a REF that
``datafactor trace`` follows to decision, cost and voucher.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from flows.rejected import record
from schemas.artifact import Snapshot
from schemas.books import NAMES
from schemas.disclosure import COLUMNS
from schemas.document import load
from schemas.entity import Entity
from schemas.errors import FactorError, RegisterError
from schemas.factor import named
from schemas.money import yuan
from schemas.registers import AssetCard, JournalLine
from schemas.span import Span
from tasks import store
from tasks.asset.balance import trial_balance
from tasks.asset.disclose.movements import movements
from tasks.asset.disclose.roll import roll_forward
from tasks.asset.ledger import as_csv, beancount, vouchers
from tasks.page.statement_words import ROW_WORDS
from tasks.resource.cells import as_cell

Facts = dict[str, Any]  # JSON
Form = Literal["vouchers", "beancount"]
REF = 12  # signs of an artifact's id that `trace` takes
MEASURES = ("opening_fen", "debit_fen", "credit_fen", "closing_fen")


class Books(NamedTuple):
    """The journal of some entities, who entered it, and cards, as known on a day."""

    entities: tuple[Entity, ...]
    span: Span
    journal: pl.DataFrame
    entered: pl.DataFrame
    cards: pl.DataFrame

    @property
    def head(self) -> Facts:
        """What every answer begins with."""
        return {
            "entities": [e.entity for e in self.entities],
            "first": self.span.first,
            "last": self.span.last,
        }


def entity_named(name: str) -> Entity:
    """Load an entity by the name that factor documents use.

    Raises:
        FactorError: There is none; the sentence lists those that are there.
    """
    factors = store.current().settings.factors
    return load(named(factors.parent / "entities", name), Entity)


def moment_after(day: date | None, zone: str) -> datetime | None:
    """Give the moment at which a day is over in a zone; none of no day."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(zone))


def asked(names: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Tell entities from the period, which comes last if it is said.

    Raises:
        FactorError: No entity is named.
    """
    period = names[-1] if names and names[-1][:1].isdigit() else ""
    entities = tuple(names[:-1] if period else names)
    if not entities:
        raise FactorError("name an entity: a file in deployments/entities")
    return entities, period


def opened(
    entities: Sequence[str], period: str = "", known_on: date | None = None
) -> Books:
    """Open the books of some entities.

    Args:
        entities: Names of entity documents.
        period: A month, a year or FIRST..LAST; the last month posted if not said.
        known_on: Only what was recorded by the end of this day counts.

    Raises:
        FactorError: There is no such entity, or the period is none.
        RegisterError: Nothing is posted in their books.
    """
    s, found = store.current(), tuple(entity_named(n) for n in dict.fromkeys(entities))
    lines: list[pl.DataFrame] = []
    cards: list[pl.DataFrame] = []
    who = []
    for entity in found:
        before = moment_after(known_on, entity.zone)
        mine = {"entity": entity.entity}
        for register, kept in ((JournalLine, lines), (AssetCard, cards)):
            asked = Snapshot(register=register, where=mine, known_before=before)
            kept.append(store.snapshot(s, asked, "")[0])
        who.append(store.entered(s, (entity.entity,), before))
    journal = pl.concat(lines)
    if journal.is_empty():
        names = ", ".join(entities)
        raise RegisterError(
            f"nothing is posted in the books of {names}"
            + (f" as known on {known_on}" if known_on else "")
            + ": run a factor through its asset stage first"
        )
    span = Span.of(period or str(journal["period"].max()))
    return Books(found, span, journal, pl.concat(who), pl.concat(cards))


def balance_of(books: Books) -> Facts:
    """Tell the trial balance 试算平衡表; of several entities also their sum.

    Debit balances are positive. The sum is by account number, over all entities, and
    nothing that they owe each other is taken out.
    """
    first, last = books.span
    inside = pl.col("period").is_between(pl.lit(first), pl.lit(last))
    moved = books.journal.with_columns(
        period=pl.when(inside).then(pl.lit(last)).otherwise("period")
    )
    rows = trial_balance(moved.lazy(), last).collect()
    summed = rows.group_by("account").agg(pl.col(MEASURES).sum()).sort("account")
    several = len(books.entities) > 1
    return books.head | {
        "accounts": [account_facts(row, books) for row in rows.to_dicts()],
        "rolled_up": [
            account_facts({"entity": "", **row}, books)
            for row in (summed.to_dicts() if several else ())
        ],
        "totals": {n.removesuffix("_fen"): money(int(rows[n].sum())) for n in MEASURES},
    }


def account_facts(row: Facts, books: Books) -> Facts:
    """Tell one account with both its names."""
    zh, en = names_of(books.entities, row["entity"]).get(row["account"], ("", ""))
    amounts = {n.removesuffix("_fen"): money(row[n]) for n in MEASURES}
    told = {"entity": row["entity"], "account": row["account"], "zh": zh, "en": en}
    return told | amounts


def roll_of(books: Books) -> Facts:
    """Tell what rolled forward in the period: opening, increase, decrease, closing.

    The tables are those of the statement (``datafactor disclose``), which ties them to
    the trial balance. Of several entities also their sum, row by row.
    """
    tables = []
    for entity in books.entities:
        mine = pl.col("entity") == entity.entity
        journal, cards = books.journal.filter(mine), books.cards.filter(mine)
        rolled = roll_forward(movements(journal, cards, entity.accounts, books.span))
        tables.append(rolled.with_columns(entity=pl.lit(entity.entity)))
    every = pl.concat(tables)
    key = ["table", "number", "row"]
    summed = every.group_by(key, maintain_order=True).agg(
        pl.when(pl.col(COLUMNS).is_not_null().all()).then(pl.col(COLUMNS).sum())
    )
    several = len(books.entities) > 1
    return books.head | {
        "rows": [row_facts(row) for row in every.to_dicts()],
        "rolled_up": [
            row_facts({"entity": "", **row})
            for row in (summed.to_dicts() if several else ())
        ],
    }


def row_facts(row: Facts) -> Facts:
    """Tell one row of a roll-forward; a heading has no amounts."""
    zh, en = ROW_WORDS[row["table"]][row["row"]]
    amounts = {
        n.removesuffix("_fen"): "" if row[n] is None else money(row[n]) for n in COLUMNS
    }
    told = {n: row[n] for n in ("entity", "table", "number", "row")}
    return told | {"zh": zh, "en": en} | amounts


def names_of(
    entities: Sequence[Entity], entity: str = ""
) -> Mapping[str, tuple[str, str]]:
    """Name the accounts in the chart of an entity, or of all of them."""
    mine = [e for e in entities if entity in ("", e.entity)]
    return {
        number: NAMES[role]
        for e in reversed(mine)
        for role, number in e.accounts.items()
    }


def money(fen: int) -> str:
    """Write fen for programs. 1230 -> 12.30."""
    return f"{yuan(fen):.2f}"


def ledger_of(books: Books, asset: str) -> Facts:
    """Tell all that was posted of an asset up to the period's end, line by line.

    ``balance`` is the account's, of this asset alone, after the line.

    Raises:
        RegisterError: Nothing was posted of it; the sentence names assets that are
            there.
    """
    numbered = pl.concat(numbered_of(books))
    posted = numbered.filter(pl.col("period") <= books.span.last)
    mine = posted.filter(asset=asset)
    if mine.is_empty():
        known = ", ".join(posted["asset"].unique().sort().to_list()[:10])
        raise RegisterError(
            f"nothing is posted of {asset} by {books.span.last}: there are {known}"
        )
    key = ["entity", "entry", "line"]
    marked = mine.join(books.journal.select(*key, "approval"), on=key, how="left")
    change = pl.col("debit_fen") - pl.col("credit_fen")
    rows = marked.with_columns(balance_fen=change.cum_sum().over("entity", "account"))
    return books.head | {
        "asset": asset,
        "lines": [line_facts(row, books) for row in rows.to_dicts()],
        "totals": {n: money(int(mine[f"{n}_fen"].sum())) for n in ("debit", "credit")},
    }


def line_facts(row: Facts, books: Books) -> Facts:
    """Tell one line with all that it leads to."""
    zh, en = names_of(books.entities, row["entity"]).get(row["account"], ("", ""))
    texts = ("entity", "period", "entry", "event", "memo", "preparer", "reviewer")
    return {n: row[n] for n in texts} | {
        "number": row["number"],
        "line": row["line"],
        "booked_on": str(row["booked_on"]),
        "account": row["account"],
        "zh": zh,
        "en": en,
        "debit": money(row["debit_fen"]),
        "credit": money(row["credit_fen"]),
        "balance": money(row["balance_fen"]),
        "voucher": row["source"],
        "approval": row["approval"],
        "ref": row["artifact"][:REF],
    }


def numbered_of(books: Books) -> Iterator[pl.DataFrame]:
    """Number the vouchers of each entity's books."""
    for entity in books.entities:
        mine = pl.col("entity") == entity.entity
        journal, entered = books.journal.filter(mine), books.entered.filter(mine)
        yield vouchers(journal, entered, entity.accounts)


def exported(books: Books, form: Form, file: Path, period: bool) -> Facts:
    """Write the books for other bookkeeping: vouchers of the period, or a ledger.

    Args:
        books: Of one entity.
        form: vouchers, a CSV that an ERP imports; beancount, all up to the period.
        file: Where it goes; one that is there is replaced.
        period: Whether a period was asked for; without one all vouchers are written.

    Raises:
        RegisterError: They are the books of several entities.
    """
    if len(books.entities) > 1:
        raise RegisterError(
            "each entity has books of its own: export one of them at a time"
        )
    (entity,), (first, last) = books.entities, books.span
    (numbered,) = numbered_of(books)
    if form == "vouchers":
        inside = pl.col("period").is_between(pl.lit(first), pl.lit(last))
        kept = numbered.filter(inside) if period else numbered
        written(file, voucher_lines(as_csv(kept)), "utf-8-sig")
    else:
        journal = books.journal.filter(pl.col("period") <= last)
        kept = numbered.filter(pl.col("period") <= last)
        told = beancount(journal, books.entered, entity.accounts, entity.name)
        written(file, told, "utf-8")
    entries = kept.select("period", "number").n_unique()
    more = {"file": str(file), "entries": entries, "lines": kept.height}
    return books.head | {"as": form} | more


def voucher_lines(rows: pl.DataFrame) -> Iterator[str]:
    """Write a head and a record a line (RFC 4180); no cell is a formula."""
    yield record(rows.columns)
    texts = rows.with_columns(pl.all().cast(pl.String))
    for row in texts.with_columns(as_cell(pl.all())).iter_rows():
        yield record(row)


def written(file: Path, lines: Iterator[str], encoding: str) -> None:
    """Write a file whole or not at all; without its mark a spreadsheet guesses."""
    part = file.with_name(f".{file.name}.part")
    with part.open("w", encoding=encoding, newline="") as handle:
        handle.writelines(lines)
    os.replace(part, file)
