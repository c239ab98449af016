"""A person asks to be forgotten: her rows go, the chain stays, and she stays out."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flows.erase import erase, lines
from flows.rejected import rejected_rows
from flows.retention import retention
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import RegisterError, StoreError
from tasks import store
from tasks.store.erase import collected_before
from tests.builders import temporary_store
from tests.command import Said, datafactor
from tests.small import PEOPLE, small_factor

SOURCE = "people/resource/people"
BECAUSE = "request 12"


def run(through: Stage = Stage.RESOURCE) -> None:
    value_chain.fn("people", date(2026, 6, 30), through)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    small_factor(tmp_path)
    factors = str(tmp_path / "factors")
    with temporary_store(
        tmp_path, DATAFACTOR_DATA=str(tmp_path), DATAFACTOR_FACTORS=factors
    ):
        run()
        yield tmp_path


def said(home: Path, *arguments: str) -> Said:
    """Run a command in this home."""
    folders = {n: str(home / n.lower()) for n in ("HOME", "FACTORS")}
    env = {f"DATAFACTOR_{name}": folder for name, folder in folders.items()}
    return datafactor(*arguments, home=home, data=home, **env)


def holding(home: Path, text: str) -> list[str]:
    """List the kinds of files below the store that hold a text, Parquet unpacked."""
    import polars as pl

    found = []
    for file in (p for p in (home / "home").rglob("*") if p.is_file()):
        content = file.read_bytes()
        if content[:4] == b"PAR1":
            content = pl.read_parquet(file).write_json().encode()
        if text.encode() in content:
            found.append(file.relative_to(home / "home").parts[0])
    return found


def test_what_would_go_is_told_before_and_nothing_goes(home: Path) -> None:
    told = erase([SOURCE], "", [], ever=False)

    assert told["erased"] == []
    frames = {(one["name"], one["kind"]) for one in told["bytes"]}
    assert frames == {
        (SOURCE, "raw"),
        (SOURCE, "frame"),
        (f"{SOURCE}.rejects", "frame"),
    }
    kept = {one["name"] for one in told["made_of_it"]}
    assert "people/resource/resource" in kept
    assert ["people.csv"] in [one["places"] for one in told["bytes"]]
    assert store.verify(store.current()).exit == 0


def test_a_person_is_gone_from_every_file_and_a_run_without_her_goes_on(
    home: Path,
) -> None:
    assert "objects" in holding(home, "Gus")

    erase([SOURCE, "people/resource/resource"], BECAUSE, [], ever=False)

    assert holding(home, "Gus") == []
    s = store.current()
    assert store.verify(s, s.settings.anchor).exit == 4
    with pytest.raises(StoreError, match=r"erased on .* because request 12, by tester"):
        rejected_rows(SOURCE, limit=20, reveal=True)

    with pytest.raises(StoreError, match=r"were erased on .* because request 12"):
        run()  # her file still lies there
    assert holding(home, "Gus") == []

    small_factor(home, lines=PEOPLE[:-1])
    run()
    resource = store.resolve(s, "people/resource/resource")
    names = store.scan(s, resource).collect()["name"].to_list()
    assert names == ["Ada", "Di"]

    small_factor(home)  # and her file is put back by mistake
    with pytest.raises(StoreError, match="do not come back: take out of the source"):
        run()
    assert holding(home, "Gus") == []


def test_trace_and_impact_say_of_each_erased_artifact_when_and_why(home: Path) -> None:
    erase([SOURCE], BECAUSE, [], ever=False)
    (posted,) = [
        r for r in store.runs(store.current()) if r.publication.task == "erase"
    ]
    told = f"erased on {posted.publication.terms['erased_on']} because {BECAUSE}"

    for asked in ("trace", "impact"):
        ref = "people/resource/resource" if asked == "trace" else SOURCE
        nodes = said(home, asked, ref, "--json").data["artifacts"]
        gone = {n["id"] for n in nodes if n["erased"] == f"{told}, by tester"}
        assert gone >= {n["id"] for n in nodes if n["frame"] == "people"}
        assert gone == {n["id"] for n in nodes if n["frame"].startswith("people")}
        assert {n["erased"] for n in nodes if n["id"] not in gone} == {""}
        text = said(home, asked, ref).out
        assert f"  {SOURCE} ({min(gone)[:12]}): {told}" in text
        assert text.count(told) == len(gone) + (asked == "trace")  # beside its file too
    assert told not in said(home, "impact", "people/resource/resource").out


def test_a_reason_of_no_word_is_none_and_nothing_goes(home: Path) -> None:
    with pytest.raises(RegisterError, match="reason"):
        erase([SOURCE], " ", [], ever=False)

    assert store.verify(store.current()).exit == 0
    assert "objects" in holding(home, "Gus")


def test_asked_again_it_says_when_it_was_and_records_nothing_more(home: Path) -> None:
    erase([SOURCE], BECAUSE, [], ever=False)
    before = len(store.runs(store.current()))

    told = erase([SOURCE], "request 13", [], ever=False)

    assert len(told["erased"]) == 3
    assert all("because request 12, by tester" in why for why in told["erased"])
    assert (told["bytes"], told["removed"], told["other_versions"]) == ([], 0, 0)
    assert len(store.runs(store.current())) == before


def test_older_versions_of_a_name_are_counted_and_go_when_all_are_meant(
    home: Path,
) -> None:
    small_factor(home, lines=PEOPLE[:-1])
    run()

    told = erase([SOURCE], "", [], ever=False)
    assert told["other_versions"] == 2  # what was rejected is the same
    assert "2 other versions keep their bytes" in "\n".join(lines([SOURCE], told))

    erase([SOURCE], BECAUSE, [], ever=True)
    assert len(erase([SOURCE], "", [], ever=True)["erased"]) == 5


def test_what_the_policy_keeps_too_long_is_listed_and_nothing_is_erased(
    home: Path,
) -> None:
    assert retention(["people"])["due"] == 0

    policy = home / "policies" / "cn-2025.yaml"
    text = policy.read_text("utf-8")
    rule = 'keep_raw_days:\n    value: "1095"'
    assert rule in text
    policy.write_text(text.replace(rule, 'keep_raw_days:\n    value: "1"'), "utf-8")
    s = store.current()
    after = datetime.now(UTC) + timedelta(days=2)
    listed = collected_before(s, "people", after)

    assert {(row["name"], row["kind"]) for row in listed} == {
        ("people", "raw"),
        ("people.rejects", "frame"),
    }
    assert retention(["people"])["factors"][0]["keep_raw_days"] == 1
    erase([row["id"] for row in listed], "keep_raw_days", [], ever=False)
    assert collected_before(s, "people", after) == []


def test_a_person_erases_from_the_command_line(home: Path) -> None:
    planned = said(home, "erase", SOURCE)
    assert planned.exit == 0, planned.err
    assert "nothing is erased yet" in planned.out
    assert "people.csv still lies in the data folder" in planned.out

    done = said(home, "erase", SOURCE, "--because", BECAUSE, "--json")
    assert done.data["removed"] == 3

    assert said(home, "verify").exit == 4
    assert said(home, "erase").exit == 1
