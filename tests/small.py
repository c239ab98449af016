"""A factor of eight people, small enough to count its rejects by hand."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "id,name,age,plate"
# In file order from line 2 on; comments say what the contract must find.
PEOPLE = (
    "1,Ada,36,",
    "2,Bo,=1+1,",  # line 3: age is no integer
    "3,Cy,x7,@SUM(A1)",  # line 4: age is no integer
    "4,Di,41,苏C3",
    "5,Ed,130,苏A12345",  # line 6: at most 120
    "6,Flo",  # line 7: ragged
    "7,,50,苏B1",  # line 8: the name is missing
    "8,Gus,20,",
)
DOCUMENT = """
factor: people
title: Eight people
entity: jiangbei-data
policy: cn-2025
scenario: {user: clerks, decision: whom to call, benefit: time, metric: hours a week, uses: {work: Their daily work}, prohibited_uses: {ads: Advertising}, region: CN, industry: O81 services}
sources:
  people:
    path: people.csv
    licence: own books
    max_rejected_rate: 0.9
    key: [id]
    columns:
      - {name: id, logicalType: integer, required: true, classification: internal}
      - {name: name, logicalType: string, required: true, classification: internal}
      - {name: age, logicalType: integer, unit: years, description: Age at last birthday, logicalTypeOptions: {maximum: 120}, classification: internal}
      - {name: plate, logicalType: string, classification: personal}
resource:
  consolidate: SELECT id, name, age FROM people
  columns:
    - {name: id, logicalType: integer, required: true, classification: internal}
    - {name: name, logicalType: string, required: true, classification: internal}
    - {name: age, logicalType: integer, unit: years, description: Age at last birthday, classification: internal}
  key: [id]
  max_rejected_rate: 0.5
"""  # noqa: E501 - a document as people write it


def small_factor(
    home: Path, document: str = DOCUMENT, lines: tuple[str, ...] = PEOPLE
) -> None:
    """Write the document, what it names, and the data below ``home``."""
    for folder in ("entities", "policies"):
        target = home / folder
        target.mkdir(parents=True, exist_ok=True)
        for file in (ROOT / "deployments" / folder).glob("*.yaml"):
            (target / file.name).write_bytes(file.read_bytes())
    factors = home / "factors"
    factors.mkdir(exist_ok=True)
    (factors / "people.yaml").write_text(document, encoding="utf-8")
    text = "\n".join((HEADER, *lines)) + "\n"
    (home / "people.csv").write_text(text, encoding="utf-8")
