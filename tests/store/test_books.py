"""Who entered an entry, and who approved it, as the chain knows it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.books import Entered
from schemas.registers import Approval, JournalLine
from tasks import store
from tasks.store import Store
from tests.store.build import approval, frame_of, line, made, run, sha


def post(
    s: Store, contract: Any, who: str, *rows: dict[str, Any], task: str = "post"
) -> str:
    """Publish rows as somebody, and say which artifact they stand in."""
    person = replace(s, settings=s.settings.model_copy(update={"user": who}))
    frame = made(s, "posted", frame_of(contract, rows), sha(f"{rows}"))
    store.publish(person, run(frame, task=task, register=contract.__name__))
    return frame.ref.id


def entry(key: str, **more: Any) -> list[dict[str, Any]]:
    return [line(1, 100, key) | more, line(2, -100, key) | more]


def test_the_preparer_published_it_and_the_reviewer_approved_its_subject(
    s: Store,
) -> None:
    small = post(s, JournalLine, "clerk", *entry("incur/1"))
    post(s, Approval, "controller", approval())
    large = post(
        s, JournalLine, "accountant", *entry("incur/2", approval=sha("subject"))
    )

    found = store.entered(s, ["jiangbei"])

    Entered.to_schema().validate(found)
    assert found.rows() == [
        ("jiangbei", "incur/1", small, "clerk", ""),
        ("jiangbei", "incur/2", large, "accountant", "the controller"),
    ]


def test_who_publishes_the_same_artifact_again_is_not_its_preparer(s: Store) -> None:
    post(s, JournalLine, "clerk", *entry("incur/1"))
    post(s, JournalLine, "auditor", *entry("incur/1"), task="again")

    assert store.entered(s, ["jiangbei"])["preparer"].to_list() == ["clerk"]


def test_it_is_asked_as_known_before_a_moment_and_of_some_entities(s: Store) -> None:
    post(s, JournalLine, "clerk", *entry("incur/1"))
    moment = datetime.now(UTC)
    post(s, JournalLine, "clerk", *entry("incur/2"))
    post(s, JournalLine, "clerk", *entry("incur/3", entity="other"))

    assert store.entered(s, ["jiangbei"], moment)["entry"].to_list() == ["incur/1"]
    assert store.entered(s, ["other"])["entry"].to_list() == ["incur/3"]
    assert store.entered(s, ["jiangbei", "other"]).height == 3
    assert store.entered(s, ["jiangbei"], moment - timedelta(days=1)).is_empty()
