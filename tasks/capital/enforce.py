"""Enforce a pledge: step into the right to operate, and pay out what it brings.

A pledgee may take its due out of the proceeds first, not keep the pledged right in
their place (Civil Code arts. 425, 428): what is left is the pledgor's. The order within
a claim is costs, interest, principal (art. 561); a junior pledge comes after all of the
senior one (art. 414).
"""

from datetime import date
from typing import Annotated, Any

import polars as pl

from schemas.contract import frame_of
from schemas.enforcement import (
    COSTS,
    INTEREST,
    PRINCIPAL,
    SURPLUS,
    Claim,
    RealisationTerms,
    Satisfied,
    StepInTerms,
    SteppedIn,
)
from schemas.errors import ContractError
from schemas.gates import Gates
from schemas.money import exact_fen
from schemas.portfolio import Covered
from schemas.registers import Dispute, Right
from schemas.rights import SCOPE
from tasks.capital.waterfall import pour
from tasks.rights import UNDISPUTED, Registered, disputed, registered, standing

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence


def enforce(
    claims: Annotated[pl.LazyFrame, Claim], terms: RealisationTerms
) -> Annotated[pl.LazyFrame, Satisfied]:
    """Pay proceeds out: costs, then rank by rank interest and principal, then the rest.

    Args:
        claims: What each pledge of the asset secures.
        terms: What came in and what it cost.

    Raises:
        ContractError: Two pledges have one rank, or nothing is claimed.

    1,000.00 of proceeds, costs 50.00, interest 100.00, principal 700.00 -> these, and
    150.00 to the pledgor.
    """
    ranked = claims.sort("rank").collect()
    if ranked.is_empty():
        raise ContractError("proceeds to pay out, but no claim: name what is secured")
    if ranked["rank"].is_duplicated().any():
        raise ContractError("two pledges have one rank: rank them by registration")
    owed = [(COSTS, "", terms.enforcer, exact_fen(terms.costs))]
    for claim in ranked.iter_rows(named=True):
        for part in (INTEREST, PRINCIPAL):
            due = claim[f"{part}_fen"]
            owed.append((part, claim["agreement"], claim["lender"], due))
    *paid, rest = pour(exact_fen(terms.proceeds), [due for *_, due in owed])
    owed.append((SURPLUS, "", terms.pledgor, rest))
    rows = [
        (position, *line, got, line[-1] - got)
        for position, (line, got) in enumerate(
            zip(owed, [*paid, rest], strict=True), start=1
        )
    ]
    return frame_of(Satisfied, rows).lazy()


def step_in(
    covered: Annotated[pl.LazyFrame, Covered],
    rights: Annotated[pl.LazyFrame, Right],
    terms: StepInTerms,
    as_of: date,
    disputes: Annotated[pl.LazyFrame, Dispute] = UNDISPUTED,
) -> SteppedIn:
    """Transfer the right to operate to the lender, if the loan is in default.

    The lender operates and collects in the pledgor's place until the debt is paid or
    the right is sold; either ends in another transfer.

    Args:
        covered: How the loan stands on the day.
        rights: Right events over the asset.
        terms: Who takes over, from whom, by which document.
        as_of: First day on which the lender holds the right.
        disputes: Disputes over the factor or its asset.

    Returns:
        Gates first; then a transfer for every certificate under which the pledgor
        operates on the day.
    """
    events = rights.collect()
    held = standing(events, "operate", as_of, terms.pledgor)
    names = (terms.factor, terms.asset)
    gates = [
        in_default(covered.collect(), terms),
        ("right_to_operate", held.live, held.ground, held.evidence),
        disputed(disputes.collect(), names, as_of),
    ]
    rows = [
        tuple(transfer(one, terms, as_of).values())
        for one in registered(events, "operate")
        if any(
            spell.first <= as_of <= spell.last and spell.holder == terms.pledgor
            for spell in one.spells()
        )
    ]
    posted = rows if all(passed for _, passed, _, _ in gates) else []
    return SteppedIn(
        gates=frame_of(Gates, [(*gate, as_of) for gate in gates]).lazy(),
        rights=frame_of(Right, posted).lazy(),
    )


def in_default(covered: pl.DataFrame, terms: StepInTerms) -> Answer:
    """Ask whether the loan is in default."""
    states = covered.filter(request=terms.agreement)["state"].to_list()
    said = f"{terms.agreement} stands at {states[0] if states else 'nothing known'}"
    return "default", states == ["default"], said, terms.evidence


def transfer(one: Registered, terms: StepInTerms, on: date) -> dict[str, Any]:
    """Write the transfer of a right to the lender; nothing but the holder moves."""
    changes = [e for e in one.of("change") if e["effective_on"] <= on]
    scope = [one.grant, *changes][-1]
    return {
        **one.grant,
        **{name: scope[name] for name in SCOPE},
        "event": "transfer",
        "holder": terms.lender,
        "basis": terms.basis,
        "evidence": terms.evidence,
        "evidence_sha256": terms.evidence_sha256,
        "effective_on": on,
        "valid_to": one.last_term,
        "number": 1 + max((e["number"] for e in one.of("transfer")), default=0),
    }
