"""Ways to supply the same data side by side, to the fen, and nothing is kept."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.compare import SUPPLIES, compare
from schemas.errors import FactorError
from schemas.registers import Invoice, Order
from tests import leased, shop
from tests.appraisal_case import by_cost
from tests.builders import temporary_store
from tests.kept import kept
from tests.store import build


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with the asset of ``tests/leased.py``."""
    folder = tmp_path_factory.mktemp("leased")
    with leased.leased(folder):
        yield folder


def columns(*policies: str, name: str = "rain") -> dict[tuple[str, str], Any]:
    """The rows of each column, by supply and policy."""
    data = compare(name, SUPPLIES, policies, shop.DAY)
    return {(c["supply"], c["policy"]): c["rows"] for c in data["columns"]}


def values(rows: Any) -> dict[str, str | None]:
    """The amounts of a column."""
    return {
        name: rows[name]["value"]
        for name in (
            *("ceiling_revenue", "revenue"),
            *("recognised", "appraised", "loan_capacity"),
        )
    }


def test_what_is_operated_for_industry_is_capped_and_carries_a_loan(home: Path) -> None:
    # Operating cost: V2 180,000.00 of the twelve months to 2026-06-30 (V3 of
    # 2025-06-30 is a day too old), 12 × 600,000.00 / 60 of amortisation: 300,000.00;
    # profit 5 % 15,000.00; VAT 6 % of 315,000.00 = 18,900.00.
    # Revenue: 500,000.00 forecast, at most 600,000 rows × 0.60 = 360,000.00, of which
    # 315,000.00 are allowed and 45,000.00 wait.
    # Appraised: 360,000 / 1.1 + 300,000 / 1.21 = 327,272.7273 + 247,933.8843.
    # Loan: half of 575,206.61, rounded down.
    rows = columns()["authorised-paid", "cn-2025"]

    assert values(rows) == {
        "ceiling_revenue": "315000.00",
        "revenue": "315000.00",
        "recognised": "600000.00",
        "appraised": "575206.61",
        "loan_capacity": "287603.30",
    }
    assert rows["offered"]["said"] == "yes"
    assert rows["price_cap"]["said"] == "0.60 a row"
    assert rows["ceiling_revenue"]["grounds"] == [
        "without tax: operating cost 300,000.00 and allowed profit 15,000.00; VAT on it"
        " 18,900.00"
    ]
    assert "45,000.00 above the ceiling revenue" in rows["revenue"]["grounds"][1]
    assert rows["recognised"]["said"] == "600,000.00 intangible"
    assert rows["reach"]["said"] == "licensees in J68 insurance, CN"
    assert rows["reach"]["grounds"] == ["0 orders of 0 customers"]


@pytest.mark.parametrize(
    ("supply", "who"),
    [
        ("open", "everyone"),
        ("shared", "public bodies 政务部门"),
        ("authorised-free", "whoever serves public good in J68 insurance, CN"),
    ],
)
def test_what_stays_free_is_not_recognised_and_carries_no_loan(
    home: Path, supply: str, who: str
) -> None:
    rows = columns()[supply, "cn-2025"]

    assert set(values(rows).values()) == {"0.00"}
    law = f"public data supplied as {supply} are free of charge"
    for name in ("price_cap", "ceiling_revenue", "revenue"):
        assert rows[name]["refused"] is True
        assert rows[name]["grounds"] == [law]
    assert rows["recognised"]["grounds"][0].startswith(
        f"public data, {supply} by Bureau of weather, are free to all"
    )
    assert rows["loan_capacity"]["grounds"][0] == law
    assert "not pledged" in rows["loan_capacity"]["grounds"][1]
    assert rows["offered"]["said"] == "yes, free of charge"
    assert rows["reach"] == {
        "value": None,
        "said": who,
        "refused": False,
        "grounds": [],
    }


def test_two_policies_are_compared_on_the_same_facts(home: Path) -> None:
    # max_ltv 0.40: 575,206.61 × 0.40 = 230,082.644; profit 10 % of 300,000.00.
    text = (home / "policies" / "cn-2025.yaml").read_text("utf-8")
    for old, new in (
        ("id: cn-2025", "id: stricter"),
        ('max_ltv:\n    value: "0.50"', 'max_ltv:\n    value: "0.40"'),
        ('rate:\n    value: "0.05"', 'rate:\n    value: "0.10"'),
    ):
        assert old in text
        text = text.replace(old, new)
    (home / "policies" / "stricter.yaml").write_text(text, "utf-8")

    made = columns("cn-2025", "stricter")

    assert len(made) == 8
    assert made["authorised-paid", "cn-2025"] == columns()["authorised-paid", "cn-2025"]
    stricter = values(made["authorised-paid", "stricter"])
    assert stricter["loan_capacity"] == "230082.64"
    assert stricter["ceiling_revenue"] == stricter["revenue"] == "330000.00"
    assert stricter["appraised"] == "575206.61"


def test_what_was_invoiced_goes_before_a_forecast(tmp_path: Path) -> None:
    # 2025-06 to 2026-05 are the twelve whole months before 2026-06-30; an invoice of
    # another product, of June 2026, or of May 2025 counts for nothing.
    sold = {"entity": "jiangbei-data", "product": "daily-rain"}
    with leased.leased(tmp_path):
        leased.post(Order, build.order("SO-1", factor="rain", **sold))
        leased.post(Order, build.order("SO-2", **sold))
        for number, (order, period, amount) in enumerate(
            (
                ("SO-1", "2025-06", 10_000_000),
                ("SO-1", "2026-05", 2_345_678),
                ("SO-1", "2025-05", 1),
                ("SO-1", "2026-06", 1),
                ("SO-2", "2026-05", 1),
            ),
            1,
        ):
            line = {"order": order, "period": period, "amount_fen": amount}
            invoice = build.invoice(number, issued_on=date(2026, 6, 5), **line)
            leased.post(Invoice, invoice | {"invoice": f"I-{number}"})
        rows = columns()

    paid = rows["authorised-paid", "cn-2025"]
    assert paid["revenue"]["value"] == "123456.78"
    assert paid["revenue"]["grounds"] == ["invoiced from 2025-06 to 2026-05"]
    assert paid["reach"]["grounds"] == ["1 orders of 1 customers"]
    assert rows["open", "cn-2025"]["revenue"]["value"] == "0.00"


def test_comparing_keeps_nothing(home: Path) -> None:
    before = kept()

    compare("rain", SUPPLIES, (), shop.DAY)

    assert kept() == before


def test_what_a_supply_needs_and_nobody_stated_is_named(tmp_path: Path) -> None:
    open_ = {n: "" for n in ("implementing_body", "operator", "agreement", "fee_rule")}
    lacking: dict[str, Any] = {
        **open_,
        "fields": [],
        "territory": "",
        "valid_from": None,
    }
    given = leased.document(supply="open", valid_to=None, **lacking)
    shop.prepare(tmp_path)
    (tmp_path / "factors" / "rain.yaml").write_text(given, "utf-8")
    with temporary_store(tmp_path, **shop.places(tmp_path)):
        made = columns()

    paid, free = (made[s, "cn-2025"] for s in ("authorised-paid", "open"))
    assert paid["offered"]["refused"] is True
    said = "; ".join(paid["offered"]["grounds"])
    for fact in ("agreement", "implementing_body", "fee_rule"):
        assert f"compliance.public_data.{fact} names no document" in said
    assert "the agreement has no term" in said
    assert paid["appraised"]["said"] == "not offered"
    assert paid["appraised"]["value"] is None
    # Nothing was run: what the asset cost is not known, what is free is free.
    assert free["recognised"]["said"] == "not known"
    assert "`datafactor run rain` first" in free["recognised"]["grounds"][0]
    assert free["loan_capacity"]["value"] == "0.00"


def test_the_cost_of_what_is_free_is_a_value_and_no_security(tmp_path: Path) -> None:
    # VAL-04: 1,122,400.00 by cost; nobody pays for what is free.
    with leased.leased(tmp_path, by_cost()):
        rows = columns()["open", "cn-2025"]

    assert rows["appraised"]["value"] == "1122400.00"
    assert rows["loan_capacity"]["value"] == "0.00"


def test_an_unknown_supply_is_refused(home: Path) -> None:
    with pytest.raises(FactorError, match="nothing is no supply of public data"):
        compare("rain", (), (), shop.DAY)
    with pytest.raises(FactorError, match="leased is no supply of public data"):
        compare("rain", ("leased",), (), shop.DAY)
