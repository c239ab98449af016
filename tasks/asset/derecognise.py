"""Take an asset out of the books: disposed of, expired, or given for equity.

The carrying amount leaves whole, with the amortisation and impairment that stood
against cost. What is received beyond it is a gain, what is missing a loss: of a
disposal or a contribution account 6115 (CAS 6 art. 22), of a right that expired or
brings nothing any more 6711 (art. 23). Proceeds are without VAT, which is owed apart.

Cost 80,000.00, amortised 20,000.00, sold for 64,600.00 and 3,400.00 of tax -> bank
68,000.00, gain 4,600.00 (https://51a.net/549266695.html).
"""

from typing import Annotated

import polars as pl

from schemas.errors import ContractError
from schemas.measurement import Side, Total
from schemas.registers import LEAVING, AssetEvent
from tasks.asset.impair import carried, sides

Lines = list[tuple[str, int]]  # role, debit > 0, credit < 0
RECEIVED = {"dispose": "bank", "contribute": "investment"}


def derecognise(
    event: str,
    gross: int,
    amortised: int,
    impaired: int,
    proceeds: int = 0,
    tax: int = 0,
) -> Lines:
    """Write the entry of one asset that leaves the books; the lines sum to 0.

    Args:
        event: dispose, contribute or expire.
        gross: Cost in the books, in fen.
        amortised: Up to the month before: the month of derecognition bears none.
        impaired: Likewise.
        proceeds: What is received for it, of an equity its agreed value, without tax.
        tax: Output VAT; a contribution is a deemed sale.

    dispose: 1002, 1702, 1703 / 1701, 2221, ±6115. contribute: 1511 in place of 1002.
    expire: 1702, 1703, 6711 / 1701.
    """
    lines = [("amortisation", amortised), ("impairment", impaired)]
    carrying = gross - amortised - impaired
    if event == "expire":
        lines += [("nonoperating_loss", carrying)]
    else:
        lines += [(RECEIVED[event], proceeds + tax), ("output_vat", -tax)]
        lines += [("disposal", carrying - proceeds)]
    return [line for line in (*lines, ("intangible", -gross)) if line[1]]


def derecognition_sides(
    decisions: Annotated[pl.DataFrame, AssetEvent],
    totals: Annotated[pl.DataFrame, Total],
) -> Annotated[pl.DataFrame, Side]:
    """Write the entries of many assets that leave the books in a month.

    Args:
        decisions: All of the month; at most one an asset lets it leave. Inventory can
            lapse (expire: 1471, 6711 / 1405), its sale is an invoice.
        totals: As of the month before; nothing is charged in the month.

    Raises:
        ContractError: An asset leaves twice, is not in the books or of another kind; a
            disposal or contribution lacks its proceeds, or an expiry brings some.
    """
    leaving = decisions.filter(pl.col("event").is_in(LEAVING))
    expired, held = pl.col("event") == "expire", pl.col("kind") == "inventory"
    refuse_unclear(leaving)
    parts = [carried(leaving, "expire", totals, ["intangible", "inventory"])]
    parts += [carried(leaving, event, totals, ["intangible"]) for event in RECEIVED]
    gross, impaired = pl.col("gross_fen"), pl.col("impaired_fen")
    tax, got = pl.col("tax_fen").fill_null(0), pl.col("proceeds_fen")
    amounts = {
        "amortisation": pl.col("amortised_fen"),
        "impairment": pl.when(held).then(0).otherwise(impaired),
        "provision": pl.when(held).then(impaired).otherwise(0),
        "nonoperating_loss": pl.when(expired).then("carrying_fen").otherwise(0),
        **{
            role: pl.when(pl.col("event") == event).then(got + tax).otherwise(0)
            for event, role in RECEIVED.items()
        },
        "output_vat": pl.when(expired).then(0).otherwise(-tax),
        "disposal": pl.when(expired).then(0).otherwise(pl.col("carrying_fen") - got),
        "intangible": pl.when(held).then(0).otherwise(-gross),
        "inventory": pl.when(held).then(-gross).otherwise(0),
    }
    return sides(pl.concat(parts), amounts)


def refuse_unclear(leaving: pl.DataFrame) -> None:
    """Refuse what would leave twice, or without the figures its event needs.

    Raises:
        ContractError: As said, with how many.
    """
    twice = leaving.select("entity", "asset").is_duplicated().sum()
    expired, bare = pl.col("event") == "expire", pl.col("proceeds_fen").is_null()
    some = pl.sum_horizontal("proceeds_fen", "tax_fen") > 0
    grounds = {
        "let an asset leave the books that another decision lets leave": twice,
        "lack the proceeds": leaving.filter(~expired & bare).height,
        "let a right expire for proceeds: book a disposal": leaving.filter(
            expired & some
        ).height,
    }
    for said, count in grounds.items():
        if count:
            raise ContractError(f"{count} decisions {said}; correct them")
