"""A pledge of 5,000,000.00 on the asset of rain, whose value is what a test says."""

from datetime import date
from pathlib import Path
from typing import Any

from schemas.artifact import Stage
from schemas.asset import Valuation
from schemas.registers import Loan, Pledge, PledgeEvent
from tasks import store
from tests import leased
from tests.store import build

ENTITY, ASSET, LOAN = "jiangbei-data", "rain-asset", "COL-3"
FIRST, NEXT, LAST = date(2026, 7, 2), date(2026, 7, 3), date(2026, 7, 4)
# The thresholds of COL-03 are a test policy.
LADDER = {"advance_ltv": "0.60", "warning_ltv": "0.65", "haircut": "0"}
Row = dict[str, Any]


def post(contract: Any, row: Row, factor: str = "rain") -> None:
    """Post one row of a register."""
    s, name = store.current(), contract.__name__
    frame = build.frame_of(contract, [row])
    posted = build.made(s, name, frame, build.sha(f"{row}"))
    where: Row = {"stage": Stage.CAPITAL, "factor": factor}
    store.publish(s, build.run(posted, task="given", register=name, **where))


def appraise(yuan: int, entity: str = ENTITY, asset: str = ASSET) -> None:
    """Publish another valuation of an asset, as its last run would."""
    s = store.current()
    row = {
        "entity": entity,
        "asset": asset,
        "version": "1.0.0",
        "outcome": "intangible",
        "charged": True,
        "book_fen": 100,
        "appraised_fen": yuan * 100,
        "approach": "income 1",
        "appraiser": "Appraisers",
        "report": f"R-{yuan}",
        "appraised_on": date(2026, 6, 20),
        "valid_to": date(2027, 6, 19),
    }
    valuation = build.made(s, "valuation", build.frame_of(Valuation, [row]))
    where: Row = {"stage": Stage.ASSET, "factor": "rain" if asset == ASSET else asset}
    where |= {"as_of": build.DAY}  # of the day on which rain was made
    terms = {"entity": entity, "name": asset}
    made = build.run(valuation, task="assetize", terms=terms, **where)
    if done := store.finished(s, made.key):  # as a run that comes back to what was
        store.again(s, done)
    else:
        store.publish(s, made)


def pledged(number: str, **more: Any) -> None:
    """Lend 5,000,000.00 on an asset, and register the pledge for three years."""
    given = {"entity": ENTITY, "asset": ASSET} | more
    post(Loan, build.loan(loan=number, borrower=leased.HOLDER, factor="rain", **given))
    post(Pledge, build.pledge(number, exclusive=True, **given))
    ends = date(2029, 6, 30)
    kept = build.event("perfect", 1, number, registration="ZD-7", valid_to=ends)
    post(PledgeEvent, kept)


def watched_home(folder: Path) -> None:
    """The asset of rain with its right, pledged and registered, worth 8,968,000.00."""
    with leased.leased(folder):
        pledged(LOAN)
        appraise(8_968_000)
    set_ladder(folder)


def set_ladder(folder: Path) -> None:
    """Let the policy warn and call as the case does."""
    file = folder / "policies" / "cn-2025.yaml"
    text = file.read_text("utf-8")
    for name, value in LADDER.items():
        head, _, rest = text.partition(f"  {name}:\n    value: ")
        text = f'{head}  {name}:\n    value: "{value}"{rest[rest.index(chr(10)) :]}'
    file.write_text(text, "utf-8")
