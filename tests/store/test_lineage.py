"""Lineage both ways, and what a name means."""

import json
from pathlib import Path

import polars as pl
import pytest

from schemas.artifact import ArtifactRef, CheckCount, Origin, Stage
from schemas.errors import StoreError
from tasks import store
from tasks.store import Store
from tasks.store.lineage import depths
from tasks.store.quarantine import decoded
from tests.store.build import made, pledge, post_pledge, run, sha

Refs = dict[str, ArtifactRef]


def test_a_loan_is_traced_to_file_and_bytes(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    nodes = store.trace(s, store.resolve(s, "loan:BANK-2026-001").id)

    names = ["pledge", "journal", "product", "resource", "flights"]
    assert [n.frame for n in nodes] == names
    assert [n.depth for n in nodes] == [0, 1, 2, 3, 4]
    raw = nodes[-1]
    assert raw.origin is not None
    assert (raw.origin.path, raw.origin.licence) == ("flights.csv", "CC0")
    assert raw.origin.file_sha256 == store.digest(tmp_path / "flights.csv")
    assert raw.sha256 == refs["flights"].sha256
    assert (raw.stage, raw.task, raw.parents) == (Stage.RESOURCE, "collect", ())
    assert nodes[0].parents == (refs["journal"].id,)


def test_a_source_is_followed_to_products_loans_and_money(s: Store, refs: Refs) -> None:
    found = store.impact(s, refs["flights"].id)

    assert found.products == ("flights/product/product",)
    assert found.assets == ("flights/asset/journal",)
    assert [str(p) for p in found.pledges] == ["the loan BANK-2026-001 of 5,000,000.00"]
    assert (found.pledged_fen, found.booked_fen) == (500_000_000, 120_000)
    assert {n.frame for n in found.nodes} == {*refs}


def test_nothing_rests_on_rejects(s: Store, refs: Refs) -> None:
    found = store.impact(s, refs["flights.rejects"].id)

    assert (len(found.nodes), found.pledges, found.booked_fen) == (1, (), 0)


def test_a_diamond_is_counted_once_and_by_its_shortest_way(s: Store) -> None:
    def step(name: str, *above: ArtifactRef) -> ArtifactRef:
        frame = made(s, name, pl.DataFrame({name: [1]}))
        inputs = {f"i{n}": ref for n, ref in enumerate(above)}
        return store.publish(s, run(frame, task=name, inputs=inputs)).refs[name]

    top = step("top")
    for level in range(12):  # 2**12 paths
        left, right = step(f"l{level}", top), step(f"r{level}", top)
        top = step(f"t{level}", left, right, top)

    nodes = store.trace(s, top.id)

    assert len(nodes) == 1 + 12 * 3
    assert max(n.depth for n in nodes) == 12
    assert len(store.impact(s, nodes[-1].id).nodes) == 1 + 12 * 3


def test_depth_is_the_shortest_way() -> None:
    edges = [("c", "b"), ("b", "a"), ("c", "a")]

    assert depths(["c"], edges, down=False) == {"c": 0, "b": 1, "a": 1}
    assert depths(["a"], edges, down=True) == {"a": 0, "b": 1, "c": 1}


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("flights", "pledge"),
        ("flights/resource", "resource"),
        ("flights/resource/flights", "flights"),
        ("flights/resource/flights.rejects", "flights.rejects"),
        ("flights/asset", "journal"),
        ("loan:BANK-2026-001", "pledge"),
    ],
)
def test_a_name_means_one_artifact(s: Store, refs: Refs, text: str, frame: str) -> None:
    assert store.resolve(s, text) == refs[frame]


def test_ids_bytes_and_files_are_names_too(
    s: Store, refs: Refs, tmp_path: Path
) -> None:
    raw = refs["flights"]

    assert store.resolve(s, raw.id) == raw
    assert store.resolve(s, raw.id[:8]) == raw
    assert store.resolve(s, f"sha256:{raw.sha256}") == raw
    assert store.resolve(s, str(tmp_path / "flights.csv")) == raw


def test_the_latest_complete_run_has_the_name(s: Store, refs: Refs) -> None:
    newer = made(s, "product", pl.DataFrame({"route": ["new"]}))
    failed = made(s, "product", pl.DataFrame({"route": ["failed"]}))
    store.publish(s, run(newer, stage=Stage.PRODUCT))
    store.publish(s, run(failed, stage=Stage.PRODUCT, status="FAIL"))

    assert store.resolve(s, "flights/product") == newer.ref


def test_an_artifact_is_described_by_the_newest_run_that_yielded_it(s: Store) -> None:
    """The same bytes in a moved file, under a contract with one more rule."""
    for place, contract in (("old.csv", sha("1")), ("new.csv", sha("2"))):
        origin = Origin(path=place, file_sha256=sha("f"), member="", licence="CC0")
        raw = made(s, "flights", b"bytes", origin=origin)
        ref = raw.ref.model_copy(update={"contract": contract})
        again = raw.model_copy(update={"ref": ref})
        store.publish(s, run(again, task="collect", key=sha(place)))

    (node,) = store.trace(s, raw.ref.id)

    assert node.origin is not None
    assert node.origin.path == "new.csv"
    assert store.resolve(s, raw.ref.id).contract == sha("2")
    assert store.verify(s).exit == 0


def test_what_is_ambiguous_is_refused_with_the_candidates(s: Store) -> None:
    frame = pl.DataFrame({"a": [1]})
    one = made(s, "one", frame, id=sha("1"))
    two = made(s, "two", frame, id=sha("2"))
    store.publish(s, run(one, two))

    with pytest.raises(StoreError, match="may mean any of 2") as refused:
        store.resolve(s, f"sha256:{one.ref.sha256}")
    assert f"{sha('1')[:12]} (one)" in str(refused.value)
    assert f"{sha('2')[:12]} (two)" in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["weather", "sha256:12", "0" * 8, "flights/capital/x", "/etc/hostname"],
)
def test_what_is_unknown_is_refused_with_what_exists(
    s: Store, refs: Refs, text: str
) -> None:
    with pytest.raises(StoreError, match=r"there are the factors flights; or"):
        store.resolve(s, text)


def test_of_an_unknown_name_factors_alone_are_listed_those_alike_first(
    s: Store, refs: Refs
) -> None:
    """What the house told, an entity decided and an act recorded is of no factor."""
    for number, (factor, stage, kind) in enumerate(
        [
            ("accidents", Stage.RESOURCE, "stage"),
            ("rain-gauges", Stage.PRODUCT, "stage"),
            ("house", Stage.CAPITAL, "act"),
            ("jiangbei-data", Stage.ASSET, "close"),
            ("taihu-data", Stage.CAPITAL, "stage"),
            ("wells", Stage.RESOURCE, "act"),
        ]
    ):
        one = made(s, "one", pl.DataFrame({"a": [number]}))
        store.publish(s, run(one, factor=factor, stage=stage, kind=kind, task=factor))

    with pytest.raises(StoreError, match=r"factors rain-gauges, accidents, flights; "):
        store.resolve(s, "rain-guages/product")
    with pytest.raises(StoreError, match=r"factors flights, accidents, rain-gauges; "):
        store.resolve(s, "fligths")


def test_a_frame_that_was_read_from_a_register_is_named_in_full(s: Store) -> None:
    told = run(
        made(s, "rights.snapshot", pl.DataFrame({"a": [1]})),
        task="snapshot",
        stage=Stage.ASSET,
        kind="snapshot",
    )
    ref = store.publish(s, told).refs["rights.snapshot"]

    assert store.resolve(s, "flights/asset/rights.snapshot") == ref
    with pytest.raises(StoreError, match="nothing in the store is called"):
        store.resolve(s, "flights/asset")


def test_a_manifest_is_scanned_in_its_own_order(s: Store) -> None:
    frames = {"2013-02": pl.DataFrame({"m": [2]}), "2013-01": pl.DataFrame({"m": [1]})}
    parts = {v: made(s, f"resource@{v}", frame).ref for v, frame in frames.items()}
    for value, frame in frames.items():
        part = made(s, f"resource@{value}", frame)
        store.publish(s, run(part, task=f"transform[{value}]"))
    members = [
        {"value": v, "id": r.id, "sha256": r.sha256, "rows": r.rows}
        for v, r in parts.items()
    ]
    whole = made(s, "resource", json.dumps(members).encode(), kind="manifest")
    store.publish(s, run(whole, inputs={f"part.{v}": r for v, r in parts.items()}))

    assert store.scan(s, whole.ref).collect()["m"].to_list() == [2, 1]
    assert store.resolve(s, "flights/resource@2013-01") == parts["2013-01"]
    with pytest.raises(StoreError, match="no partition 2014-01; it has 2013-02, "):
        store.resolve(s, "flights/resource@2014-01")
    assert store.verify(s).exit == 0


def test_a_manifest_of_one_partition_is_that_partition(s: Store) -> None:
    part = made(s, "resource@all", pl.DataFrame({"m": [1, 2]}))
    store.publish(s, run(part, task="part"))
    entry = {"value": "all", "id": part.ref.id, "sha256": part.ref.sha256, "rows": 2}
    whole = made(s, "resource", json.dumps([entry]).encode(), kind="manifest")

    assert store.scan(s, whole.ref).collect()["m"].to_list() == [1, 2]
    store.path(s, part.ref.sha256).unlink()
    with pytest.raises(StoreError, match="missing"):
        store.scan(s, whole.ref)


def test_runs_are_newest_first_and_of_one_factor(s: Store, refs: Refs) -> None:
    store.publish(s, run(task="collect", factor="weather"))

    tasks = [r.publication.task for r in store.runs(s, "flights")]

    assert tasks == ["capitalize", "assetize", "productize", "transform", "collect"]
    assert [r.seq for r in store.runs(s)] == [6, 5, 4, 3, 2, 1]
    assert {r.who for r in store.runs(s)} == {"tester"}
    assert store.factor_of(s, refs["product"].id) == "flights"


@pytest.mark.parametrize(
    "text", ["flights/resource/flights", "flights/resource/flights.rejects"]
)
def test_rejects_say_their_reasons_in_words(s: Store, refs: Refs, text: str) -> None:
    found = store.rejects(s, text)

    assert found["_reasons"].to_list() == [["a", "c"], ["b"]]
    assert found["_line"].to_list() == [3, 9]
    assert found["distance"].to_list() == ["x7", "-1"]
    by_id = store.rejects(s, refs["flights.rejects"].id[:12])
    assert by_id.equals(found)


def test_rejects_of_a_failed_run_are_shown_and_old_ones_are_not(
    s: Store, refs: Refs
) -> None:
    def again(status: str, *frames: pl.DataFrame) -> None:
        check = CheckCount(frame="flights", check="a", examined=1, failed=len(frames))
        rejected = [made(s, "flights.rejects", f) for f in frames]
        store.publish(
            s, run(*rejected, status=status, checks=(check,), key=sha(status))
        )

    again("FAIL", pl.DataFrame({"_line": [7], "_reasons": [1]}))
    assert store.rejects(s, "flights/resource/flights")["_line"].to_list() == [7]

    again("COMPLETE")
    assert store.rejects(s, "flights/resource/flights").is_empty()
    with pytest.raises(StoreError, match="was ever checked"):
        store.rejects(s, "flights/resource/flihgts")


def test_reasons_beyond_63_have_a_mask_of_their_own() -> None:
    frame = pl.DataFrame({"_reasons": [1 << 62], "_reasons_1": [0b11], "a": ["x"]})
    checks = [f"c{n}" for n in range(70)]

    found = decoded(frame, checks)

    assert found["_reasons"].to_list() == [["c62", "c63", "c64"]]
    assert found.columns == ["_reasons", "a"]


def test_a_second_loan_is_in_the_impact_of_its_own_frame_only(
    s: Store, refs: Refs
) -> None:
    other = post_pledge(s, pledge("BANK-2026-002", principal_fen=100))

    found = store.impact(s, other.refs["pledge"].id)

    assert [p.request for p in found.pledges] == ["BANK-2026-002"]
    assert store.impact(s, refs["flights"].id).pledged_fen == 500_000_000


def test_the_newest_complete_run_of_each_factor_is_found(s: Store) -> None:
    """Of b the third run failed: it has offered nothing; c never ran that task."""
    for number, (factor, task, status) in enumerate(
        (
            *(("b", "productize", "COMPLETE"), ("b", "productize", "COMPLETE")),
            *(("b", "productize", "FAIL"), ("a", "productize", "COMPLETE")),
            *(("c", "derive", "COMPLETE"), ("a", "derive", "COMPLETE")),
        )
    ):
        key = sha(f"run {number}")
        store.publish(s, run(task=task, factor=factor, status=status, key=key))

    found = store.newest(s, "productize")

    keys = [(r.publication.factor, r.publication.key) for r in found]
    assert keys == [("a", sha("run 3")), ("b", sha("run 1"))]
    assert store.newest(s, "productize", "b") == found[1:]
    assert store.newest(s, "productize", "c") == []


def test_totals_count_all_and_rows_are_the_nearest(s: Store, refs: Refs) -> None:
    """On raw bytes rest rejects and resource, product, journal, pledge: 6 with it."""
    found = store.impact(s, refs["flights"].id, limit=3)

    assert [node.depth for node in found.nodes] == [0, 1, 1]
    assert found.weight == store.weigh(s, refs["flights"].id)
    assert found.weight.artifacts == 6
    assert (found.weight.loans, found.weight.pledged_fen) == (1, 500_000_000)
    assert found.weight.booked_fen == 120_000


def test_what_is_named_twice_is_weighed_once(s: Store, refs: Refs) -> None:
    """The resource descends from the bytes: both are asked for at once."""
    both = (refs["resource"].id, refs["flights"].id)

    assert store.weigh(s, *both) == store.weigh(s, refs["flights"].id)
    depths = {node.frame: node.depth for node in store.impact(s, *both).nodes}
    assert (depths["resource"], depths["flights"], depths["pledge"]) == (0, 0, 3)
