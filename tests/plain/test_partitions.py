# ruff: noqa: E501 - documents as people write them
"""A resource of many partitions: only what changed runs again, and nothing is lost.

Counted by hand: 1 May has 2 lines, 2 May 3 of which one has no level; a late file
brings 1 line of 1 May and 1 of 3 May.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from flows.check import examine
from flows.progress import Progress
from flows.rejected import frame_rows
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import ContractError, FactorError, StoreError
from schemas.resource import Partition, ResourceTerms, Source
from tasks import store
from tasks.resource.partition import driving
from tests.builders import temporary_store
from tests.command import ROOT

DOCUMENT = """
factor: wells
title: Levels of wells
entity: jiangbei-data
policy: cn-2025
scenario: {user: office, decision: when to close, benefit: time, metric: hours a week, uses: {work: Their daily work}, prohibited_uses: {ads: Advertising}, region: CN, industry: N76}
sources:
  levels:
    path: "levels_*.csv"
    licence: CC0-1.0
    max_rejected_rate: 0.5
    columns:
      - {name: at, logicalType: timestamp, required: true, classification: public}
      - {name: well, logicalType: string, required: true, classification: public}
      - {name: level, logicalType: number, required: true, classification: public}
    key: [at, well]
resource:
  partition: {column: at, by: day}
"""
NAMES = """
  wells:
    path: wells.csv
    licence: CC0-1.0
    columns:
      - {name: well, logicalType: string, required: true}
      - {name: town, logicalType: string, required: true}
    key: [well]
resource:
  partition: {column: at, by: day}
  consolidate: SELECT l.at, l.well, w.town, l.level FROM levels l LEFT JOIN wells w ON l.well = w.well
  columns:
    - {name: at, logicalType: timestamp, required: true, classification: public}
    - {name: well, logicalType: string, required: true, classification: public}
    - {name: town, logicalType: string, classification: public}
    - {name: level, logicalType: number, required: true, classification: public}
  key: [at, well]
"""
JOINED = DOCUMENT.partition("resource:")[0].rstrip() + NAMES
HEAD = "at,well,level\n"
FIRST = HEAD + "2024-05-01T08:00:00,a,1\n2024-05-01T20:00:00,a,2\n"
SECOND = HEAD + (
    "2024-05-02T08:00:00,a,3\n2024-05-02T08:00:00,b,\n2024-05-02T20:00:00,a,4\n"
)
LATE = HEAD + "2024-05-01T12:00:00,a,5\n2024-05-03T08:00:00,a,6\n"
DAY = date(2024, 5, 9)
RESOURCE = "wells/resource/resource"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    for folder in ("entities", "policies"):
        target = tmp_path / folder
        target.mkdir()
        for file in (ROOT / "deployments" / folder).glob("*.yaml"):
            (target / file.name).write_bytes(file.read_bytes())
    (tmp_path / "factors").mkdir()
    write(tmp_path, "factors/wells.yaml", DOCUMENT)
    write(tmp_path, "levels_1.csv", FIRST)
    write(tmp_path, "levels_2.csv", SECOND)
    write(tmp_path, "wells.csv", "well,town\na,Fu\nb,Gu\n")
    where = {
        "DATAFACTOR_FACTORS": str(tmp_path / "factors"),
        "DATAFACTOR_DATA": str(tmp_path),
    }
    with temporary_store(tmp_path, **where):
        yield tmp_path


def write(home: Path, name: str, text: str) -> None:
    (home / name).write_text(text, encoding="utf-8")


def run(partitions: str = "") -> list[str]:
    """Run the first stage; name the tasks that did not reuse everything."""
    from rich.console import Console

    with Progress(Console(), quiet=True) as progress:
        value_chain.fn("wells", DAY, Stage.RESOURCE, partitions)
    return [title for title, published, _ in progress.done if not published.reused]


def partitions(name: str = RESOURCE) -> dict[str, int]:
    s = store.current()
    return {value: ref.rows for value, ref in store.parts(s, store.resolve(s, name))}


def ids() -> dict[str, str]:
    s = store.current()
    return {v: ref.id for v, ref in store.parts(s, store.resolve(s, RESOURCE))}


def levels() -> list[float]:
    s = store.current()
    rows = store.scan(s, store.resolve(s, RESOURCE)).sort("at").collect()
    return rows["level"].to_list()


def cleaned_pieces() -> int:
    runs = store.runs(store.current(), "wells")
    return sum(run.publication.task == "clean" for run in runs)


def test_each_day_is_an_artifact_and_all_of_them_one_resource(home: Path) -> None:
    run()

    assert partitions() == {"2024-05-01": 2, "2024-05-02": 2}
    assert levels() == [1, 2, 3, 4]
    s = store.current()
    day = store.scan(s, store.resolve(s, f"{RESOURCE}@2024-05-02")).collect()
    assert day["level"].to_list() == [3, 4]
    (rejected,) = store.rejects(s, "wells/resource/levels").rows(named=True)
    assert (rejected["_member"], rejected["_line"]) == ("levels_2.csv", 3)
    assert rejected["_reasons"] == ["level:required"]
    assert store.verify(s).exit == 0


def test_nothing_changed_nothing_runs(home: Path) -> None:
    run()

    assert run() == []


def test_a_new_file_costs_its_own_work_only(home: Path) -> None:
    run()
    before = ids()
    write(home, "levels_3.csv", HEAD + "2024-05-03T08:00:00,a,6\n")

    run()

    assert partitions() == {"2024-05-01": 2, "2024-05-02": 2, "2024-05-03": 1}
    assert {day: ids()[day] for day in before} == before
    assert cleaned_pieces() == 3


def test_late_data_run_their_partition_again(home: Path) -> None:
    run()
    before = ids()
    write(home, "levels_late.csv", LATE)

    run()

    assert partitions() == {"2024-05-01": 3, "2024-05-02": 2, "2024-05-03": 1}
    assert levels() == [1, 5, 2, 3, 4, 6]
    assert ids()["2024-05-02"] == before["2024-05-02"]
    assert ids()["2024-05-01"] != before["2024-05-01"]
    s = store.current()
    above = store.trace(s, store.resolve(s, f"{RESOURCE}@2024-05-01").id)
    files = {node.origin.path for node in above if node.origin}
    assert files == {"levels_1.csv", "levels_late.csv"}


def test_a_day_of_a_source_is_shown_with_the_rows_of_all_its_files(home: Path) -> None:
    """1 May: two lines of the first file, one of the late one."""
    write(home, "levels_late.csv", LATE)
    run()
    ref = "wells/resource/levels@2024-05-01"
    frame = store.resolve(store.current(), ref)

    told, first = frame_rows(ref, frame, 20), frame_rows(ref, frame, 1)

    assert (told["total"], len(told["fragments"])) == (3, 2)
    assert [row["level"] for row in told["rows"]] == [1, 2, 5]
    assert (first["total"], len(first["rows"])) == (3, 1)
    other = "wells/resource/levels@2024-05-03"
    alone = frame_rows(other, store.resolve(store.current(), other), 20)
    assert (alone["total"], len(alone["fragments"])) == (1, 1)
    # The late file goes, and its lines with it.
    (home / "levels_late.csv").unlink()
    run()
    assert frame_rows(ref, frame, 20)["total"] == 2
    whole = store.resolve(store.current(), f"{RESOURCE}@2024-05-01")
    assert frame_rows(f"{RESOURCE}@2024-05-01", whole, 20)["total"] == 2


def test_a_replaced_file_leaves_the_other_days_alone(home: Path) -> None:
    run()
    before = ids()
    write(home, "levels_1.csv", FIRST.replace(",1\n", ",7\n"))

    run()

    assert levels() == [7, 2, 3, 4]
    assert ids()["2024-05-02"] == before["2024-05-02"]


def test_a_repeat_in_a_late_file_is_found_and_said(home: Path) -> None:
    run()
    write(home, "levels_late.csv", HEAD + "2024-05-01T08:00:00,a,1\n")

    with pytest.raises(ContractError, match=r"2 of 3 rows of resource .*unique:at"):
        run()

    # What stood before stands still.
    assert partitions() == {"2024-05-01": 2, "2024-05-02": 2}


def test_rejects_are_those_of_all_parts_or_of_the_part_that_is_asked_for(
    home: Path,
) -> None:
    """2 May lacks a level in file 2, line 3; a late file brings a bad one of 1 May."""
    write(
        home, "levels_late.csv", HEAD + "2024-05-01T12:00:00,a,x7\n" + LATE[len(HEAD) :]
    )
    run()
    s = store.current()

    every = store.rejects(s, "wells/resource/levels")
    assert sorted(every["_member"]) == ["levels_2.csv", "levels_late.csv"]
    of_second = store.rejects(s, f"{RESOURCE}@2024-05-02")
    assert of_second["_member"].to_list() == ["levels_2.csv"]
    assert store.rejects(s, f"{RESOURCE}@2024-05-01").height == 0
    with pytest.raises(StoreError, match=r"wells/resource/levels \(2\)"):
        store.rejects(s, "wells")
    # The late file goes: its rejects go with it, whatever was judged last.
    (home / "levels_late.csv").unlink()
    run()
    assert store.rejects(s, "wells/resource/levels")["_member"].to_list() == [
        "levels_2.csv"
    ]
    first = store.resolve(s, f"{RESOURCE}@2024-05-01")
    assert first.rows == 2, "the part that stands, not the one made with the late file"


def test_the_balance_drops_no_row_because_a_part_was_made_of_two_files(
    home: Path,
) -> None:
    write(home, "levels_late.csv", LATE)
    run()
    s = store.current()

    table = store.scan(s, store.resolve(s, "wells/resource/balance")).collect()
    quality = store.series(s, "wells").filter(code="0305")

    assert table["dropped"].sum() == 0
    assert table.filter(step="clean")["rows_in"].to_list() == [7]
    assert quality.select("a", "b").row(0) == (1, 7)


def test_a_file_that_comes_twice_may_be_declared_droppable(home: Path) -> None:
    write(
        home,
        "factors/wells.yaml",
        DOCUMENT.replace("    key:", "    drop_repeats: true\n    key:"),
    )
    write(home, "levels_again.csv", FIRST)

    run()

    assert partitions() == {"2024-05-01": 2, "2024-05-02": 2}
    newest = store.runs(store.current(), "wells")
    dropped = [b.dropped for r in newest for b in r.publication.balances]
    assert sum(dropped) == 2


def test_a_range_is_made_and_the_rest_stays(home: Path) -> None:
    run("2024-05-02..2024-05-02")
    assert partitions() == {"2024-05-02": 2}

    run()
    write(home, "levels_1.csv", FIRST.replace(",1\n", ",7\n"))
    run("2024-05-02")

    assert levels() == [1, 2, 3, 4]
    run("2024-05-01..2024-05-01")
    assert levels() == [7, 2, 3, 4]


def test_a_range_tells_which_partitions_it_leaves_behind(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run("2024-05-02..2024-05-02")
    assert "1 partitions (2024-05-01)" in caplog.text  # never made
    run()
    caplog.clear()

    run("2024-05-02..2024-05-02")
    assert "behind" not in caplog.text

    write(home, "levels_1.csv", FIRST.replace(",1\n", ",7\n"))
    run("2024-05-02..2024-05-02")
    assert "left behind their files: 1 partitions (2024-05-01)" in caplog.text


@pytest.mark.parametrize("span", ["2024-05-02..2024-05-01", "..2024-05-01", "2024.."])
def test_a_range_that_ends_before_it_begins_is_refused(home: Path, span: str) -> None:
    with pytest.raises(FactorError, match=r"write FIRST\.\.LAST"):
        run(span)


def test_each_partition_is_joined_with_the_other_sources_whole(home: Path) -> None:
    write(home, "factors/wells.yaml", JOINED)

    run()

    assert partitions() == {"2024-05-01": 2, "2024-05-02": 2}
    s = store.current()
    towns = store.scan(s, store.resolve(s, RESOURCE)).select("town").collect()
    assert towns["town"].to_list() == ["Fu"] * 4
    write(home, "wells.csv", "well,town\na,Fu\nb,Gu\nc,Hu\n")
    assert "clean[wells]" in (ran := run())
    assert {"transform 2024-05-01", "transform 2024-05-02"} <= set(ran)
    assert store.verify(s).exit == 0


def test_a_rule_of_the_resource_alone_is_not_skipped(home: Path) -> None:
    rule = (
        "  quality:\n"
        "    - {metric: invalidValues, type: sql, expression: level < 4, mustBe: 0}\n"
        "  max_rejected_rate: 0.5\n"
    )
    write(home, "factors/wells.yaml", DOCUMENT + rule)

    run()

    assert levels() == [1, 2, 3]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "{name: at, logicalType: timestamp, required: true",
            "{name: at, logicalType: timestamp",
            "required: true",
        ),
        (
            "{name: at, logicalType: timestamp",
            "{name: at, logicalType: string",
            "has no day",
        ),
        (
            "level, logicalType: number, required: true",
            "level, logicalType: number, unique: true",
            "level must be unique",
        ),
        (
            "    key: [at, well]",
            "    key: [well]\n    quality: []",
            "well must be unique",
        ),
        (
            "    key: [at, well]",
            "    key: [at, well]\n    quality: [{metric: rowCount, mustBeGreaterThan: 1}]",
            "write them under resource.quality",
        ),
        ("by: day}", "by: value}", "whose values name no part"),
    ],
)
def test_what_cannot_be_kept_part_by_part_is_refused(
    home: Path, old: str, new: str, said: str
) -> None:
    document = DOCUMENT.replace("by: day}", "by: day}\n  key: [at, well]")
    assert old in document
    write(home, "factors/wells.yaml", document.replace(old, new))

    with pytest.raises(FactorError, match=said):
        run()
    with pytest.raises(FactorError, match=said):
        examine("wells")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "SELECT at, MAX(level) OVER (ORDER BY at) AS level FROM levels",
            "PARTITION BY at",
        ),
        (
            "SELECT at, COUNT(*) AS level FROM levels GROUP BY well, at HAVING COUNT(*) > 1 ORDER BY at LIMIT 2",
            "LIMIT",
        ),
        (
            "SELECT at, level FROM levels WHERE level = (SELECT MAX(level) AS m FROM levels)",
            "named only once",
        ),
    ],
)
def test_sql_that_would_span_parts_is_refused(home: Path, sql: str, said: str) -> None:
    columns = (
        "    - {name: at, logicalType: timestamp, required: true}\n"
        "    - {name: level, logicalType: number}\n"
    )
    more = f"  consolidate: {sql}\n  columns:\n{columns}  key: [at]\n"
    write(home, "factors/wells.yaml", DOCUMENT + more)

    with pytest.raises(FactorError, match=said):
        run()


def test_a_window_inside_a_part_may_stay(home: Path) -> None:
    sql = "SELECT at, well, MAX(level) OVER (PARTITION BY CAST(at AS DATE)) AS level"
    columns = DOCUMENT.partition("    columns:\n")[2].partition("    key:")[0]
    columns = columns.replace("      - ", "    - ")
    more = f"  consolidate: {sql} FROM levels\n  columns:\n{columns}  key: [at, well]\n"
    write(home, "factors/wells.yaml", DOCUMENT + more)

    run()

    assert levels() == [2, 2, 4, 4]


def test_volume_and_row_count_are_asked_of_the_whole(home: Path) -> None:
    """3 rows and 1 row are 4: above 3. One file less is 50 % of the run before."""
    rules = (
        "  quality:\n"
        "    - {metric: rowCount, mustBeGreaterThan: 1}\n"
        "    - {metric: volume, mustBeGreaterOrEqualTo: 80, unit: percent}\n"
    )
    write(home, "factors/wells.yaml", DOCUMENT + rules)

    run()
    assert levels() == [1, 2, 3, 4]
    (home / "levels_2.csv").unlink()

    with pytest.raises(ContractError, match=r"volume.*50 percent"):
        run()


def test_an_order_of_its_own_is_kept_in_each_part(home: Path) -> None:
    write(home, "factors/wells.yaml", DOCUMENT + "  order: [level]\n")
    write(home, "levels_1.csv", FIRST.replace(",1\n", ",9\n"))

    run()

    s = store.current()
    rows = store.scan(s, store.resolve(s, RESOURCE)).collect()
    assert rows["level"].to_list() == [2, 9, 3, 4]


@pytest.mark.parametrize("value", ["x.rejects", " "])
def test_a_value_that_cannot_name_a_part_is_refused(home: Path, value: str) -> None:
    document = DOCUMENT.replace("{column: at, by: day}", "{column: well}")
    write(home, "factors/wells.yaml", document)
    write(home, "levels_1.csv", f"{HEAD}2024-05-01T08:00:00,{value},1\n")

    with pytest.raises(ContractError, match="cannot name a part"):
        run()


def test_a_range_without_a_part_says_what_there_is(home: Path) -> None:
    with pytest.raises(FactorError, match="there are 2024-05-01 to 2024-05-02"):
        run("2024-06-01..2024-06-30")


def test_data_that_go_back_to_what_they_were_are_what_a_name_means(home: Path) -> None:
    """A, B, A: two days, one, two again; then only one of them is made anew."""
    run()
    second = (home / "levels_2.csv").read_text()
    (home / "levels_2.csv").unlink()
    run()
    assert partitions() == {"2024-05-01": 2}

    write(home, "levels_2.csv", second)
    run()

    assert partitions() == {"2024-05-01": 2, "2024-05-02": 2}
    assert store.rejects(store.current(), "wells/resource/levels").height == 1
    counts = store.check_counts(store.current(), "wells")
    assert counts["rejected"].sum() == 1
    before = len(store.runs(store.current(), "wells"))
    assert run() == []
    assert len(store.runs(store.current(), "wells")) == before
    write(home, "levels_1.csv", FIRST.replace(",1\n", ",7\n"))
    run("2024-05-01")
    assert levels() == [7, 2, 3, 4]
    assert store.verify(store.current()).exit == 0


def test_a_range_under_other_rules_would_mix_them_and_is_refused(home: Path) -> None:
    run()
    write(home, "factors/wells.yaml", DOCUMENT.replace("0.5", "0.6"))

    with pytest.raises(FactorError, match="run all of them"):
        run("2024-05-02")


def test_values_of_a_classified_column_name_no_part(home: Path) -> None:
    document = DOCUMENT.replace("{column: at, by: day}", "{column: well}")
    secret = document.replace(
        "well, logicalType: string, required: true, classification: public",
        "well, logicalType: string, required: true, classification: personal",
    )
    assert secret != document
    write(home, "factors/wells.yaml", secret)

    with pytest.raises(FactorError, match="partition by another column"):
        run()


def test_one_file_may_hold_many_partitions(home: Path) -> None:
    (home / "levels_1.csv").unlink()
    write(home, "levels_2.csv", FIRST + SECOND.removeprefix(HEAD))

    run()

    assert partitions() == {"2024-05-01": 2, "2024-05-02": 2}


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT l.at AS moment FROM levels l", ("levels", "at")),
        (
            "SELECT at AS moment, COUNT(*) AS n FROM levels GROUP BY at",
            ("levels", "at"),
        ),
        (
            "SELECT w.at AS moment FROM levels l JOIN wells w ON l.k = w.k",
            ("wells", "at"),
        ),
        ("SELECT CAST(at AS DATE) AS moment FROM levels", None),
        ("SELECT at AS moment FROM levels l JOIN wells w ON l.k = w.k", None),
        ("SELECT at AS moment FROM levels UNION ALL SELECT at FROM wells", None),
    ],
)
def test_the_source_that_decides_is_read_from_the_sql(
    sql: str, found: tuple[str, str] | None
) -> None:
    column = {"name": "at", "logicalType": "timestamp", "required": True}
    both = [
        Source.model_validate(
            {"name": n, "path": n, "licence": "own", "columns": [column]}
        )
        for n in ("levels", "wells")
    ]
    moment = {**column, "name": "moment"}
    terms = ResourceTerms.model_validate(
        {
            "sources": both,
            "consolidate": sql,
            "columns": [moment],
            "key": ["moment"],
            "partition": {"column": "moment", "by": "day"},
        }
    )

    if found is None:
        with pytest.raises(FactorError, match="plain column of one source"):
            driving(terms)
    else:
        assert driving(terms) == (found[0], Partition(column=found[1], by="day"))
