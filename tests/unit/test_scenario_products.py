"""Products of the scenarios on made rows: the wrong clean first, then small cells."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from schemas.factor import Factor, load_factor
from tasks.sql import run_sql

FACTORS = Path(__file__).resolve().parents[2] / "deployments" / "factors"
ALL = sorted(path.stem for path in FACTORS.glob("*.yaml"))


def product_of(factor: str, **tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run the product's query of a document on rows as its resource would have them."""
    terms = load_factor(factor, FACTORS).product
    assert terms is not None
    frames = {
        name: pl.LazyFrame(rows, infer_schema_length=None)
        for name, rows in tables.items()
    }
    return run_sql(terms.query, frames, "product.query").collect().to_dicts()


@pytest.mark.parametrize(
    ("measured", "total", "enforced", "certificate"),
    [
        ("measured", 0, None, "issued"),
        ("measured", 3, 1, "refused"),
        (None, None, None, "cannot certify"),
        (None, 0, None, "cannot certify"),  # nobody measured, whatever the zero says
        ("measured", None, None, "cannot certify"),
        ("measured", 0, 2, "cannot certify"),  # enforcement of what is not on record
    ],
)
def test_only_a_measured_zero_without_enforcement_is_a_certificate(
    measured: str | None, total: int | None, enforced: int | None, certificate: str
) -> None:
    row = {
        "zip": "00001",
        "city": None,
        "state": None,
        "pwsid": None,
        "quarter": "2026Q2",
        "from_year": 2021,
        "through_year": 2026,
        "measured": measured,
        "total_violations": total,
        "health_violations": 0,
        "enforcement_action_count": enforced,
    }
    # Another row gives the columns their types where this one has nulls.
    typed = {**row, "zip": "00002", "measured": "measured", "total_violations": 9}
    typed |= {"enforcement_action_count": 9, "city": "x", "state": "NY", "pwsid": "y"}

    answers = product_of("us-water-systems", resource=[row, typed])

    assert {a["zip"]: a["certificate"] for a in answers}["00001"] == certificate


@pytest.mark.parametrize(
    ("facts", "certificate"),
    [
        ({}, "issued"),
        ({"penalties": 1}, "refused"),
        ({"penalties": 1, "read_on": date(2016, 3, 7)}, "refused"),
        ({"reports": 1}, "issued"),  # typed by mistake: it counts for nothing
        ({"reports": 1, "replaced": 1}, "cannot certify"),
        ({"elsewhere": True}, "cannot certify"),
        ({"read_on": date(2016, 3, 7)}, "cannot certify"),
    ],
)
def test_whatever_leaves_a_doubt_is_no_certificate(
    facts: dict[str, Any], certificate: str
) -> None:
    clean: dict[str, Any] = {
        "facility": "J1",
        "industry": "i",
        "zone": "z",
        "controls": "c",
        "read_on": date(2016, 10, 7),
        "reports": 0,
        "replaced": 0,
        "penalties": 0,
        "first_on": date(2011, 3, 10),
        "last_on": date(2011, 3, 10),
        "elsewhere": False,
    }
    newest = {**clean, "facility": "J2"}

    answers = product_of("enterprise-env", resource=[{**clean, **facts}, newest])

    assert {a["facility"]: a["certificate"] for a in answers}["J1"] == certificate


def collisions(speed_class: str, number: int) -> list[dict[str, Any]]:
    row = {"county": "cork", "hours": "3-7", "speed_class": speed_class}
    row |= {"severity": "minor"}
    harm = {"num_fatal": 0, "num_serious": 0}
    return [{"number": f"{speed_class} {n}", **row, **harm} for n in range(number)]


def test_small_classes_are_joined_until_the_cell_is_of_twenty() -> None:
    rows = [
        *collisions("fast", 3),
        *collisions("rural", 10),
        *collisions("urban", 25),
        *collisions("unknown", 90),
    ]

    cells = product_of("road-collisions", resource=rows)

    # 3 and 10 are still 13: the next one joins them, and 90 stands by itself.
    assert {c["speed_class"]: c["collisions"] for c in cells} == {
        "several": 3 + 10 + 25,
        "unknown": 90,
    }


def test_one_implausible_depth_makes_a_balance_unknown() -> None:
    row = {"province": "Gansu", "year": 2000, "quota": 10.0, "rain_mm": 300.0}
    row |= {"demand_m3": 2e8, "depth": "plausible"}
    good = [row, {**row, "demand_m3": 5e8}]
    doubtful = [{**r, "province": "Henan"} for r in good]
    doubtful[1] |= {"depth": "implausible"}

    answers = product_of("yellow-river-irrigation", resource=[*good, *doubtful])

    by_province = {a["province"]: (a["balance"], a["verdict"]) for a in answers}
    assert by_province == {
        "Gansu": (3.0, "within quota"),
        "Henan": (None, "not known"),
    }


@pytest.mark.parametrize("name", ALL)
def test_every_product_says_its_answer_its_review_and_known_licences(name: str) -> None:
    factor: Factor = load_factor(name, FACTORS)
    product = factor.product
    if product is None:
        return

    assert product.compliance is not None
    assert product.answer.plot is not None
    assert product.answer.sort or name == "actg175-cohort"
    unlisted = [
        place for place, grant in product.grants.items() if not hasattr(grant, "duties")
    ]
    assert unlisted == []
