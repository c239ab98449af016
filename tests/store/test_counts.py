"""Counts of the runs behind a resource, and the series of its assessments."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from schemas.artifact import ArtifactRef, Balance, CheckCount, Made, Origin, Snapshot
from schemas.contract import frame_of
from schemas.errors import StoreError
from schemas.quality import CheckCounts, Indicator
from schemas.registers import Cost
from tasks import store
from tasks.store import Store
from tests.store.build import made, run, sha

FACTOR = "flights"  # of every publication that ``run`` builds
ROWS = Snapshot(register=CheckCounts, where={"factor": FACTOR})
HISTORY = Snapshot(register=Indicator, where={"factor": FACTOR})


def raw(s: Store, folder: Path, name: str, retained: Any = "copy") -> Made:
    file = folder / f"{name}.csv"
    file.write_bytes(name.encode())
    origin = Origin(
        path=str(file.name),
        file_sha256=store.digest(file),
        member="",
        licence="CC0",
        retained=retained,
    )
    return made(s, f"trips@{name}", file.read_bytes(), origin=origin)


def part(s: Store, name: str, rows: int) -> Made:
    return made(s, name, pl.DataFrame({"n": range(rows), "of": [name] * rows}))


def counted(frame: str, came: int, failed: int) -> dict[str, Any]:
    balance = Balance(
        frame=frame, rows_in=came, rows_out=came - failed, rejected=failed
    )
    check = CheckCount(frame=frame, check="n:required", examined=came, failed=failed)
    return {"balances": (balance,), "checks": (check,)}


def manifest(s: Store, parts: list[Made]) -> Made:
    entries = [
        {
            "value": m.frame.partition("@")[2],
            "id": m.ref.id,
            "sha256": m.ref.sha256,
            "rows": m.ref.rows,
        }
        for m in parts
    ]
    return made(s, "resource", json.dumps(entries).encode(), kind="manifest")


def publish(s: Store, *artifacts: Made, task: str, of: Any = (), **more: Any) -> None:
    inputs = {f"r{n}": a.ref for n, a in enumerate(of)}
    store.publish(s, run(*artifacts, task=task, inputs=inputs, **more))


def two_days(s: Store, folder: Path) -> list[Made]:
    """Two raw pieces, cleaned and transformed day by day, named as one resource."""
    pieces = [raw(s, folder, name) for name in ("01", "02")]
    publish(s, *pieces, task="collect")
    cleaned = [part(s, f"trips@{n}", rows) for n, rows in (("01", 9), ("02", 18))]
    for piece, clean, came in zip(pieces, cleaned, (10, 20), strict=True):
        failed = came // 10
        publish(s, clean, task="clean", of=[piece], **counted("trips", came, failed))
    days = [part(s, f"resource@{n}", rows) for n, rows in (("01", 8), ("02", 17))]
    for day, clean, came in zip(days, cleaned, (9, 18), strict=True):
        publish(s, day, task="transform", of=[clean], **counted("resource", came, 1))
    publish(s, manifest(s, days), task="gather", of=days)
    return pieces


def found(s: Store) -> dict[tuple[str, str, str], tuple[int, ...]]:
    frame, _ = store.snapshot(s, ROWS, "assess@flights")
    assert frame.schema == frame_of(CheckCounts, []).schema
    return {
        (r["task"], r["frame"], r["kind"]): tuple(r.values())[5:]
        for r in frame.iter_rows(named=True)
    }


def test_the_counts_of_all_partitions_are_added_up(s: Store, tmp_path: Path) -> None:
    two_days(s, tmp_path)

    # examined, failed, rows in, out, rejected, dropped
    assert found(s) == {
        ("clean", "trips", "rule"): (30, 3, 0, 0, 0, 0),
        ("clean", "trips", "rows"): (0, 0, 30, 27, 3, 0),
        ("transform", "resource", "rule"): (27, 2, 0, 0, 0, 0),
        ("transform", "resource", "rows"): (0, 0, 27, 25, 2, 0),
        ("collect", "trips", "bytes"): (2, 0, 0, 0, 0, 0),
        ("transform", "resource", "bytes"): (2, 0, 0, 0, 0, 0),
    }


def test_of_a_partition_made_again_only_the_new_run_counts(
    s: Store, tmp_path: Path
) -> None:
    two_days(s, tmp_path)
    late = raw(s, tmp_path, "late")
    publish(s, late, task="collect")
    clean = part(s, "trips@02", 30)
    publish(s, clean, task="clean", of=[late], **counted("trips", 40, 10))
    kept = store.parts(s, store.resolve(s, "flights/resource/resource"))[0][1]
    day = part(s, "resource@02", 30)
    publish(s, day, task="transform", of=[clean], **counted("resource", 30, 0))
    first = Made(frame="resource@01", ref=kept, bytes=1)
    publish(s, manifest(s, [first, day]), task="gather", of=[first, day])

    counts = found(s)

    assert counts["clean", "trips", "rows"] == (0, 0, 50, 39, 11, 0)
    assert counts["transform", "resource", "rows"] == (0, 0, 39, 38, 1, 0)
    assert counts["collect", "trips", "bytes"] == (2, 0, 0, 0, 0, 0)


def test_a_failed_run_and_another_task_count_nothing(s: Store, tmp_path: Path) -> None:
    two_days(s, tmp_path)
    before = found(s)
    again = part(s, "trips@01", 9)
    whole = store.resolve(s, "flights/resource/resource")
    days = [Made(frame="r", ref=ref, bytes=1) for _, ref in store.parts(s, whole)]

    publish(s, again, task="clean", status="FAIL", **counted("trips", 9, 9))
    publish(s, manifest(s, days), task="gather 2", of=days, **counted("resource", 7, 7))

    assert found(s) == before


def test_what_two_runs_made_alike_counts_with_the_newer_one(
    s: Store, tmp_path: Path
) -> None:
    two_days(s, tmp_path)
    # Another release asks more of the same bytes, and the same rows stand.
    again = part(s, "trips@01", 9)

    publish(s, again, task="clean", key=sha("newer"), **counted("trips", 11, 2))

    assert found(s)["clean", "trips", "rows"] == (0, 0, 31, 27, 4, 0)


def test_rows_judged_anew_count_in_place_of_what_they_were(
    s: Store, tmp_path: Path
) -> None:
    piece = raw(s, tmp_path, "one")
    publish(s, piece, task="collect")
    clean, rejects = part(s, "trips", 9), part(s, "trips.rejects", 3)
    publish(s, clean, rejects, task="clean", of=[piece], **counted("trips", 12, 3))
    once, left = part(s, "trips", 10), part(s, "trips.rejects", 2)
    taken = {"stands.trips": clean.ref, "rejects": rejects.ref}
    facts = counted("trips", 12, 2)
    store.publish(s, run(once, left, task="redrive", inputs=taken, kind="act", **facts))
    twice = part(s, "trips", 11)
    taken = {"stands.trips": once.ref, "rejects": left.ref}
    facts = counted("trips", 12, 1)
    store.publish(s, run(twice, task="redrive", inputs=taken, kind="act", **facts))
    resource = part(s, "resource", 11)
    publish(s, resource, task="transform", of=[twice], **counted("resource", 11, 0))

    counts = found(s)

    assert counts["clean", "trips", "rows"] == (0, 0, 12, 11, 1, 0)
    assert counts["clean", "trips", "rule"] == (12, 1, 0, 0, 0, 0)
    assert counts["collect", "trips", "bytes"] == (1, 0, 0, 0, 0, 0)


def test_bytes_that_are_gone_are_counted(s: Store, tmp_path: Path) -> None:
    pieces = two_days(s, tmp_path)

    store.path(s, pieces[0].ref.sha256).unlink()
    short = store.path(s, pieces[1].ref.sha256)
    short.chmod(0o600)
    short.write_bytes(b"0")
    day = store.parts(s, store.resolve(s, "flights/resource/resource"))[0][1]
    store.path(s, day.sha256).unlink()

    assert found(s)["collect", "trips", "bytes"] == (2, 2, 0, 0, 0, 0)
    assert found(s)["transform", "resource", "bytes"] == (2, 1, 0, 0, 0, 0)


def test_a_reference_is_looked_for_where_it_lies(s: Store, tmp_path: Path) -> None:
    data = s.settings.model_copy(update={"data": tmp_path})
    here = store.Store(settings=data, engine=s.engine, id=s.id)
    piece = raw(here, tmp_path, "far", "reference")
    publish(here, piece, task="collect")
    clean = part(here, "resource", 3)
    publish(here, clean, task="clean", of=[piece], **counted("trips", 3, 0))
    store.path(here, piece.ref.sha256).unlink()  # it is not kept here at all

    assert found(here)["collect", "trips", "bytes"] == (1, 0, 0, 0, 0, 0)
    (tmp_path / "far.csv").unlink()
    assert found(here)["collect", "trips", "bytes"] == (1, 1, 0, 0, 0, 0)


def test_the_digest_of_the_counts_moves_with_them(s: Store, tmp_path: Path) -> None:
    pieces = two_days(s, tmp_path)
    _, before = store.snapshot(s, ROWS, "assess@flights")
    _, same = store.snapshot(s, ROWS, "other@flights")

    store.path(s, pieces[0].ref.sha256).unlink()
    _, after = store.snapshot(s, ROWS, "assess@flights")

    assert before == same != after


def assessment(s: Store, day: date, a: int, **more: Any) -> ArtifactRef:
    named = ("0201", "completeness", "element", "数据元素完整性")
    row = (FACTOR, day, *named, a, 10, "higher", a * 100_000, "completeness", "")
    quality = made(s, "quality", frame_of(Indicator, [row]))
    publish(s, quality, task="assess", as_of=day, **more)
    return quality.ref


def test_the_series_holds_the_newest_assessment_of_each_day(s: Store) -> None:
    for day, a in ((2, 5), (1, 9), (2, 7), (3, 8)):
        assessment(s, date(2024, 5, day), a)
    assessment(s, date(2024, 5, 4), 1, status="FAIL")
    assessment(s, date(2024, 5, 5), 1, factor="other")

    series = store.series(s, FACTOR)

    assert series.select("as_of", "a").rows() == [
        (date(2024, 5, 1), 9),
        (date(2024, 5, 2), 7),
        (date(2024, 5, 3), 8),
    ]
    assert store.series(s, "nobody").is_empty()


def test_its_own_assessments_stay_out_of_a_stages_digest(s: Store) -> None:
    none, nothing = store.snapshot(s, HISTORY, "assess@flights")
    assessment(s, date(2024, 5, 1), 9)

    own, same = store.snapshot(s, HISTORY, "assess@flights")
    _, others = store.snapshot(s, HISTORY, "assess@other")

    assert (none.height, own.height) == (0, 1)
    assert nothing == same != others


def test_only_a_factor_is_asked_for(s: Store) -> None:
    with pytest.raises(StoreError, match="nothing in the store"):
        store.snapshot(s, ROWS, "assess@flights")
    for where in ({}, {"factor": FACTOR, "task": "clean"}, {"task": "clean"}):
        with pytest.raises(StoreError, match="by factor alone"):
            store.snapshot(s, Snapshot(register=CheckCounts, where=where), "a@b")
    empty, _ = store.snapshot(s, Snapshot(register=Cost, where={}), "a@b")
    assert empty.is_empty()
