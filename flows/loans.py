"""Record what happens to a loan, keep it in the borrower's books, tell how it stands.

Only facts are recorded. What they ask of the books is proposed anew each time, and
posted as far as it is not: after each drawdown and payment, and at each close. So a
fact whose posting waited for an approval is posted by the same command again, or by the
close.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import rfc8785

from flows.approve import asking
from flows.calendar import scheduled_date
from flows.lent import Lent, altered, house, keeps_books, lent, mine, standing
from flows.market import rows_of, valid
from flows.stages import (
    draw_loan_task,
    keep_loans_task,
    post_task,
    record_loan_fact_task,
)
from schemas.artifact import ArtifactRef, Snapshot
from schemas.asset import PostTerms
from schemas.document import load
from schemas.entity import Entity
from schemas.errors import RegisterError
from schemas.factor import named
from schemas.lending import DrawAct, LoanAct
from schemas.loan import BookTerms, LprRate, LprTable
from schemas.money import yuan
from schemas.policy import CloseRules, DrawRules, Policy
from schemas.registers import (
    Approval,
    CoverState,
    JournalLine,
    Loan,
    LoanFact,
    PeriodClose,
    Pledge,
    PledgeEvent,
)
from tasks import store

Facts = dict[str, Any]  # JSON


def act(
    loan: Lent, event: str, on: date | None, file: Path | None, **said: object
) -> Facts:
    """Write what an act of a person states."""
    today, (lpr, days) = scheduled_date(loan.entity.zone), house()
    return {
        "factor": loan.factor,
        "loan": loan.number,
        "event": event,
        "effective_on": on or today,
        "recorded_on": today,
        "evidence_sha256": store.digest(file) if file else "",
        "conditions": loan.terms.conditions,
        "lpr": lpr,
        "calendar": days,
        **said,
    }


def meet(
    number: str, name: str, on: date | None, file: Path | None, **said: str
) -> Facts:
    """Record that a condition precedent is met; the same again records nothing.

    Raises:
        RegisterError: Nobody agreed on it, or it is met already.
    """
    loan = lent(number)
    one = valid(LoanAct, **act(loan, "condition", on, file, name=name, **said))
    record_loan_fact_task(mine(LoanFact, loan), one)
    return standing(number, one.effective_on)


def draw(
    number: str,
    tranche: str,
    on: date | None,
    amount: str | None,
    file: Path | None,
    **said: str,
) -> Facts:
    """Record that a tranche was paid out, and post it.

    Raises:
        Refused: A condition is not met, or another gate is shut; or it waits for an
            approval.
    """
    loan = lent(number)
    one = loan.part(tranche)
    row = next(row for row in loan.rows if row["tranche"] == one.tranche)
    rules = loan.policy.resolve(DrawRules)
    agreed = yuan(row["amount_fen"])
    given = valid(
        DrawAct,
        **act(loan, "draw", on, file, tranche=one, amount=amount or agreed, **said),
        agreed=agreed,
        signed_on=row["signed_on"],
        matures_on=row["matures_on"],
        pledged=loan.terms.pledged,
        registered_first=rules.registered_before_drawdown,
        policy=rules.policy,
        altered=altered(loan),
    )
    pledge = (mine(register, loan, "request") for register in (Pledge, PledgeEvent))
    draw_loan_task(mine(LoanFact, loan), *pledge, given, given.effective_on)
    booked(loan, given.effective_on)
    return standing(number, given.effective_on)


def pay(
    number: str,
    amount: str,
    tranche: str,
    on: date | None,
    keep: str,
    file: Path | None,
    **said: str,
) -> Facts:
    """Record a payment, and post where it went: fees, penalty, interest, principal.

    Args:
        number: Of the agreement.
        amount: Yuan.
        tranche: Which; need not be said where there is one.
        on: Its day; today if not said.
        keep: Let what is left over repay early: ``term`` or ``instalment`` stays.
        file: The document itself, whose digest is kept.
        said: Evidence.

    Raises:
        RegisterError: It lies before the last one, or more is paid than is due.
        Refused: It waits for an approval.
    """
    loan = lent(number)
    stated = {"tranche": loan.part(tranche), "amount": amount, "keep": keep}
    one = valid(LoanAct, **act(loan, "pay", on, file, **stated, **said))
    record_loan_fact_task(mine(LoanFact, loan), one)
    booked(loan, one.effective_on)
    return standing(number, one.effective_on)


def charge(
    number: str,
    name: str,
    amount: str,
    tranche: str,
    on: date | None,
    file: Path | None,
    **said: str,
) -> Facts:
    """Record a fee that fell due; it is expensed when it is paid."""
    loan = lent(number)
    stated = {"tranche": loan.part(tranche), "amount": amount, "name": name}
    one = valid(LoanAct, **act(loan, "fee", on, file, **stated, **said))
    record_loan_fact_task(mine(LoanFact, loan), one)
    return standing(number, one.effective_on)


def waive(number: str, on: date | None, file: Path | None, **said: str) -> Facts:
    """Record that the lender waives a default: the next watch weighs the loan anew.

    A waiver counts for the default recorded by its day, not for a later one.

    Raises:
        RegisterError: There is no default to waive.
    """
    loan = lent(number)
    one = valid(LoanAct, **act(loan, "waive", on, file, **said))
    states = sorted(rows_of(CoverState, request=number), key=lambda s: s["number"])
    if not states or states[-1]["state"] != "default":
        raise RegisterError(
            f"no default of {number} is recorded: `datafactor watch` finds one"
        )
    record_loan_fact_task(mine(LoanFact, loan), one)
    return standing(number, one.effective_on)


def booked(loan: Lent, day: date) -> None:
    """Post what a loan asks of its borrower's books by a day.

    Raises:
        Refused: An entry stands above its threshold and waits for an approval.
    """
    if not keeps_books(loan):
        return
    entity = loan.entity
    terms = book_terms(entity, [loan])
    made = proposed(terms, mine(LoanFact, loan), day)
    books = {"entity": entity.entity}
    snapshots = (
        Snapshot(register=r, where=books) for r in (JournalLine, PeriodClose, Approval)
    )
    asking(
        entity.entity, partial(post_task, made, *snapshots, posting(terms, entity), day)
    )


def proposed(terms: BookTerms, facts: Snapshot, day: date) -> ArtifactRef:
    """Propose what loans ask of the books by a day."""
    books = {"entity": terms.entity}
    asked = (Snapshot(register=r, where=books) for r in (JournalLine, PeriodClose))
    return keep_loans_task(facts, *asked, terms, day)


def book_terms(entity: Entity, loans: Iterable[Lent], closes: str = "") -> BookTerms:
    """Say by what some loans of an entity are kept in its books."""
    lpr, days = house()
    parts = tuple(part for loan in loans for part in loan.parts)
    floats = any(isinstance(part.terms.rate, LprRate) for part in parts)
    return BookTerms(
        factor=entity.entity,
        entity=entity.entity,
        parts=parts,
        accounts=entity.accounts,
        lpr=lpr if floats else LprTable(),
        calendar=days,
        closes=closes,
    )


def posting(terms: BookTerms, entity: Entity) -> PostTerms:
    """Say on which terms the entries of loans are posted."""
    rules = policy_of(entity).resolve(CloseRules)
    said = rfc8785.dumps(terms.model_dump(mode="json"))
    return PostTerms(
        factor=terms.entity,
        entity=terms.entity,
        policy=rules.policy,
        approval_above=rules.approval_above,
        terms_sha256=hashlib.sha256(said).hexdigest(),
    )


def policy_of(entity: Entity) -> Policy:
    """Load the policy by which an entity keeps its books."""
    beside = store.current().settings.factors.parent
    return load(named(beside / "policies", entity.policy), Policy)


def at_close(entity: Entity, period: str, day: date) -> dict[str, ArtifactRef]:
    """Propose what the drawn loans of an entity ask of its books at a month's end.

    Returns:
        What the close takes beside its registers; nothing where no loan was drawn.
    """
    drawn = {row["loan"] for row in rows_of(LoanFact, event="draw")}
    agreed = {row["loan"] for row in rows_of(Loan, entity=entity.entity)}
    loans = [lent(number) for number in sorted(drawn & agreed)]
    kept = [loan for loan in loans if keeps_books(loan)]
    if not kept:
        return {}
    terms = book_terms(entity, kept, period)
    return {"loans": proposed(terms, Snapshot(register=LoanFact, where={}), day)}
