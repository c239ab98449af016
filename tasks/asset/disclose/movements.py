"""See the journal of an entity as what moved in the tables of its statement.

A line stands where its account says, in the column that the asset card says, and in the
row that its event says. What no row is for, a correction among it, stands under other,
on the side it moves.
"""

from collections.abc import Mapping
from typing import Annotated

import polars as pl

from schemas.disclosure import measured
from schemas.entity import Role
from schemas.registers import AssetCard, JournalLine
from schemas.span import Span

# Part of an increase, and of a decrease, by event; of what no event names: the last.
INCREASES: dict[str, dict[str, str]] = {
    "intangible gross": {"incur": "purchase", "recognise": "internal"},
    "inventory gross": {},  # by how it was obtained, as no event tells it
}
DECREASES: dict[str, dict[str, str]] = {
    "intangible gross": {"dispose": "disposal", "expire": "lapsed"},
    "intangible amortised": {"dispose": "disposal", "expire": "lapsed"},
    "inventory gross": {"sell": "sale", "expire": "lapsed"},
    "inventory provided": {"sell": "write_off", "expire": "write_off"},
    "development gross": {"recognise": "recognised"},
}
REST = {"inventory provided": "reversal"}
OBTAINED = {"purchase": "purchase", "internal": "internal"}


def movements(
    journal: Annotated[pl.DataFrame, JournalLine],
    cards: Annotated[pl.DataFrame, AssetCard],
    accounts: Mapping[Role, str],
    span: Span,
) -> pl.DataFrame:
    """Place each line of the journal in a table.

    Args:
        journal: Of one entity; what is posted after the span is left out.
        cards: Of its assets. The last number says how one was obtained; an asset
            without a card was obtained otherwise.
        accounts: The entity's chart.
        span: The periods of the statement.

    Returns:
        table, measure, origin, asset, before (of the span), part, amount_fen (what the
        measure grew by).

    1702 credited with 10,000.00 by ``amortise`` in 2026-07 -> intangible, amortised,
    +10,000.00.

    Raises:
        ContractError: The chart gives one account two of these meanings.
    """
    meant = pl.DataFrame(
        [(a, *said) for a, said in measured(dict(accounts)).items()],
        schema=["account", "table", "measure", "side"],
        orient="row",
    )
    origins = cards.sort("number").group_by("asset").agg(pl.col("origin").last())
    lines = (
        journal.filter(pl.col("period") <= span.last)
        .join(meant, on="account")
        .join(origins, on="asset", how="left")
        .with_columns(
            pl.col("origin").fill_null("other"),
            amount_fen=pl.col("amount_fen") * pl.col("side"),
        )
    )
    placed = unfinished(lines)
    return placed.select(
        *("table", "measure", "origin", "asset"),
        before=pl.col("period") < span.first,
        part=part(),
        amount_fen="amount_fen",
    )


def unfinished(lines: pl.DataFrame) -> pl.DataFrame:
    """Move the impairment of what is still in development to its own table.

    One account 1703 serves both. In the month in which an asset is ready, its
    impairment leaves development expenditure and enters the intangible assets with it.
    """
    ready = (
        lines.filter(table="intangible", measure="gross")
        .group_by("asset")
        .agg(ready=pl.col("period").min())
    )
    begun = lines.filter(table="development")["asset"].unique().implode()
    known = lines.join(ready, on="asset", how="left")
    early = (
        (pl.col("measure") == "impaired")
        & pl.col("asset").is_in(begun)
        & (pl.col("period") < pl.col("ready").fill_null("9999-12"))
    )
    own = known.with_columns(
        table=pl.when(early).then(pl.lit("development")).otherwise("table")
    )
    moved = known.filter(early, pl.col("ready").is_not_null()).with_columns(
        period="ready", event=pl.lit("recognise")
    )
    left = moved.with_columns(
        table=pl.lit("development"), amount_fen=-pl.col("amount_fen")
    )
    return pl.concat([own, moved, left])


def part() -> pl.Expr:
    """Say in which row of its table a line stands."""
    place, grows = (
        pl.concat_str("table", "measure", separator=" "),
        pl.col("amount_fen") > 0,
    )
    found = (
        pl.when(grows)
        .then(pl.lit("other_increase"))
        .otherwise(pl.lit("other_decrease"))
    )
    for at, rest in REST.items():
        found = pl.when(~grows & (place == at)).then(pl.lit(rest)).otherwise(found)
    bought = pl.col("origin").is_in(list(OBTAINED))
    entered = grows & (place == "inventory gross") & (pl.col("event") == "incur")
    found = pl.when(entered & bought).then("origin").otherwise(found)
    for sign, table in ((grows, INCREASES), (~grows, DECREASES)):
        for at, by_event in table.items():
            for event, row in by_event.items():
                here = sign & (place == at) & (pl.col("event") == event)
                found = pl.when(here).then(pl.lit(row)).otherwise(found)
    return found
