"""Erased bytes are gone for good; what they were and what rests on them stays told."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import insert

from schemas.artifact import ArtifactRef, Origin
from schemas.errors import StoreError
from schemas.registers import CollateralRoot, Erasure, PledgeEvent
from schemas.tables.lineage import ErasureRow
from tasks import store
from tasks.store import Store
from tasks.store.database import writing
from tasks.store.erase import collected_before, doomed, pledged_on, sweep
from tests.store.build import (
    LOAN,
    erasure,
    event,
    frame_of,
    made,
    root,
    run,
    sha,
)

Refs = dict[str, ArtifactRef]
BECAUSE = "were erased on 2026-06-30 because request 12, by the officer"


def recorded(s: Store, *refs: ArtifactRef) -> None:
    """Write down that bytes are erased, and leave them where they are."""
    rows = [
        erasure(subject=id, sha256=one.sha256, kind=one.kind, name=ref.name)
        for ref in refs
        for one in doomed(s, [ref.id])
        for id in one.ids
    ]
    frame = made(s, "erase", frame_of(Erasure, rows))
    store.publish(s, run(frame, task="erase", register="Erasure"))


def erased(s: Store, *refs: ArtifactRef) -> None:
    recorded(s, *refs)
    sweep(s)


def sentences(s: Store) -> tuple[int, list[str]]:
    found = store.verify(s, s.settings.anchor)
    return found.exit, [f.sentence for f in found.findings]


def test_erased_bytes_are_gone_and_verify_says_when_why_by_whom_and_what_rests_on_it(
    s: Store, refs: Refs
) -> None:
    before = store.trace(s, refs["pledge"].id)

    erased(s, refs["flights"])

    assert not store.path(s, refs["flights"].sha256).exists()
    exit, said = sentences(s)
    assert exit == 4
    assert said == [
        f"the bytes of flights ({refs['flights'].id[:12]}) {BECAUSE}, collected from"
        f" flights.csv; on it rests {LOAN}"
    ]
    after = store.trace(s, refs["pledge"].id)
    told = {n.frame: n.erased for n in after if n.erased}
    assert told == {"flights": BECAUSE.removeprefix("were ")}
    assert [n.model_copy(update={"erased": ""}) for n in after] == before
    assert store.impact(s, refs["flights"].id).pledged_fen == 500_000_000


def test_whoever_reads_erased_bytes_is_told_why_they_are_gone(
    s: Store, refs: Refs
) -> None:
    erased(s, refs["flights"], refs["resource"])

    with pytest.raises(StoreError, match=BECAUSE):
        store.raw(s, refs["flights"])
    with pytest.raises(StoreError, match=BECAUSE):
        store.scan(s, refs["resource"])


def test_erased_bytes_do_not_come_back_by_a_run_nor_by_a_hand(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    content = store.raw(s, refs["flights"]).read_bytes()
    erased(s, refs["flights"])

    with pytest.raises(StoreError, match=f"{BECAUSE}, and do not come back"):
        made(s, "flights", content)
    assert not store.path(s, refs["flights"].sha256).exists()
    assert not [p for p in s.objects.rglob("*") if p.name.startswith(".part")]

    other = made(s, "other", b"other bytes")
    store.path(s, refs["flights"].sha256).write_bytes(content)
    ref = other.ref.model_copy(update={"sha256": refs["flights"].sha256})
    forced = other.model_copy(update={"ref": ref, "bytes": len(content)})
    with pytest.raises(StoreError, match=f"{BECAUSE}, and do not come back"):
        store.publish(s, run(forced, task="collect again"))


def test_a_crash_between_the_record_and_the_removal_is_told_and_ended(
    s: Store, refs: Refs
) -> None:
    recorded(s, refs["flights"])

    exit, said = sentences(s)
    assert exit == 4
    assert f"{BECAUSE}, but still lie here: run `datafactor gc` to end it" in said[0]

    assert sweep(s) == [refs["flights"].sha256]
    assert sweep(s) == []
    exit, said = sentences(s)
    assert exit == 4
    assert "still lie" not in said[0]


def test_a_finished_run_whose_bytes_were_erased_is_reused_and_not_done_again(
    s: Store, refs: Refs
) -> None:
    collect = store.runs(s, task="collect")[0].publication
    assert store.finished(s, collect.key)
    erased(s, refs["flights"])

    known = store.finished(s, collect.key)

    assert known
    assert known.refs["flights"] == refs["flights"]
    store.path(s, refs["resource"].sha256).unlink()  # lost, not erased
    assert store.finished(s, store.runs(s, task="transform")[0].publication.key) is None


def test_bytes_that_two_artifacts_share_go_from_both(s: Store, refs: Refs) -> None:
    content = store.raw(s, refs["flights"]).read_bytes()
    twin = made(s, "twin", content, id=sha("another source"))
    store.publish(s, run(twin, task="collect twin"))

    (going,) = doomed(s, [refs["flights"].id])

    assert set(going.ids) == {refs["flights"].id, twin.ref.id}
    erased(s, refs["flights"])
    _, said = sentences(s)
    assert "flights" in said[0]
    assert "twin" in said[0]
    assert doomed(s, [refs["flights"].id]) == []


def test_what_stands_in_a_register_is_not_erased(s: Store, refs: Refs) -> None:
    for name, table in (("journal", "JournalLineRow"), ("pledge", "PledgeRow")):
        with pytest.raises(StoreError, match=f"rows stand in {table}"):
            doomed(s, [refs[name].id])


def test_the_record_of_an_erasure_is_not_erased(s: Store, refs: Refs) -> None:
    erased(s, refs["flights"])
    record = store.runs(s, task="erase")[0].refs["erase"]

    with pytest.raises(StoreError, match="rows stand in ErasureRow"):
        doomed(s, [record.id])


def test_the_parts_of_a_manifest_are_what_goes_and_it_keeps_its_list(s: Store) -> None:
    parts = [made(s, f"r@{n}", pl.DataFrame({"n": [n]}), sha(f"r{n}")) for n in (1, 2)]
    listed = [
        {"value": str(n), "id": p.ref.id, "sha256": p.ref.sha256, "rows": 1}
        for n, p in enumerate(parts, 1)
    ]
    text = pl.DataFrame(listed).write_json().encode()
    whole = made(s, "r", text, kind="manifest")
    store.publish(s, run(*parts, whole))

    going = doomed(s, [whole.ref.id])

    assert {one.sha256 for one in going} == {p.ref.sha256 for p in parts}


def test_the_file_that_still_lies_in_the_data_folder_is_named(
    s: Store, refs: Refs
) -> None:
    file = s.settings.data / "flights.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(store.raw(s, refs["flights"]).read_bytes())

    assert doomed(s, [refs["flights"].id])[0].places == ("flights.csv",)
    file.write_text("another")
    assert doomed(s, [refs["flights"].id])[0].places == ()


@pytest.mark.parametrize("path", ["s3://lake/people.csv", "sql:dwh/people"])
def test_where_bytes_came_from_outside_is_named_without_a_look(
    s: Store, path: str
) -> None:
    """Nothing here can see whether they still lie there; they may."""
    # Here: what forks this module's neighbours must not have computed with Polars.
    from flows.erase import lying

    text = "id,name\n1,Ada\n"
    origin = Origin(path=path, file_sha256=sha(text), member="", licence="own")
    one = made(s, "people", text.encode(), origin=origin)
    store.publish(s, run(one, task="collect"))

    (going,) = doomed(s, [one.ref.id])
    assert going.places == (path,)
    assert lying(path).startswith(f"{path} is where it came from")


def test_of_bytes_kept_by_reference_the_file_is_named_and_not_read_any_more(
    s: Store,
) -> None:
    content = b"id,name\n1,Ada\n"
    file = s.settings.data / "people.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    found = Origin(
        path="people.csv",
        file_sha256=sha256,
        member="",
        licence="own",
        retained="reference",
    )
    raw = made(s, "people", content, origin=found)
    store.path(s, sha256).unlink()
    store.publish(s, run(raw, task="collect people"))
    assert store.raw(s, raw.ref) == file

    erased(s, raw.ref)

    with pytest.raises(StoreError, match=BECAUSE):
        store.raw(s, raw.ref)
    exit, said = sentences(s)
    assert exit == 4
    assert f"{BECAUSE}, but people.csv still lies in the data folder" in said[0]


def test_a_loan_that_was_topped_up_from_the_bytes_counts_as_resting_on_them(
    s: Store, refs: Refs
) -> None:
    other = made(s, "other", b"another source")
    store.publish(s, run(other, task="collect other"))
    assert pledged_on(s, [refs["flights"].id]) == {"BANK-2026-001"}
    assert pledged_on(s, [other.ref.id]) == set()

    more = event("add", asset="other", replaces="disruption", amount_fen=100)
    frame = made(s, "events", frame_of(PledgeEvent, [more | {"cap_fen": 800_000_000}]))
    act = run(
        frame,
        task="secure",
        inputs={"valuation": other.ref},
        register="PledgeEvent",
    )
    store.publish(s, act)

    assert pledged_on(s, [other.ref.id]) == {"BANK-2026-001"}


def test_a_loan_whose_roots_were_moved_onto_the_bytes_counts_as_resting_on_them(
    s: Store, refs: Refs
) -> None:
    other = made(s, "other", b"another source")
    store.publish(s, run(other, task="collect other"))
    frame = made(s, "roots", frame_of(CollateralRoot, [root(version="2.0.0")]))
    act = run(
        frame, task="secure", inputs={"root": other.ref}, register="CollateralRoot"
    )
    store.publish(s, act)

    assert pledged_on(s, [other.ref.id]) == {"BANK-2026-001"}


def test_what_was_collected_again_since_is_not_kept_too_long(s: Store) -> None:
    """Its term runs from the last run that yielded it, of its own factor."""
    raw = made(s, "people", b"id")
    store.publish(s, run(raw, task="collect"))
    store.publish(s, run(raw, task="collect again"))
    last, first = (one.at for one in store.runs(s))
    assert first < last

    def due(factor: str, moment: datetime) -> list[str]:
        return [row["name"] for row in collected_before(s, factor, moment)]

    assert due("flights", last) == []
    assert due("flights", last + timedelta(seconds=1)) == ["people"]
    assert due("others", last + timedelta(seconds=1)) == []


def test_an_erasure_that_somebody_wrote_into_the_table_is_found_out(
    s: Store, refs: Refs
) -> None:
    store.path(s, refs["flights"].sha256).unlink()
    gone = {"subject": refs["flights"].id, "sha256": refs["flights"].sha256}
    row = erasure(**gone, artifact=refs["pledge"].id)
    with writing(s.engine) as c:
        c.execute(insert(ErasureRow).values(**row, poster="erase@flights"))

    exit, said = sentences(s)

    assert exit == 5  # 4: they are gone; 1: nobody published that they were erased
    assert any("a row of ErasureRow was invented" in one for one in said)
