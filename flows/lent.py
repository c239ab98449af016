"""Find a loan with its document, and tell how it stands: due, paid, late, its class."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl
from rich.console import Console

from flows.books import entity_named
from flows.calendar import scheduled_date
from flows.document import factor_named
from flows.face import table
from flows.market import rows_of
from schemas.artifact import Snapshot
from schemas.capital import CapitalTerms
from schemas.document import load
from schemas.entity import Entity
from schemas.errors import RegisterError, StoreError
from schemas.factor import named
from schemas.loan import BankCalendar, LoanPart, LprTable, TierRules
from schemas.money import yuan
from schemas.policy import Policy
from schemas.registers import Loan, LoanFact
from tasks import store
from tasks.capital.loan.allocate import left, unpaid
from tasks.capital.loan.book import Book, Market, follow
from tasks.capital.loan.classify import arrears, classify
from tasks.capital.loan.keep import facts_of, refuse_other_terms

Facts = dict[str, Any]  # JSON
AGREED = (
    *("annual_rate", "rate", "basis", "months", "method", "drawdown", "grace_days"),
    *("penalty_multiple", "conditions", "escrow", "covenants"),
)
CLAIMS = {
    "fees": "费用",
    "penalty": "罚息",
    "interest": "利息",
    "principal": "本金",
}
CLASSES = {
    "normal": "正常",
    "special_mention": "关注",
    "substandard": "次级",
    "doubtful": "可疑",
    "loss": "损失",
}


class Lent(NamedTuple):
    """A loan that was agreed: its register rows, and what its document says of it."""

    number: str
    rows: list[Facts]
    factor: str
    terms: CapitalTerms
    policy: Policy

    @property
    def entity(self) -> Entity:
        """Whose asset it rests on."""
        return entity_named(str(self.rows[0]["entity"]))

    @property
    def parts(self) -> tuple[LoanPart, ...]:
        """Its tranches, with the terms that each is accounted by."""
        return tuple(self.terms.kept())

    def part(self, tranche: str) -> LoanPart:
        """Find a tranche; of a loan that has one it need not be named.

        Raises:
            RegisterError: There is none of this name, or there are several.
        """
        named_ = {one.tranche: one for one in self.parts}
        if not tranche and len(named_) == 1:
            return self.parts[0]
        if tranche not in named_:
            raise RegisterError(
                f"loan {self.number} has the tranches {', '.join(named_)}: name one of"
                " them with --tranche"
            )
        return named_[tranche]


def lent(number: str) -> Lent:
    """Find a loan that was agreed.

    Raises:
        StoreError: No such loan was written down.
        RegisterError: Its document says another loan now.
    """
    rows = rows_of(Loan, loan=number)
    if not rows:
        known = sorted({row["loan"] for row in rows_of(Loan)})
        raise StoreError(
            f"there is no loan {number}; there are {', '.join(known) or 'none'}: the"
            " run of its factor writes it down when every gate of capitalize is open"
        )
    document = factor_named(rows[0]["factor"])
    terms = document.loan
    if terms is None or terms.agreement != number:
        raise RegisterError(
            f"the document {document.factor} does not say loan {number} any more: put"
            " its capital stage back"
        )
    beside = store.current().settings.factors.parent
    policy = load(named(beside / "policies", document.policy), Policy)
    return Lent(number, rows, document.factor, terms, policy)


def altered(loan: Lent) -> tuple[str, ...]:
    """Name the terms that the document says otherwise than when the loan was agreed.

    Asked of the run that wrote it down: no later one changes what was agreed.
    """
    s = store.current()
    written = store.made_with(s, store.resolve(s, f"loan:{loan.number}"))
    now, then = loan.terms.identity(), written.publication.terms
    return tuple(name for name in AGREED if now[name] != then.get(name, now[name]))


def house() -> tuple[LprTable, BankCalendar]:
    """Read the LPR and the rest days that the house keeps; none where it keeps none."""
    beside = store.current().settings.factors.parent
    lpr, days = beside / "lpr.yaml", beside / "calendars" / "cn.yaml"
    return (
        load(lpr, LprTable) if lpr.exists() else LprTable(),
        load(days, BankCalendar) if days.exists() else BankCalendar(),
    )


def mine(register: Any, loan: Lent, key: str = "loan") -> Snapshot:  # Any: a contract
    """Ask for what is registered of a loan."""
    return Snapshot(register=register, where={key: loan.number})


def keeps_books(loan: Lent) -> bool:
    """Say whether the entity is the borrower, whose books are kept here."""
    return bool(loan.entity.credit_code == loan.rows[0]["borrower_code"])


def books_of(loan: Lent, day: date) -> Iterator[tuple[LoanPart, Book | None]]:
    """Follow each tranche of a loan to a day.

    Raises:
        RegisterError: Its document says other terms than those it was drawn under.
    """
    lpr, days = house()
    facts = store.snapshot(store.current(), mine(LoanFact, loan), "")[0]
    market = Market(lpr.fixings, days)
    for part in loan.parts:
        refuse_other_terms(facts, part)
        yield part, follow(part.terms, facts_of(facts, part), market, day)


def days_past_due(loan: Lent, day: date) -> int:
    """Say for how many days the loan is overdue: its tranche that is late longest."""
    books = [book for _, book in books_of(loan, day) if book]
    late = [arrears(unpaid(book.account), day).to_dicts() for book in books]
    return max((row["days_past_due"] for rows in late for row in rows), default=0)


def standing(number: str, as_of: date | None) -> Facts:
    """Tell how a loan stands on a day: schedule, what is due and paid, its class.

    Args:
        number: Of the agreement.
        as_of: The day; today if not said.
    """
    loan = lent(number)
    day = as_of or scheduled_date(loan.entity.zone)
    met = rows_of(LoanFact, loan=number, event="condition")
    known = {row["name"]: row for row in met if row["effective_on"] <= day}
    return {
        "loan": number,
        "as_of": str(day),
        "kind": loan.terms.kind,
        "borrower": loan.terms.borrower.name,
        "books": loan.entity.entity if keeps_books(loan) else "",
        "conditions": [
            {
                "name": one.name,
                "text": one.text,
                "met_on": str(known[one.name]["effective_on"])
                if one.name in known
                else "",
                "evidence": known.get(one.name, {}).get("evidence", ""),
            }
            for one in loan.terms.conditions
        ],
        "tranches": [
            tranche_facts(loan, part, book, day) for part, book in books_of(loan, day)
        ],
    }


def tranche_facts(loan: Lent, part: LoanPart, book: Book | None, day: date) -> Facts:
    """Tell how one tranche stands; undrawn ones owe nothing."""
    told: Facts = {
        "tranche": part.tranche,
        "lender": part.lender,
        "agreed": money(part.terms.principal),
        "drawn_on": "",
    }
    if book is None:
        return told
    claims, late = book.claims(day), arrears(unpaid(book.account), day)
    tier = classify(late, loan.policy.resolve(TierRules)).row(0, named=True)
    ahead = [row for row in book.unpaid() if row.claimable_from > day]
    return told | {
        "drawn_on": str(book.terms.begins),
        "drawn": money(book.terms.principal),
        "outstanding": money(yuan(book.outstanding)),
        "due": {name: money(yuan(fen)) for name, fen in claims._asdict().items()},
        "days_past_due": tier["days_past_due"],
        "tier": tier["tier"],
        "next": row_due(ahead[0]) if ahead else None,
        "schedule": schedule_facts(book),
        "payments": [
            {
                "number": one.number,
                "on": str(one.on),
                **{n: money(yuan(fen)) for n, fen in one.made._asdict().items()},
            }
            for one in book.payments
        ],
    }


def row_due(row: Any) -> Facts:  # Any: Due, a tuple of the room of loans
    """Tell what is due next."""
    return {
        "due_on": str(row.due_on),
        "payable_on": str(row.payable_on),
        "interest": money(yuan(row.interest)),
        "principal": money(yuan(row.principal)),
    }


def schedule_facts(book: Book) -> list[Facts]:
    """Tell each row of the schedule with what is unpaid of it."""
    open_ = {row.number: row.interest + row.principal for row in left(book.account)}
    rows = book.shown.with_columns(
        unpaid_fen=pl.col("number").replace_strict(open_, return_dtype=pl.Int64)
    ).drop("loan")
    return [
        {
            n.removesuffix("_fen"): money(yuan(v)) if n.endswith("_fen") else plain(v)
            for n, v in row.items()
        }
        for row in rows.to_dicts()
    ]


def plain(value: object) -> object:
    """Write days as text; the rest is JSON."""
    return str(value) if isinstance(value, date) else value


def money(amount: Any) -> str:  # Any: a Decimal that pydantic made of text
    """Write yuan for programs. 46000 -> 46000.00."""
    return f"{amount:.2f}"


def show(console: Console, data: Facts) -> None:
    """Show a loan: conditions, and of each tranche schedule, payments and class."""
    head = f"loan {data['loan']} on {data['as_of']}: {data['borrower']}"
    console.print(head, markup=False)
    for one in data["conditions"]:
        met = f"met on {one['met_on']}, {one['evidence']}" if one["met_on"] else "unmet"
        said = f"  condition 先决条件 {one['name']}: {one['text']}: {met}"
        console.print(said, markup=False)
    for tranche in data["tranches"]:
        show_tranche(console, tranche)
    if not data["books"]:
        console.print(
            "  the borrower keeps its books elsewhere: nothing is posted here"
        )


def show_tranche(console: Console, data: Facts) -> None:
    """Show one tranche."""
    agreed = grouped(data["agreed"])
    title = f"tranche {data['tranche']} of {data['lender']}, {agreed} CNY agreed"
    if not data["drawn_on"]:
        console.print(f"  {title}: not drawn 未提款", markup=False)
        return
    amounts = ("principal", "interest", "balance", "unpaid")
    rows = [
        (
            *(row["number"], row["due_on"], row["payable_on"]),
            *(grouped(row[n]) for n in amounts),
            ", ".join(marks(row)),
        )
        for row in data["schedule"]
    ]
    heads = ("number", "due 到期", "payable 付款日", "principal 本金", "interest 利息")
    console.print(
        table(f"\n{title}", (*heads, "balance 余额", "unpaid 未付", ""), rows)
    )
    paid = [
        (one["number"], one["on"], *(grouped(one[n]) for n in CLAIMS))
        for one in data["payments"]
    ]
    if paid:
        named_ = [f"{name} {zh}" for name, zh in CLAIMS.items()]
        console.print(table("\npaid 已还", ("number", "day 日期", *named_), paid))
    for said in sums(data):
        console.print(f"  {said}", markup=False)


def sums(data: Facts) -> Iterator[str]:
    """Say what was drawn, is left and is due, the class, and what comes next."""
    yield f"drawn 提款 {grouped(data['drawn'])} CNY on {data['drawn_on']}"
    yield f"outstanding 余额 {grouped(data['outstanding'])}"
    due = {n: grouped(data["due"][n]) for n in CLAIMS if data["due"][n] != "0.00"}
    named_ = [f"{name} {CLAIMS[name]} {amount}" for name, amount in due.items()]
    yield f"due 应付 {', '.join(named_) or 'nothing'}"
    late, tier = data["days_past_due"], data["tier"]
    yield f"{late} days past due 逾期: {tier} {CLASSES[tier]}"
    if ahead := data["next"]:
        interest, principal = (grouped(ahead[n]) for n in ("interest", "principal"))
        yield (
            f"next 下期 {ahead['due_on']}, payable {ahead['payable_on']}: interest"
            f" {interest}, principal {principal}"
        )


def grouped(amount: str) -> str:
    """Write yuan for people. 46000.00 -> 46,000.00."""
    return f"{Decimal(amount):,.2f}"


def marks(row: Facts) -> Iterator[str]:
    """Say what is not certain of a row yet, or that it was repaid early."""
    told = {"early": "prepaid 提前还款", "day_provisional": "day provisional"}
    told |= {"rate_provisional": "rate provisional"}
    return (said for name, said in told.items() if row[name])
