"""What shall stand on a server follows from the documents alone."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from pydantic import ValidationError

from flows.deploy import all_wanted, paged
from flows.deployed import Clock, Wanted, chain, refuse_odd, trigger, wanted
from flows.places import is_absolute, refuse_adrift, refuse_relative
from schemas.errors import FactorError, StoreError
from schemas.factor import Factor, Schedule, load_factor
from tests.gauges import INPUTS, documents, head, offer, opened, write


@pytest.fixture
def flood(tmp_path: Path) -> Factor:
    """A factor that reads two others."""
    documents(tmp_path)
    return load_factor("flood", tmp_path / "factors")


def test_a_factor_follows_each_of_its_inputs_with_their_day(flood: Factor) -> None:
    made = chain(flood)

    assert (made.flow, made.name) == ("value-chain", "flood")
    assert made.entrypoint == "flows.value_chain:value_chain"
    assert made.follows == ("level", "rain")
    assert trigger(made)["match"]["prefect.resource.id"] == [
        "datafactor.factor.level",
        "datafactor.factor.rain",
    ]
    assert trigger(made)["parameters"] == {
        "factor": "flood",
        "as_of": "{{ event.payload.as_of }}",
    }
    assert made.clock is None
    assert "**When it ends Waiting**" in made.about


def test_those_that_follow_others_come_last(flood: Factor, tmp_path: Path) -> None:
    rain = load_factor("rain", tmp_path / "factors")

    names = [one.name for one in wanted([flood, rain], [])]

    assert names == ["watch-collateral", "watch-house", "rain", "flood"]


def test_a_schedule_that_skips_a_day_is_refused_with_the_days() -> None:
    """Chile's clocks jump at midnight: 2026-09-05 fires twice, 2026-09-06 never."""
    bad = Wanted("value-chain", "x", {}, "", (), Clock("0 0 * * *", "America/Santiago"))

    with pytest.raises(FactorError, match=r"x: the schedule .* 2026-09-05, 2026-09-06"):
        refuse_odd([bad], date(2026, 8, 1))
    good = bad._replace(clock=Clock("0 4 * * *", "America/Santiago"))
    refuse_odd([good], date(2026, 8, 1))


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ("/srv/x", True),
        ("~/x", True),
        ("x", False),
        ("s3://b/x", True),
        ("../x", False),
    ],
)
def test_a_relative_place_is_refused_for_a_worker(
    place: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAFACTOR_DATA", place)

    assert is_absolute(place) is known
    if not known:
        with pytest.raises(StoreError, match="DATAFACTOR_DATA must be absolute"):
            refuse_relative()


@pytest.mark.parametrize(
    "name", ["HOME", "OBJECTS", "FACTORS", "DATA", "ANCHOR", "KEY"]
)
def test_each_place_of_a_worker_must_be_absolute(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"DATAFACTOR_{name}", "here")

    with pytest.raises(StoreError, match=f"^DATAFACTOR_{name} must be absolute"):
        refuse_relative()


@pytest.mark.parametrize(("deployment", "refused"), [(uuid4(), True), (None, False)])
def test_only_a_run_that_a_worker_started_is_refused_for_its_places(
    deployment: UUID | None, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who runs a flow by hand stands where the paths are meant."""
    monkeypatch.setenv("DATAFACTOR_DATA", "here")
    started = FlowRun(flow_id=uuid4(), name="x", deployment_id=deployment)
    known: dict[str, Any] = {"flow_run": started}  # all that is asked of it

    with FlowRunContext.model_construct(**known):
        if refused:
            with pytest.raises(StoreError, match="DATAFACTOR_DATA must be absolute"):
                refuse_adrift()
        else:
            refuse_adrift()


def test_a_database_file_of_a_relative_path_is_refused_for_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A deployed run starts in a folder that goes: its store would go with it."""
    monkeypatch.setenv("DATAFACTOR_DATABASE", "sqlite:///house.db")
    with pytest.raises(StoreError, match="DATAFACTOR_DATABASE must be absolute"):
        refuse_relative()

    for known in ("sqlite:////srv/house.db", "postgresql+psycopg://db/house", ""):
        monkeypatch.setenv("DATAFACTOR_DATABASE", known)
        refuse_relative()


@pytest.mark.parametrize(
    "cron", ["30 2 * * *", "*/5 0-6,22 1 JAN mon-fri", "0 6 3 * *"]
)
def test_a_schedule_of_five_fields_in_a_known_zone_is_taken(cron: str) -> None:
    assert Schedule(cron=cron, timezone="Asia/Shanghai").cron == cron


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("30 2 * *", "UTC", "write five fields"),
        ("@daily", "UTC", "write five fields"),
        ("30 2 * * ;rm", "UTC", "write five fields"),
        ("30 2 * * *", "Asia/Peking", "no such time zone"),
        ("30 2 * * *", "../etc/passwd", "no such time zone"),
    ],
)
def test_what_is_no_schedule_is_refused(cron: str, zone: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Schedule(cron=cron, timezone=zone)


def test_a_circle_of_factors_is_refused_by_its_names(tmp_path: Path) -> None:
    documents(tmp_path)
    write(
        tmp_path,
        "rain",
        head("rain"),
        "inputs: {flood: flood/product}\n",
        offer("rain", "query: SELECT gauge, total FROM flood"),
    )
    write(
        tmp_path,
        "flood",
        head("flood"),
        INPUTS.replace("rain/resource", "rain/product"),
        offer("flood", "query: SELECT gauge, total FROM rain"),
    )

    with (
        opened(tmp_path),
        pytest.raises(FactorError, match="in a circle: flood -> rain -> flood"),
    ):
        all_wanted()


def test_a_document_whose_schedule_skips_days_stops_all(tmp_path: Path) -> None:
    documents(tmp_path)
    odd = 'schedule: {cron: "30 0 * * *", timezone: America/Santiago}\n'
    with (tmp_path / "factors" / "rain.yaml").open("a") as more:
        more.write(odd)

    with opened(tmp_path), pytest.raises(FactorError, match=r"^rain: the schedule"):
        all_wanted()


@pytest.mark.parametrize("count", [0, 1, 200, 201, 400])
def test_a_list_longer_than_a_page_is_read_to_its_end(count: int) -> None:
    """The server gives 200 at once, and says nothing of more."""
    held = [*range(count)]

    def read(limit: int, offset: int) -> list[int]:
        return held[offset : offset + limit]

    assert [*paged(read)] == held


def test_a_schedule_enters_no_terms_of_a_stage(tmp_path: Path) -> None:
    """A document may be given another hour, and no artifact gets another id."""
    documents(tmp_path)
    level = load_factor("level", tmp_path / "factors")
    hour = Schedule(cron="30 2 * * *", timezone="Asia/Shanghai")
    planned = level.model_copy(update={"schedule": hour})

    parts = ("resource", "product")
    assert [getattr(planned, part).identity() for part in parts] == [
        getattr(level, part).identity() for part in parts
    ]
    assert "30 2" not in str([getattr(planned, part).identity() for part in parts])
