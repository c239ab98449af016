"""A dispute suspends what rests on a factor at once; lifted, it all goes on."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from flows import market
from flows.catalog import state_of
from flows.cli import main
from flows.deliver import deliver
from flows.market import Asked, take_order
from flows.released import all_released
from flows.rights import dispute, rights_of
from flows.serve import app_of
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused, RegisterError
from schemas.product import ProductTerms
from tasks import store
from tests import shop
from tests.shop import CODE, DAY

ROWS = "/products/daily-rain/rows"
# A product of another factor that is made of the rain's resource.
MADE_OF_IT = shop.DOCUMENT.replace("factor: rain", "factor: floods").replace(
    "name: daily-rain", "name: daily-floods"
)
SAID = {"claimant": "Town of A", "ground": "claims the gauges", "evidence": "COURT-7"}
OVER = {"ground": "settled", "evidence": "COURT-8"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("disputes")
    with shop.shop(folder):
        yield folder


@pytest.fixture
def rain(home: Path) -> Iterator[Path]:
    """Lend the shop; no dispute of a test outlives it."""
    yield home
    for one in rights_of("rain", None, None)["disputes"]:
        dispute("rain", "lift", None, number=one["dispute"], **OVER)


def bought(number: str) -> dict[str, str]:
    asked = Asked("Crop Cover", CODE, "claims", number)
    return {"Authorization": f"Bearer {take_order('rain', asked)['key']}"}


def served(key: dict[str, str]) -> httpx.Response:
    """Ask the service for the rows, without a socket between."""

    async def ask() -> httpx.Response:
        app = httpx.ASGITransport(app_of(store.current()))
        async with httpx.AsyncClient(transport=app, base_url="http://rain") as client:
            return await client.get(ROWS, headers=key)

    return asyncio.run(ask())


def released_terms(factor: str) -> ProductTerms:
    return next(o.terms for o in all_released() if o.factor == factor)


def run() -> None:
    value_chain.fn("rain", DAY, Stage.PRODUCT)


def test_an_open_dispute_refuses_every_way_out_and_its_lift_opens_them_again(
    rain: Path,
) -> None:
    key = bought("D-1")
    assert served(key).status_code == 200

    dispute("rain", "open", None, number="CASE-1", **SAID)

    refused = served(key)
    assert refused.status_code == 403
    assert "suspended since" in refused.json()["detail"]
    assert "CASE-1" in refused.json()["detail"]
    told = state_of(released_terms("rain"), market.today("rain"))
    assert (told["state"], told["orderable"]) == ("suspended", False)
    assert "Town of A" not in told["reason"]
    ways: tuple[Callable[[], object], ...] = (
        lambda: bought("D-2"),
        lambda: market.renew("D-1", None, None, None),
        lambda: deliver("D-1", rain / "shut-1"),
        run,
    )
    for way in ways:
        with pytest.raises(Refused, match="dispute CASE-1 over rain is open"):
            way()
    # The refused run stands in no way: what was offered before is offered again.
    dispute("rain", "lift", None, number="CASE-1", **OVER)

    assert served(key).status_code == 200
    assert state_of(released_terms("rain"), market.today("rain"))["orderable"]
    bought("D-2")
    market.renew("D-1", None, None, None)
    assert deliver("D-1", rain / "open-1")["rows"] == 40
    run()
    assert store.verify(store.current()).exit == 0


def test_a_dispute_over_a_factor_suspends_what_another_makes_of_it(rain: Path) -> None:
    text = MADE_OF_IT[: MADE_OF_IT.index("sources:")]
    text += "inputs: {rain: rain/resource}\n"
    text += MADE_OF_IT[MADE_OF_IT.index("product:") :].replace("resource", "rain")
    (rain / "factors" / "floods.yaml").write_text(text, encoding="utf-8")
    value_chain.fn("floods", DAY, Stage.PRODUCT)
    asked = Asked("Crop Cover", CODE, "claims", "F-1")
    take_order("floods", asked)

    dispute("rain", "open", None, number="CASE-2", **SAID)

    with pytest.raises(Refused, match="dispute CASE-2 over rain is open"):
        deliver("F-1", rain / "shut-2")
    with pytest.raises(Refused, match=r"inputs\.rain: dispute CASE-2 over"):
        value_chain.fn("floods", DAY, Stage.PRODUCT)

    dispute("rain", "lift", None, number="CASE-2", **OVER)
    assert deliver("F-1", rain / "open-2")["rows"] == 40


def test_what_is_told_of_a_day_is_what_was_known_on_another(rain: Path) -> None:
    today = market.today("rain")
    dispute("rain", "open", today - timedelta(days=30), number="CASE-3", **SAID)

    told = rights_of("rain", today - timedelta(days=10), today)
    before = rights_of("rain", today - timedelta(days=10), today - timedelta(days=1))
    earlier = rights_of("rain", today - timedelta(days=31), today)

    assert [d["dispute"] for d in told["disputes"]] == ["CASE-3"]
    assert before["disputes"] == earlier["disputes"] == []


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (("lift", "CASE-0", 0), "no dispute CASE-0 over rain is open"),
        (("open", "CASE-41", 1), "dispute CASE-41 was opened on"),
        (("lift", "CASE-42", 9), "cannot be lifted before"),
        (("open", "CASE-43", -1), "has not come"),
    ],
    ids=["unknown", "number taken", "before it was opened", "to come"],
)
def test_a_dispute_that_cannot_be_is_refused(
    rain: Path, again: tuple[str, str, int], said: str
) -> None:
    event, number, ago = again
    mine = number if number != "CASE-0" else "CASE-40"
    today = market.today("rain")
    dispute("rain", "open", today - timedelta(days=5), number=mine, **SAID)

    with pytest.raises(RegisterError, match=said):
        dispute("rain", event, today - timedelta(days=ago), number=number, **SAID)


def test_the_commands_open_tell_and_lift_a_dispute(
    rain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = ["--evidence", "COURT-7", "--number", "CASE-7"]
    opened = ["--claimant", "Town of A", "--ground", "claims the gauges", *proof]

    assert main(["dispute", "rain", "open", *opened]) == 0
    assert main(["rights", "rain"]) == 0
    told = capsys.readouterr().out
    assert "dispute 异议 CASE-7 over rain: Town of A, claims the gauges" in told
    assert main(["dispute", "rain", "lift", "--ground", "settled", *proof]) == 0
    assert "CASE-7" not in capsys.readouterr().out
