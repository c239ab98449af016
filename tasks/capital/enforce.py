"""Enforce a pledge: step into the right to operate, and pay out what it brings.

A pledgee may take its due out of the proceeds first, not keep the pledged right in
their place (Civil Code arts. 425, 428): what is left is the pledgor's. The order within
a claim is costs, interest, principal (art. 561); a junior pledge comes after all of the
senior one (art. 414).
"""

from collections.abc import Sequence
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
    Overdue,
    RealisationTerms,
    Satisfied,
    StepInTerms,
    SteppedIn,
)
from schemas.errors import ContractError
from schemas.gates import Gates
from schemas.money import exact_fen
from schemas.registers import CoverState, Dispute, Pledge, PledgeEvent, Right
from tasks.capital.handover import Handover, hand_over
from tasks.capital.waterfall import pour
from tasks.pledged import Held, held
from tasks.rights import UNDISPUTED, disputed

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
    cover: Annotated[pl.LazyFrame, CoverState],
    rights: Annotated[pl.LazyFrame, Right],
    pledges: Annotated[pl.LazyFrame, Pledge],
    events: Annotated[pl.LazyFrame, PledgeEvent],
    terms: StepInTerms,
    as_of: date,
    disputes: Annotated[pl.LazyFrame, Dispute] = UNDISPUTED,
) -> SteppedIn:
    """Transfer the right to operate to the lender, if the loan is in default.

    The lender operates and collects in the pledgor's place until the debt is paid or
    the right is sold; either ends in another transfer. Stepping in again by the same
    document on the same day posts nothing.

    Args:
        cover: States of the pledge as the watch recorded them.
        rights: Right events over the asset.
        pledges: Pledges of the pledgor's entity.
        events: What happened to these pledges.
        terms: Who takes over, from whom, by which document.
        as_of: First day on which the lender holds the right.
        disputes: Disputes over the factor or its asset.

    Returns:
        Gates first; then a transfer for every certificate under which the pledgor
        operates on the day, and the event of the pledge.
    """
    moved = hand_over(rights.collect(), handover(terms, as_of))
    known = held(pledges.collect().to_dicts(), events.collect().to_dicts(), ())
    names = (terms.factor, terms.asset)
    gates = [
        in_default(cover.collect(), terms.agreement, terms.overdue, as_of),
        first_in_rank(known, terms),
        ("right_to_operate", moved.held.live, moved.held.ground, moved.held.evidence),
        disputed(disputes.collect(), names, as_of),
    ]
    done = all(passed for _, passed, _, _ in gates)
    rows = [stepped_in(one, terms, as_of) for one in known] if done else []
    mine = [tuple(row.values()) for row in rows if row["request"] == terms.agreement]
    return SteppedIn(
        gates=frame_of(Gates, [(*gate, as_of) for gate in gates]).lazy(),
        rights=(moved.transfers if done else moved.transfers.clear()).lazy(),
        event=frame_of(PledgeEvent, mine).lazy(),
    )


def handover(terms: StepInTerms, on: date) -> Handover:
    """Say by what the pledgor's right to operate goes to the lender."""
    return Handover(
        giver=terms.pledgor,
        taker=terms.lender,
        on=on,
        basis=terms.basis,
        evidence=terms.evidence,
        evidence_sha256=terms.evidence_sha256,
    )


def in_default(
    cover: pl.DataFrame, agreement: str, overdue: Overdue | None, on: date
) -> Answer:
    """Ask for a default: recorded by the watch, or by days past due.

    Neither known is no default. 91 days past due, more than 90 -> a default.
    """
    if overdue and overdue.days > overdue.above:
        said = f"{agreement} is {overdue.days} days past due, more than {overdue.above}"
        return "default", True, said, overdue.rule
    late = f"; {overdue.days} days past due are no default" if overdue else ""
    past = cover.filter(pl.col("request") == agreement, pl.col("watched_on") <= on)
    if past.is_empty():
        said = f"nothing is recorded of how {agreement} stands on {on}: watch it first"
        return "default", False, said + late, "register CoverState"
    last = past.sort("number").row(-1, named=True)
    said = f"{agreement} stands at {last['state']} since {last['watched_on']}"
    ground = f"{said}: {last['ground']}" if last["ground"] else said
    passed = last["state"] == "default"
    return "default", passed, ground if passed else ground + late, "register CoverState"


def first_in_rank(known: Sequence[Held], terms: StepInTerms) -> Answer:
    """Ask for a live pledge of the asset that nobody's ranks before."""
    live = [one for one in known if one.secured.get(terms.asset, 0) > 0]
    mine = [one for one in live if one.request == terms.agreement]
    if not mine:
        said = f"{terms.asset} secures nothing of {terms.agreement}"
        return "pledge", False, said, "register Pledge"
    rank = mine[0].pledge["rank"]
    before = sorted(one.request for one in live if one.pledge["rank"] < rank)
    said = f"of rank {rank}" + (f", behind {', '.join(before)}" if before else "")
    return "pledge", not before, f"{terms.agreement} is {said}", "register Pledge"


def stepped_in(one: Held, terms: StepInTerms, on: date) -> dict[str, Any]:
    """Write the event of the pledge; one that stands is that event."""
    row = {
        "request": one.request,
        "event": "step_in",
        "number": len(one.of("step_in")) + 1,
        "effective_on": on,
        "amount_fen": None,
        "asset": terms.asset,
        "version": terms.version,
        "replaces": "",
        "cap_fen": None,
        "junior": "",
        "registration": "",
        "registered_at": "",
        "valid_to": None,
        "evidence": terms.evidence,
        "evidence_sha256": terms.evidence_sha256,
        "reason": terms.basis,
    }
    same = [e for e in one.of("step_in") if {**e, "number": 0} == {**row, "number": 0}]
    return dict(same[0]) if same else row
