"""Ask which rights over an asset are live on a day, from the events known of them."""

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True)
class Held:
    """A right that is live: its certificate, holder and last day."""

    certificate: str
    holder: str
    valid_to: date


def live_right(events: pl.DataFrame, right: str, on: date) -> Held | None:
    """Find the longest live grant of ``right`` on a day.

    Args:
        events: Rows of contract Right: grants and revocations.

    A grant to 2031-01-01 that is revoked from 2026-07-01 is live on 2026-06-30 and not
    on 2026-07-01.
    """
    revoked = events.filter(
        (pl.col("event") == "revoke")
        & (pl.col("right") == right)
        & (pl.col("effective_on") <= on)
    )["certificate"]
    grants = events.filter(
        (pl.col("event") == "grant")
        & (pl.col("right") == right)
        & (pl.col("valid_from") <= on)
        & (pl.col("valid_to") >= on)
        & ~pl.col("certificate").is_in(revoked.implode())
    ).sort("valid_to", "certificate", descending=True)
    if grants.is_empty():
        return None
    row = grants.row(0, named=True)
    return Held(row["certificate"], row["holder"], row["valid_to"])
