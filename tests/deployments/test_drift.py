"""Whatever a hand changes on a real server is told by its name, and mended."""

from collections.abc import Iterator

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.deploy import automation, deploy
from flows.deployed import AFTER, chain
from flows.document import factor_named
from schemas.errors import StoreError
from tests.gauges import documents, opened

FLOOD, LOOK = "value-chain/flood", "watch-house/watch-house"


def edited(client: SyncPrefectClient) -> None:
    """Write other fields, as Prefect's pages let a person do."""
    known = client.read_deployment_by_name(FLOOD)
    fields = DeploymentUpdate(
        description="mine",
        parameters={"factor": "rain"},
        job_variables={"env": {"A": "b"}},
        enforce_parameter_schema=False,
        concurrency_limit=2,
    )
    client.update_deployment(known.id, fields)


def stopped(client: SyncPrefectClient) -> None:
    """Switch a schedule off, as a person does who wants some quiet."""
    known = client.read_deployment_by_name(LOOK)
    (clock,) = known.schedules
    client.update_deployment_schedule(known.id, clock.id, active=False)


def wired(client: SyncPrefectClient, name: str, label: str = FLOOD) -> None:
    """Make an automation of a name that starts a deployment."""
    wire = automation(
        chain(factor_named("flood")), client.read_deployment_by_name(label).id
    )
    client.create_automation(wire.model_copy(update={"name": name}))


def wired_twice(client: SyncPrefectClient) -> None:
    """Make the automation of a factor once more: it would start twice."""
    wired(client, f"flood{AFTER}")


def left_over(client: SyncPrefectClient) -> None:
    """Leave the automation of inputs that a factor does not read any more."""
    wired(client, f"rain{AFTER}", "value-chain/rain")


def made_anew(client: SyncPrefectClient) -> None:
    """Delete a deployment; an automation that a hand made for it is left behind."""
    wired_twice(client)
    client.delete_deployment(client.read_deployment_by_name(FLOOD).id)


@pytest.fixture(scope="module")
def house(
    server: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SyncPrefectClient]:
    """Three factors, one of which follows the others, on a server."""
    url, home = server["PREFECT_API_URL"], tmp_path_factory.mktemp("house")
    documents(home)
    with (
        pytest.MonkeyPatch.context() as patch,
        opened(home),
        temporary_settings({PREFECT_API_URL: url}),
        SyncPrefectClient(url) as client,
    ):
        patch.setenv("PREFECT_API_URL", url)
        yield client


def test_what_a_hand_changed_is_told_field_by_field_and_mended(
    house: SyncPrefectClient,
) -> None:
    assert f"{FLOOD}: is not deployed" in deploy(check=True)["drift"]
    assert FLOOD in deploy()["written"], "to check had written nothing"
    edited(house)
    stopped(house)
    left_over(house)

    fields = "description enforce_parameter_schema job_variables parameters"
    assert set(deploy()["drift"]) == {
        *(f"{FLOOD}: {name} was changed" for name in fields.split()),
        f"{FLOOD}: not one run at a time, the next one waiting",
        f"{LOOK}: the schedule was changed",
        "value-chain/rain: an automation is left of earlier inputs",
    }
    wired_twice(house)
    assert deploy()["drift"] == [f"{FLOOD}: the automation that starts it was changed"]
    assert deploy(check=True)["drift"] == []


def test_what_was_made_anew_is_started_and_not_the_old_one(
    house: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An automation outlives the deployment that it starts."""
    deploy()
    wired(house, f"snow{AFTER}")
    made_anew(house)

    told = deploy()
    known = house.read_deployment_by_name(FLOOD)
    (wire,) = house.read_automations_by_name(f"flood{AFTER}")

    assert str(known.id) in str(wire.actions)
    assert [one.partition(":")[0] for one in told["drift"]] == [FLOOD, f"snow{AFTER}"]
    (left,) = told["left"]
    assert left.startswith(f"snow{AFTER}: is an automation that no document asks for")
    monkeypatch.setenv("DATAFACTOR_DATA", "relative")
    with pytest.raises(StoreError, match="DATAFACTOR_DATA must be absolute"):
        deploy(check=True)
