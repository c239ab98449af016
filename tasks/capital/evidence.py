"""Ask whether data may stand behind a loan: grade, persons, authorisation, age, roots.

Each answer rests on what the stages before have published; what is not there answers
no. Source: Data Security Law, article 21, with GB/T 43697-2024 (grades); PIPL, articles
4, 13, 23, 28-29; 发改数据规〔2025〕27号 and 发改价格〔2025〕65号 (public data);
GB/T 36344-2018, 0502 (renewed in time).
"""

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated

import polars as pl

from schemas.capital import CapitalTerms
from schemas.collateral import Fingerprint
from schemas.compliance import PublicData
from schemas.gates import Gates
from schemas.policy import CapitalRules
from schemas.quality import TOTAL, WHOLE, Indicator, Score
from tasks.quality import shown

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence
PERSONS = ("classification", "consent", "disclosure")
ORIGIN = ("lawful_source", "third_party_rights", "public_data")
RENEWED = "0502"


def reviewed(
    offered: Annotated[pl.DataFrame, Gates], asked: Collection[str]
) -> tuple[bool, str, str]:
    """Read what the gates of the product said: all open, in which words, on what proof.

    Args:
        offered: The gates with which the product was offered.
        asked: Names of gates; one that is missing counts as shut.
    """
    rows = {row["gate"]: row for row in offered.iter_rows(named=True)}
    if missing := [name for name in asked if name not in rows]:
        told = f"the product's review does not say {', '.join(missing)}"
        return False, f"{told}; run its product stage", ""
    mine = [rows[name] for name in asked]
    shut = [row for row in mine if not row["passed"] or not row["evidence"].strip()]
    ground = "; ".join(row["ground"] for row in shut or mine)
    proof = "; ".join(dict.fromkeys(row["evidence"] for row in mine))
    on = mine[0]["decided_on"]
    return not shut, f"{ground} (product gates of {on})", proof


def grade_allows(
    terms: CapitalTerms, rules: CapitalRules, offered: Annotated[pl.DataFrame, Gates]
) -> Answer:
    """Refuse core data, which may not be registered as a tradable right."""
    graded = sorted(terms.graded.items())
    barred = [name for name, one in graded if one in rules.refused_grades]
    if barred:
        grades = sorted({terms.graded[name] for name in barred})
        said = f"{', '.join(barred)} holds {', '.join(grades)} data, which carries no"
        rule = f"{rules.policy}/refused_grades"
        return "grade", False, f"{said} loan; leave it out of the product", rule
    return "grade", *reviewed(offered, ("grade",))


def persons_are_cleared(offered: Annotated[pl.DataFrame, Gates]) -> Answer:
    """Ask for personal information that was classified, consented to and measured."""
    return "personal_information", *reviewed(offered, PERSONS)


def authorised(
    terms: CapitalTerms,
    matures_on: date,
    as_of: date,
    offered: Annotated[pl.DataFrame, Gates],
) -> Answer:
    """Ask for a lawful source, and for public data authorised for as long as the loan.

    Pledged is the operator's right to operate, never the raw data 原始数据不出域.
    """
    cleared, ground, proof = reviewed(offered, ORIGIN)
    wrong = [said for one in terms.public for said in lacks(one, terms, as_of)]
    wrong += [
        f"the authorisation {one.agreement or 'of ' + one.authority} ends on"
        f" {one.valid_to}; the loan matures on {matures_on}"
        for one in terms.public
        if one.valid_to and one.valid_to < matures_on
    ]
    told = "; ".join([*wrong, *([] if cleared and wrong else [ground])])
    return "authorisation", cleared and not wrong, told, proof


def lacks(public: PublicData, terms: CapitalTerms, as_of: date) -> Iterator[str]:
    """Say what an authorised operation of public data does not let the borrower do."""
    if not public.supply.startswith("authorised"):
        return
    named = f"the authorisation {public.agreement or 'of ' + public.authority}"
    if public.valid_from is None or public.valid_to is None:
        yield f"{named} has no term"
    elif as_of < public.valid_from:
        yield f"{named} begins on {public.valid_from} only"
    if public.operator not in (terms.borrower.name, terms.borrower.credit_code):
        yield f"{named} is {public.operator or 'nobody'}'s, not the borrower's"
    if public.raw_leaves:
        yield f"under {named} raw rows leave the domain, which nobody may pledge"


def data_is_free(
    terms: CapitalTerms, rules: CapitalRules, charged: bool
) -> tuple[bool, str]:
    """Say whether the data is free to all, a public good that nobody may charge for."""
    free = sorted({p.supply for p in terms.public if p.supply in rules.free_supplies})
    if free:
        law = "stays free of charge and carries no loan"
        return True, f"public data supplied as {', '.join(free)} {law}"
    return not charged, "charged for or used inside" if charged else "free to all"


def renewed_in_time(
    terms: CapitalTerms, quality: Annotated[pl.DataFrame, Indicator], as_of: date
) -> Answer:
    """Ask for data that are no older than their declared update frequency allows.

    A source that is never renewed 封闭归档 has no age. Of the others the assessment of
    the very day must say that all were renewed in time.
    """
    # By name: a run's body holds them in this order, and must decide the same again.
    often = {n: each for n, each in sorted(terms.renewed.items()) if each != "none"}
    rows = quality.filter(code=RENEWED).to_dicts()
    if len(rows) != 1 or not terms.renewed:
        return "freshness", False, "nobody assessed how old the data are", ""
    (row,) = rows
    proof = f"assessment of {row['factor']} on {row['as_of']}, {RENEWED}"
    if not often and row["a"] == row["b"]:
        said = f"no source is to be renewed: {', '.join(sorted(terms.renewed))}"
        return "freshness", True, said, proof
    declared = ", ".join(f"{n} every {each}" for n, each in often.items())
    told = f"{row['a']} of {row['b']} rules of age kept ({row['fed_by'] or 'none'})"
    passed = row["as_of"] == as_of and row["a"] == row["b"] > 0
    ground = f"{told}, assessed on {row['as_of']}; declared: {declared or 'none'}"
    return "freshness", passed, ground, proof


def quality_reaches(
    terms: CapitalTerms, rules: CapitalRules, score: Annotated[pl.DataFrame, Score]
) -> Answer:
    """Ask for a score no lower than the floor of policy and covenants."""
    floor = max(rules.min_quality, terms.covenants.min_quality or Decimal(0))
    total = score.filter(dimension=TOTAL)["score_ppm"].to_list()
    if len(total) != 1 or total[0] is None:
        return "quality_floor", False, "nothing of the resource was scored", ""
    passed = total[0] >= floor * WHOLE
    ground = f"quality score {shown(total[0])}, at least {floor}"
    return "quality_floor", passed, ground, f"{rules.policy}/min_quality"


def roots_are_known(roots: Annotated[pl.DataFrame, Fingerprint]) -> Answer:
    """Ask for the source tables that a pledge rests on, by what they hold."""
    if roots.is_empty():
        said = "nobody knows which source bytes the asset rests on; run it anew"
        return "collateral_roots", False, said, ""
    rows = int(roots["rows"].sum())
    said = f"{roots.height} source tables of {rows:,} rows: "
    told = ", ".join(sorted(roots["place"]))
    proof = ", ".join(root[:12] for root in sorted(roots["root"]))
    return "collateral_roots", True, said + told, f"sha256 {proof}"


def data_speak(
    terms: CapitalTerms,
    score: Annotated[pl.DataFrame, Score],
    offered: Annotated[pl.DataFrame, Gates],
) -> Answer:
    """Say what the data are evidence of, where nothing is pledged 增信."""
    total = score.filter(dimension=TOTAL).to_dicts()
    named = f"{terms.asset} {terms.version}"
    if len(total) != 1 or total[0]["score_ppm"] is None or offered.is_empty():
        said = f"{named} shows nothing: it was not assessed, or not reviewed"
        return "data_evidence", False, said, ""
    (row,) = total
    said = (
        f"{named} speaks for the borrower with quality score {shown(row['score_ppm'])},"
        f" assessed on {row['as_of']}, and {offered['passed'].sum()} of"
        f" {offered.height} product gates open; nothing is pledged"
    )
    return "data_evidence", True, said, f"assessment of {row['factor']}"
