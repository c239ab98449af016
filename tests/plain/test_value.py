"""`value` lays out what was spent, earned and used, and what combining adds."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flows.deliver import deliver
from flows.demo import FACTOR
from flows.document import factor_named
from flows.market import Asked, take_order
from flows.meter import meter
from flows.stages import invoice_task
from flows.summary import Chain
from flows.value_chain import value_chain
from flows.worth import as_csv, combined, value, write
from schemas.appraisal import Appraisal, Contribution
from schemas.artifact import Snapshot, Stage
from schemas.errors import StoreError
from schemas.registers import Entitlement, Invoice, Order, Usage
from schemas.sale import InvoiceTerms
from tasks.finance import months_later
from tests import shop
from tests.finance_case import sourced

INPUT = shop.DOCUMENT.partition("sources:")
SNOW = (
    INPUT[0].replace("factor: rain", "factor: snow")
    + "inputs: {taken: rain/product}\nproduct:"
    + shop.DOCUMENT.partition("product:")[2]
    .replace("name: daily-rain", "name: snow-rain")
    .replace("FROM resource", "FROM taken")
    .replace('amount: "300.00"', 'amount: "45.50"')
)


def test_cost_falls_into_the_months_of_the_vouchers(chain: Chain) -> None:
    """By hand: all of each, and a third of the platform of April: 1,200,000.01."""
    assert chain.factor == FACTOR
    (told,) = value([FACTOR])["factors"]

    assert [(m["month"], m["cost"]) for m in told["months"]] == [
        ("2026-01", "90,000.00"),
        ("2026-02", "60,000.00"),
        ("2026-03", "650,000.00"),
        ("2026-04", "400,000.01"),
        ("2026-05", "45,500.50"),
        ("2026-06", "8,000.00"),
    ]
    assert told["total"]["cost"] == "1,253,500.51"
    assert [m["decisions"] for m in told["months"]][-2:] == [None, 2_084]
    assert told["total"]["decisions"] == 2_084, "those of today, not the sum"
    assert told["multiplier"] is None
    rows = csv.DictReader(as_csv({"factors": [told]}).splitlines())
    assert next(rows)["cost"] == "90000.00", "a spreadsheet counts it"


def test_what_was_stated_last_of_groups_of_providers_is_taken() -> None:
    """30 and 50 alone; 110 together by the older report, 100 by the newer one."""

    def report(together: str, day: int) -> Appraisal:
        worth = {"a": "30", "b": "50", "a+b": together}
        stated = sourced(providers=["a", "b"], worth=worth, unit="points")
        said: dict[str, Any] = {
            "report": f"R-{day}",
            "reported_on": date(2026, 6, day),
            "contribution": Contribution.model_validate(stated),
        }
        return Appraisal.model_construct(**said)

    terms = factor_named(FACTOR)
    assert terms.asset
    reports = (report("110", 1), report("100", 30), report("110", 2))
    asset = terms.asset.model_copy(update={"appraisal": reports})
    found = combined(terms.model_copy(update={"asset": asset}))

    assert found is not None
    assert (found.more, found.times) == (Decimal(20), Decimal("1.25"))
    assert (found.unit, found.ground[:6]) == ("points", "R-30: ")


def invoice(name: str, today: date) -> None:
    """Invoice the month of a day on the day after it, which a person would wait for."""
    after = months_later(today.replace(day=1), 1)
    terms = InvoiceTerms(factor=name, period=f"{today:%Y-%m}", issued_on=after)
    registers = (Entitlement, Usage, Invoice)
    orders = Snapshot(register=Order, where={"factor": name})
    others = (Snapshot(register=register, where={}) for register in registers)
    invoice_task(orders, *others, terms)


def test_what_was_sold_and_used_stands_in_its_month_and_combining_adds_its_own(
    tmp_path: Path,
) -> None:
    today = datetime.now(UTC).date()
    with shop.shop(tmp_path):
        (tmp_path / "factors" / "snow.yaml").write_text(SNOW, "utf-8")
        value_chain.fn("snow", shop.DAY, Stage.PRODUCT)
        for name in ("rain", "snow"):
            take_order(name, Asked("Crop Cover", shop.CODE, "claims", f"{name}-1"))
        deliver("rain-1", tmp_path / "out")
        meter()
        for name in ("rain", "snow"):
            invoice(name, today)
        told = {f["factor"]: f for f in value([])["factors"]}
        table, page = write(value(["rain", "snow"]), tmp_path / "value")

    assert told["rain"]["total"]["revenue"] == "300.00"
    assert (told["rain"]["total"]["calls"], told["rain"]["total"]["rows"]) == (1, 40)
    assert told["rain"]["months"][0]["decisions"] == 40
    found = told["snow"]["multiplier"]
    assert (found["together"], found["apart"]) == ("345.50", "300.00")
    assert (found["more"], found["times"]) == ("45.50", "1.151667")
    rows = list(csv.DictReader(Path(table).read_text("utf-8-sig").splitlines()))
    assert sum(Decimal(row["revenue"]) for row in rows) == Decimal("345.50")
    assert "345.50" in Path(page).read_text("utf-8")
    assert (
        as_csv({"factors": []}) == "factor,month,cost,revenue,calls,rows,decisions\r\n"
    )


def test_of_a_month_the_product_of_its_last_day_answers(tmp_path: Path) -> None:
    """That of the 15th was made after that of the 30th, of one row."""
    with shop.shop(tmp_path):
        (tmp_path / "rain.csv").write_text("day,town,tenths_mm\n1,a,5\n")
        value_chain.fn("rain", date(2026, 6, 15), Stage.PRODUCT)
        (told,) = value(["rain"])["factors"]

    assert [(m["month"], m["decisions"]) for m in told["months"]] == [("2026-06", 40)]


def test_of_what_nobody_knows_nothing_is_told(tmp_path: Path) -> None:
    with (
        shop.shop(tmp_path),
        pytest.raises(StoreError, match="hail: nothing was spent"),
    ):
        value(["hail"])
