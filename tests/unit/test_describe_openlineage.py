"""Runs as OpenLineage events, held against the official schemas without network."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import (  # type: ignore[import-untyped]  # has no stubs in the lock
    Draft202012Validator,
    FormatChecker,
)
from referencing import Registry, Resource

from schemas.artifact import CheckCount, Publication, Stage
from tasks.columns import column_lineage
from tasks.product.describe.openlineage import (
    Dataset,
    RunFacts,
    event,
    events,
    run_id,
    without_values,
)

VENDOR = Path(__file__).resolve().parents[1] / "vendor" / "openlineage"
CORE = "https://openlineage.io/spec/1-0-2/OpenLineage.json"


def registry() -> Registry[Any]:
    """Know the schemas by their own names; 1-0-1 of the core is read as 1-0-2."""
    known: dict[str, Resource[Any]] = {}
    for path in VENDOR.glob("*.json"):
        made = Resource.from_contents(json.loads(path.read_text("utf-8")))
        known[str(made.id())] = made
    known[CORE.replace("1-0-2", "1-0-1")] = known[CORE]
    return Registry().with_resources(known.items())


REGISTRY = registry()


def problems(said: dict[str, Any]) -> list[str]:
    """Hold an event against its schema, and each facet against the one it names."""
    found = against(said["schemaURL"], said)
    owners = [said.get("run", {}), said.get("job", {})]
    owners += [*said["inputs"], *said["outputs"]]
    for owner in owners:
        for group in ("facets", "inputFacets", "outputFacets"):
            for facet in owner.get(group, {}).values():
                found += against(facet["_schemaURL"], facet)
    return found


def against(url: str, value: Any) -> list[str]:
    asked = Draft202012Validator(
        {"$ref": url}, registry=REGISTRY, format_checker=FormatChecker()
    )
    return [error.message for error in asked.iter_errors(value)]


RAIN = Dataset(
    "rain/resource/rain",
    "1" * 64,
    40,
    900,
    (("day", "Int64"), ("town", "String"), ("mm", "Int64")),
    (
        CheckCount(frame="rain", check="day:required", examined=40, failed=0),
        CheckCount(frame="rain", check="mm:0:at least 0", examined=40, failed=2),
        CheckCount(frame="rain", check="unique:day,town", examined=40, failed=0),
    ),
)
MADE = Dataset(
    "rain/product/derived", "2" * 64, 2, 300, (("town", "String"), ("mm", "Int64"))
)
SQL = "SELECT town, SUM(mm) AS mm FROM rain WHERE day > 3 GROUP BY town"


def facts(**changed: Any) -> RunFacts:
    said = {
        "task": "derive",
        "stage": Stage.PRODUCT,
        "status": "COMPLETE",
        "factor": "rain",
        "key": "3" * 64,
        "code": "1",
        "terms": {},
    }
    publication = Publication.model_validate({**said, **changed})
    failed = publication.status == "FAIL"
    return RunFacts(
        run="4" * 64,
        at=datetime(2026, 7, 1, 8, tzinfo=UTC),
        publication=publication,
        inputs={"rain": RAIN},
        outputs=() if failed else (MADE,),
        sql=SQL,
        frame="derived",
        lineage=column_lineage(SQL, {"rain": ["day", "town", "mm"]}),
    )


def test_a_run_that_ended_well_keeps_every_schema() -> None:
    said = event(facts())

    assert problems(said) == []
    assert said["eventType"] == "COMPLETE"
    assert said["job"]["name"] == "rain.product.derive"


def test_a_run_that_broke_says_why() -> None:
    said = event(facts(status="FAIL", message="3 of 40 rows break mm: at least 0"))

    assert problems(said) == []
    assert said["eventType"] == "FAIL"
    assert said["outputs"] == []
    message = said["run"]["facets"]["errorMessage"]["message"]
    assert message == "3 of 40 rows break mm: at least 0"


def test_each_column_names_the_columns_it_comes_from() -> None:
    (made,) = event(facts())["outputs"]

    fields = made["facets"]["columnLineage"]["fields"]
    told = {
        name: {
            (f["name"], f["field"], f["transformation"]) for f in node["inputFields"]
        }
        for name, node in fields.items()
    }
    # Read off the query by hand: the filter on day and the grouping hold for all rows.
    rain = "rain/resource/rain"
    everywhere = {(rain, "day", "filter"), (rain, "town", "filter")}
    assert told == {
        "town": {(rain, "town", "value"), *everywhere},
        "mm": {(rain, "mm", "aggregate"), *everywhere},
    }


def test_the_rules_of_an_input_say_whether_all_rows_kept_them() -> None:
    (read,) = event(facts())["inputs"]

    assert read["inputFacets"]["dataQualityAssertions"]["assertions"] == [
        {"assertion": "required", "success": True, "column": "day"},
        {"assertion": "0:at least 0", "success": False, "column": "mm"},
        {"assertion": "unique:day,town", "success": True},
    ]


def test_a_run_has_one_name_and_another_run_another() -> None:
    assert run_id("4" * 64) == "44444444-4444-8444-8444-444444444444"
    assert UUID(run_id("5" * 64)).version == 8
    assert run_id("4" * 64) != run_id("5" * 64)
    assert json.dumps(events([facts()])) == json.dumps(events([facts()]))


def moved(name: str) -> Callable[[dict[str, Any]], None]:
    def change(said: dict[str, Any]) -> None:
        del said[name]

    return change


def text_rows(said: dict[str, Any]) -> None:
    said["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] = "2"


def no_field(said: dict[str, Any]) -> None:
    lineage = said["outputs"][0]["facets"]["columnLineage"]
    del lineage["fields"]["mm"]["inputFields"][0]["field"]


def no_producer(said: dict[str, Any]) -> None:
    del said["outputs"][0]["facets"]["schema"]["_producer"]


def no_success(said: dict[str, Any]) -> None:
    quality = said["inputs"][0]["inputFacets"]["dataQualityAssertions"]
    del quality["assertions"][0]["success"]


def other_type(said: dict[str, Any]) -> None:
    said["eventType"] = "DONE"


@pytest.mark.parametrize(
    "wrong",
    [
        *(moved(name) for name in ("job", "eventTime", "producer")),
        *(other_type, text_rows, no_field, no_producer, no_success),
    ],
)
def test_the_schemas_refuse_a_wrong_event(
    wrong: Callable[[dict[str, Any]], None],
) -> None:
    said = copy.deepcopy(event(facts()))
    wrong(said)

    assert problems(said) != []


@pytest.mark.parametrize(
    "text", ["'13800000001'", "$$13800000001$$", "13800000001", "'' /* 13800000001 */"]
)
def test_no_value_in_a_query_is_told(text: str) -> None:
    told = without_values(f"""SELECT "it's", n FROM t WHERE n = {text} AND k > 7""")
    assert told.startswith("""SELECT "it's", n FROM t WHERE n = '***'""")
    assert told.endswith("AND k > 7")
    assert "138" not in told
