"""Allocate voucher lines to products by stated shares, to the fen."""

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from schemas.asset import Allocation, AssetTerms
from schemas.contract import frame_of
from schemas.errors import ContractError


def largest_remainder(total: int, shares: Mapping[str, Decimal]) -> dict[str, int]:
    """Split a total so that the parts sum to it; odd fen go to the largest remainders.

    Equal remainders are served in the order of names. 1,000.00 over three equal
    products -> 333.34 + 333.33 + 333.33.
    """
    whole = sum(shares.values())
    exact = {name: total * share / whole for name, share in sorted(shares.items())}
    parts = {name: int(amount) for name, amount in exact.items()}
    rest = total - sum(parts.values())
    by_remainder = sorted(exact, key=lambda name: parts[name] - exact[name])
    for name in by_remainder[:rest]:
        parts[name] += 1
    return parts


def allocate(costs: pl.DataFrame, terms: AssetTerms) -> pl.DataFrame:
    """Split every voucher line over the products of its pool. Contract: Allocation.

    Raises:
        ContractError: A voucher names a pool without stated shares.
    """
    unknown = sorted(set(costs["pool"]) - set(terms.pools))
    if unknown:
        raise ContractError(f"pools {unknown} have no shares: state them in asset.pools")
    rows = [
        (row["pool"], row["voucher"], row["line"], product, str(shares[product]), part)
        for row in costs.iter_rows(named=True)
        for shares in (terms.pools[row["pool"]],)
        for product, part in largest_remainder(row["amount_fen"], shares).items()
    ]
    return frame_of(Allocation, rows)
