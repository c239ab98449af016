"""Enforce a pledge: let the lender step in, and pay out what the asset brought.

Both ask the register of the watch: without a recorded default nothing is enforced.
"""

from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.calendar import scheduled_date
from flows.disputes import ALL
from flows.document import factor_named
from flows.face import table
from flows.market import rows_of, valid
from flows.pledges import factor_behind, pledge_named
from flows.rights import rights_of
from flows.stages import step_in_task
from schemas.artifact import Snapshot
from schemas.enforcement import StepInTerms
from schemas.errors import RegisterError
from schemas.registers import CoverState, Loan, Pledge, PledgeEvent, Right
from tasks import store
from tasks.pledged import Held

Facts = dict[str, Any]  # JSON


def step_in(
    loan: str, on: date | None, evidence: str, file: Path | None, basis: str
) -> Facts:
    """Let the lender of a loan in default take over the right to operate.

    Args:
        loan: Number of the agreement.
        on: First day on which the lender operates; today if not said.
        evidence: Notice or judgment; the same again posts nothing.
        file: That document itself, whose digest is kept.
        basis: Clause or judgment that allows it.

    Raises:
        RegisterError: Nothing is pledged under the agreement, or the day has not come.
        Refused: No default is recorded, somebody ranks before, the right is not the
            pledgor's, or a dispute is open.
    """
    one, factor, day = enforced(loan, on)
    asset = only_asset(one)
    terms = valid(
        StepInTerms,
        factor=factor,
        asset=asset,
        version=one.pledge["version"],
        agreement=loan,
        pledgor=pledgor_of(loan),
        lender=one.pledge["lender"],
        basis=basis or f"enforcement of {loan}",
        evidence=evidence,
        evidence_sha256=store.digest(file) if file else "",
    )
    mine = {"entity": one.pledge["entity"]}
    step_in_task(
        Snapshot(register=CoverState, where={"request": loan}),
        Snapshot(register=Right, where={**mine, "asset": asset}),
        Snapshot(register=Pledge, where=mine),
        Snapshot(register=PledgeEvent, where={}),
        terms,
        day,
        ALL,
    )
    held = rights_of(factor, day, None)["rights"]
    return {
        "loan": loan,
        "asset": asset,
        "lender": terms.lender,
        "on": str(day),
        "rights": [r for r in held if r["right"] == "operate"],
    }


def enforced(loan: str, on: date | None) -> tuple[Held, str, date]:
    """Find the pledge that is enforced, the factor behind it, and the day.

    Raises:
        RegisterError: There is none, or the day has not come.
    """
    one = pledge_named(loan)
    factor = factor_behind(one)
    today = scheduled_date(factor_named(factor).zone)
    if on and on > today:
        raise RegisterError(f"{on} has not come: enforce on a day that has")
    return one, factor, on or today


def only_asset(one: Held) -> str:
    """Name the asset that secures a pledge now.

    Raises:
        RegisterError: None does, or several do: each is enforced apart, once the others
            are let go of.
    """
    secured = sorted(asset for asset, fen in one.secured.items() if fen > 0)
    if len(secured) != 1:
        said = " and ".join(secured) or "nothing any more"
        raise RegisterError(
            f"{one.request} is secured by {said}: enforce a pledge of one asset"
        )
    return secured[0]


def pledgor_of(loan: str) -> str:
    """Name who pledged: the borrower of the agreement.

    Raises:
        RegisterError: No loan is recorded under the number.
    """
    rows = rows_of(Loan, loan=loan)
    if not rows:
        raise RegisterError(
            f"no loan is recorded under {loan}: run its factor again, which writes it"
            " down"
        )
    return str(rows[0]["borrower"])


def show_step_in(console: Console, data: Facts) -> None:
    """Show who operates the asset now."""
    rows = [(r["certificate"], r["holder"], r["basis"]) for r in data["rights"]]
    heads = ("certificate 证书", "operates 经营权人", "basis 依据")
    title = f"\n{data['asset']} on {data['on']}, under {data['loan']}"
    console.print(table(title, heads, rows))
