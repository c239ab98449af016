"""What is found in columns that nobody has classified: counts, never values."""

from typing import Any

import polars as pl

from schemas.grade import Finding
from schemas.resource import ResourceTerms
from tasks.resource import classify as module
from tasks.resource.classify import classify

ID = "110102199101010078"


def terms(**columns: dict[str, Any]) -> ResourceTerms:
    made = [{"name": n, "logicalType": "string"} | more for n, more in columns.items()]
    return ResourceTerms.model_validate({"columns": made})


def findings(rows: pl.DataFrame, asked: ResourceTerms) -> pl.DataFrame:
    made = classify(rows.lazy(), asked).collect()
    Finding.validate(made)
    return made


def test_a_column_that_holds_identifiers_is_proposed_with_its_counts() -> None:
    rows = pl.DataFrame({"memo": [f"持证{ID}", "无", None], "code": ["a", "b", "c"]})

    made = findings(rows, terms(memo={}, code={}))

    told = made.filter(pl.col("proposed") != "internal")
    assert told.select(
        "column", "recogniser", "examined", "shaped", "matched", "hint", "proposed"
    ).rows() == [("memo", "resident_id", 2, 1, 1, False, "sensitive")]
    assert not made["decided"].any()
    assert ID not in made.write_csv()


def test_a_decided_column_is_not_examined() -> None:
    rows = pl.DataFrame({"memo": [ID]})

    made = findings(rows, terms(memo={"classification": "sensitive"}))

    assert made.select("column", "recogniser", "examined", "proposed").rows() == [
        ("memo", "person", 0, "sensitive")
    ]
    assert made["decided"].all()


def test_a_name_is_enough_for_a_proposal() -> None:
    rows = pl.DataFrame({"birth": [None], "x": [1.5]})

    made = findings(
        rows.cast({"birth": pl.Date}),
        terms(
            birth={"logicalType": "date"},
            x={"logicalType": "number", "physicalName": "经度"},
        ),
    )

    assert made.select("column", "recogniser", "hint", "proposed").rows() == [
        ("birth", "name:birth", True, "personal"),
        ("x", "name:location", True, "personal"),
    ]


def test_mobiles_are_found_among_integers() -> None:
    rows = pl.DataFrame({"n": [13812345678, 5, 19912345678]})

    made = findings(rows, terms(n={"logicalType": "integer"}))

    assert made.filter(recogniser="mobile").select(
        "examined", "shaped", "matched", "proposed"
    ).row(0) == (3, 2, 2, "personal")


def test_only_the_stated_sample_is_read(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "SAMPLE", 2)
    rows = pl.DataFrame({"memo": ["a", "b", ID]})

    made = findings(rows, terms(memo={}))

    found = made.filter(recogniser="resident_id")
    assert found.select("examined", "matched", "sample").row(0) == (2, 0, 2)


def test_what_a_source_calls_personal_is_not_forgotten_by_the_resource() -> None:
    """Under its own name, and after SQL under any: 就高从严."""
    source = {
        "name": "people",
        "path": "people.csv",
        "licence": "own",
        "columns": [
            {"name": "who", "logicalType": "string", "classification": "sensitive"},
            {"name": "town", "logicalType": "string", "classification": "public"},
        ],
    }
    columns = [{"name": n, "logicalType": "string"} for n in ("who", "town", "renamed")]
    plain = {"sources": [source], "columns": columns}
    rows = pl.DataFrame({n: ["x"] for n in ("who", "town", "renamed")})

    own = findings(rows, ResourceTerms.model_validate(plain))
    sql = findings(
        rows, ResourceTerms.model_validate(plain | {"consolidate": "SELECT 1"})
    )

    def proposed(made: pl.DataFrame) -> dict[str, str]:
        told = made.filter(pl.col("recogniser") == "source")
        return dict(told.select("column", "proposed").rows())

    assert proposed(own) == {"who": "sensitive"}
    assert proposed(sql) == {"who": "sensitive", "renamed": "sensitive"}
