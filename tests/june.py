"""Lay out the demo's documents so that June 2026 is the first month of its books."""

import re
from pathlib import Path

from tests.archive import small_archive
from tests.command import ROOT

ENTITY, PERIOD = "jiangbei-data", "2026-06"
KEPT = "deployments/vouchers/flight-disruption.csv"


def laid_out(home: Path, flights: int = 300) -> dict[str, str]:
    """Write documents and data below ``home``; give the settings that find them."""
    small_archive(home / "data", flights)
    folder = home / "deployments"
    for part in ("factors", "entities", "policies", "licences"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for file in (ROOT / "deployments" / part).glob("*.yaml"):
            text = file.read_text("utf-8").replace(f"package:{KEPT}", "vouchers.csv")
            (folder / part / file.name).write_text(text, "utf-8")
    vouchers = re.sub(r"2026-0\d-\d\d", "2026-06-10", (ROOT / KEPT).read_text("utf-8"))
    (home / "data" / "vouchers.csv").write_text(vouchers, "utf-8")
    return places(home)


def places(home: Path) -> dict[str, str]:
    """Give the settings that find what was laid out."""
    return {
        "DATAFACTOR_DATA": str(home / "data"),
        "DATAFACTOR_FACTORS": str(home / "deployments" / "factors"),
    }
