"""Say what asks for another person's approval, since when, and until when.

The time begins when the entries were first proposed, not when a nightly run proposed
them again: else nothing would ever run out. Who wants more time asks anew.
"""

from datetime import UTC, datetime, timedelta

from schemas.errors import RegisterError
from tasks import store
from tasks.stage.call import digest
from tasks.store import Run

GATE, TASK = "approval", "post"
ANEW = "asked anew"  # what the run says that begins the time again


def subject_of(run: Run) -> str:
    """Find what a refused run asks to approve; empty where it asks nothing."""
    shut = [g for g in run.publication.gates if g.gate == GATE and not g.passed]
    return shut[0].evidence if shut else ""


def first_asked(subject: str) -> Run:
    """Find the run that began the time of a proposal: the first, or one asked anew."""
    runs = store.runs(store.current(), task=TASK)
    mine = [run for run in runs if subject_of(run) == subject]
    anew = (run for run in mine if run.publication.message == ANEW)
    return next(anew, mine[-1])


def deadline(subject: str) -> datetime:
    """Say until when somebody may decide.

    Asked on 2026-11-13T17:30Z, a wait of 604,800 s -> 2026-11-20T17:30Z.
    """
    wait = timedelta(seconds=store.current().settings.approval_wait)
    return first_asked(subject).at + wait


def expired(subject: str) -> bool:
    """Say whether the time is over: then it counts as rejected."""
    return datetime.now(UTC) > deadline(subject)


def over(subject: str) -> str:
    """Say that nobody decided in time, and how to ask once more."""
    return (
        f"nobody decided by {when(deadline(subject))}, so it counts as rejected:"
        f" `datafactor approve {subject[:12]} --anew` asks once more"
    )


def ask_anew(subject: str) -> Run:
    """Propose once more what nobody decided in time: its time begins again.

    Raises:
        RegisterError: Its time is not over.
    """
    if not expired(subject):
        raise RegisterError(
            f"{subject[:12]} waits until {when(deadline(subject))}: there is nothing to"
            " ask anew"
        )
    s, run = store.current(), first_asked(subject)
    key = digest([ANEW, run.publication.key, run.run])
    told = {"key": key, "message": ANEW}
    store.publish(s, run.publication.model_copy(update=told))
    return first_asked(subject)


def when(at: datetime) -> str:
    """Write a moment: ``2026-11-20 17:30:05 UTC``."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
