"""Say what failed, how many, what to do, and what money rests on it.

One sentence for the run page, its summary and ``datafactor show --failed``. It quotes
no value of a row: what failed is told as the seam recorded it, by rule and count.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from rich.console import Console

from flows.awaited import GATE, deadline, expired, over, when
from flows.face import title_of
from flows.market import rows_of
from schemas.errors import StoreError
from schemas.money import shown
from schemas.registers import Approval, Loan, Pledge, PledgeEvent
from tasks import store
from tasks.store import Run, Trouble

Facts = dict[str, Any]  # JSON
FEW = 3  # loans that a sentence names
LENT = ("request", "principal_fen", "lender", "entity", "asset")
READ = 50  # loans whose position is read
FRAMES = ("resource/resource", "product", "asset")  # what money hangs on


class Money(NamedTuple):
    """The money that rests on a factor: what is lent, owed and ordered, in fen.

    ``owed_fen`` is None where no run has said how much of it is outstanding.
    """

    loans: tuple[str, ...]
    many: int
    lent_fen: int
    owed_fen: int | None
    ordered_fen: int

    def __str__(self) -> str:
        """``5,000,000.00 CNY of loans rest on it (BANK-2026-001), …``."""
        told = []
        if self.many:
            named = ", ".join(self.loans[:FEW])
            more = f" and {self.many - FEW} more" if self.many > FEW else ""
            owed = self.owed_fen
            left = "" if owed is None else f", {shown(owed)} CNY of that outstanding"
            told.append(f"{shown(self.lent_fen)} CNY of loans ({named}{more}){left}")
        if self.ordered_fen:
            told.append(f"{shown(self.ordered_fen)} CNY of orders")
        return f"on it rest {' and '.join(told)}" if told else "no money rests on it"


def resting(name: str) -> Money:
    """Ask the store what rests on a factor in all its versions, or on an entity.

    Money hangs on the version that was pledged, not on the newest of its name. Of an
    entity, or of the whole house (no name), it is what is lent to it.
    """
    s = store.current()
    starts: list[str] = []
    for frame in FRAMES:
        with suppress(StoreError):
            starts += store.every(s, f"{name}/{frame}")
    if not starts:
        return lent_to(name)
    found = store.impact(s, *dict.fromkeys(starts), limit=READ)
    weight = found.weight
    more = weight.pledged_fen + weight.unsecured_fen
    more -= sum(loan.principal_fen for loan in found.pledges)  # of those not listed
    unread = weight.loans - len(found.pledges)
    return added(found.pledges, weight.ordered_fen, unread, more)


def lent_to(entity: str) -> Money:
    """Sum what is lent to an entity: its pledges, and its loans without one."""
    where = {"entity": entity} if entity else {}
    loans = {
        row["request"]: store.Loan(**{name: row[name] for name in LENT})
        for row in rows_of(Pledge, **where)
    }
    for row in rows_of(Loan, **where):
        known = loans.get(row["loan"])
        if known and known.secured:
            continue
        fen = row["amount_fen"] + (known.principal_fen if known else 0)
        said = {"request": row["loan"], "principal_fen": fen, "secured": False}
        loans[row["loan"]] = store.Loan(**{n: row[n] for n in LENT[2:]}, **said)
    return added(list(loans.values()))


def added(
    loans: Sequence[store.Loan], ordered_fen: int = 0, unread: int = 0, more: int = 0
) -> Money:
    """Add up loans but those that are repaid by schedule, or whose pledge was released.

    Args:
        loans: Those that are listed.
        ordered_fen: What customers ordered.
        unread: How many more there are, of ``more`` fen in all.
    """
    owed = store.outstanding(store.current(), loans)
    gone = {row["request"] for row in rows_of(PledgeEvent, event="release")}
    live = [n for n in loans if n.request not in gone and owed.get(n.request, 1)]
    known = not unread and all(one.request in owed for one in live)
    return Money(
        loans=tuple(one.request for one in live),
        many=len(live) + unread,
        lent_fen=sum(one.principal_fen for one in live) + more,
        owed_fen=sum(owed[one.request] for one in live) if known else None,
        ordered_fen=ordered_fen,
    )


def money_of(name: str) -> str:
    """Say what money rests on a factor; where it cannot be read, whom to ask."""
    try:
        return str(resting(name))
    except store.UNREACHED:
        return f"what money rests on it cannot be read: ask `datafactor impact {name}`"


def sentence(name: str, said: str, others: int = 0) -> str:
    """Add to what failed and what to do how many failed with it, and the money."""
    more = f"; {others} more of its parts failed" if others else ""
    return f"{said}{more}; {money_of(name)}"


def is_whole(said: str) -> bool:
    """Say whether a sentence speaks of the money already."""
    return "rests on it" in said or "on it rest" in said


def failures(factor: str | None = None) -> list[Facts]:
    """List what failed or was refused and was not made good since, newest first."""
    return [facts_of(t) for t in store.troubles(store.current(), factor)]


def facts_of(trouble: Trouble) -> Facts:
    """Tell one: its state, its sentence, and the command that shows more."""
    run, said = trouble.run, trouble.run.publication
    state, what = told(trouble)
    title = title_of(run) if trouble.refused else said.message.partition(":")[0]
    return {
        "factor": said.factor,
        "task": said.task,
        "title": title,
        "state": state,
        "at": run.at.isoformat(timespec="seconds"),
        "as_of": str(said.as_of) if said.as_of else None,
        "who": run.who,
        "run": run.run,
        "others": trouble.others,
        "sentence": sentence(said.factor, what, trouble.others),
    }


def told(trouble: Trouble) -> tuple[str, str]:
    """Say what failed, or why it was refused; of an approval, until when it waits."""
    run, said = trouble.run, trouble.run.publication
    if not trouble.refused:
        return "failed", said.message
    shut = [gate for gate in said.gates if not gate.passed]
    if len(shut) == 1 and shut[0].gate == GATE:
        return awaited(run, shut[0].ground, shut[0].evidence)
    grounds = "; ".join(dict.fromkeys(gate.ground for gate in shut))
    if said.status == "FAIL":  # a flow, between its stages
        return "refused", grounds
    count = f"{len(shut)} of {len(said.gates)} gates shut"
    return "refused", f"{said.task} refused, {count}: {grounds}"


def awaited(run: Run, ground: str, subject: str) -> tuple[str, str]:
    """Say what became of entries that ask for an approval."""
    head = f"{run.publication.task} refused: {ground}"
    decided = [row["decision"] for row in rows_of(Approval, subject=subject)]
    if decided:
        after = {"approve": "run it again to post", "reject": "nothing is posted"}
        return "refused", f"{head}; decided: {decided[-1]}, {after[decided[-1]]}"
    if expired(subject):
        return "expired", f"{run.publication.task} refused: {over(subject)}"
    until = when(deadline(subject))
    return "waiting", f"{head}; until {until}, then it counts as rejected"


def show(console: Console, data: Iterable[Facts]) -> None:
    """Show each with its sentence."""
    rows = list(data)
    for fact in rows:
        day = f", as of {fact['as_of']}" if fact["as_of"] else ""
        head = f"{fact['state'].upper():8} {fact['factor']} {fact['title']}{day}"
        at = f"{fact['at'][:19]}  run {fact['run'][:12]}"
        console.print(f"{head}  {at}", markup=False)
        console.print(f"  {fact['sentence']}", markup=False)
    if not rows:
        console.print("nothing failed or was refused that was not made good since")
