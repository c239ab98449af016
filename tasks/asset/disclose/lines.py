"""Say what stands in the balance sheet's lines, of which asset, and what binds it."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

import polars as pl

from schemas.contract import frame_of
from schemas.disclosure import (
    LINES,
    Carried,
    DiscloseTerms,
    Line,
    OfWhich,
    Research,
    Restricted,
    RollForward,
)
from schemas.entity import Role
from schemas.money import exact_fen
from schemas.registers import AssetCard, Dispute, JournalLine, Pledge, PledgeEvent
from schemas.span import Span
from tasks.asset.amortize import whole_months
from tasks.pledged import held as pledges_of
from tasks.rights import open_disputes

REVERSES = "reverse/"


def of_which(
    roll: Annotated[pl.DataFrame, RollForward], parents: Mapping[Line, Decimal]
) -> Annotated[pl.DataFrame, OfWhich]:
    """Fill the three lines 其中：数据资源; blank where there is nothing.

    Args:
        roll: The tables.
        parents: What the lines above hold in all at the closing, where it is stated.

    Data resources of 29,000,000.00 among intangible assets of 46,622,000,000.00 -> not
    above its parent (FS-02).
    """
    rows = []
    for line in LINES:
        mine = roll.filter(table=line)
        closing, opening = (
            int(mine.filter(row=f"carrying_{end}")["total_fen"].item())
            for end in ("closing", "opening")
        )
        above = next((v for n, v in parents.items() if n == line), None)
        parent = None if above is None else exact_fen(above)
        exceeds = parent is not None and closing > parent
        ends = closing or None, opening or None
        rows.append((line, *ends, change(opening, closing), parent, exceeds))
    return frame_of(OfWhich, rows)


def change(before: int, after: int) -> int | None:
    """Say by how many per cent an amount changed, half up; None from nothing.

    259,763,900.00 to 1,366,000,000.00 -> 426 (FS-02).
    """
    if before <= 0:
        return None
    share = Decimal((after - before) * 100) / before
    return int(share.quantize(Decimal(1), ROUND_HALF_UP))


def carried_of(
    moved: pl.DataFrame,
    cards: Annotated[pl.DataFrame, AssetCard],
    span: Span,
    material_share: Decimal,
) -> Annotated[pl.DataFrame, Carried]:
    """List the assets that stand in the books at the closing, and which are material.

    Args:
        moved: What ``movements`` found.
        cards: The last one effective by the closing says the life.
        span: The periods of the statement.
        material_share: Of all that is carried; an asset above it is material.
    """
    by = {"amortised": "amortised", "impaired": "impaired", "provided": "impaired"}
    amount = pl.col("amount_fen")
    sums = moved.group_by(line="table", asset="asset", origin="origin").agg(
        gross_fen=amount.filter(measure="gross").sum(),
        amortised_fen=amount.filter(measure="amortised").sum(),
        impaired_fen=amount.filter(
            pl.col("measure").is_in(["impaired", "provided"])
        ).sum(),
    )
    net = pl.col("gross_fen") - pl.col("amortised_fen") - pl.col("impaired_fen")
    held = sums.with_columns(carrying_fen=net).filter(
        pl.any_horizontal(pl.col(f"{n}_fen") != 0 for n in ("gross", *set(by.values())))
    )
    above = int(material_share * int(held["carrying_fen"].sum()))
    left = {
        card["asset"]: months_left(card, span)
        for card in latest(cards, span).iter_rows(named=True)
    }
    spread = pl.when(line="intangible").then(
        pl.col("asset").replace_strict(left, default=None, return_dtype=pl.Int64)
    )
    names = list(Carried.to_schema().columns)
    return (
        held.with_columns(
            months_left=spread,
            material=(pl.col("carrying_fen") > 0) & (pl.col("carrying_fen") >= above),
        )
        .select(names)
        .sort("line", "asset")
    )


def latest(cards: pl.DataFrame, span: Span) -> pl.DataFrame:
    """Take the last card of each asset that is effective by the closing."""
    known = cards.filter(pl.col("effective_on").dt.to_string("%Y-%m") <= span.last)
    return known.sort("number").group_by("asset", maintain_order=True).last()


def months_left(card: Mapping[str, object], span: Span) -> int | None:
    """Count the months over which an asset is still spread; None where it is not.

    60 months from 2025-04, closing 2026-12 -> 39.
    """
    life, start, ends = (
        card[n] for n in ("life_months", "available_from", "right_ends")
    )
    if not isinstance(start, date) or not isinstance(life, int):
        return None
    months = min(life, whole_months(start, ends)) if isinstance(ends, date) else life
    year, month = map(int, span.last.split("-"))
    gone = (year - start.year) * 12 + month - start.month + 1
    return max(months - max(gone, 0), 0)


def research(
    journal: Annotated[pl.DataFrame, JournalLine],
    accounts: Mapping[Role, str],
    span: Span,
) -> Annotated[pl.DataFrame, Research]:
    """Tell research and development of the periods apart: expensed, capitalised.

    The transfer of 530101 to 6602 at a month's end is left out: it moves what was
    expensed already. A reversal counts as what it takes back, below 0. Of 530102 it is
    what was incurred that counts, not what became an asset.

    Source: CAS 6 art. 24 (6). 90,000.00 of research -> expensed 90,000.00.
    """
    first = journal.select("entry", cause="event").unique("entry")
    known = (
        journal.filter(
            pl.col("period").is_between(pl.lit(span.first), pl.lit(span.last))
        )
        .with_columns(origin=pl.col("entry").str.strip_prefix(REVERSES))
        .join(first, left_on="origin", right_on="entry", how="left")
    )
    cause = pl.when(event="reverse").then("cause").otherwise("event")
    kept = known.with_columns(cause=cause)
    spent, capital = accounts["research"], accounts["development"]
    amount = pl.col("amount_fen")
    expensed = (pl.col("account") == spent) & (pl.col("cause") != "transfer")
    capitalised = (pl.col("account") == capital) & (pl.col("cause") == "incur")
    sums = kept.group_by("asset").agg(
        expensed_fen=amount.filter(expensed).sum(),
        capitalised_fen=amount.filter(capitalised).sum(),
    )
    some = (pl.col("expensed_fen") != 0) | (pl.col("capitalised_fen") != 0)
    return sums.filter(some).sort("asset")


def over_assets(
    disputes: Annotated[pl.DataFrame, Dispute],
    cards: Annotated[pl.DataFrame, AssetCard],
) -> Annotated[pl.DataFrame, Dispute]:
    """Say of a dispute over a factor which assets made of it are disputed.

    Over a factor without an asset it keeps the factor's name.
    """
    made = cards.select("entity", "asset", asset_of="factor").unique()
    keys = ["entity", "asset_of"]
    named = disputes.with_columns(asset_of="asset").drop("asset")
    found = named.join(made, on=keys, how="left", maintain_order="left")
    asset = pl.coalesce("asset", "asset_of").alias("asset")
    return found.with_columns(asset).select(disputes.columns)


def restricted(
    carried: Annotated[pl.DataFrame, Carried],
    pledges: Annotated[pl.DataFrame, Pledge],
    pledged: Annotated[pl.DataFrame, PledgeEvent],
    disputes: Annotated[pl.DataFrame, Dispute],
    terms: DiscloseTerms,
    closing: date,
) -> Annotated[pl.DataFrame, Restricted]:
    """List the pledged and disputed assets with what is carried of them.

    Args:
        carried: What is carried of each asset.
        pledges: Of the entity.
        pledged: What happened to them; what comes after the last day does not count.
        disputes: Of the entity.
        terms: Whose statement.
        closing: Its last day.
    """
    held = dict(
        carried.group_by("asset")
        .agg(pl.col("carrying_fen").sum())
        .sort("asset")
        .iter_rows()
    )
    rows: list[tuple[Any, ...]] = []  # Any: rows of Restricted
    made = pledges.filter(pl.col("pledged_on") <= closing).to_dicts()
    past = pledged.filter(pl.col("effective_on") <= closing).to_dicts()
    for one in pledges_of(made, past, ()):
        p = one.pledge
        when = p["pledged_on"], p["matures_on"]
        rows += [
            (asset, "pledge", one.request, p["lender"], *when, held.get(asset, 0), fen)
            for asset, fen in one.secured.items()
            if fen > 0
        ]
    for d in open_disputes(disputes, closing).filter(entity=terms.entity).to_dicts():
        when = d["effective_on"], None
        amounts = held.get(d["asset"], 0), None
        rows.append(
            (d["asset"], "dispute", d["dispute"], d["claimant"], *when, *amounts)
        )
    rows.sort(key=lambda row: row[:3])
    return frame_of(Restricted, rows)
