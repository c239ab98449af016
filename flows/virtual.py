"""Run the real stage functions on what the store holds, and keep nothing.

``compare`` and ``what-if`` ask what would follow if a document, a policy or a register
said something else. So the pure functions are called as the seam calls them, with facts
read from the store beside terms that were changed, and no run is published: the rows of
every table and the head of the chain stay as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandera.polars as pa
import polars as pl

from flows.evidence import evidenced
from schemas.artifact import Snapshot
from schemas.asset import Asset, AssetTerms
from schemas.contract import frame_of
from schemas.errors import StoreError
from schemas.factor import Factor
from schemas.gates import Gates
from schemas.quality import Indicator, Score
from schemas.registers import AssetCard, JournalLine, Right
from tasks import store
from tasks.asset.assetize import assetize


@dataclass(frozen=True)
class Known:
    """What the store holds of a factor: frames of its stages, and registers."""

    factor: str
    product: pl.LazyFrame  # published last; without rows where nothing was
    vouchers: pl.LazyFrame | None  # as they were read last; None: never
    rights: pl.DataFrame  # contract Right
    cards: pl.DataFrame  # contract AssetCard
    journal: pl.DataFrame  # contract JournalLine
    disputes: pl.DataFrame  # contract Dispute
    closed: pl.DataFrame  # contract PeriodClose
    spent: pl.DataFrame  # contract Cost
    score: pl.DataFrame  # contract Score: of the last assessment by the day
    quality: pl.DataFrame  # contract Indicator: of that assessment
    offered: pl.DataFrame  # contract Gates: with which the product was offered last
    drivers: Mapping[str, pl.LazyFrame] = field(default_factory=dict)


def known_of(factor: Factor, day: date) -> Known:
    """Read what the third and fourth stage of a factor would be handed."""
    name = factor.factor
    product, vouchers = (
        published(f"{name}/{frame}")
        for frame in ("product/product", "resource/vouchers")
    )
    drivers = published(f"{name}/asset/measure_drivers")
    gates = published(f"{name}/product/gates")
    return Known(
        factor=name,
        product=pl.LazyFrame() if product is None else product,
        vouchers=vouchers,
        rights=rows(factor.live(Right)),
        cards=rows(factor.live(AssetCard)),
        journal=rows(factor.live(JournalLine)),
        disputes=rows(factor.disputes),
        closed=rows(factor.closed),
        spent=rows(factor.spent),
        score=assessed_by(name, day, Score),
        quality=assessed_by(name, day, Indicator),
        offered=empty(Gates).collect() if gates is None else gates.collect(),
        drivers={} if drivers is None else {"measured": drivers},
    )


def published(ref: str) -> pl.LazyFrame | None:
    """Read the newest frame of a name; None where there is none."""
    s = store.current()
    try:
        found = store.resolve(s, ref)
    except StoreError:
        return None
    return store.scan(s, found)


def rows(asked: Snapshot) -> pl.DataFrame:
    """Read rows of a register as they stand now."""
    return store.snapshot(store.current(), asked, "")[0]


def all_of(register: type[pa.DataFrameModel]) -> pl.DataFrame:
    """Read a whole register."""
    return rows(Snapshot(register=register, where={}))


def assessed_by(
    factor: str, day: date, contract: type[pa.DataFrameModel]
) -> pl.DataFrame:
    """Read a frame of the last assessment by a day; no rows where there is none."""
    scores = store.series(store.current(), factor, contract)
    past = scores.filter(pl.col("as_of") <= day)
    return past.filter(pl.col("as_of") == pl.col("as_of").max())


def asset_on(terms: AssetTerms, known: Known, day: date) -> Asset:
    """Make the asset of a day, as ``assetize`` would; nothing is posted.

    Raises:
        StoreError: Its vouchers were never read.
        FactorError: What the terms say does not go together.
        ContractError: A pool has no shares, or was not measured.
    """
    if known.vouchers is None:
        raise StoreError(
            f"the vouchers of {known.factor} were never read: `datafactor run"
            f" {known.factor}` first"
        )
    return assetize(
        known.product,
        known.vouchers,
        known.rights.lazy(),
        known.cards.lazy(),
        known.score.lazy(),
        evidenced(terms),
        day,
        drivers=known.drivers,
        disputes=known.disputes.lazy(),
        closed=known.closed.lazy(),
        spent=known.spent.lazy(),
    )


def grounds(gates: pl.LazyFrame | pl.DataFrame, *but: str) -> tuple[str, ...]:
    """List why gates are shut, all but some; nothing where all are open."""
    failed = gates.lazy().filter(~pl.col("passed"), ~pl.col("gate").is_in([*but]))
    return tuple(failed.collect()["ground"])


def empty(register: type[pa.DataFrameModel]) -> pl.LazyFrame:
    """Make a register without rows."""
    return frame_of(register, []).lazy()
