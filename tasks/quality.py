"""Tell whether the quality of a resource has held: what stages 3 and 4 ask of it."""

import polars as pl

from schemas.quality import TOTAL, WHOLE

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence


def quality_holds(score: pl.DataFrame) -> Answer:
    """Answer the gate ``quality``: shut when the score fell by more than the step.

    Args:
        score: The published score of the assessment (contract Score).

    Returns:
        The gate's answer; shut as well where nothing was scored.

    0.924981 after 0.980000 with a step of 0.05 -> fell by 0.055019, shut.
    """
    total = score.filter(pl.col("dimension") == TOTAL).to_dicts()
    if len(total) != 1 or total[0]["score_ppm"] is None:
        return "quality", False, "nothing of the resource was scored", "none"
    (row,) = total
    now, before, step = (row[n] for n in ("score_ppm", "before_ppm", "step_ppm"))
    evidence = f"assessment of {row['factor']} on {row['as_of']}"
    said = f"quality score {shown(now)}"
    if before is None:
        return "quality", True, f"{said}, the first assessment", evidence
    fell = before - now
    ground = (
        f"{said} after {shown(before)} on {row['before_on']}; it may fall by"
        f" {shown(step)}"
    )
    return "quality", fell <= step, ground, evidence


def shown(ppm: int) -> str:
    """Write millionths as a share. 924,981 -> '0.924981'."""
    return f"{ppm // WHOLE}.{ppm % WHOLE:06d}"
