"""What would follow of one event, in yuan worked out by hand; nothing is kept.

The loan of 200,000.00 rests on 575,206.61: what 360,000.00 and 300,000.00 are worth at
10 %, the first year capped by the guide price. 600,000.00 are carried, so that
24,793.39 are a loss already.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flows.value_chain import value_chain
from flows.what_if import Shock, supposed, what_if
from schemas.artifact import Stage
from schemas.errors import FactorError, RegisterError, StoreError
from tests import leased, shop
from tests.kept import kept
from tests.shop import DAY

OTHER = "cover"  # a factor whose product takes in that of rain


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The asset of rain pledged, and another asset made of its product."""
    folder = tmp_path_factory.mktemp("what_if")
    with leased.leased(folder, through=Stage.CAPITAL):
        (folder / "other.csv").write_bytes((folder / "rain.csv").read_bytes())
        lines = leased.VOUCHERS.replace("V", "W").replace("E-", "F-")
        (folder / "other_vouchers.csv").write_text(f"{leased.HEADING}{lines}")
        written = json.dumps(another(json.loads(leased.document())))
        (folder / "factors" / f"{OTHER}.yaml").write_text(written, "utf-8")
        value_chain.fn(OTHER, DAY, Stage.ASSET)
        yield folder


def another(terms: dict[str, Any]) -> dict[str, Any]:
    """A document like that of rain, of its own file and of the product of rain."""
    del terms["capital"], terms["product"]["compliance"]["public_data"]
    terms |= {"factor": OTHER, "inputs": {"given": "rain/product"}}
    terms["sources"]["rain"]["path"] = "other.csv"
    query = "SELECT r.day, r.town, r.tenths_mm FROM resource r JOIN given g USING (day)"
    terms["product"] |= {"name": "cover-rain", "query": query}
    terms["asset"] |= {"name": "cover-asset", "pools": {"making": {"cover-rain": "1"}}}
    terms["asset"]["costs"]["path"] = "other_vouchers.csv"
    for right in terms["asset"]["rights"]:
        right["certificate"] = f"{OTHER}-{right['right']}"
    return terms


@cache
def asked(kind: Any, name: str = "", change: str = "0") -> dict[str, Any]:
    """What would follow on the day; asked once, for nothing in the store changes."""
    return what_if(Shock(kind, name, Decimal(change)), "", DAY)


def assets(data: dict[str, Any]) -> dict[str, Any]:
    """The assets that are hit, by name."""
    return {one["asset"]: one for one in data["assets"]}


@pytest.mark.parametrize(
    ("change", "value", "loss", "loan"),
    [
        # 250,000 / 1.1 + 150,000 / 1.21; LTV 0.569412 is normal on this ladder, but
        # 200,000 − 0.50 × 351,239.67 lead back to what is lent at most.
        pytest.param(
            *("-0.5", "351239.67", "248760.33"),
            ("0.569412", "normal", "24380.17", "48760.33"),
            id="a half",
        ),
        # 200,000 / 1.1 + 120,000 / 1.21; above 0.70 a margin call.
        pytest.param(
            *("-0.6", "280991.74", "319008.26"),
            ("0.711765", "margin_call", "59504.13", "119008.26"),
            id="three fifths",
        ),
        # 150,000 / 1.1 + 90,000 / 1.21; above 0.80.
        pytest.param(
            *("-0.7", "210743.80", "389256.20"),
            ("0.949020", "default", "94628.10", "189256.20"),
            id="seven tenths",
        ),
    ],
)
def test_a_lower_price_falls_through_to_the_loan(
    home: Path, change: str, value: str, loss: str, loan: tuple[str, ...]
) -> None:
    made = asked("price", change=change)

    rain = assets(made)["rain-asset"]
    assert rain["carrying"] == "600000.00"
    assert (rain["value_before"], rain["loss_before"]) == ("575206.61", "24793.39")
    assert (rain["value_after"], rain["loss_after"]) == (value, loss)
    (lent,) = made["loans"]
    assert (lent["ltv_before"], lent["state_before"]) == ("0.347701", "normal")
    found = tuple(lent[n] for n in ("ltv_after", "state_after", "repay", "top_up"))
    assert found == loan


def test_a_higher_price_writes_nothing_up(home: Path) -> None:
    # The guide price caps the first year at 360,000.00 whatever is forecast, and the
    # second at 360,000.00 too: 327,272.73 + 297,520.66 = 624,793.39, above what is
    # carried. There is no loss then, and no gain.
    made = asked("price", change="0.5")

    rain = assets(made)["rain-asset"]
    assert (rain["value_after"], rain["loss_after"]) == ("624793.39", "0.00")
    assert made["totals"]["margin_calls"] == made["totals"]["defaulted"] == "0.00"


def test_the_sum_is_that_of_all_assets_and_loans(home: Path) -> None:
    # Two assets alike: 2 × (575,206.61 − 280,991.74), 2 × (319,008.26 − 24,793.39).
    made = asked("price", change="-0.6")

    assert made["totals"] == {
        "value_fall": "588429.74",
        "impairment": "588429.74",
        "margin_calls": "59504.13",
        "defaulted": "0.00",
        "shortfall": "0.00",
        "unknown": 0,
    }


@pytest.mark.parametrize(
    ("kind", "name"), [("withdraw", "rain/resource/rain"), ("lapse", "C-operate")]
)
def test_what_may_be_used_no_more_is_worth_nothing_and_so_is_what_it_went_into(
    home: Path, kind: str, name: str
) -> None:
    made = asked(kind, name)

    hit = assets(made)
    assert set(hit) == {"rain-asset", "cover-asset"}
    for one in hit.values():
        assert (one["value_after"], one["loss_after"]) == ("0.00", "600000.00")
        assert one["shut"]
    (lent,) = made["loans"]
    assert (lent["state_after"], lent["repay"]) == ("default", "200000.00")
    assert made["totals"]["shortfall"] == made["totals"]["defaulted"] == "200000.00"


def test_a_source_of_the_other_factor_leaves_the_first_alone(home: Path) -> None:
    made = asked("withdraw", f"{OTHER}/resource/rain")

    assert set(assets(made)) == {"cover-asset"}
    assert made["loans"] == []


def test_a_right_that_no_gate_asks_for_changes_nothing(home: Path) -> None:
    rain = assets(asked("lapse", "C-hold"))["rain-asset"]

    assert rain["value_after"] == rain["value_before"] == "575206.61"
    assert rain["shut"] == []


def test_quality_below_its_step_shuts_the_gate(home: Path) -> None:
    # No figure of an income follows quality; the gate allows a fall of 0.05.
    # The ratio stays 0.347701, but the sign warns the lender.
    made = [asked("quality", change=change) for change in ("-0.05", "-0.06")]

    small, large = (assets(one)["rain-asset"] for one in made)
    assert small["shut"] == []
    assert large["value_after"] == "575206.61"
    assert large["shut"][0].startswith("quality: quality score")
    kept_up, warned = (one["loans"][0] for one in made)
    assert (kept_up["state_after"], warned["state_after"]) == ("normal", "warning")
    assert warned["ltv_after"] == "0.347701"
    assert "it may fall by 0.050000" in warned["ground"]


def test_asking_keeps_nothing(home: Path) -> None:
    before = kept()

    what_if(Shock("price", change=Decimal("-0.2")), "", DAY)
    what_if(Shock("lapse", "C-operate"), "", DAY)

    assert kept() == before


def test_only_the_factor_that_is_named_is_asked(home: Path) -> None:
    made = what_if(Shock("price", change=Decimal("-0.2")), OTHER, shop.DAY)

    assert set(assets(made)) == {"cover-asset"}


@pytest.mark.parametrize(
    ("shock", "error", "said"),
    [
        (Shock("lapse", "C-99"), RegisterError, "no right is registered under C-99"),
        (Shock("withdraw", "fog"), StoreError, "nothing in the store is called fog"),
        (Shock("price", change=Decimal("-1.1")), FactorError, "from -1 to 10"),
        (Shock("price", change=Decimal("1e400")), FactorError, "from -1 to 10"),
        (Shock("quality", change=Decimal(2)), FactorError, "from -1 to 1"),
        (Shock("price", change=Decimal("NaN")), FactorError, "a finite number"),
    ],
    ids=["right", "source", "price", "large", "quality", "nan"],
)
def test_what_cannot_be_supposed_is_refused(
    home: Path, shock: Shock, error: Any, said: str
) -> None:
    with pytest.raises(error, match=said):
        what_if(shock, "", DAY)


def test_a_factor_that_nobody_wrote_is_no_factor_without_loss(home: Path) -> None:
    with pytest.raises(FactorError, match="no factor 'rian'"):
        what_if(Shock("price", change=Decimal("-0.2")), "rian", DAY)


def test_a_right_is_named_as_a_ref_names_it_or_by_its_number_alone() -> None:
    assert supposed(lapse="right:C-1") == supposed(lapse="C-1") == Shock("lapse", "C-1")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"price": "", "lapse": ""}, "suppose one thing: --price, --lapse"),
        ({"price": "-0.2", "lapse": "C"}, "suppose one thing"),
        ({"price": "a fifth", "lapse": ""}, "is no number"),
    ],
    ids=["none", "two", "words"],
)
def test_one_thing_is_supposed(given: dict[str, str], said: str) -> None:
    with pytest.raises(FactorError, match=said):
        supposed(**given)
