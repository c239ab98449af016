"""A platform team's day: deployed from wheels, fired by the clock, broken, repaired."""

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.command import ROOT
from tests.house import (
    BAD,
    ENTITY,
    FLIGHTS,
    GOOD,
    House,
    controller,
    day_of,
    ended,
    finished,
    opened,
    process,
    read_page,
    served,
    started,
)

README = (ROOT / "README.md").read_text("utf-8")
pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Bring up PostgreSQL and a Prefect server; the worker comes later."""
    with opened(tmp_path_factory.mktemp("house")) as house, served(house):
        yield house


def test_a_platform_teams_day(house: House) -> None:
    """Deploy, let the clock fire, break, read the page, repair, approve, read again."""
    house.done("datafactor", "deploy")
    assert "no change" in house.done("datafactor", "deploy")

    with process(house, "prefect", "worker", "start", "--pool", "value-chain"):
        fired = ended(house, "value-chain/rain", "Completed")
        assert fired.auto_scheduled
        assert fired.name == f"value-chain/rain/{day_of(fired)}"
        followed = ended(house, "value-chain/flood", "Completed")
        assert followed.parameters["as_of"] == str(day_of(fired))

        broken_is_told_and_repaired(house)
        approved_is_posted(house)

    assert house.done("datafactor", "verify").endswith("the store is sound\n")
    assert "all stand as the documents say" in house.done(
        "datafactor", "deploy", "--check"
    )


def broken_is_told_and_repaired(house: House) -> None:
    """Bad rows fail the next run; its page and the terminal say one thing."""
    house.write("rain.csv", BAD)
    failed = ended(house, "value-chain/rain", "Failed")
    (told,) = house.json("show", "--failed")
    page = read_page(house, f"/runs/flow-run/{failed.id}", "failed")

    sentence = told["sentence"]
    for command in operators_commands():  # as the operator's page writes them
        assert house.run(*command).returncode == 0, command
    assert sentence in house.done("datafactor", "show", "--failed")
    assert summary(house, "rain").startswith(sentence)
    assert "2 of 3 rows of rain break the contract" in sentence
    assert "no money rests on it" in sentence
    assert failed.state is not None
    assert sentence in str(failed.state.message)
    assert "break the contract" in page
    remedy = re.search(r"`datafactor ([^`]*)`", sentence)
    assert remedy is not None
    assert "four" in house.done("datafactor", *remedy.group(1).split(), "--reveal")

    house.write("rain.csv", GOOD + "b,2026-07-01,8\n")
    ended(house, "value-chain/rain", "Completed", after=failed)
    assert house.json("show", "--failed") == []


def operators_commands() -> list[list[str]]:
    """Read the commands of the operator's page."""
    page = README.partition("### The operator's page")[2].partition("\n### ")[0]
    found = re.findall(r"^\$ (datafactor [^#\n]*)", page, re.M)
    assert len(found) >= 2
    return [command.split() for command in found]


def summary(house: House, factor: str) -> str:
    """Read what the page calls ``FACTOR-summary``, without its marks."""
    asked = {"artifacts": {"key": {"any_": [f"{factor}-summary"]}}, "limit": 1}
    with house.client as client:
        found = client.request(
            "POST", "/artifacts/filter", json={**asked, "sort": "CREATED_DESC"}
        )
    text: str = found.json()[0]["data"]
    return text.lstrip("#*> \n")


def approved_is_posted(house: House) -> None:
    """What is above the threshold waits for another key, then stands in the books."""
    first = started(house, f"value-chain/{FLIGHTS}", as_of="2026-06-30")
    refused = finished(house, first, "Refused")
    assert refused.state is not None
    assert "datafactor approve" in str(refused.state.message)
    read_page(house, f"/runs/flow-run/{refused.id}", "refused")
    assert house.run("datafactor", "books", ENTITY).returncode == 1

    (asked,) = house.json("approve")
    house.done("datafactor", "approve", asked["subject"][:12], **controller(house))
    again = started(house, f"value-chain/{FLIGHTS}", as_of="2026-06-30")
    finished(house, again, "Completed")
    page = read_page(house, f"/runs/flow-run/{again.id}", "completed")
    assert "BANK-2026-001" in page or "productize" in page
    books = house.json("books", ENTITY)
    assert sum(Decimal(a["debit"]) for a in books["accounts"]) > 0
    read_page(house, "/deployments", "deployments")
    read_page(house, "/runs", "runs")
