"""Ask whether a product may be offered: nothing personal by oversight, a lawful price.

A finding that proposes ``personal`` or ``sensitive`` for a column that nobody has
classified shuts the gate; a person opens it by writing ``classification:`` on that
column in the document. It fails closed: without findings it stays shut.

2 columns decided, 3 undecided, a mobile in one of them -> shut, naming that column.
"""

from collections.abc import Iterable, Iterator

import polars as pl

from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.grade import reason
from schemas.rights import Claim
from tasks.product.case import Answer, Case, Question
from tasks.product.price import price_is_allowed
from tasks.rights import lacking

SHOWN = 8  # columns in a sentence


def answered(case: Case, questions: Iterable[Question]) -> pl.DataFrame:
    """Ask every question of a case; all answers at once. Contract: Gates.

    An answer without evidence does not pass, whatever it says.
    """
    answers = [held_to_proof(answer) for ask in questions for answer in ask(case)]
    return frame_of(Gates, [(*answer, case.as_of) for answer in answers])


def held_to_proof(answer: Answer) -> Answer:
    """Shut a gate that would pass with nothing to show."""
    gate, passed, ground, evidence = answer
    if passed and not evidence.strip():
        return gate, False, f"{ground}, but nothing shows it; name the evidence", ""
    return answer


def classification(case: Case) -> Iterator[Answer]:
    """Ask that no column that nobody has classified looks personal."""
    findings = case.findings
    open_ = findings.filter(~pl.col("decided"))
    asked = open_.filter(pl.col("proposed").is_in(["personal", "sensitive"]))
    passed = findings.height > 0 and asked.is_empty()
    yield "classification", passed, ground(asked), evidence(findings)


def price(case: Case) -> Iterator[Answer]:
    """Ask whether the price is lawful: guide price, and public data that are free."""
    asked = case.terms.price
    allowed, ground = price_is_allowed(asked, case.terms.compliance)
    source = asked.ceiling.source if asked.ceiling else "product.price"
    yield "price", allowed, ground, source


def rights(case: Case) -> Iterator[Answer]:
    """Hold the product to the rights over the assets that its inputs come of.

    Licences and agreements have gates of their own; an asset's rights are registered.
    """
    terms, kinds = case.terms, ["process", "operate"]
    titles = [t for t in terms.titles if t.by == "right"]
    if terms.release == "enclave":  # nothing is handed on
        kinds = kinds[:1]
    wrong = [said for kind in kinds for said in lacking(claimed(case, kind), titles)]
    proof = "; ".join(dict.fromkeys(t.evidence for t in titles)) or "product inputs"
    told = f"{len({t.input for t in titles})} inputs come of registered assets"
    yield "rights", not wrong, "; ".join(wrong) or told, proof


def claimed(case: Case, right: str) -> Claim:
    """Say which right the provider would exercise by offering the product."""
    terms = case.terms
    return Claim.model_validate(
        {
            "right": right,
            "holder": terms.provider.name if terms.provider else "",
            "first": case.as_of,
            "last": case.as_of,
            "field": terms.scenario.industry if terms.scenario else "",
            "territory": terms.licence.territory,
        }
    )


def ground(asked: pl.DataFrame) -> str:
    """Name the columns to be decided, each with what was counted in it."""
    if asked.is_empty():
        return "no column that nobody has classified looks personal"
    told = [
        f"{name} ({'; '.join(map(reason, rows.iter_rows(named=True)))})"
        for (name,), rows in asked.group_by("column", maintain_order=True)
    ]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return (
        f"nobody has classified {', '.join(told[:SHOWN])}{more}; write classification:"
        " public, internal, personal or sensitive on each of these columns"
    )


def evidence(findings: pl.DataFrame) -> str:
    """Count the columns that were decided, looked at and told apart."""
    columns = findings.select("column", "decided").unique()
    read = findings.filter(pl.col("examined") > 0)["column"].n_unique()
    sample = findings.select(pl.col("sample").max().fill_null(0)).to_series()[0]
    return (
        f"{columns.height} columns: {columns['decided'].sum()} classified by a person,"
        f" {read} of text or digits read in the first {sample:,} rows,"
        f" {findings['matched'].sum():,} matches"
    )
