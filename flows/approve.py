"""Ask another person before much money is posted, and take the signed answer.

An entry above the factor's threshold is proposed, shown, and waits. Who decides signs
with a key of their own, whose public half stands in ``deployments/signers``: with
``datafactor approve``, or in the form of a suspended run in the Prefect UI, into which
they paste what ``datafactor approve SUBJECT --sign`` printed. What is approved is named
by its digest, so that changed terms or entries are another subject.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil
from typing import Any, Literal, TypeVar

from prefect.context import FlowRunContext
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import Field, ValidationError

from flows.awaited import (
    GATE,
    TASK,
    ask_anew,
    deadline,
    expired,
    first_asked,
    over,
    subject_of,
    when,
)
from flows.books import entity_named
from flows.calendar import scheduled_date
from flows.ended import waits
from flows.operate import awaited
from flows.stages import approve_task
from schemas.approval import ApprovalTerms, Signed, Statement
from schemas.artifact import Snapshot
from schemas.errors import Refused, RegisterError, StoreError
from schemas.money import shown
from schemas.registers import Approval, JournalLine
from tasks import store
from tasks.asset.approve import statement
from tasks.store import Run

T = TypeVar("T")
Facts = dict[str, Any]  # JSON
LONGEST = 8_192  # signs of a pasted decision
DECIDE = "`datafactor approve {}`"


class SignOff(RunInput):
    """The form of a suspended run: nothing is preselected; a signature counts."""

    decision: Literal["reject", "approve"] = Field(description="Your decision")
    signed: str = Field(
        default="",
        max_length=LONGEST,
        description="To approve: what `datafactor approve SUBJECT --sign` printed",
    )


def waiting() -> list[Facts]:
    """List what waits for a decision, with the entries that shall be posted."""
    decided = {row["subject"] for row in approvals()}
    latest: dict[str, Run] = {}
    asking = store.runs(store.current(), task=TASK)
    for run in sorted(asking, key=lambda run: run.when, reverse=True):
        latest.setdefault(run.publication.factor, run)
    asked = [(subject_of(run), run) for run in latest.values()]
    return [facts_of(s, run) for s, run in asked if s and s not in decided]


def approvals(**where: str) -> list[Facts]:
    """Read the decisions that were posted."""
    asked = Snapshot(register=Approval, where=where)
    return store.snapshot(store.current(), asked, "")[0].to_dicts()


def asked_for(subject: str) -> Run:
    """Find the run that asks for a decision.

    Raises:
        StoreError: None does, or the text is the beginning of several.
    """
    runs = store.runs(store.current(), task=TASK)
    found = {s: run for run in runs[::-1] if (s := subject_of(run)).startswith(subject)}
    found.pop("", None)
    if len(subject) < 8 or len(found) != 1:
        raise StoreError(
            f"{subject or 'nothing'} names {len(found)} proposals: give 8 signs or more"
            " of one that `datafactor approve` lists"
        )
    return next(iter(found.values()))


def facts_of(subject: str, run: Run) -> Facts:
    """Tell what shall be posted, by whom it was prepared, and why it waits."""
    said = run.publication
    ground = next(g.ground for g in said.gates if g.gate == GATE)
    return {
        "subject": subject,
        "factor": said.factor,
        "entries": entries_of(run),
        "ground": ground,
        "prepared_by": run.who,
        "preparer_key": run.signer,
        "prepared_at": run.at.isoformat(timespec="seconds"),
        "until": when(deadline(subject)),
        "expired": expired(subject),
    }


def entries_of(run: Run) -> list[Facts]:
    """List the lines that the run proposed and the journal does not hold yet."""
    s = store.current()
    proposed = next(i for i in run.publication.inputs if i.role == "journal")
    lines = store.scan(s, store.resolve(s, proposed.id)).collect()
    asked = Snapshot(register=JournalLine, where={})
    posted = store.snapshot(s, asked, "")[0]
    fresh = lines.join(posted, on=["entity", "entry", "line"], how="anti")
    return [
        {
            "entity": line["entity"],
            "entry": line["entry"],
            "booked_on": str(line["booked_on"]),
            "account": line["account"],
            "amount": shown(line["amount_fen"]),
            "memo": line["memo"],
        }
        for line in fresh.sort("entity", "entry", "line").to_dicts()
    ]


def signed(subject: str, decision: Literal["approve", "reject"], note: str) -> Signed:
    """Sign a decision with one's own key.

    Raises:
        StoreError: There is no such proposal, or nobody knows whose key it is.
        RegisterError: Who prepared it decides on it, or its time is over.
    """
    s, run = store.current(), asked_for(subject)
    refuse_late(subject_of(run))
    mine = store.fingerprint(s)
    if mine in proposers(subject_of(run)):
        raise RegisterError(
            f"you proposed {subject_of(run)[:12]} with this same key: another person"
            " decides, with a key of their own (DATAFACTOR_KEY)"
        )
    said = Statement(
        entity=entity_of(run),
        subject=subject_of(run),
        decision=decision,
        preparer_key=run.signer,
        approver_key=mine,
        approver=store.own_name(s),
        decided_on=scheduled_date(entity_named(entity_of(run)).zone),
        note=note,
    )
    return Signed(**said.model_dump(), signature=store.sign(s, statement(said)))


def proposers(subject: str) -> set[str]:
    """Collect the keys of all whose runs asked to approve this."""
    runs = store.runs(store.current(), task=TASK)
    return {run.signer for run in runs if subject_of(run) == subject}


def entity_of(run: Run) -> str:
    """Name the entity whose books a proposal concerns."""
    return str(entries_of(run)[0]["entity"])


def decide(given: Signed) -> Facts:
    """Post a signed decision; the same again changes nothing.

    Raises:
        RegisterError: Its signature is not that of a known signer, it speaks of another
            proposal than its subject's, or it comes too late.
    """
    run = asked_for(given.subject)
    refuse_late(given.subject)
    if not store.bears(
        store.current(), statement(given), given.signature, given.approver_key
    ):
        raise RegisterError(
            "the decision is not signed by a key in deployments/signers: sign it with"
            f" {DECIDE.format(given.subject[:12] + ' --sign')}"
        )
    asked = proposers(given.subject)
    theirs = given.preparer_key in asked and given.approver_key not in asked
    if not theirs or given.entity != entity_of(run):
        raise RegisterError(
            f"the decision names another preparer or entity than {given.subject[:12]}"
            " has, or its approver proposed it too: let another person sign it anew"
        )
    approve_task(ApprovalTerms(factor=run.publication.factor, signed=given))
    return {
        "subject": given.subject,
        "decision": given.decision,
        "approver": given.approver,
        "decided_on": str(given.decided_on),
        "factor": run.publication.factor,
    }


def refuse_late(subject: str) -> None:
    """Refuse to decide on what nobody decided in time.

    Raises:
        RegisterError: Its time is over; what was decided before stays decided.
    """
    if expired(subject) and not approvals(subject=subject):
        raise RegisterError(f"{subject[:12]}: {over(subject)}")


def asked_anew(subject: str) -> Facts:
    """Ask once more for what nobody decided in time; who asks decides nothing on it.

    Raises:
        RegisterError: Its time is not over, or it was decided.
        StoreError: There is no such proposal.
    """
    whole = subject_of(asked_for(subject))
    if approvals(subject=whole):
        raise RegisterError(f"{whole[:12]} was decided: run again what proposed it")
    return facts_of(whole, ask_anew(whole))


def token(given: Signed) -> str:
    """Write a signed decision as one line, to be pasted into the form."""
    return base64.urlsafe_b64encode(given.model_dump_json().encode()).decode()


def taken(text: str) -> Signed:
    """Read a pasted decision.

    Raises:
        RegisterError: It is not what ``datafactor approve --sign`` prints.
    """
    try:
        if len(text) > LONGEST:
            raise ValueError
        return Signed.model_validate(json.loads(base64.urlsafe_b64decode(text.strip())))
    except (ValueError, ValidationError):
        raise RegisterError(
            "that is no signed decision: paste the whole line that `datafactor approve"
            " SUBJECT --sign` printed"
        ) from None


def asking(factor: str, attempt: Callable[[], T]) -> T:
    """Do what may need an approval; let it be given in the UI, then do it once more.

    Args:
        factor: Whose proposal it is: a factor, or an entity that closes a month.
        attempt: What posts it.

    Raises:
        Refused: A gate is shut, or nobody approved.
    """
    try:
        return attempt()
    except Refused as refused:
        asked = [w["subject"] for w in waiting() if w["factor"] == factor]
        if refused.stage != TASK or not asked or not sought(asked[0]):
            raise
    return attempt()


def sought(subject: str) -> bool:
    """Suspend a deployed run until somebody decides in the UI; say if they approved.

    Outside a deployment nothing can wait: the run ends *Refused* and names the command.
    Suspended, it holds no process and no slot; when the time is over it fails, and
    nothing is posted. Run again after that (or Retry) asks anew, with a new form.

    Raises:
        RegisterError: What was pasted approves something else, or is not signed.
    """
    context = FlowRunContext.get()
    if context is None or not context.flow_run or not context.flow_run.deployment_id:
        return False
    begun = ask_anew(subject) if expired(subject) else first_asked(subject)
    run = asked_for(subject)
    told = facts_of(subject, run)
    waits(told["factor"], awaited(run, told["ground"], subject)[1])
    answer = suspend_flow_run(
        wait_for_input=SignOff.with_initial_data(description=described(told)),
        timeout=seconds_to(deadline(subject)),
        key=f"approval-{subject[:24]}-{begun.seq}",
    )
    return answer is not None and accepted(answer.decision, answer.signed, subject)


def seconds_to(end: datetime) -> int:
    """Count the seconds to a moment, at least one."""
    return max(1, ceil((end - datetime.now(UTC)).total_seconds()))


def accepted(decision: str, pasted: str, subject: str) -> bool:
    """Post what was decided in a form; anything but a signed approval is a refusal."""
    if decision != "approve":
        return False
    given = taken(pasted)
    if given.subject != subject or given.decision != "approve":
        raise RegisterError(
            f"what was pasted does not approve {subject[:12]}: sign this proposal with"
            f" {DECIDE.format(subject[:12] + ' --sign')}"
        )
    decide(given)
    return True


def described(facts: Facts) -> str:
    """Write a proposal as Markdown, for the form."""
    rows = [
        f"| {e['entry']} | {e['booked_on']} | {e['account']} | {e['amount']} |"
        for e in facts["entries"]
    ]
    head = [
        "| entry 分录 | day | account 科目 | amount 金额 (CNY) |",
        "|---|---|---|---:|",
    ]
    return "\n".join(
        [
            f"**Approval 复核** of {facts['factor']}: {facts['ground']}",
            "",
            f"Prepared by {facts['prepared_by']}, {facts['prepared_at']}; until"
            f" {facts['until']}, then it counts as rejected. To approve,"
            f" run {DECIDE.format(facts['subject'][:12] + ' --sign')} with your own key"
            " and paste its line below.",
            "",
            *head,
            *rows,
        ]
    )
