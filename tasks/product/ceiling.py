"""Say what operated public data may earn at most in a year 最高准许收入.

Ceiling revenue = operating cost + allowed profit + tax (发改价格〔2025〕65号): cost as
the operator bears it, net of any subsidy, never the department's raw data; the profit a
share of that cost; the tax VAT on both. What is earned above it lowers the ceiling of
the next period.

Cost 800,000.00, profit 5 %, VAT 6 % -> 840,000.00 without tax, 50,400.00 of tax.
"""

from decimal import localcontext
from typing import NamedTuple

from schemas.money import PRECISION, fen, yuan
from schemas.offer import CeilingRules


class Allowed(NamedTuple):
    """The parts of a ceiling revenue, in fen."""

    cost_fen: int
    profit_fen: int
    tax_fen: int

    @property
    def net_fen(self) -> int:
        """Without tax: what invoices are held against, for prices are without tax."""
        return self.cost_fen + self.profit_fen


def ceiling_revenue(cost_fen: int, rules: CeilingRules) -> Allowed:
    """Add profit and tax to a year's operating cost; each rounded once, half up.

    Args:
        cost_fen: Operating cost of the year, net of subsidies, 0 or more.
        rules: The rates.
    """
    with localcontext(prec=PRECISION):
        profit = fen(yuan(cost_fen) * rules.allowed_profit_rate)
        tax = fen(yuan(cost_fen + profit) * rules.vat_rate_services)
    return Allowed(cost_fen, profit, tax)
