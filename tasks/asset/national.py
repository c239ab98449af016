"""Value own-account data as the national accounts do: by the sum of costs.

2025 SNA: compensation × share of the time spent on data + intermediate consumption +
consumption of fixed capital + other taxes on production, and for a market producer a
net return. Observable phenomena themselves are not valued. SNA-01: 240,000 + 60,000 +
40,000 + 5,000 = 345,000, and 5 % of it -> gross output 362,250.00.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.money import exact_fen, fen, yuan
from schemas.national import NationalFen, NationalTerms, NationalValue


class OwnAccount(NamedTuple):
    """What a year of own-account data cost, and what the statistics count."""

    labour: NationalFen
    intermediate: NationalFen
    fixed_capital_consumption: NationalFen
    other_taxes: NationalFen
    net_return: NationalFen

    @property
    def cost(self) -> NationalFen:
        """The sum of costs, without the return: all that a non-market producer has."""
        return NationalFen(sum(self) - self.net_return)

    @property
    def gross_output(self) -> NationalFen:
        """The sum of costs and the return."""
        return NationalFen(sum(self))


def own_account(terms: NationalTerms) -> OwnAccount:
    """Add up the costs of a year; labour and return rounded half up to the fen."""
    others = (
        exact_fen(terms.intermediate),
        exact_fen(terms.fixed_capital_consumption),
        exact_fen(terms.other_taxes_on_production),
    )
    costs = (fen(terms.compensation * terms.data_time_share), *others)
    earned = fen(yuan(sum(costs)) * (terms.net_return or 0))
    return OwnAccount(*map(NationalFen, (*costs, earned)))


def national_value(
    years: Sequence[NationalTerms], entity: str, asset: str
) -> pl.DataFrame:
    """Write each year's statistical value. Contract: NationalValue."""
    return frame_of(
        NationalValue,
        [
            (
                *(entity, asset, terms.year, *found, found.gross_output),
                *(terms.market_producer, terms.source),
            )
            for terms in years
            for found in [own_account(terms)]
        ],
    )
