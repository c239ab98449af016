"""Three factors of gauges: rain a resource, level a product too, flood joins both."""

from contextlib import AbstractContextManager
from pathlib import Path

from tasks import store
from tests.builders import temporary_store
from tests.small import small_factor

HEAD = """
factor: {name}
title: {name}
entity: jiangbei-data
policy: cn-2025
scenario: {{user: clerks, decision: whom to call, benefit: time, metric: hours a week, uses: {{work: Their daily work}}, prohibited_uses: {{ads: Advertising}}, region: CN, industry: O81 services}}
"""  # noqa: E501 - a document as people write it
SOURCE = """
sources:
  {table}:
    path: {table}.csv
    licence: CC0-1.0
    columns:
      - {{name: gauge, logicalType: string, required: true, classification: public}}
      - {{name: day, logicalType: date, required: true, classification: public}}
      - {{name: value, logicalType: integer, unit: mm, classification: {grade}}}
resource:
  partition: {{column: day, by: month}}
  columns:
    - {{name: gauge, logicalType: string, required: true, classification: public}}
    - {{name: day, logicalType: date, required: true, classification: public}}
    - {{name: value, logicalType: integer, unit: mm, classification: {grade}}}
  key: [gauge, day]
"""
OFFER = """
product:
  name: {name}
  version: 1.0.0
  {made}
  columns:
    - {{name: gauge, logicalType: string, required: true, classification: public}}
    - {{name: total, logicalType: integer, unit: mm, classification: public}}
  key: [gauge]
  licence:
    name: CC0-1.0
    permissions: [use, reproduce, present, derive, distribute, sell, commercialize]
  compliance:
    lawful_source: {{answer: true, evidence: made up for a test}}
    undisputed: {{answer: true, evidence: made up for a test}}
    third_party_rights: {{answer: true, evidence: made up for a test}}
    consent: {{basis: none-personal, evidence: gauges are no persons}}
"""
LEVEL = "query: SELECT gauge, SUM(value) AS total FROM resource GROUP BY gauge"
BOTH = (
    "query: SELECT r.gauge, SUM(r.value) + MIN(l.total) AS total FROM rain r JOIN"
    " level l ON r.gauge = l.gauge GROUP BY r.gauge"
)
INPUTS = "inputs: {rain: rain/resource, level: level/product}\n"


def head(name: str) -> str:
    return HEAD.format(name=name)


def offer(name: str, made: str) -> str:
    return OFFER.format(name=name, made=made)


def write(home: Path, name: str, *parts: str) -> None:
    (home / "factors" / f"{name}.yaml").write_text("".join(parts), encoding="utf-8")


def documents(home: Path) -> None:
    """Rain has a resource, level a product too, flood only combines the two."""
    small_factor(home)
    write(home, "rain", head("rain"), SOURCE.format(table="rain", grade="public"))
    level = SOURCE.format(table="level", grade="public"), offer("level", LEVEL)
    write(home, "level", head("level"), *level)
    write(home, "flood", head("flood"), INPUTS, offer("flood", BOTH))
    rows = "gauge,day,value\na,2026-05-01,1\na,2026-06-01,2\nb,2026-06-01,4\n"
    (home / "rain.csv").write_text(rows, encoding="utf-8")
    rows = "gauge,day,value\na,2026-05-01,10\na,2026-06-01,20\n"
    (home / "level.csv").write_text(rows, encoding="utf-8")


def opened(home: Path) -> AbstractContextManager[store.Store]:
    """Open a store that finds these documents and their data."""
    return temporary_store(
        home, DATAFACTOR_DATA=str(home), DATAFACTOR_FACTORS=str(home / "factors")
    )
