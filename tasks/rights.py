"""Ask how a right over an asset stands on a day, from the events known of it."""

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True)
class Standing:
    """How a right stands: live to ``last``, or not, and why; with what proves it."""

    live: bool
    last: date
    ground: str
    evidence: str


def standing(
    events: pl.DataFrame, right: str, on: date, holder: str | None = None
) -> Standing:
    """Find the live grant that lasts longest, or say why there is none.

    Args:
        events: Rows of contract Right: grants and revocations.
        right: hold, process or operate.
        on: The day asked for.
        holder: Count only what this holder has.

    A grant to 2031-01-14, revoked from 2026-07-01, is live on 2026-06-30 with last day
    2026-06-30, and not live on 2026-07-01.
    """
    of_right = events.filter(right=right)
    revoked = of_right.filter(event="revoke").select(
        "certificate", "effective_on", why="basis", proof="evidence"
    )
    day_before = pl.col("effective_on_right").dt.offset_by("-1d")
    grants = (
        of_right.filter(pl.col("holder") == (holder or pl.col("holder")), event="grant")
        .join(revoked, on="certificate", how="left")
        .with_columns(last=pl.min_horizontal("valid_to", day_before))
        .sort("last", "certificate", descending=True)
    )
    live = grants.filter(pl.lit(on).is_between("valid_from", "last"))
    who = f" of {holder}" if holder else ""
    if grants.is_empty():
        return Standing(
            False, date.min, f"no right to {right}{who} was granted", "none"
        )
    row = (live if live.height else grants).row(0, named=True)
    named = f"right to {right}{who}, {row['certificate']}"
    if live.height:
        said = f"{named}: held from {row['valid_from']} to {row['last']}"
        return Standing(
            bool(row["evidence"].strip()), row["last"], said, row["evidence"]
        )
    if row["proof"] and row["last"] < on:
        said = f"{named}: revoked from {row['effective_on_right']}, {row['why']}"
        return Standing(False, row["last"], said, row["proof"])
    said = f"{named}: runs from {row['valid_from']} to {row['last']}, not on {on}"
    return Standing(False, row["last"], said, row["evidence"])
