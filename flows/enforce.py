"""Enforce a pledge: let the lender step in, and pay out what the asset brought.

Both ask for a default: recorded by the watch, or by more days past due than the policy
lets pass. Without one nothing is enforced.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.books import entity_named
from flows.calendar import scheduled_date
from flows.disputes import ALL
from flows.document import factor_named
from flows.face import table
from flows.lent import books_of, days_past_due, house, lent
from flows.loans import booked
from flows.market import rows_of, valid
from flows.pledges import all_held, factor_behind, pledge_named
from flows.rights import rights_of
from flows.stages import realise_task, step_in_task
from schemas.artifact import Snapshot
from schemas.enforcement import (
    Overdue,
    OwedPart,
    SaleTerms,
    SecuredClaim,
    StepInTerms,
)
from schemas.errors import RegisterError
from schemas.loan import TierRules
from schemas.money import exact_fen, shown, yuan
from schemas.registers import (
    AssetEvent,
    CoverState,
    JournalLine,
    Loan,
    LoanFact,
    PeriodClose,
    Pledge,
    PledgeEvent,
    Right,
)
from tasks import store
from tasks.capital.loan.book import Book
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
        overdue=overdue(loan, day),
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


def realise(
    loan: str,
    proceeds: str,
    costs: str,
    on: date | None,
    evidence: str,
    file: Path | None,
    **said: str,
) -> Facts:
    """Pay out what the sale of a pledged asset brought, and end its pledges.

    Args:
        loan: Number of the agreement in default.
        proceeds: What the sale brought, without tax; yuan.
        costs: Of enforcement; yuan.
        on: Day of the sale; today if not said.
        evidence: Record of the sale; the same again posts what still waits.
        file: That document itself, whose digest is kept.
        said: Buyer, tax, and who bore the costs, where they are known.

    Raises:
        RegisterError: Nothing is pledged, or it was sold by another record.
        Refused: No default is recorded, a dispute is open, or the month is closed; or
            an entry waits for an approval.
    """
    one, factor, day = enforced(loan, on)
    if not one.released:
        terms = sale_terms(one, factor, day)
        given = {"proceeds": proceeds, "costs": costs, "evidence": evidence, **said}
        digest = store.digest(file) if file else ""
        sale = valid(SaleTerms, **terms, **given, evidence_sha256=digest)
        mine = {"entity": one.pledge["entity"]}
        realise_task(
            Snapshot(register=CoverState, where={"request": loan}),
            Snapshot(register=Pledge, where=mine),
            *(Snapshot(register=r, where={}) for r in (PledgeEvent, LoanFact)),
            *(
                Snapshot(register=r, where={**mine, "asset": sale.asset})
                for r in (JournalLine, AssetEvent)
            ),
            Snapshot(register=PeriodClose, where=mine),
            *(sale, day, ALL),
        )
    made = sold_by(factor, loan, fen_of(proceeds), evidence)
    for claim in made["loans"]:
        booked(lent(claim), date.fromisoformat(made["on"]))
    return made


def sale_terms(one: Held, factor: str, day: date) -> Facts:
    """Say what is sold, from whom, and what each of its pledges secures."""
    asset, entity = only_asset(one), entity_named(one.pledge["entity"])
    live = [other for other in all_held() if secures(other, entity.entity, asset)]
    lpr, days = house()
    return {
        "factor": factor,
        "entity": entity.entity,
        "asset": asset,
        "agreement": one.request,
        "overdue": overdue(one.request, day),
        "pledgor": pledgor_of(one.request),
        "claims": [claim_of(other, day) for other in sorted(live, key=place)],
        "accounts": entity.accounts,
        "lpr": lpr,
        "calendar": days,
    }


def secures(one: Held, entity: str, asset: str) -> bool:
    """Say whether a pledge is secured by an asset now."""
    return one.pledge["entity"] == entity and one.secured.get(asset, 0) > 0


def place(one: Held) -> tuple[int, str, date, str]:
    """Order pledges of one asset: by rank, then by the time of registration.

    One that is not registered stands behind those that are (Civil Code art. 414).
    """
    times = [e["registered_at"] for e in one.of("perfect")]
    pledge = one.pledge
    return pledge["rank"], (times or ["~"])[0], pledge["pledged_on"], one.request


def claim_of(one: Held, day: date) -> SecuredClaim:
    """Read from a loan's book what is owed on a day: by the default all of it is due.

    Raises:
        StoreError: No such loan was written down.
    """
    loan = lent(one.request)
    return SecuredClaim(
        agreement=one.request,
        factor=loan.factor,
        lender=one.pledge["lender"],
        parts=tuple(
            OwedPart(tranche=part, **owed_of(book, day))
            for part, book in books_of(loan, day)
            if book
        ),
    )


def owed_of(book: Book, day: date) -> dict[str, Decimal]:
    """Say what is owed of a tranche: interest with penalty and fees, and principal."""
    paid = sum(one.made.interest + one.made.penalty for one in book.payments)
    interest = book.borne(day) - paid + book.claims(day).fees
    return {"interest": yuan(interest), "principal": yuan(book.outstanding)}


def fen_of(amount: str) -> int:
    """Read an amount that a person typed.

    Raises:
        RegisterError: It is none.
    """
    try:
        return exact_fen(Decimal(amount))
    except (ArithmeticError, ValueError):
        raise RegisterError(
            "the proceeds are no amount: write yuan with at most two decimals"
        ) from None


def sold_by(factor: str, loan: str, proceeds: int, evidence: str) -> Facts:
    """Tell of a sale that was recorded.

    Raises:
        RegisterError: The pledge ended otherwise, or by other proceeds.
    """
    s = store.current()
    for run in store.runs(s, factor, "realise"):
        said = run.publication
        terms, refs = said.terms, run.refs
        if said.status != "COMPLETE" or terms["agreement"] != loan:
            continue
        if "satisfied" not in refs or terms["evidence"] != evidence:
            continue
        if exact_fen(Decimal(terms["proceeds"])) != proceeds:
            break
        rows = store.scan(s, refs["satisfied"]).collect().to_dicts()
        return {
            "loan": loan,
            "asset": terms["asset"],
            "on": str(said.as_of),
            "proceeds": shown(proceeds),
            "loans": [claim["agreement"] for claim in terms["claims"]],
            "paid": [in_yuan(row) for row in rows],
        }
    raise RegisterError(
        f"the pledge of {loan} ended otherwise than by {evidence} of {shown(proceeds)}"
        " CNY: `datafactor pledge` shows how"
    )


def in_yuan(row: Facts) -> Facts:
    """Tell a row, its amounts in yuan."""
    return {
        name.removesuffix("_fen"): shown(value) if name.endswith("_fen") else value
        for name, value in row.items()
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


def overdue(number: str, day: date) -> Overdue:
    """Read from a loan's book for how long it is overdue; substandard is a default.

    Raises:
        StoreError: No such loan was written down.
        RegisterError: Its document says another loan now.
    """
    loan = lent(number)
    rules = loan.policy.resolve(TierRules)
    return Overdue(
        days=days_past_due(loan, day),
        above=rules.substandard_above_days,
        rule=f"{rules.policy}/substandard_above_days",
    )


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


def show_sale(console: Console, data: Facts) -> None:
    """Show who was paid what, in the order in which they stand."""
    rows = [
        (p["position"], p["part"], p["payee"], p["agreement"], p["paid"], p["unpaid"])
        for p in data["paid"]
    ]
    heads = ("place 顺序", "for", "payee 受偿人", "agreement 合同")
    more = ("paid 受偿 (CNY)", "unpaid 未偿")
    title = f"\n{data['asset']} sold on {data['on']} for {data['proceeds']} CNY"
    console.print(table(title, (*heads, *more), rows))
    console.print("\nthe close of its month takes the asset out of the books")
