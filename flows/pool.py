"""Run a plan: screen its loans, pay out what they brought in, keep its books.

A plan is a document of its own, ``deployments/pools/NAME.yaml``. Running it again pays
nothing twice: what was posted stands, and only new payment days are added.
"""

import hashlib
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import rfc8785
from rich.console import Console

from flows.books import entity_named
from flows.calendar import scheduled_date
from flows.document import policy_named
from flows.face import table
from flows.lent import books_of, days_past_due, lent
from flows.partitions import vouchers_of
from flows.stages import pay_out_task, post_task, securitise_task
from schemas.artifact import ArtifactRef, Snapshot
from schemas.asset import PostTerms
from schemas.document import load
from schemas.errors import FactorError, Refused
from schemas.factor import named
from schemas.money import exact_fen, shown, yuan
from schemas.pool import HeldLoan, PoolRules, PoolTerms
from schemas.registers import (
    Approval,
    CoverState,
    JournalLine,
    PeriodClose,
    Pledge,
    PledgeEvent,
)
from schemas.resource import Source
from tasks import store
from tasks.page.pool import pool_page

Facts = dict[str, Any]  # JSON
BOOKS = (JournalLine, PeriodClose, Approval)
PAID = ("taxes", "fees", "senior_interest", "senior_principal", "subordinated")


def run_pool(name: str, as_of: date | None, folder: Path | None) -> Facts:
    """Bring a plan up to a day.

    Args:
        name: Of its document.
        as_of: The day; today where its books are kept if not said.
        folder: Where its page goes; nowhere if not said.

    Raises:
        FactorError: There is no such plan, or its document is wrong.
        Refused: The pool fails a gate: its label, its notes, its loans.
    """
    terms = pool_named(name)
    day = as_of or scheduled_date(entity_named(terms.entity).zone)
    made = securitise_task(*registers(), terms, day, **read(offered=terms.offered))
    repaid = Snapshot(register=JournalLine, where={"event": "repay"})
    paid = pay_out_task(made, repaid, terms, day, **read(collected=terms.collected))
    facts = facts_of(terms, day, {**made, **paid})
    facts["page"] = [*written(terms, made, paid, folder)] if folder else []
    mine = [Snapshot(register=r, where={"entity": terms.entity}) for r in BOOKS]
    try:
        post_task(paid, *mine, posting(terms), day)
    except Refused as refused:
        facts["waits"] = list(refused.grounds)
    return facts


def registers() -> Iterator[Snapshot]:
    """Ask for all pledges, what happened to them, and how the watch found them."""
    return (Snapshot(register=r, where={}) for r in (Pledge, PledgeEvent, CoverState))


def read(**sources: Source | None) -> Facts:
    """Read the CSVs that a plan states, by the argument they are."""
    return {name: vouchers_of(one) for name, one in sources.items() if one}


def pool_named(name: str) -> PoolTerms:
    """Load a plan with its rules.

    Raises:
        FactorError: There is none, or it breaks its schema.
    """
    beside = store.current().settings.factors.parent
    path = named(beside / "pools", name)
    terms = load(path, PoolTerms)
    if terms.pool != path.stem:
        raise FactorError(f"{path.name}: pool is {terms.pool!r}; name the file so")
    me = {"factor": terms.pool}
    sources = {n: getattr(terms, n) for n in ("offered", "collected")}
    filled = {n: s and s.model_copy(update=me) for n, s in sources.items()}
    own = tuple(held_loan(number, terms.cut_off) for number in terms.agreements)
    rules = policy_named(terms.policy).resolve(PoolRules)
    return terms.model_copy(update={**me, **filled, "held": own, "rules": rules})


def held_loan(number: str, on: date) -> HeldLoan:
    """Tell of a loan of the store what its books say on a day.

    Raises:
        StoreError: No such loan was written down.
        RegisterError: Its document says another loan now.
    """
    loan = lent(number)
    drawn = [book for _, book in books_of(loan, on) if book]
    return HeldLoan(
        request=number,
        borrower=loan.terms.borrower.name,
        balance=yuan(sum(book.outstanding for book in drawn)),
        overdue_days=days_past_due(loan, on),
        matures_on=max(row["matures_on"] for row in loan.rows),
    )


def posting(terms: PoolTerms) -> PostTerms:
    """Say on which terms the entries of a plan enter its books.

    Raises:
        FactorError: The terms lack their policy.
    """
    if terms.rules is None:
        raise FactorError(f"pool {terms.pool}: no policy was resolved; name one")
    booked = terms.model_dump(mode="json", exclude={"title"})
    return PostTerms(
        factor=terms.pool,
        entity=terms.entity,
        policy=terms.policy,
        approval_above=terms.rules.approval_above,
        terms_sha256=hashlib.sha256(rfc8785.dumps(booked)).hexdigest(),
    )


def rows(ref: ArtifactRef) -> list[Facts]:
    """Read a small frame."""
    return store.scan(store.current(), ref).collect().to_dicts()


def facts_of(terms: PoolTerms, day: date, made: dict[str, ArtifactRef]) -> Facts:
    """Tell how a plan stands on a day; amounts in yuan."""
    return {
        "pool": terms.pool,
        "title": terms.title,
        "illustrative": terms.illustrative,
        "books": terms.entity,
        "on": str(day),
        "senior": shown(exact_fen(terms.senior)),
        "subordinated": shown(exact_fen(terms.subordinated)),
        "loans": [in_yuan(row) for row in rows(made["loans"])],
        "periods": [in_yuan(row) for row in rows(made["distributed"])],
        "waits": [],
    }


def in_yuan(row: Facts) -> Facts:
    """Tell a row of a frame, its amounts in yuan."""
    return {
        name.removesuffix("_fen"): shown(value)
        if name.endswith("_fen")
        else str(value)
        if isinstance(value, date)
        else value
        for name, value in row.items()
    }


def written(
    terms: PoolTerms,
    made: dict[str, ArtifactRef],
    paid: dict[str, ArtifactRef],
    folder: Path,
) -> Iterator[str]:
    """Write the page of a plan whole, or not at all."""
    head = {
        "title": terms.title,
        "illustrative": terms.illustrative,
        "senior_fen": exact_fen(terms.senior),
        "subordinated_fen": exact_fen(terms.subordinated),
        "coupon": str(terms.coupon_rate),
        "cut_off": terms.cut_off,
        "matures_on": terms.matures_on,
    }
    gates = [*rows(made["gates"]), *rows(paid["gates"])]
    page = pool_page(head, gates, rows(made["loans"]), rows(paid["distributed"]))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{terms.pool}.html"
    part = file.with_name(f".{file.name}.part")
    part.write_text(page, "utf-8")
    os.replace(part, file)
    yield str(file)


def show(console: Console, data: Facts) -> None:
    """Show the loans of a plan, what each payment day paid, and what waits."""
    label = " (illustrative)" if data["illustrative"] else ""
    title = f"\n{data['title']}{label}: senior {data['senior']}, subordinated"
    heads = ("agreement 合同", "balance 余额 (CNY)", "pledged data 数据质押", "ground")
    loans = [
        (n["request"], n["balance"], "yes" if n["data_pledged"] else "no", n["ground"])
        for n in data["loans"]
    ]
    console.print(table(f"{title} {data['subordinated']} CNY", heads, loans))
    days = [
        (
            *(p["period"], p["paid_on"], p["cash"]),
            *(p[name] for name in PAID),
            *(p["senior_balance"], "turbo" if p["turbo"] else ""),
        )
        for p in data["periods"]
    ]
    columns = ("period 期", "paid on", "cash", "taxes 税", "fees 费", "interest 利息")
    more = ("principal 本金", "subordinated 次级", "senior left 优先级余额", "")
    console.print(table(f"\nwaterfall to {data['on']}", (*columns, *more), days))
    for said in data["waits"]:
        console.print(f"not posted yet: {said}", markup=False)
    for file in data["page"]:
        console.print(f"page: {file}", markup=False)
    if not data["waits"]:
        console.print(f"\ntry next:\n  datafactor books {data['books']}")
