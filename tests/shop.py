"""A product of forty days of rain, small enough to deliver, count and price by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from flows.value_chain import value_chain
from schemas.artifact import Stage
from tests.builders import temporary_store

ROOT = Path(__file__).resolve().parents[1]
DAY = date(2026, 6, 30)
CODE = "91110000600037341L"
DAYS = 40
DOCUMENT = """
factor: rain
title: Rain in two towns
entity: jiangbei-data
policy: cn-2025
scenario: {user: a crop insurer, decision: which claims to pay, benefit: fewer visits, metric: visits a season, uses: {claims: Checking claims, pricing: Pricing cover}, prohibited_uses: {ads: Advertising}, region: CN, industry: J68 insurance}
sources:
  rain:
    path: rain.csv
    licence: CC0-1.0
    key: [day]
    columns:
      - {name: day, logicalType: integer, required: true, classification: public}
      - {name: town, logicalType: string, required: true, classification: public}
      - {name: tenths_mm, logicalType: integer, unit: 0.1 mm, classification: public}
resource:
  columns: []
  key: [day]
product:
  name: daily-rain
  version: 1.2.0
  query: SELECT day, town, tenths_mm FROM resource
  columns:
    - {name: day, logicalType: integer, required: true, classification: public}
    - {name: town, logicalType: string, required: true, classification: public}
    - {name: tenths_mm, logicalType: integer, unit: 0.1 mm, classification: public}
  key: [day]
  order: [day]
  licence: {name: rain terms, permissions: [use, reproduce], duties: [attribute], attribution: Jiangbei rain}
  compliance:
    lawful_source: {answer: true, evidence: CC0-1.0 of the gauges}
    undisputed: {answer: true, evidence: register of disputes 7}
    third_party_rights: {answer: true, evidence: CC0-1.0 waives them}
    consent: {basis: none-personal, evidence: no person in it}
  price: {mode: quota, amount: "300.00", quota: 100, unit: row, ceiling: {amount: "3.00", source: Price order 7}}
  delivery: {forms: [bundle, service], filters: [town]}
"""  # noqa: E501 - a document as people write it


def rows() -> list[str]:
    """Write forty days: town by turns, rain the day's square modulo 97."""
    return [f"{n},{'ab'[n % 2]},{n * n % 97}" for n in range(DAYS)]


def prepare(home: Path) -> None:
    """Write the data, and what a document names."""
    for folder in ("entities", "policies", "licences"):
        target = home / folder
        target.mkdir(parents=True, exist_ok=True)
        for file in (ROOT / "deployments" / folder).glob("*.yaml"):
            (target / file.name).write_bytes(file.read_bytes())
    (home / "factors").mkdir(exist_ok=True)
    (home / "rain.csv").write_text("\n".join(["day,town,tenths_mm", *rows()]) + "\n")


def places(home: Path) -> dict[str, str]:
    """Name the folders that a store is opened with."""
    return {"DATAFACTOR_FACTORS": str(home / "factors"), "DATAFACTOR_DATA": str(home)}


@contextmanager
def shop(home: Path, document: str = DOCUMENT) -> Iterator[None]:
    """Open a store in which the product is on offer."""
    prepare(home)
    with temporary_store(home, **places(home)):
        offer(home, document)
        yield


def offer(home: Path, document: str) -> None:
    """Write the document and make its product."""
    (home / "factors" / "rain.yaml").write_text(document, encoding="utf-8")
    value_chain.fn("rain", DAY, Stage.PRODUCT)
