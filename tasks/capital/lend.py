"""Record what happened to a loan: conditions, drawdown, fees and payments.

Money is paid out only when every gate is open: the conditions precedent are met, the
amount is within what was agreed, and the pledge stands at the register where the
policy asks so. What follows from a fact is never recorded: ``book`` works it out.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import polars as pl

from schemas.contract import frame_of
from schemas.errors import ContractError, RegisterError
from schemas.gates import Gates
from schemas.lending import DrawAct, Drawn, LoanAct
from schemas.loan import LoanPart
from schemas.money import exact_fen, shown
from schemas.registers import LoanFact, Pledge, PledgeEvent
from tasks.capital.borrower import conditions_met
from tasks.capital.loan.book import Fact, Market, follow
from tasks.capital.loan.keep import digest_of, facts_of, refuse_other_terms
from tasks.capital.pledging import registration
from tasks.pledged import held

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence
Row = dict[str, Any]  # of contract LoanFact


def draw_loan(
    facts: Annotated[pl.LazyFrame, LoanFact],
    pledges: Annotated[pl.LazyFrame, Pledge],
    events: Annotated[pl.LazyFrame, PledgeEvent],
    terms: DrawAct,
    as_of: date,
) -> Drawn:
    """Record that a tranche was paid out, if every gate is open; once.

    Args:
        facts: What happened to the loan.
        pledges: The pledge under its number.
        events: What happened to that pledge.
        terms: What is drawn, and what is asked before.
        as_of: The day of the drawdown.

    Returns:
        Gates first; then the fact. The same again is the same fact.
    """
    told, part = facts.collect(), part_of(terms)
    known = held(pledges.collect().to_dicts(), events.collect().to_dicts(), ())
    row = written(terms, told) | {"name": digest_of(part)}
    before = told.filter(event="draw", tranche=part.tranche).to_dicts()
    answers = [
        conditions_met(terms.loan, terms.conditions, told, as_of),
        within_agreed(terms, before, row),
        day_fits(terms),
        terms_as_agreed(terms, part),
        pledge_stands(terms, known, as_of),
    ]
    row |= {"number": before[0]["number"]} if before else {}
    return Drawn(
        gates=frame_of(Gates, [(*answer, as_of) for answer in answers]).lazy(),
        drawn=frame_of(LoanFact, [tuple(row.values())]).lazy(),
    )


def within_agreed(terms: DrawAct, before: Sequence[Row], row: Row) -> Answer:
    """Ask that the tranche is drawn once, and not above what was agreed."""
    rule, agreed = f"register Loan {terms.loan}", exact_fen(terms.agreed)
    amount = exact_fen(terms.amount or terms.agreed)
    if before and not same(before[0], row):
        first = before[0]
        ground = (
            f"{shown(first['amount_fen'])} CNY were drawn on {first['effective_on']}"
            f" under {first['evidence']}: a tranche is drawn once"
        )
        return "agreed_amount", False, ground, rule
    ground = f"{shown(amount)} of {shown(agreed)} CNY agreed"
    return "agreed_amount", amount <= agreed, ground, rule


def day_fits(terms: DrawAct) -> Answer:
    """Ask that it is drawn between the agreed day and its maturity."""
    first, last = terms.signed_on, terms.matures_on
    ground = f"drawn on {terms.effective_on}; agreed from {first}, due by {last}"
    passed = first <= terms.effective_on < last
    return "drawdown_day", passed, ground, f"register Loan {terms.loan}"


def terms_as_agreed(terms: DrawAct, part: LoanPart) -> Answer:
    """Ask that the document still says the amount and the terms that were agreed.

    Else a condition would be met by leaving it out.
    """
    now, agreed = part.terms.principal, terms.agreed
    ground = f"the document says {now} CNY, {agreed} were agreed"
    if terms.altered:
        ground += f"; it changed {', '.join(terms.altered)} since: put them back"
    passed = now == agreed and not terms.altered
    return "terms_as_agreed", passed, ground, f"register Loan {terms.loan}"


def pledge_stands(terms: DrawAct, known: Sequence[Any], on: date) -> Answer:
    """Ask for the pledge, and for its registration where the policy wants it first."""
    # Any: Held, whose room has no contract for it
    rule, agreed = f"{terms.policy}/registered_before_drawdown", terms.loan
    if not terms.pledged:
        return "pledge", True, "nothing is pledged for it", f"register Loan {agreed}"
    mine = next((one for one in known if one.request == agreed), None)
    if mine is None or mine.released:
        return "pledge", False, f"no pledge secures {agreed}", "register Pledge"
    state, ground = registration(mine, on)
    asked = "must be" if terms.registered_first else "need not be"
    passed = state == "perfected" or not terms.registered_first
    return "pledge", passed, f"{ground}; it {asked} registered first", rule


def record_loan_fact(
    facts: Annotated[pl.LazyFrame, LoanFact], terms: LoanAct
) -> Annotated[pl.LazyFrame, LoanFact]:
    """Record a condition, a fee, a payment, or a waiver; the same again is the same.

    Args:
        facts: What happened to the loan.
        terms: What is recorded.

    Raises:
        RegisterError: No such condition is agreed, it is met already, nothing was
            drawn, the day lies before the last payment, or more is paid than is due.
        ContractError: The rate of a reset is missing.
    """
    told = facts.collect()
    row = written(terms, told)
    for before in told.filter(event=terms.event).to_dicts():
        if same(before, row):
            return frame_of(LoanFact, [tuple(before.values())]).lazy()
    if terms.event == "condition":
        refuse_condition(terms, told)
    elif terms.event != "waive":
        refuse_movement(terms, told, row)
    return frame_of(LoanFact, [tuple(row.values())]).lazy()


def refuse_condition(terms: LoanAct, facts: pl.DataFrame) -> None:
    """Refuse a condition that nobody agreed on, or that is met already.

    Raises:
        RegisterError: It is so.
    """
    names = [condition.name for condition in terms.conditions]
    if terms.name not in names:
        raise RegisterError(
            f"loan {terms.loan} has no condition {terms.name}: there are"
            f" {', '.join(names) or 'none'}"
        )
    met = facts.filter(event="condition", name=terms.name).to_dicts()
    if met:
        raise RegisterError(
            f"{terms.name} of loan {terms.loan} is met since"
            f" {met[0]['effective_on']} by {met[0]['evidence']}"
        )


def refuse_movement(terms: LoanAct, facts: pl.DataFrame, row: Row) -> None:
    """Refuse a fee or a payment that does not follow what was recorded.

    Raises:
        RegisterError: It does not.
    """
    part, on = part_of(terms), terms.effective_on
    refuse_other_terms(facts, part)
    last = facts.filter(event="pay")["effective_on"].max()
    # A fee of the day of a payment would change where that payment went.
    if isinstance(last, date) and (on < last or (on == last and terms.event == "fee")):
        raise RegisterError(
            f"loan {terms.loan}: a payment of {last} is recorded already: date this one"
            f" {'on that day or' if terms.event == 'pay' else ''} later"
        )
    fact = Fact(terms.event, row["number"], on, row["amount_fen"], row["name"])
    market = Market(terms.lpr.fixings, terms.calendar)
    known = facts_of(facts, part)
    if follow(part.terms, [*known, fact], market, on) is None:
        raise RegisterError(
            f"loan {part.terms.loan} was not drawn by {on}: record the drawdown first"
        )


def part_of(terms: LoanAct) -> LoanPart:
    """Give the tranche that an act is about.

    Raises:
        ContractError: It names none.
    """
    if terms.tranche is None:
        raise ContractError(f"{terms.event} of {terms.loan} names no tranche")
    return terms.tranche


def written(terms: LoanAct, facts: pl.DataFrame) -> Row:
    """Write the next fact of its kind."""
    count = facts.filter(event=terms.event)["number"].max() or 0
    return {
        "loan": terms.loan,
        "event": terms.event,
        "number": int(str(count)) + 1,
        "tranche": terms.tranche.tranche if terms.tranche else "",
        "effective_on": terms.effective_on,
        "amount_fen": None if terms.amount is None else exact_fen(terms.amount),
        "name": terms.keep or terms.name,
        "evidence": terms.evidence,
        "evidence_sha256": terms.evidence_sha256,
        "reason": terms.reason,
    }


def same(before: Row, now: Row) -> bool:
    """Say whether a fact is the one that was recorded before."""
    return {**before, "number": 0} == {**now, "number": 0}
