"""Book what was invoiced: revenue with output VAT, and the cost of inventory sold.

An invoice is without tax; VAT is computed per invoice and rounded half up to the fen.
What an invoice takes back of an earlier one is taxed apart, so that a reversal takes
back the very tax. An invoice that is known after its month was closed is revenue of the
open month.

Data held for sale is one item: it is bought out by the first invoice, and all it cost
leaves with it (CAS 1 art. 14). What is licensed again and again is an intangible asset.
"""

from decimal import Decimal
from typing import Annotated

import polars as pl

from schemas.close import CloseTerms
from schemas.measurement import Finding, Total
from schemas.registers import (
    LEAVING,
    AssetCard,
    AssetEvent,
    Invoice,
    JournalLine,
    Order,
)
from tasks.asset.impair import sides

KEY = ["entity", "asset"]


def vat(amount: pl.Expr, rate: Decimal) -> pl.Expr:
    """Compute the tax on an amount, half up to the fen, the same for its reversal.

    0.06 of 8.25 -> 0.50 (0.495), of −8.25 -> −0.50.
    """
    part, whole = rate.as_integer_ratio()
    size = amount.abs().cast(pl.Int128)  # fen times a rate's digits may not fit 64 bits
    return amount.sign() * ((2 * size * part + whole) // (2 * whole)).cast(pl.Int64)


def invoiced(
    invoices: Annotated[pl.DataFrame, Invoice],
    orders: Annotated[pl.DataFrame, Order],
    cards: Annotated[pl.DataFrame, AssetCard],
    journal: Annotated[pl.DataFrame, JournalLine],
    terms: CloseTerms,
) -> pl.DataFrame:
    """Sum up each invoice up to the month that the journal does not know yet.

    ``asset`` is empty where the product is of no asset. Columns: entity, asset,
    voucher, period, net_fen, tax_fen.
    """
    booked = journal.filter(event="revenue").select("entity", invoice="voucher")
    assets = cards.select("entity", "factor", "product", "asset").unique(
        ["entity", "factor", "product"], keep="last", maintain_order=True
    )
    made = orders.join(assets, on=["entity", "factor", "product"], how="left")
    whose = made.select("order", pl.col("asset").fill_null(""))
    parts = (
        invoices.filter(pl.col("period") <= terms.period)
        .join(booked, on=["entity", "invoice"], how="anti")
        .group_by("entity", "invoice", "order", "period", pl.col("reverses") != "")
        .agg(net_fen=pl.col("amount_fen").sum())
        .with_columns(tax_fen=vat(pl.col("net_fen"), terms.rules.vat_rate_services))
    )
    summed = parts.group_by("entity", "invoice", "order", "period").agg(
        pl.col("net_fen", "tax_fen").sum()
    )
    return (
        summed.join(whose, on="order", how="left")
        .with_columns(pl.col("asset").fill_null(""), voucher="invoice")
        .select(*KEY, "voucher", "period", "net_fen", "tax_fen")
        .sort(*KEY, "voucher")
    )


def revenue_sides(bills: pl.DataFrame) -> pl.DataFrame:
    """Write the entries of invoices: 1122 / 6001, 2221 (CAS 14).

    100.00 and 6.00 of VAT -> 106.00 / 100.00, 6.00. Columns of Side, and period.
    """
    net, tax = pl.col("net_fen"), pl.col("tax_fen")
    known = bills.with_columns(event=pl.lit("revenue"), decision="voucher")
    lines = sides(known, {"receivable": net + tax, "revenue": -net, "output_vat": -tax})
    periods = bills.select(*KEY, "period", decision="voucher")
    return lines.join(periods, on=[*KEY, "decision"], how="left")


def sale_sides(
    bills: pl.DataFrame,
    left: Annotated[pl.DataFrame, Total],
    found: Annotated[pl.DataFrame, Finding],
    decisions: Annotated[pl.DataFrame, AssetEvent],
) -> pl.DataFrame:
    """Write the cost of inventory that is bought out: 6401, 1471 / 1405.

    Args:
        bills: What is newly invoiced.
        left: What is carried before the month's decisions.
        found: Provisions of the month, which leave with the cost.
        decisions: What leaves the books otherwise is not sold.

    Returns:
        Columns of Side, and period; the voucher is the first invoice.
    """
    gone = decisions.filter(pl.col("event").is_in(LEAVING))
    provided = found.filter(event="provision").group_by(KEY)
    change = provided.agg(pl.col("change_fen").sum())
    first = bills.filter(pl.col("net_fen") > 0).sort("voucher").group_by(KEY).first()
    sold = (
        left.filter(pl.col("gross_fen") > 0, kind="inventory")
        .join(gone, on=KEY, how="anti")
        .join(first, on=KEY)
        .join(change, on=KEY, how="left")
    )
    cost = pl.col("gross_fen")
    against = pl.col("impaired_fen") + pl.col("change_fen").fill_null(0)
    known = sold.with_columns(event=pl.lit("sell"), decision="voucher")
    amounts = {
        "cost_of_sales": cost - against,
        "provision": against,
        "inventory": -cost,
    }
    periods = sold.select(*KEY, "period", decision="voucher")
    return sides(known, amounts).join(periods, on=[*KEY, "decision"], how="left")
