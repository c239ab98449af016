"""Screen loans for a pool, and decide whether it may bear the label of data assets.

Label: more than the policy's share (half, in the market's practice) of what the pool is
owed rests on pledged data. Only eligible loans are counted, on both sides.
"""

from datetime import date
from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.errors import FactorError
from schemas.gates import Gates
from schemas.money import exact_fen, shown
from schemas.pool import Pool, Pooled, PoolRules, PoolTerms, Screened
from schemas.quality import WHOLE
from tasks.capital.coverage import ppm
from tasks.finance import ratio

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence


def securitise(
    loans: Annotated[pl.LazyFrame, Pooled], terms: PoolTerms, as_of: date
) -> Pool:
    """Screen loans and ask of the pool of those that pass whether it may be issued.

    Args:
        loans: Every loan offered.
        terms: The plan with its policy filled in.
        as_of: The day the loans are looked at.

    Raises:
        FactorError: The terms lack their policy.

    80 of 130 rest on pledged data -> share 0.615385, above 0.50; 65 of 130 -> refused.
    """
    if terms.rules is None:
        raise FactorError(f"pool {terms.pool}: no policy was resolved; name one")
    screened = screen(loans, terms).collect()
    pooled = screened.filter("eligible")
    owed = int(pooled["balance_fen"].sum())
    gates = [
        policy_in_force(terms.rules, as_of),
        ("eligible_loans", owed > 0, f"{pooled.height} of {screened.height}", "loans"),
        bears_the_label(pooled, owed, terms.rules),
        notes_are_the_pool(owed, terms),
    ]
    rows = [(*gate, as_of) for gate in gates]
    return Pool(gates=frame_of(Gates, rows).lazy(), loans=screened.lazy())


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
