"""Write the notes: what must be told of each asset, and what its owner tells beside it.

Mandatory: kind, life or the reason of an indefinite one, method, changes of estimate,
individually material items, impairment, and of inventory how cost and net realisable
value are found. Source: 财会〔2023〕11号 三; CAS 6 art. 24, CAS 1 art. 22, CAS 8
art. 26.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any

import polars as pl

from schemas.contract import frame_of
from schemas.disclosure import Carried, DiscloseTerms, Note
from schemas.money import shown
from schemas.registers import AssetCard, AssetEvent
from tasks.asset.disclose.lines import latest

ESTIMATES = ["method", "life_months", "residual_fen", "units", "right_ends"]
Row = Mapping[str, Any]  # Any: a register row
Said = tuple[str, str, str, str, str, object, str]


def notes(
    cards: Annotated[pl.DataFrame, AssetCard],
    decisions: Annotated[pl.DataFrame, AssetEvent],
    carried: Annotated[pl.DataFrame, Carried],
    terms: DiscloseTerms,
) -> Annotated[pl.DataFrame, Note]:
    """Write all notes, asset by asset; mandatory ones first.

    Args:
        cards: Of the entity's assets.
        decisions: Of the entity; those of the periods are told.
        carried: What is carried of each asset.
        terms: Whose statement, with the voluntary text.
    """
    rows: list[Said] = []
    for card in latest(cards, terms.span).sort("asset").to_dicts():
        rows += about(card)
    rows += [*changes(cards, terms), *material(carried), *tested(decisions, terms)]
    must = sorted(rows, key=lambda row: row[1])  # stable: an asset's notes in order
    may = [("voluntary", *asked) for asked in voluntary(terms)]
    return frame_of(Note, [(n, *row) for n, row in enumerate([*must, *may], 1)])


def about(card: Row) -> Iterator[Said]:
    """Say how one asset is carried."""
    at = f"asset card {card['number']}"

    def said(item: str, text: object) -> Said:
        return ("mandatory", card["asset"], item, str(text), "", None, at)

    yield said("kind", card["kind"])
    if card["kind"] == "not recognised":
        return
    yield said("origin", card["origin"])
    if card["kind"] == "inventory":
        yield said("cost_method", "specific")
        yield said("nrv", "price_less_costs")
        return
    yield said("serves", card["serves"])
    if card["available_from"] is not None:
        yield said("available_from", card["available_from"])
    if card["life_months"] is None:
        yield said("indefinite", card["life_basis"])
        return
    yield said("life_months", card["life_months"])
    yield said("life_basis", card["life_basis"])
    yield said("method", card["method"])
    if card["units"] is not None:
        yield said("units", card["units"])
    yield said("residual", shown(card["residual_fen"]))
    if card["right_ends"] is not None:
        yield said("right_ends", card["right_ends"])


def changes(cards: pl.DataFrame, terms: DiscloseTerms) -> Iterator[Said]:
    """Say which estimates changed in the periods; they work forward only (CAS 28)."""
    for _, mine in cards.sort("number").group_by("asset", maintain_order=True):
        rows = mine.to_dicts()
        for before, after in pairwise(rows):
            on = after["effective_on"]
            if not terms.first <= f"{on:%Y-%m}" <= terms.last:
                continue
            for name in (n for n in ESTIMATES if before[n] != after[n]):
                was, now = (figure(name, card[name]) for card in (before, after))
                at = f"asset card {after['number']}"
                item = f"change_{name.removesuffix('_fen')}"
                yield ("mandatory", after["asset"], item, now, was, on, at)


def figure(name: str, value: object) -> str:
    """Write an estimate; what there is none of is empty."""
    if value is None:
        return ""
    return shown(int(str(value))) if name.endswith("_fen") else str(value)


def material(carried: pl.DataFrame) -> Iterator[Said]:
    """Name the individually material assets with carrying amount and months left."""
    for row in carried.filter("material").to_dicts():
        left = "" if row["months_left"] is None else str(row["months_left"])
        amount = shown(row["carrying_fen"])
        yield ("mandatory", row["asset"], "material", amount, left, None, row["line"])


def tested(decisions: pl.DataFrame, terms: DiscloseTerms) -> Iterator[Said]:
    """Say what was decided of impairment, provision and derecognition, and why."""
    month = pl.col("decided_on").dt.to_string("%Y-%m")
    mine = decisions.filter(month.is_between(pl.lit(terms.first), pl.lit(terms.last)))
    for d in mine.sort("asset", "decided_on", "decision").to_dicts():
        at = f"decision {d['decision']}, {d['evidence']}"
        yield (
            *("mandatory", d["asset"], f"decided_{d['event']}"),
            *(d["reason"], basis(d), d["decided_on"], at),
        )


def basis(decision: Row) -> str:
    """Write the figures of a test. Price 100.00, costs 20.00 -> ``100.00 − 20.00``."""
    price, costs, tax, use = (
        decision[f"{n}_fen"] for n in ("fair_value", "costs", "tax", "value_in_use")
    )
    less = [shown(v) for v in (costs, tax) if v]
    sale = " − ".join([shown(price), *less]) if price is not None else ""
    worth = shown(use) if use is not None else ""
    return "; ".join(text for text in (sale, worth) if text)


def voluntary(terms: DiscloseTerms) -> Iterator[tuple[str, str, str, str, None, str]]:
    """Tell what the documents say of use, source, processing, rights and charges."""
    for one in sorted(terms.told, key=lambda told: told.asset):
        yield one.asset, one.item, one.said, "", None, one.source
