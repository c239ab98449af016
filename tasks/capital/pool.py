"""Screen loans for a pool, and decide whether it may bear the label of data assets.

Label: more than the policy's share (half, in the market's practice) of what the pool is
owed rests on pledged data. Only eligible loans are counted, on both sides.
"""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.errors import FactorError
from schemas.gates import Gates
from schemas.money import exact_fen, shown
from schemas.pool import Pool, Pooled, PoolRules, PoolTerms, Screened
from schemas.quality import WHOLE
from schemas.registers import CoverState, Pledge, PledgeEvent
from tasks.capital.coverage import ppm
from tasks.finance import ratio
from tasks.pledged import held

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence
NONE_OFFERED = frame_of(Pooled, []).lazy()
ASKED = [*Pooled.to_schema().columns]


def securitise(
    pledges: Annotated[pl.LazyFrame, Pledge],
    events: Annotated[pl.LazyFrame, PledgeEvent],
    cover: Annotated[pl.LazyFrame, CoverState],
    terms: PoolTerms,
    as_of: date,
    offered: Annotated[pl.LazyFrame, Pooled] = NONE_OFFERED,
) -> Pool:
    """Screen loans and ask of the pool of those that pass whether it may be issued.

    It is asked of the day of the cut-off, whenever it is asked.

    Args:
        pledges: All pledges: whether a loan of the store rests on pledged data.
        events: What happened to them.
        cover: How the watch found them.
        terms: The plan with its policy, and its loans of the store, filled in.
        as_of: The day the loans are looked at.
        offered: Other loans that are offered.

    Raises:
        FactorError: The terms lack their policy.

    80 of 130 rest on pledged data -> share 0.615385, above 0.50; 65 of 130 -> refused.
    """
    if terms.rules is None:
        raise FactorError(f"pool {terms.pool}: no policy was resolved; name one")
    cut_off = terms.cut_off  # what happens later changes no pool that was issued
    known = held(
        pledges.filter(pl.col("pledged_on") <= cut_off).collect().to_dicts(),
        events.filter(pl.col("effective_on") <= cut_off).collect().to_dicts(),
        (),
    )
    live = {one.request for one in known if one.total > 0}
    watched = cover.filter(pl.col("watched_on") <= cut_off).collect()
    own = frame_of(Pooled, [*own_loans(terms, live, watched)]).lazy()
    told = screen(pl.concat([own, offered.select(ASKED)]), terms).collect()
    screened = told.unique("request", keep="first", maintain_order=True)
    pooled = screened.filter("eligible")
    owed = int(pooled["balance_fen"].sum())
    gates = [
        policy_in_force(terms.rules, as_of),
        ("eligible_loans", owed > 0, f"{pooled.height} of {screened.height}", "loans"),
        offered_once(told),
        bears_the_label(pooled, owed, terms.rules),
        notes_are_the_pool(owed, terms),
    ]
    rows = [(*gate, as_of) for gate in gates]
    return Pool(gates=frame_of(Gates, rows).lazy(), loans=screened.lazy())


def own_loans(
    terms: PoolTerms, live: Collection[str], cover: pl.DataFrame
) -> Iterator[tuple[object, ...]]:
    """Set beside each loan of the store its pledge and its state. Contract: Pooled."""
    last = cover.sort("number").group_by("request", maintain_order=True).last()
    states = dict(last.select("request", "state").iter_rows())
    for one in terms.held:
        yield (
            *(one.request, one.borrower, exact_fen(one.balance), one.request in live),
            *(one.overdue_days, states.get(one.request, "normal"), one.matures_on),
        )


def offered_once(screened: pl.DataFrame) -> Answer:
    """Ask that no loan is offered twice, also with other blanks or capitals."""
    plain = screened["request"].str.replace_all(r"\s", "").str.to_uppercase()
    twice = plain.filter(plain.is_duplicated())
    named = ", ".join(sorted(set(twice)))
    said = f"{named} offered twice: leave one out" if named else "each loan once"
    return "offered_once", not named, said, "loans"


def screen(
    loans: Annotated[pl.LazyFrame, Pooled], terms: PoolTerms
) -> Annotated[pl.LazyFrame, Screened]:
    """Tell every ground on which a loan stays out of the pool."""
    grounds = {
        "nothing is owed": pl.col("balance_fen") == 0,
        "overdue": pl.col("overdue_days") > 0,
        "under a margin call or in default": pl.col("state").is_in(
            ["margin_call", "default"]
        ),
        "matures after the notes": pl.col("matures_on") > terms.matures_on,
        "repaid by the cut-off": pl.col("matures_on") <= terms.cut_off,
    }
    told = [pl.when(wrong).then(pl.lit(said)) for said, wrong in grounds.items()]
    ground = pl.concat_str(told, separator="; ", ignore_nulls=True)
    return loans.select(
        *("request", "balance_fen", "data_pledged"),
        eligible=ground == "",
        ground=ground,
    )


def policy_in_force(rules: PoolRules, on: date) -> Answer:
    """Ask whether the policy applies on the day."""
    said = f"policy {rules.policy} applies from {rules.applies_from}"
    return "policy_in_force", rules.applies_from <= on, said, rules.policy


def bears_the_label(pooled: pl.DataFrame, owed: int, rules: PoolRules) -> Answer:
    """Ask for more than the policy's share on pledged data; just that is too little."""
    pledged = int(pooled.filter("data_pledged")["balance_fen"].sum())
    share = ratio(pledged, owed) or "undefined"
    said = f"{share} of the pool rests on pledged data, more than {rules.label_share}"
    passed = pledged * WHOLE > ppm(rules.label_share) * owed
    return "data_asset_label", passed, f"{said} is asked", f"{rules.policy}/label_share"


def notes_are_the_pool(owed: int, terms: PoolTerms) -> Answer:
    """Ask that the notes promise what the pool is owed, no more and no less."""
    notes = exact_fen(terms.senior) + exact_fen(terms.subordinated)
    said = f"notes of {shown(notes)} CNY on a pool of {shown(owed)}"
    return "notes", notes == owed, said, terms.pool
