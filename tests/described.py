"""A product with everything a descriptor has to tell, and its facts by hand."""

from datetime import UTC, date, datetime
from typing import Any

from schemas.product import ProductTerms
from tasks.product.describe.facts import Facts

COLUMNS: list[dict[str, Any]] = [
    {
        "name": "plot",
        "logicalType": "string",
        "required": True,
        "classification": "public",
        "logicalTypeOptions": {"pattern": "^P[0-9]+$", "maxLength": 9},
    },
    {
        "name": "day",
        "logicalType": "date",
        "required": True,
        "classification": "public",
        "description": "Day of harvest 收获日",
    },
    {
        "name": "crop",
        "logicalType": "string",
        "classification": "internal",
        "quality": [
            {
                "metric": "invalidValues",
                "validValues": ["rice", "wheat"],
                "dimension": "conformity",
            },
            {
                "metric": "nullValues",
                "mustBeLessOrEqualTo": 5,
                "unit": "percent",
                "severity": "warning",
            },
        ],
    },
    {
        "name": "yield_kg",
        "logicalType": "number",
        "classification": "public",
        "unit": "kg/mu",
        "logicalTypeOptions": {"minimum": 0, "maximum": 1500.5},
        "quality": [{"metric": "duplicateValues", "mustBe": 0, "severity": "warning"}],
    },
    {
        "name": "farmer",
        "logicalType": "string",
        "unique": True,
        "classification": "personal",
        "affects": {"object": "individual", "harm": "ordinary"},
    },
    {"name": "paid_fen", "logicalType": "integer", "normalize": "nfkc"},
    {"name": "read_at", "logicalType": "timestamp", "required": True},
    {"name": "insured", "logicalType": "boolean", "classification": "public"},
]
QUALITY: list[dict[str, Any]] = [
    {"metric": "rowCount", "mustBeBetween": [1, 9_000]},
    {"metric": "freshness", "column": "day", "mustBeLessThan": 48, "unit": "hours"},
    {"metric": "volume", "mustBeGreaterThan": 50, "unit": "percent", "runs": 3},
    {
        "metric": "invalidValues",
        "type": "sql",
        "expression": "yield_kg > 0 OR insured",
        "name": "paid for a yield",
        "indicator": "0104",
    },
]
TERMS: dict[str, Any] = {
    "factor": "plots",
    "name": "plot-yields",
    "version": "2.3.1",
    "title": "Yields of plots in two counties",
    "query": "SELECT plot FROM resource",
    "columns": COLUMNS,
    "quality": QUALITY,
    "key": ["day", "plot"],
    "keep": "last by read_at",
    "drop_repeats": True,
    "licence": {
        "name": "CC-BY-4.0",
        "permissions": ["use", "derive"],
        "prohibitions": ["sell"],
        "duties": ["attribute"],
        "attribution": "Plot office",
        "clauses": ["Not for court"],
    },
    "listed": {"licence": "CC-BY-4.0", "permissions": ["use"]},
    "price": {"mode": "per_row", "amount": "0.10"},
    "delivery": {"forms": ["bundle", "service"], "sample_rows": 2},
    "provider": {
        "entity": "plot-office",
        "name": "Plot Office 地块办公室",
        "credit_code": "91320400MA0JB0001E",
    },
    "scenario": {
        "user": "An insurer",
        "decision": "Which claims to pay",
        "benefit": "Fewer visits",
        "metric": "visits a season",
        "uses": {"claims": "Checking claims"},
        "prohibited_uses": {"rent": "Setting the rent of a plot"},
        "industry": "A01 farming",
        "region": "江北",
    },
}


def terms(**changed: Any) -> ProductTerms:
    """Make the terms, with fields changed; a field of None is left out."""
    said = {k: v for k, v in {**TERMS, **changed}.items() if v is not None}
    return ProductTerms.model_validate(said)


def facts(**changed: Any) -> Facts:
    """Make the facts of a product of those terms."""
    return Facts(
        terms=terms(**changed),
        artifact="a" * 64,
        sha256="b" * 64,
        rows=1_200,
        bytes=34_567,
        run="c" * 64,
        at=datetime(2026, 7, 1, 8, 30, tzinfo=UTC),
        as_of=date(2026, 6, 30),
        period=(date(2026, 5, 1), date(2026, 6, 29)),
        scores={"completeness": 990_000, "total": 987_654},
        samples={"plot": ("P1", "P2"), "yield_kg": ("510.5",)},
    )
