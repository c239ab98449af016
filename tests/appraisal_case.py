"""Build what an appraisal states, method by method, as the worked cases have it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from schemas.appraisal import Case, LegalEnd
from tests.finance_case import appraisal, income, sourced


def forecast(*values: str, measure: str = "revenue", **more: Any) -> dict[str, Any]:
    """What comes in, year by year."""
    return {"measure": measure, "inflow": sourced(values=list(values))} | more


def rate(*parts: str) -> dict[str, Any]:
    """A discount rate of its parts, pre-tax and nominal."""
    named = {f"part_{n}": sourced(value=p) for n, p in enumerate(parts)}
    return {"tax": "pre-tax", "prices": "nominal", "parts": named}


def by_split(**changed: Any) -> dict[str, Any]:
    """VAL-01: profits shared by equivalent investment."""
    share = {
        "own_cost": sourced(value="100"),
        "own_margin": sourced(value="5.00"),
        "other_cost": sourced(value="3000"),
        "other_margin": sourced(value="0.10"),
    }
    profits = forecast("400", "420", "430", "450", "440", measure="profit")
    stated = {"method": "split", "share": share, "forecast": profits}
    return income(**stated, rate=rate("0.06", "0.04")) | changed


def by_cost(**changed: Any) -> dict[str, Any]:
    """VAL-04: a replacement cost of 1,220,000.00 and δ 0.92."""
    return {
        "method": "replacement_cost",
        "weight": "1",
        "preliminary": {"plan": sourced(value="120000")},
        "direct": {"staff": sourced(value="860000")},
        "indirect": {"rooms": sourced(value="150000")},
        "opportunity_rate": sourced(value="0.05"),
        "taxes": sourced(value="33500"),
        "delta": sourced(value="0.92"),
        "quality_adjusted": False,
    } | changed


def factors(*values: str) -> dict[str, Any]:
    """X1 to X5."""
    names = ("quality", "supply_demand", "time", "capacity", "other")
    return {n: sourced(value=v) for n, v in zip(names, values, strict=True)}


def by_deals(**changed: Any) -> dict[str, Any]:
    """VAL-05: two datasets, each beside one deal."""
    return {
        "method": "comparable_deals",
        "weight": "1",
        "deals": {
            "D-1": sourced(value="500000", dated="2025-01-15", described="a"),
            "D-2": sourced(value="300000", dated="2025-02-15", described="b"),
        },
        "datasets": {
            "first": {"D-1": factors("1.05", "0.98", "1.02", "1.10", "1.00")},
            "second": {"D-2": factors("0.95", "1.00", "1.02", "0.80", "1.00")},
        },
    } | changed


def by_royalty(**changed: Any) -> dict[str, Any]:
    """VAL-07: 5 % of revenue."""
    stated = {
        "method": "relief_from_royalty",
        "royalty": sourced(value="0.05"),
        "forecast": forecast("4000000", "4200000", "4400000"),
    }
    return income(**stated) | changed


def by_increment(**changed: Any) -> dict[str, Any]:
    """VAL-09: income with the asset, and without it."""
    stated = {
        "method": "incremental",
        "without": sourced(values=["650000", "660000"]),
        "forecast": forecast("900000", "950000"),
        "rate": rate("0.10"),
    }
    return income(**stated) | changed


def by_excess(**changed: Any) -> dict[str, Any]:
    """VAL-06, of which other assets of 1,000,000 ask for 8 % a year."""
    charges = {"staff": {"base": sourced(value="1000000")}}
    charges["staff"]["required"] = sourced(value="0.08")
    return income(method="excess", charges=charges) | changed


def case(
    *methods: dict[str, Any], known: Mapping[str, Any] | None = None, **changed: Any
) -> Case:
    """A case of one report; the right to operate ends in 2031."""
    end = LegalEnd(kind="right", last_day=date(2031, 12, 31), source="C-operate")
    stated: dict[str, Any] = {
        "factor": "index",
        "entity": "jiangbei",
        "asset": "index-asset",
        "version": "1.0.0",
        "valid_months": 12,
        "policy": "test-policy",
        "ends": (end,),
        "appraisal": appraisal(*methods, **changed),
    }
    return Case.model_validate(stated | dict(known or {}))
