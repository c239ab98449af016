"""Use an asset as its document says, where that is no loan: for equity, or in a trust.

``capital: {kind: contribution}`` gives it to a company for equity; ``capital: {kind:
trust}`` settles it, and what the trust receives goes to its beneficiaries.
"""

import hashlib
from datetime import date
from decimal import Decimal
from typing import Any

import rfc8785
from rich.console import Console

from flows.books import entity_named
from flows.calendar import scheduled_date
from flows.document import factor_named
from flows.face import table
from flows.market import valid
from flows.stages import contribute_task, distribute_task, post_task, settle_task
from schemas.artifact import Snapshot
from schemas.asset import PostTerms
from schemas.errors import RegisterError
from schemas.factor import Factor
from schemas.money import exact_fen, shown
from schemas.registers import (
    Approval,
    AssetEvent,
    JournalLine,
    PeriodClose,
    Pledge,
    PledgeEvent,
    Right,
)
from schemas.trust import ContributionTerms, DistributionTerms, TrustTerms
from tasks import store

Facts = dict[str, Any]  # JSON
BOOKS = (JournalLine, PeriodClose, Approval)


def given_away(terms: Factor, asset: Any, day: date) -> Any:
    """Give an asset for equity, or settle it in a trust; None where neither is asked.

    Any: refs of the asset stage by name, or their future; refs of what was made.
    """
    pledges = (
        Snapshot(register=Pledge, where={"entity": terms.entity}),
        Snapshot(register=PledgeEvent, where={}),
    )
    match terms.capital:
        case ContributionTerms() as stated:
            ledger = terms.live(JournalLine), terms.live(AssetEvent), terms.closed
            asked = (terms.live(Right), *pledges, *ledger)
            return contribute_task(asset, *asked, stated, day, terms.disputes)
        case TrustTerms() as stated:
            held = (terms.live(Right), *pledges)
            return settle_task(asset, *held, stated, day, terms.disputes)
    return None


def distribute(name: str, amount: str, on: date | None, evidence: str) -> Facts:
    """Pass what a trust received on to its beneficiaries, and post it in its books.

    Args:
        name: The factor whose asset is settled.
        amount: What is to be distributed, net of costs; yuan.
        on: Day on which it was received; today if not said.
        evidence: Voucher of the receipt; the same again posts nothing.

    Raises:
        RegisterError: The factor is settled in no trust, or the amount is none.
        Refused: The trust did not stand on the day, or an approval is missing.
    """
    factor = factor_named(name)
    deed, asset = factor.capital, factor.asset
    if not isinstance(deed, TrustTerms) or asset is None or asset.rules is None:
        raise RegisterError(
            f"{factor.factor} is settled in no trust: write capital: {{kind: trust, …}}"
        )
    books = entity_named(deed.books)
    day = on or scheduled_date(books.zone)
    terms = valid(
        DistributionTerms,
        factor=factor.factor,
        deed=deed,
        receipt=evidence,
        amount=amount,
        accounts=books.accounts,
    )
    made = distribute_task(factor.live(Right), terms, day)
    said = rfc8785.dumps(terms.model_dump(mode="json"))
    posting = PostTerms(
        factor=factor.factor,
        entity=books.entity,
        policy=asset.rules.policy,
        approval_above=asset.rules.approval_above,
        terms_sha256=hashlib.sha256(said).hexdigest(),
    )
    mine = [Snapshot(register=r, where={"entity": books.entity}) for r in BOOKS]
    post_task(made, *mine, posting, day)
    paid = store.scan(store.current(), made["payments"]).collect().to_dicts()
    return {
        "trust": deed.trust,
        "books": books.entity,
        "received_on": str(day),
        "receipt": evidence,
        "amount": shown(exact_fen(Decimal(amount))),
        "payments": [
            {"beneficiary": p["beneficiary"], "amount": shown(p["amount_fen"])}
            for p in paid
        ],
    }


def show(console: Console, data: Facts) -> None:
    """Show who got what of a receipt."""
    rows = [(p["beneficiary"], p["amount"]) for p in data["payments"]]
    title = f"\ntrust {data['trust']}: {data['amount']} CNY of {data['received_on']}"
    console.print(table(title, ("beneficiary 受益人", "amount 金额 (CNY)"), rows))
    month = data["received_on"][:7]
    console.print(f"\ntry next:\n  datafactor books {data['books']} {month}")
