"""Trace cost to products: voucher lines, allocated by stated shares, to the fen."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

import polars as pl

from schemas.asset import Allocation, AssetTerms
from schemas.contract import frame_of
from schemas.errors import ContractError
from schemas.registers import Cost
from tasks.asset.recognize import Decision


def incurred(costs: pl.LazyFrame, entity: str, as_of: date) -> pl.DataFrame:
    """Turn the vouchers up to a day into register rows. Contract: Cost.

    A line without evidence keeps an empty text: a gate refuses it.
    """
    rows = costs.rename({"amount": "amount_fen"}).with_columns(
        pl.col("evidence", "file_sha256", "reverses").fill_null(""),
        entity=pl.lit(entity),
    )
    until = rows.filter(pl.col("incurred_on") <= as_of)
    return (
        until.select(list(Cost.to_schema().columns)).sort("voucher", "line").collect()
    )


def largest_remainder(
    total: int, shares: Mapping[str, Decimal | Fraction]
) -> dict[str, int]:
    """Split a total so that the parts sum to it; odd fen go to the largest remainders.

    Equal remainders are served in the order of names. 1,000.00 over three equal
    products -> 333.34 + 333.33 + 333.33.
    """
    whole = sum(Fraction(share) for share in shares.values())
    exact = {n: total * Fraction(s) / whole for n, s in sorted(shares.items())}
    parts = {name: int(amount) for name, amount in exact.items()}
    rest = total - sum(parts.values())
    by_remainder = sorted(exact, key=lambda name: parts[name] - exact[name])
    return parts | {name: parts[name] + 1 for name in by_remainder[:rest]}


def allocate(vouchers: pl.DataFrame, terms: AssetTerms) -> pl.DataFrame:
    """Split every voucher line over the products of its pool. Contract: Allocation.

    Raises:
        ContractError: A voucher names a pool without stated shares.
    """
    unknown = vouchers.filter(~pl.col("pool").is_in(list(terms.pools)))
    if unknown.height:
        raise ContractError(
            f"{unknown.height} voucher lines name a pool without shares (there are"
            f" {sorted(terms.pools)}): state its shares in asset.pools"
        )
    rows = [
        (pool, voucher, line, product, str(terms.pools[pool][product]), part)
        for pool, voucher, line, amount in vouchers.select(
            "pool", "voucher", "line", "amount_fen"
        ).iter_rows()
        for product, part in largest_remainder(amount, terms.pools[pool]).items()
    ]
    return frame_of(Allocation, rows)


def borne(
    product: str, vouchers: pl.DataFrame, allocation: pl.DataFrame, decision: Decision
) -> pl.DataFrame:
    """Keep the voucher lines this product bears a part of, with that part.

    ``capitalised`` says which enter the asset: development cost of the days that the
    decision counts. Research is expensed whatever the outcome, and what was expensed
    once is never capitalised later (财会〔2023〕11号; CAS 6 art. 7).
    """
    own = allocation.filter(pl.col("amount_fen") > 0, product=product)
    lines = vouchers.drop("amount_fen").join(
        own.select("voucher", "line", "amount_fen"), on=["voucher", "line"]
    )
    counts = pl.col("incurred_on").is_between(
        pl.lit(decision.since), pl.lit(decision.until)
    )
    developing = pl.col("phase") == "development"
    return lines.with_columns(capitalised=developing & counts).sort("voucher", "line")
