"""Trace cost to products: voucher lines, shared out by a stated key, to the fen.

A line goes to the products of its pool by fixed shares, or by what was measured of them
in the month of the cost. Odd fen go to the largest remainders, so that the parts sum to
the line: 1,000.00 over three equal products = 333.34 + 333.33 + 333.33. A line below 0
takes another line back, by that line's shares and under that line's heading.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from schemas.asset import AssetTerms
from schemas.contract import frame_of
from schemas.cost import INDIRECT, Allocation
from schemas.errors import ContractError
from schemas.registers import Cost
from tasks.asset.recognize import Decision
from tasks.finance import Shares, largest_remainder, months_later

LINE = ["voucher", "line"]
PARTS = ["amount_fen", "tax_fen"]  # what of a line is shared out


def incurred(costs: pl.LazyFrame, entity: str, as_of: date) -> pl.DataFrame:
    """Turn the vouchers up to a day into register rows. Contract: Cost, and tax_fen.

    A line without evidence keeps an empty text: a gate refuses it. ``tax_fen`` is the
    input tax that its voucher states, which is no cost (CAS 6 art. 12).
    """
    rows = costs.rename({"amount": "amount_fen", "tax": "tax_fen"}).with_columns(
        pl.col("evidence", "file_sha256", "reverses").fill_null(""),
        pl.col("tax_fen").fill_null(0),
        entity=pl.lit(entity),
    )
    until = rows.filter(pl.col("incurred_on") <= as_of)
    named = [*Cost.to_schema().columns, "tax_fen"]
    return until.select(named).sort(LINE).collect()


def taken_back(vouchers: pl.DataFrame) -> pl.DataFrame:
    """Set beside each line below 0 the line that it takes back, where there is one.

    Columns of Cost; of the other line ``pool_back``, ``incurred_on_back``,
    ``amount_fen_back``, ``tax_fen_back``; null where it names none.
    """
    names = pl.concat_str(*LINE, separator="/").alias("reverses")
    others = vouchers.filter(pl.col("amount_fen") > 0).select(
        names, "pool", "incurred_on", "amount_fen", "tax_fen"
    )
    return vouchers.filter(pl.col("amount_fen") < 0).join(
        others, on="reverses", how="left", suffix="_back"
    )


def unfounded(vouchers: pl.DataFrame) -> int:
    """Count the lines that take back what was never charged.

    A line below 0 names the line that it takes back: of its own pool, no later, and
    together with others no more than that line. A line above 0 takes nothing back.
    """
    back = taken_back(vouchers)
    together = pl.col("amount_fen").sum().over("reverses")
    sound = (
        (pl.col("pool") == pl.col("pool_back"))
        & (pl.col("incurred_on") >= pl.col("incurred_on_back"))
        & (together + pl.col("amount_fen_back") >= 0)
    )
    strange = vouchers.filter(pl.col("amount_fen") >= 0, pl.col("reverses") != "")
    return strange.height + back.filter(~sound.fill_null(False)).height


def proven_twice(vouchers: pl.DataFrame, spent: pl.DataFrame) -> pl.DataFrame:
    """Keep the lines above 0 whose evidence stands under another voucher as well.

    One invoice is one cost, whatever number it is entered under: none is doubled, and
    none that was expensed is capitalised later (CAS 6 art. 7). Evidence is the same by
    the digest of its file, or by its name where a line names no digest. A posted line
    under the key of a voucher line is that line.

    Args:
        vouchers: Contract Cost, and tax_fen: the day's lines.
        spent: Contract Cost: lines of the entity that are posted, of any asset.

    INV-11 under V-2 and again under V-902 -> both lines; two lines of V-2 -> none.
    """
    known = [*LINE, "evidence", "file_sha256", "amount_fen"]
    lines = pl.concat(
        [vouchers.select(known, mine=True), spent.select(known, mine=False)]
    )
    name = pl.col("evidence").str.strip_chars()
    digest = pl.col("file_sha256").replace("", None)
    by_name = digest.max().over(name)  # a copy without a digest is the same document
    return (
        lines.filter(pl.col("amount_fen") > 0, (name != "") | digest.is_not_null())
        .with_columns(proof=pl.coalesce(digest, by_name, name))
        .filter(
            pl.col("voucher").n_unique().over("proof") > 1,
            pl.col("mine").any().over("proof"),
        )
        .select(LINE)
        .unique()
        .sort(LINE)
    )


def allocate(
    vouchers: pl.DataFrame, counted: pl.DataFrame, terms: AssetTerms, as_of: date
) -> pl.DataFrame:
    """Split every voucher line over the products of its pool. Contract: Allocation.

    What is shared by use waits for the end of its month, when the use is known.

    Args:
        vouchers: Contract Cost, and tax_fen.
        counted: Contract DriverCount: what was measured of the products.
        terms: The document's asset, with its pools.
        as_of: The day the stage speaks of.

    Raises:
        ContractError: A voucher names a pool without stated shares, or the key of a
            pool was not measured in the month of its cost.
    """
    unknown = vouchers.filter(~pl.col("pool").is_in(list(terms.pools)))
    if unknown.height:
        raise ContractError(
            f"{unknown.height} voucher lines name a pool without shares (there are"
            f" {sorted(terms.pools)}): state its shares in asset.pools"
        )
    lines = standing(vouchers)
    known = {
        (pool, period): shares_of(pool, period, terms, counted)
        for pool, period in lines.select("pool", "period").unique().iter_rows()
        if terms.pools[pool].driver == "shares" or is_over(period, as_of)
    }
    return frame_of(
        Allocation,
        [
            part
            for line in lines.iter_rows(named=True)
            if (shares := known.get((line["pool"], line["period"])))
            for part in parts_of(line, shares, terms)
        ],
    )


def standing(vouchers: pl.DataFrame) -> pl.DataFrame:
    """Set beside each line the month whose use counts, and what it takes back from.

    ``amount_fen_left`` and ``tax_fen_left`` are 0 for a line that takes nothing back;
    else what earlier ones have left of the line that it names.
    """
    back = taken_back(vouchers).sort("incurred_on", *LINE)
    left = back.select(
        *LINE,
        *(
            (
                pl.col(f"{n}_back") + pl.col(n).cum_sum().over("reverses") - pl.col(n)
            ).alias(f"{n}_left")
            for n in PARTS
        ),
        month="incurred_on_back",
    )
    return vouchers.join(left, on=LINE, how="left").with_columns(
        pl.col([f"{n}_left" for n in PARTS]).fill_null(0),
        period=pl.coalesce("month", "incurred_on").dt.strftime("%Y-%m"),
    )


def parts_of(
    line: Mapping[str, Any], shares: Shares, terms: AssetTerms
) -> Iterator[tuple[object, ...]]:
    """Split one voucher line, cost and tax, by the shares of its pool.

    A line that takes back bears what this changes of the parts of the other line, so
    that fen by fen no part ends below 0. Any: a row of ``standing``.
    """
    driver, by_name = terms.pools[line["pool"]].driver, dict(sorted(shares.items()))
    moved = []
    for name in PARTS:
        before = line[f"{name}_left"]
        was, now = (
            largest_remainder(total, by_name) for total in (before, before + line[name])
        )
        moved.append({product: now[product] - was[product] for product in shares})
    for product in by_name:
        known = line["pool"], line["voucher"], line["line"], product, driver
        amounts = (part[product] for part in moved)
        yield *known, line["period"], str(shares[product]), *amounts


def is_over(period: str, as_of: date) -> bool:
    """Say whether a month has ended on a day. 2026-06 on 2026-06-30 -> True."""
    return as_of + timedelta(days=1) >= months_later(
        date.fromisoformat(f"{period}-01"), 1
    )


def shares_of(
    name: str, period: str, terms: AssetTerms, counted: pl.DataFrame
) -> Shares:
    """Give the weight of each product in a pool: as stated, or as measured in a month.

    Raises:
        ContractError: A product was not measured, or nothing was used at all.
    """
    pool = terms.pools[name]
    if pool.driver == "shares":
        return pool.shares
    known = counted.filter(driver=pool.driver, period=period)
    found = dict(known.select("product", "quantity").iter_rows())
    missing = [product for product in pool.products if product not in found]
    if missing or not any(found[product] for product in pool.products):
        what = f"nothing of {', '.join(missing)}" if missing else "nothing at all"
        raise ContractError(
            f"pool {name} is shared by {pool.driver}, but {what} was measured in"
            f" {period}: make or meter its products, or state fixed shares"
        )
    return {product: Decimal(found[product]) for product in pool.products}


def borne(
    product: str, vouchers: pl.DataFrame, allocation: pl.DataFrame, decision: Decision
) -> pl.DataFrame:
    """Keep the voucher lines this product bears a part of, with that part.

    ``capitalised`` says which enter the asset: development cost, directly attributable,
    of the days that the decision counts. Research is expensed whatever the outcome, and
    what was expensed once is never capitalised later (财会〔2023〕11号; CAS 6 art. 7).
    A line that takes another back stands under that line's heading, and under its day
    (``headed_on``). What is shared by use is booked at the end of its month, when its
    part is known (``booked_on``).
    """
    own = allocation.filter(
        (pl.col("amount_fen") != 0) | (pl.col("tax_fen") != 0), product=product
    )
    last = (pl.col("period") + "-01").str.to_date("%Y-%m-%d").dt.month_end()
    known_on = pl.when(pl.col("driver") != "shares").then(last)
    parts = own.select(*LINE, "amount_fen", "tax_fen", known_on=known_on)
    direct = ~pl.col("kind").str.strip_chars().str.to_lowercase().is_in(INDIRECT)
    counts = pl.col("incurred_on").is_between(
        pl.lit(decision.since), pl.lit(decision.until)
    )
    headed = vouchers.with_columns(
        capitalised=(pl.col("phase") == "development") & direct & counts,
        headed_on="incurred_on",
    )
    heading = ["phase", "kind", "capitalised", "headed_on"]
    names = pl.concat_str(*LINE, separator="/").alias("reverses")
    back = headed.select(names, pl.col(heading).name.suffix("_back"))
    return (
        headed.join(back, on="reverses", how="left")
        .with_columns(pl.coalesce(f"{name}_back", name).alias(name) for name in heading)
        .drop("amount_fen", "tax_fen", *(f"{name}_back" for name in heading))
        .join(parts, on=LINE)
        .with_columns(booked_on=pl.max_horizontal("incurred_on", "known_on"))
        .sort(LINE)
    )
