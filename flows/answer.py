"""Answer the decision that a product serves: its rows, its picture, what is refused."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from flows.face import table
from flows.released import Released, released
from schemas.contract import Column
from schemas.errors import FactorError, StoreError
from schemas.product import ProductTerms
from tasks import store
from tasks.product.picture import drawn, figures, written

Facts = dict[str, Any]  # JSON
MASK = "•••"
SECRET = ("personal", "sensitive")


def answer_of(name: str, asked: Sequence[str] = ()) -> Facts:
    """Tell the decision, the rows that answer it, and on what terms they may be used.

    Args:
        name: A factor whose product is offered.
        asked: ``column=value`` that a row must have; they come before those of the
            document.

    Raises:
        Refused: A gate of the product is shut.
        StoreError: It was not made yet, or no row is as asked.
        FactorError: A column is named that the product has not.
    """
    offer = released(name)
    terms = offer.terms
    rows = chosen(offer, wanted(terms, asked))
    if asked and rows.is_empty():
        raise StoreError(
            f"no row of {offer.factor} has {', '.join(asked)}; what is not on record is"
            " not known, which is no clean record: ask for a value that it has"
        )
    kept = list(terms.answer.columns) or [c.name for c in terms.columns]
    units = {c.name: c.unit for c in terms.columns if c.unit}
    shown = masked(rows.select(kept), terms.columns).head(terms.answer.limit)
    said = terms.scenario
    return {
        "factor": offer.factor,
        "product": f"{terms.name} {terms.version}",
        "title": terms.title,
        "as_of": str(offer.as_of),
        "user": said.user if said else "",
        "decision": said.decision if said else "",
        "metric": said.metric if said else "",
        "matching": rows.height,
        "of": offer.ref.rows,
        "columns": kept,
        "units": {n: u for n, u in units.items() if n in kept},
        "rows": [[written(v) for v in row] for row in shown.rows()],
        "licence": terms.licence.name,
        "permissions": list(terms.licence.permissions),
        "prohibitions": list(terms.licence.prohibitions),
        "duties": list(terms.licence.duties),
        "attribution": terms.licence.attribution,
        "prohibited_uses": said.prohibited_uses if said else {},
        "artifact": offer.ref.id,
    }


def wanted(terms: ProductTerms, asked: Sequence[str]) -> dict[str, str]:
    """Say which values rows must have: those asked for, else those of the document."""
    if not asked:
        return dict(terms.answer.where)
    return dict(pair(one, terms.columns) for one in asked)


def chosen(offer: Released, only: Mapping[str, str]) -> pl.DataFrame:
    """Read the product's rows that answer, in the order that the document says."""
    reading = offer.terms.answer
    rows = store.scan(store.current(), offer.ref).collect()
    rows = rows.filter(*(pl.col(n).cast(pl.String) == v for n, v in only.items()))
    names = [name.removeprefix("-") for name in reading.sort]
    down = [name.startswith("-") for name in reading.sort]
    return rows.sort(names, descending=down, nulls_last=True) if names else rows


def pair(asked: str, columns: Sequence[Column]) -> tuple[str, str]:
    """Split ``county=cork``.

    Raises:
        FactorError: It is no pair, or the product has no such column.
    """
    name, equals, value = asked.partition("=")
    known = [c.name for c in columns if c.classification not in SECRET]
    if not equals or name not in known:
        raise FactorError(
            f"--where {name}: write COLUMN=VALUE with one of {', '.join(known)}"
        )
    return name, value


def masked(rows: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Put dots in place of values that are not for every eye."""
    secret = {c.name for c in columns if c.classification in SECRET}
    return rows.with_columns(
        pl.when(pl.col(n).is_not_null()).then(pl.lit(MASK)).alias(n)
        for n in rows.columns
        if n in secret
    )


def write_plot(name: str, file: Path, asked: Sequence[str] = ()) -> None:
    """Draw the picture of a product's answer as an SVG file.

    Raises:
        FactorError: The document says no picture, or one that its rows do not give.
    """
    offer = released(name)
    plot = offer.terms.answer.plot
    if plot is None:
        raise FactorError(
            f"{offer.factor}: product.answer says no plot; write kind, label and value"
        )
    secret = {c.name for c in offer.terms.columns if c.classification in SECRET}
    if hidden := sorted(secret.intersection(plot.columns)):
        raise FactorError(
            f"{offer.factor}: the plot would show {', '.join(hidden)}, classified as"
            " personal or sensitive; draw a column that is not"
        )
    only = wanted(offer.terms, asked)
    made = figures(chosen(offer, only), plot)
    if made.is_empty():
        raise FactorError(f"{offer.factor}: no row has a figure to draw; widen --where")
    file.write_text(drawn(offer.terms, plot, made, only), "utf-8")


def show_answer(console: Console, facts: Facts) -> None:
    """Show the decision, the rows that answer it, licence and prohibited uses."""
    console.print(
        f"{facts['title']} ({facts['product']}, as of {facts['as_of']})", markup=False
    )
    console.print(f"\n{facts['user']} decides 决策:", markup=False)
    console.print(f"  {facts['decision']}", markup=False)
    heads = [f"{n} ({facts['units'][n]})" if n in facts["units"] else n
             for n in facts["columns"]]  # fmt: skip
    shown, matching = len(facts["rows"]), facts["matching"]
    told = f"\n{shown} of {matching:,} rows"
    console.print(table(told, heads, facts["rows"]))
    may = ", ".join(facts["permissions"]) or "nothing"
    may_not = ", ".join(facts["prohibitions"]) or "–"
    console.print(f"\nlicence 许可 {facts['licence']}", markup=False)
    console.print(f"  may: {may}; may not: {may_not}", markup=False)
    if facts["duties"]:
        console.print(f"  must: {', '.join(facts['duties'])}", markup=False)
    if facts["attribution"]:
        console.print(f"  attribution: {facts['attribution']}", markup=False)
    console.print("prohibited uses 禁止用途", markup=False)
    for name, words in facts["prohibited_uses"].items():
        console.print(f"  {name}: {words}", markup=False)
