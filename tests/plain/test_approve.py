"""Money above the threshold waits for another person's signature."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from flows import approve, awaited, operate
from flows.demo import AS_OF, FACTOR
from flows.value_chain import value_chain
from schemas.approval import Signed
from schemas.artifact import Snapshot, Stage
from schemas.errors import Refused, RegisterError, StoreError
from schemas.registers import JournalLine
from tasks import store
from tasks.store.database import writing
from tests.archive import small_archive
from tests.builders import temporary_store
from tests.command import ROOT


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with a threshold of 500,000.00: three of its entries stand above.

    A preparer ran it and was refused; every test goes on from a copy of that.
    """
    home = tmp_path_factory.mktemp("refused")
    small_archive(home / "data", 300)
    folder = home / "deployments"
    for part in ("factors", "entities", "policies"):
        (folder / part).mkdir(parents=True)
        for file in (ROOT / "deployments" / part).glob("*.yaml"):
            (folder / part / file.name).write_text(file.read_text("utf-8"), "utf-8")
    edit(folder, "  name: flight-disruption-index\n", threshold("500000.00"))
    with temporary_store(home, **places(home)) as s:
        become("preparer", home)
        asked()
        assert journal() == []
        s.engine.dispose()
    return home


@pytest.fixture
def documents(refused: Path, tmp_path: Path) -> Iterator[Path]:
    """Lend a copy, and act as the preparer in it."""
    shutil.copytree(refused, tmp_path, dirs_exist_ok=True)
    with temporary_store(tmp_path, **places(tmp_path)) as s:
        acting("preparer", tmp_path)
        yield tmp_path
        s.engine.dispose()


def places(home: Path) -> dict[str, str]:
    return {
        "DATAFACTOR_DATA": str(home / "data"),
        "DATAFACTOR_FACTORS": str(home / "deployments" / "factors"),
    }


def threshold(yuan: str) -> str:
    return f'  name: flight-disruption-index\n  approval_above: "{yuan}"\n'


def edit(deployments: Path, old: str, new: str) -> None:
    file = deployments / "factors" / f"{FACTOR}.yaml"
    told = file.read_text("utf-8")
    assert old in told
    file.write_text(told.replace(old, new, 1), "utf-8")


def run() -> None:
    value_chain.fn(FACTOR, AS_OF, Stage.ASSET)


def asked() -> str:
    """Run the chain, which refuses, and find what it asks to approve."""
    with pytest.raises(Refused, match="datafactor approve") as refused:
        run()
    subject = waited()
    assert subject in str(refused.value)
    return subject


def waited() -> str:
    """Name the one posting that waits."""
    (waits,) = approve.waiting()
    return str(waits["subject"])


def journal() -> list[dict[str, Any]]:
    wanted = Snapshot(register=JournalLine, where={})
    return store.snapshot(store.current(), wanted, "")[0].to_dicts()


def become(person: str, home: Path, known: bool = True) -> None:
    """Act with a key of one's own, which the house may know."""
    file = home / f"{person}.key"
    key = Ed25519PrivateKey.generate()
    pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(key.private_bytes(*pem))
    signers = home / "deployments" / "signers"
    signers.mkdir(exist_ok=True)
    half = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    if known:
        (signers / f"{person}.pub").write_bytes(half)
    acting(person, home)


def acting(person: str, home: Path) -> None:
    os.environ |= {
        "DATAFACTOR_KEY": str(home / f"{person}.key"),
        "DATAFACTOR_USER": person,
    }


def test_what_another_person_approves_is_posted_and_traced(documents: Path) -> None:
    subject = waited()
    become("controller", documents)
    os.environ["DATAFACTOR_USER"] = "Anna, chief accountant"  # whom nobody checked
    told = approve.decide(approve.signed(subject[:12], "approve", "seen"))
    run()

    assert told["approver"] == "controller", "by whose key, not by what they say"
    lines = journal()
    marked = {line["entry"] for line in lines if line["approval"] == subject}
    large = {line["entry"] for line in lines if line["amount_fen"] > 50_000_000}
    assert marked == large != set()
    entered = store.entered(store.current(), ["jiangbei-data"]).filter(
        pl.col("entry").is_in(marked)
    )
    people = entered.select("preparer", "reviewer").unique().rows()
    assert people == [("preparer", "controller")], "whoever posts it then"
    assert approve.waiting() == []
    found = store.verify(store.current(), store.current().settings.anchor)
    assert (found.exit, found.examined["approvals"]) == (0, 1)


def test_who_prepared_it_cannot_approve_it_neither_here_nor_in_sql(
    documents: Path,
) -> None:
    subject = waited()
    (waits,) = approve.waiting()

    with pytest.raises(RegisterError, match="another person decides"):
        approve.signed(subject, "approve", "")
    columns = "entity, subject, decision, preparer_key, approver_key, approver"
    row = "'jiangbei', :s, 'approve', :k, :k, 'me', '2026-07-01', '', '', :a, 'x'"
    forged = (
        f"INSERT INTO approvalrow ({columns}, decided_on, note, signature, artifact,"
        f" poster) SELECT {row} "
    ).replace(":a", "(SELECT id FROM artifact LIMIT 1)")
    given = {"s": subject, "k": waits["preparer_key"]}
    with (
        pytest.raises(IntegrityError, match="another_person"),
        writing(store.current().engine) as c,
    ):
        c.execute(text(forged), given)


def test_who_proposed_it_after_another_cannot_approve_it_either(
    documents: Path,
) -> None:
    """Another purpose of the appraisal is another run over the same entries."""
    subject = waited()
    become("clerk", documents)
    edit(documents / "deployments", "for a bank loan", "for a loan")
    assert asked() == subject

    for person in ("clerk", "preparer"):
        acting(person, documents)
        with pytest.raises(RegisterError, match="another person decides"):
            approve.signed(subject, "approve", "")


def test_a_stranger_cannot_approve(documents: Path) -> None:
    subject = waited()
    become("stranger", documents, known=False)

    with pytest.raises(StoreError, match="nobody knows whose key"):
        approve.signed(subject, "approve", "")


def test_changed_terms_void_an_approval(documents: Path) -> None:
    first = waited()
    become("controller", documents)
    approve.decide(approve.signed(first, "approve", ""))
    acting("preparer", documents)
    edit(documents / "deployments", "life_months: 60", "life_months: 48")

    second = asked()

    assert second != first
    assert journal() == []


def test_a_rejection_posts_nothing_and_says_so(documents: Path) -> None:
    subject = waited()
    become("controller", documents)
    approve.decide(approve.signed(subject, "reject", "no invoice"))
    acting("preparer", documents)

    with pytest.raises(Refused, match="rejected"):
        run()
    assert journal() == []
    assert approve.waiting() == []


def test_what_nobody_decided_in_time_is_rejected_until_somebody_asks_anew(
    documents: Path,
) -> None:
    """A nightly run proposes the same again: that does not begin the time again."""
    subject = waited()
    become("controller", documents)
    line = approve.signed(subject, "approve", "")
    (soon,) = operate.failures(FACTOR)
    os.environ["DATAFACTOR_APPROVAL_WAIT"] = "1"
    while not awaited.expired(subject):
        time.sleep(0.1)
    acting("preparer", documents)
    with pytest.raises(Refused):
        value_chain.fn(FACTOR, AS_OF + timedelta(days=1), Stage.ASSET)
    (late,) = operate.failures(FACTOR)

    assert (soon["state"], late["state"]) == ("waiting", "expired")
    assert "then it counts as rejected" in soon["sentence"]
    assert f"nobody decided by {late_by(subject)}" in late["sentence"]
    acting("controller", documents)
    for decide in (lambda: approve.signed(subject, "approve", ""), decided(line)):
        with pytest.raises(RegisterError, match=r"nobody decided by .* --anew"):
            decide()

    os.environ["DATAFACTOR_APPROVAL_WAIT"] = "600"
    with pytest.raises(RegisterError, match="nothing to ask anew"):
        approve.asked_anew(subject)
    assert journal() == []


def test_what_is_asked_anew_can_be_approved_but_not_by_who_asked(
    documents: Path,
) -> None:
    subject = waited()
    begun = awaited.first_asked(subject).at
    os.environ["DATAFACTOR_APPROVAL_WAIT"] = "1"
    while not awaited.expired(subject):
        time.sleep(0.1)
    become("clerk", documents)
    told = approve.asked_anew(subject[:12])
    os.environ["DATAFACTOR_APPROVAL_WAIT"] = "600"

    assert told["until"] > awaited.when(begun + timedelta(seconds=1))
    with pytest.raises(RegisterError, match="another person decides"):
        approve.signed(subject, "approve", "")
    become("controller", documents)
    approve.decide(approve.signed(subject, "approve", ""))
    run()
    assert journal()
    assert operate.failures(FACTOR) == []
    assert store.verify(store.current()).exit == 0


def late_by(subject: str) -> str:
    """Write the moment a second after it was first proposed."""
    return awaited.when(awaited.first_asked(subject).at + timedelta(seconds=1))


def decided(line: Signed) -> Callable[[], object]:
    return lambda: approve.decide(line)


def test_a_pasted_decision_counts_only_whole_and_for_its_subject(
    documents: Path,
) -> None:
    subject = waited()
    become("controller", documents)
    line = approve.token(approve.signed(subject, "approve", ""))
    acting("preparer", documents)

    for pasted in ("", "x", line[:-9], "A" * 9_000):
        with pytest.raises(RegisterError, match="no signed decision"):
            approve.taken(pasted)
    with pytest.raises(RegisterError, match="does not approve"):
        approve.accepted("approve", line, "0" * 64)
    changed = approve.taken(line).model_copy(update={"note": "and pay twice"})
    with pytest.raises(RegisterError, match="not signed by a key"):
        approve.decide(changed)
    assert not approve.accepted("reject", line, subject)
    assert approve.accepted("approve", line, subject)
    run()
    assert journal()


def test_verify_hears_a_signature_that_is_not_true(documents: Path) -> None:
    subject = waited()
    become("controller", documents)
    approve.decide(approve.signed(subject, "approve", ""))
    (documents / "deployments" / "signers" / "controller.pub").unlink()
    acting("preparer", documents)

    found = store.verify(store.current())

    assert found.exit == 2
    said = [f.sentence for f in found.findings]
    assert any("bears no signature of a known signer" in s for s in said)


def test_less_than_eight_signs_name_nothing(documents: Path) -> None:
    subject = waited()

    with pytest.raises(StoreError, match="8 signs or more"):
        approve.asked_for(subject[:7])
