"""Attacks: each is found, and the finding says which money rests on it."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sqlalchemy import text

from schemas.artifact import ArtifactRef, Origin, Stage
from tasks import store
from tasks.store import Findings, Store, anchor, triggers
from tasks.store.publish import link
from tests.store.build import LOAN, made, pledge, post_pledge, run

Refs = dict[str, ArtifactRef]


OPEN = "SET session_replication_role = replica"
SHUT = "SET session_replication_role = origin"


def forge(s: Store, *statements: str) -> None:
    """Own the database: no guards, no foreign keys, no checks."""
    with s.engine.connect() as c:
        driver = c.connection.driver_connection
        assert driver is not None
        if c.dialect.name == "sqlite":
            names = [t.name for t in triggers.triggers()]
            before = ["PRAGMA foreign_keys=OFF", "PRAGMA ignore_check_constraints=ON"]
            before += [f"DROP TRIGGER {name}" for name in names]
            for statement in (*before, *statements):
                driver.execute(statement)
            with c.begin():
                triggers.install(c)
        else:
            for statement in (OPEN, *statements, SHUT):
                driver.execute(statement)
            driver.commit()
    s.engine.dispose()


def hex_of(s: Store, sha256: str) -> str:
    """Write an id as a literal of this database."""
    return f"x'{sha256}'" if s.engine.dialect.name == "sqlite" else rf"'\x{sha256}'"


def flip(file: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    os.chmod(file, 0o600)
    file.write_bytes(content)


def sentences(found: Findings) -> str:
    return "\n".join(f.sentence for f in found.findings)


CHAIN = ["flights", "resource", "product", "journal", "pledge"]


@pytest.mark.parametrize("name", CHAIN)
def test_one_flipped_bit_in_a_file(s: Store, refs: Refs, name: str) -> None:
    flip(store.path(s, refs[name].sha256))

    found = store.verify(s)

    assert found.exit == 1
    where = ", collected from flights.csv" if name == "flights" else ""
    said = (
        f"the bytes of {name} ({refs[name].id[:12]}) have changed{where}; on it rests"
    )
    assert f"{said} {LOAN}" in sentences(found)
    assert len(found.findings) == 1


@pytest.mark.parametrize("name", ["flights", "pledge"])
def test_a_missing_file_is_unverifiable(s: Store, refs: Refs, name: str) -> None:
    store.path(s, refs[name].sha256).unlink()

    found = store.verify(s)

    assert found.exit == 4
    assert f"the bytes of {name} ({refs[name].id[:12]}) are missing" in sentences(found)
    assert LOAN in sentences(found)


def test_bytes_on_which_nothing_rests_name_no_loan(s: Store, refs: Refs) -> None:
    flip(store.path(s, refs["flights.rejects"].sha256))

    found = store.verify(s)

    assert found.exit == 1
    assert "loan" not in sentences(found)


def refer(s: Store, content: bytes) -> ArtifactRef:
    """Collect a file of which the store keeps only hash and place."""
    s.settings.data.mkdir(parents=True, exist_ok=True)
    file = s.settings.data / "day.csv"
    file.write_bytes(content)
    hash = store.digest(file)
    origin = Origin(
        **{"path": "day.csv", "file_sha256": hash, "member": "", "licence": "CC0"},
        retained="reference",
    )
    landed = made(s, "day", content, origin=origin)
    store.path(s, hash).unlink()
    store.publish(s, run(landed, task="collect"))
    return landed.ref


def test_a_reference_that_holds_is_sound(s: Store, refs: Refs) -> None:
    refer(s, b"as collected")

    assert store.verify(s).exit == 0


@pytest.mark.parametrize(
    ("content", "bit", "how"),
    [(None, 4, "day.csv is missing"), (b"other", 1, "day.csv has changed")],
)
def test_a_reference_that_does_not_hold(
    s: Store, refs: Refs, content: bytes | None, bit: int, how: str
) -> None:
    ref = refer(s, b"as collected")
    (s.settings.data / "day.csv").unlink()
    if content is not None:
        (s.settings.data / "day.csv").write_bytes(content)

    found = store.verify(s)

    assert found.exit == bit
    said = f"the bytes of day ({ref.id[:12]}) are kept by reference, and the file {how}"
    assert sentences(found) == said


def test_a_reference_that_was_collected_anew_is_not_called_damaged(
    s: Store, refs: Refs
) -> None:
    before = refer(s, b"as collected")
    refer(s, b"as corrected")

    found = store.verify(s)

    assert found.exit == 4
    assert f"day ({before.id[:12]})" in sentences(found)
    assert "was replaced by one collected later" in sentences(found)


EDITS = {
    "the body of a run": (
        "UPDATE stagerun SET body = replace(body, '航班', '航斑') WHERE seq = 2",
        "run 2 (transform of flights) was changed",
    ),
    "a column of a run": (
        "UPDATE stagerun SET task = 'x' WHERE seq = 2",
        "task differ from its body",
    ),
    "the time of a run": (
        "UPDATE stagerun SET at = '2001-01-01 00:00:00.000000' WHERE seq = 2",
        "at differ from its body",
    ),
    "rows of an artifact": (
        "UPDATE artifact SET rows = rows + 1 WHERE name = 'product'",
        "a row of Artifact was changed",
    ),
    "a check": (
        "UPDATE checkresult SET failed = 0 WHERE position = 0",
        "a row of CheckResult was changed",
    ),
    "a removed check": (
        "DELETE FROM checkresult WHERE position = 1",
        "a row of CheckResult was removed",
    ),
    "a removed edge": (
        "DELETE FROM derivation WHERE role = 'product'",
        "a row of Derivation was removed",
    ),
    "an origin": (
        "UPDATE runoutput SET licence = 'mine' WHERE frame = 'flights'",
        "a row of RunOutput was changed",
    ),
    "a journal line": (
        "UPDATE journallinerow SET amount_fen = amount_fen * 2",
        "a row of JournalLineRow was changed",
    ),
    "a date of a pledge": (
        "UPDATE pledgerow SET matures_on = '2037-06-30'",
        "a row of PledgeRow was changed: BANK-2026-001",
    ),
    "a removed pledge": (
        "DELETE FROM pledgerow",
        "a row of PledgeRow was removed: BANK-2026-001",
    ),
    "a counter": (
        "UPDATE collateral SET pledged_fen = 0",
        "it counts 0.00 pledged where the pledges sum to 5,000,000.00",
    ),
    "a ceiling": (
        "UPDATE collateral SET cap_fen = cap_fen * 10",
        "its ceiling or its exclusiveness is not what was posted",
    ),
    "a removed entry": (
        "DELETE FROM journalentry",
        "a row of JournalEntry was removed",
    ),
}


@pytest.mark.parametrize("attack", EDITS)
def test_an_edited_row(s: Store, refs: Refs, attack: str) -> None:
    statement, expected = EDITS[attack]
    forge(s, statement)

    found = store.verify(s)

    assert found.exit == 1
    assert expected in sentences(found)
    on_rejects_only = "check" in attack
    assert (LOAN in sentences(found)) or on_rejects_only


def test_an_invented_pledge(s: Store, refs: Refs) -> None:
    forge(
        s,
        "INSERT INTO pledgerow SELECT 'FORGED-1', entity, asset, version, lender,"
        " 100000000, cap_fen, exclusive, pledged_on, matures_on, rank, meets_ppm,"
        " minor_ppm, artifact, poster"
        " FROM pledgerow",
    )

    found = store.verify(s)

    assert found.exit == 1
    assert "a row of PledgeRow was invented: FORGED-1" in sentences(found)
    assert "the loan FORGED-1 of 1,000,000.00" in sentences(found)


def test_garbage_in_a_typed_cell_is_a_finding_not_a_crash(s: Store, refs: Refs) -> None:
    if s.engine.dialect.name == "postgresql":
        return  # the types refuse it there
    forge(s, "UPDATE pledgerow SET matures_on = 'soon', principal_fen = 'much'")

    found = store.verify(s)

    assert "a row of PledgeRow was changed: BANK-2026-001" in sentences(found)
    assert LOAN in sentences(found)


def test_text_that_is_no_text_any_more_is_a_finding(s: Store, refs: Refs) -> None:
    if s.engine.dialect.name == "postgresql":
        return
    forge(s, "UPDATE stagerun SET task = CAST(x'ff' AS TEXT) WHERE seq = 2")

    assert "task differ from its body" in sentences(store.verify(s))


def test_a_forged_body_never_stops_the_examination(s: Store, refs: Refs) -> None:
    forge(
        s,
        "UPDATE stagerun SET body = '5' WHERE seq = 1",
        "UPDATE stagerun SET body = '{}' WHERE seq = 2",
        """UPDATE stagerun SET body = replace(body, '"Pledge"', '"Gift"')""",
    )

    said = sentences(store.verify(s))

    assert "the body of run 1" in said
    assert "the body of run 2" in said
    assert "run 5 (capitalize of flights) was changed" in said
    assert LOAN in said


SAID = {
    "an extra key": ('"rows":', '"rews":1,"rows":', "the body of run 3"),
    "a wrong type": ('"rows":', '"rows":"many","rews":', "the body of run 3"),
    "an open text": ('"bytes":', '"bytes":"', "the body of run 3"),
    "a key twice": ('"rows":', '"rows":77,"rows":', "run 3 (productize of flights)"),
    "no number": ('"v":1', '"v":NaN', "the body of run 3"),
}


@pytest.mark.parametrize("how", SAID)
def test_a_body_that_no_store_writes_is_found(s: Store, refs: Refs, how: str) -> None:
    old, new, expected = SAID[how]
    forge(
        s,
        f"UPDATE stagerun SET body = replace(body, '{old}', '{new}') WHERE seq = 3",
    )

    found = store.verify(s)

    assert found.exit == 1
    assert expected in sentences(found)
    assert "run 3 (productize of flights) was changed" in sentences(found)
    assert LOAN in sentences(found)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"bytes":', '"bites":1,"bytes":', "the body of run 5"),
        ('"rows":1', '"rows":"1"', "the body of run 5"),
        ('"rows":1', '"rows":1,"rows":2', "a row of Artifact was changed"),
        ('"terms":{', '"terms":{"a":NaN,', "the body of run 5"),
    ],
    ids=["an extra key", "a wrong type", "a key twice", "no number"],
)
def test_a_last_body_hashed_anew_must_still_be_what_a_store_writes(
    s: Store, refs: Refs, old: str, new: str, expected: str
) -> None:
    with s.engine.connect() as c:
        query = "SELECT prev, body FROM stagerun WHERE seq = 5"
        prev, body = c.execute(text(query)).one()
    assert old in body
    forged = body.replace(old, new)
    hash = hex_of(s, link(bytes(prev).hex(), forged))
    was = "(SELECT hash FROM stagerun WHERE seq = 5)"
    escaped = forged.replace("'", "''")
    forge(
        s,
        f"UPDATE runoutput SET run = {hash} WHERE run = {was}",
        f"UPDATE checkresult SET run = {hash} WHERE run = {was}",
        f"UPDATE stagerun SET body = '{escaped}', hash = {hash} WHERE seq = 5",
    )

    said = sentences(store.verify(s))

    assert expected in said
    assert "its hash is another" not in said


def test_a_database_file_that_is_no_database_any_more(s: Store, refs: Refs) -> None:
    if s.engine.dialect.name == "postgresql":
        return
    s.engine.dispose()
    file = s.settings.home / "store.db"
    file.write_bytes(file.read_bytes()[:100] + b"\0" * 100_000)

    found = store.verify(s)

    assert found.exit == 1
    assert "cannot be read" in sentences(found)


def test_every_flipped_bit_of_the_database_file_is_found_or_harmless(
    s: Store, refs: Refs
) -> None:
    """A flip in a free page or in an index may be harmless; a wrong answer never is."""
    if s.engine.dialect.name == "postgresql":
        return
    s.engine.dispose()
    file = s.settings.home / "store.db"
    sound = file.read_bytes()
    before = [r.model_dump() for r in store.runs(s)]
    for place in range(4096, len(sound), len(sound) // 40):
        s.engine.dispose()
        changed = bytearray(sound)
        changed[place] ^= 4
        file.write_bytes(changed)
        if store.verify(s).exit == 0:
            assert [r.model_dump() for r in store.runs(s)] == before


TRUNCATE = {
    "the last run only": ["DELETE FROM stagerun WHERE seq = 5"],
    "the last run with all that it posted": [
        "DELETE FROM pledgerow",
        "DELETE FROM collateral",
        "DELETE FROM runoutput WHERE frame = 'pledge'",
        "DELETE FROM derivation WHERE role = 'valuation'",
        "DELETE FROM artifact WHERE name = 'pledge'",
        "DELETE FROM stagerun WHERE seq = 5",
    ],
}


@pytest.mark.parametrize("how", TRUNCATE)
def test_a_truncated_chain_is_found_by_the_anchor(
    s: Store, refs: Refs, how: str
) -> None:
    forge(s, *TRUNCATE[how])

    alone, anchored = store.verify(s), store.verify(s, s.settings.anchor)

    assert "not examined whether runs were cut off" in alone.notes[0]
    assert anchored.exit & 2
    assert "the chain ends at run 4, but run 5 was signed" in sentences(anchored)
    assert "then 5,000,000.00 were pledged in all" in sentences(anchored)
    if "all" in how:
        assert alone.exit == 0
    else:
        assert f"on it rests {LOAN}" in sentences(alone)


def test_a_run_taken_out_of_the_middle(s: Store, refs: Refs) -> None:
    forge(s, "DELETE FROM stagerun WHERE seq = 2")

    found = store.verify(s)

    assert found.exit == 1
    assert "before run 3 (productize of flights) the chain is broken" in sentences(
        found
    )


def test_a_chain_hashed_anew_is_found_by_the_anchor(s: Store, refs: Refs) -> None:
    with s.engine.connect() as c:
        bodies = c.scalars(text("SELECT body FROM stagerun ORDER BY seq")).all()
    prev, forged = "0" * 64, []
    for row, body in zip(reversed(store.runs(s)), bodies, strict=True):
        new = body.replace("航班", "航斑")
        hash = link(prev, new)
        ours, start = hex_of(s, hash), hex_of(s, prev)
        forged.append(
            f"UPDATE stagerun SET body = '{new}', prev = {start}, hash = {ours}"
            f" WHERE seq = {row.seq}"
        )
        forged += [
            f"UPDATE {table} SET run = {ours} WHERE run = {hex_of(s, row.run)}"
            for table in ("runoutput", "checkresult")
        ]
        prev = hash
    forge(s, *forged)

    assert store.verify(s).exit == 0, "nobody can see it from within"
    found = store.verify(s, s.settings.anchor)
    assert found.exit == 2
    assert "run 1 is not the one that was signed" in sentences(found)


def test_heads_signed_anew_by_a_stranger_are_untrusted(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    """Whoever can write the anchor can write the public half beside it too."""
    lines = [
        json.loads(line)
        for line in (s.settings.anchor / f"{s.id}.jsonl").read_text().splitlines()
    ]
    forged = tmp_path / "forged"
    stranger = Ed25519PrivateKey.generate()
    away = replace(s, settings=s.settings.model_copy(update={"anchor": forged}))
    forged.mkdir()
    for line in lines:
        kept = {n: line[n] for n in ("seq", "head", "at", "pledged")}
        anchor.append(away, stranger, kept)

    found = store.verify(s, forged)

    assert found.exit == 2
    assert "not signed by a key that is trusted here" in sentences(found)


def test_a_key_among_the_signers_is_trusted_without_the_private_half(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    signers = tmp_path / "deployments" / "signers"
    signers.mkdir(parents=True)
    public = (s.settings.anchor / f"{s.id}.pub").read_bytes()
    (signers / "office.pub").write_bytes(b"not a key\n" + public)
    places = {
        "key": tmp_path / "nobody.key",
        "factors": tmp_path / "deployments" / "factors",
    }
    auditor = replace(s, settings=s.settings.model_copy(update=places))

    assert store.verify(auditor, s.settings.anchor).exit == 0


def _edit_head(line: dict[str, object]) -> None:
    line["pledged"] = 1


def _sign_with_another_key(line: dict[str, object]) -> None:
    line["fingerprint"] = "0" * 64


@pytest.mark.parametrize("edit", [_edit_head, _sign_with_another_key])
def test_an_edited_anchor_is_untrusted(
    s: Store, refs: Refs, edit: Callable[[dict[str, object]], None]
) -> None:
    file = s.settings.anchor / f"{s.id}.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    edit(lines[1])
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))

    found = store.verify(s, file)

    assert found.exit == 2
    assert "line 2 of the anchor" in sentences(found)


def test_an_anchor_that_is_not_there_is_untrusted(s: Store, refs: Refs) -> None:
    assert store.verify(s, s.settings.home / "nowhere").exit == 2


def test_a_crash_before_the_anchor_is_healed_by_the_next_publication(
    s: Store, refs: Refs
) -> None:
    file = s.settings.anchor / f"{s.id}.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]) + lines[-1][:40])  # torn in the middle
    assert store.verify(s, file).exit == 2

    post_pledge(s, pledge("BANK-2026-002", principal_fen=1))

    found = store.verify(s, file)
    assert (found.exit, found.notes) == (0, ())


def test_a_second_signer_is_trusted_beside_the_first(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    s.settings.key.write_bytes(pem)

    store.publish(s, run(task="another", stage=Stage.CAPITAL))
    assert store.verify(s, s.settings.anchor).exit == 2, "the first is a stranger now"
    signers = tmp_path / "deployments" / "signers"
    signers.mkdir(parents=True)
    (signers / "team.pub").write_bytes((s.settings.anchor / f"{s.id}.pub").read_bytes())
    folder = {"factors": tmp_path / "deployments" / "factors"}
    vouched = replace(s, settings=s.settings.model_copy(update=folder))

    assert store.verify(vouched, s.settings.anchor).exit == 0


def test_a_run_names_who_signed_it_and_another_signers_head_is_untrusted(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    """A colleague whose key is trusted cannot sign in another's name."""
    file = s.settings.anchor / f"{s.id}.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    colleague = Ed25519PrivateKey.generate()
    signers = tmp_path / "deployments" / "signers"
    signers.mkdir(parents=True)
    half = colleague.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    (signers / "colleague.pub").write_bytes(half)
    places = {"anchor": tmp_path / "his", "factors": signers.parent / "factors"}
    (tmp_path / "his").mkdir()
    his = replace(s, settings=s.settings.model_copy(update=places))
    for line in lines:
        anchor.append(
            his, colleague, {n: line[n] for n in ("seq", "head", "at", "pledged")}
        )

    assert {r.signer for r in store.runs(s)} == {lines[0]["fingerprint"]}
    assert store.verify(his, file).exit == 0
    found = store.verify(his, tmp_path / "his")
    assert found.exit == 2
    assert "run 1 names another signer" in sentences(found)


def test_an_altered_register_frame_leaves_the_other_rows_compared(
    s: Store, refs: Refs
) -> None:
    flip(store.path(s, refs["journal"].sha256))
    forge(s, "UPDATE pledgerow SET lender = 'another bank'")

    found = store.verify(s)

    assert "a row of PledgeRow was changed" in sentences(found)
    assert "2 rows of JournalLine were not compared" in "".join(found.notes)
