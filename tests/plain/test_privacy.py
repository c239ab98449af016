"""A cohort on its way out: treated, set aside, measured, compared with the last one.

Six made-up patients: three men in their thirties, two women in their forties, and one
man of 52 whose class is too small for an enclave (k 2).
"""

import hmac
import logging
import stat
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.check import examine
from flows.rejected import frame_rows, rejected_rows
from flows.summary import Chain
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import FactorError, Refused, StoreError
from tasks import store
from tests.builders import temporary_store
from tests.small import DOCUMENT, small_factor

AS_OF = date(2026, 6, 30)
KEY = "0123456789abcdef0123456789abcdef"
OTHER = KEY[::-1]
LINES = (
    "1001,Ada,31,m,a", "1002,Bo,35,m,b", "1003,Cy,38,m,a",
    "1004,Di,41,f,a", "1005,Eve,47,f,b", "1006,Flo,52,m,a",
)  # fmt: skip
HEAD = DOCUMENT[: DOCUMENT.index("sources:")]
COHORT = """
sources:
  patients:
    path: people.csv
    licence: CC0-1.0
    columns:
      - {name: id, logicalType: integer, required: true, classification: personal}
      - {name: name, logicalType: string, required: true, classification: personal}
      - {name: age, logicalType: integer, required: true, classification: personal}
      - {name: sex, logicalType: string, required: true, classification: personal}
      - {name: ill, logicalType: string, required: true, classification: sensitive}
resource:
  columns:
    - {name: id, logicalType: integer, required: true, classification: personal}
    - {name: name, logicalType: string, required: true, classification: personal}
    - {name: age, logicalType: integer, required: true, classification: personal}
    - {name: sex, logicalType: string, required: true, classification: personal}
    - {name: ill, logicalType: string, required: true, classification: sensitive}
  key: [id]
product:
  name: cohort
  version: 1.0.0
  query: SELECT id AS patient, name, age AS age_from, sex, ill FROM resource
  deidentification:
    steps:
      - {drop: [name]}
      - {pseudonym: patient, key: cohort}
      - {generalise: age_from, width: 10}
    subject: patient
    quasi_identifiers: [age_from, sex]
    sensitive: [ill]
    diversity: 2
    suppress: true
  columns:
    - {name: patient, logicalType: string, required: true, classification: internal}
    - {name: age_from, logicalType: integer, required: true, classification: internal}
    - {name: sex, logicalType: string, required: true, classification: personal}
    - {name: ill, logicalType: string, required: true, classification: sensitive}
  key: [patient]
  release: enclave
  licence: {name: CC0-1.0, permissions: [use, reproduce, present, derive, distribute, sell, commercialize]}
  compliance:
    lawful_source: {answer: true, evidence: made up for a test}
    undisputed: {answer: true, evidence: made up for a test}
    third_party_rights: {answer: true, evidence: made up for a test}
    consent: {basis: consent, separate: true, assessment: made up, evidence: made up}
"""  # noqa: E501 - a document as people write it


def written(home: Path, lines: tuple[str, ...] = LINES, product: str = COHORT) -> None:
    small_factor(home, HEAD + product)
    text = "\n".join(("id,name,age,sex,ill", *lines)) + "\n"
    (home / "people.csv").write_text(text, encoding="utf-8")


def opened(home: Path, **keys: str) -> Any:  # the context of a store
    folders = {
        "DATAFACTOR_DATA": str(home),
        "DATAFACTOR_FACTORS": str(home / "factors"),
    }
    return temporary_store(home, **folders, **keys)


def run() -> Chain:
    return value_chain.fn("people", AS_OF, Stage.PRODUCT)


def rows(frame: str = "product") -> list[dict[str, Any]]:
    s = store.current()
    return (
        store.scan(s, store.resolve(s, f"people/product/{frame}")).collect().to_dicts()
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One run, for the tests that only look at it."""
    home = tmp_path_factory.mktemp("cohort")
    written(home)
    with opened(home, DATAFACTOR_SECRET_COHORT=KEY):
        run()
        yield home


def test_rows_say_what_the_steps_left_of_them(home: Path) -> None:
    key = KEY.encode()
    ids = [str(n) for n in range(1001, 1007)]
    names = {n: hmac.new(key, n.encode(), "sha256").hexdigest() for n in ids}

    found = {(r["patient"], r["age_from"], r["sex"], r["ill"]) for r in rows()}

    assert found == {
        (names["1001"], 30, "m", "a"), (names["1002"], 30, "m", "b"),
        (names["1003"], 30, "m", "a"), (names["1004"], 40, "f", "a"),
        (names["1005"], 40, "f", "b"),
    }  # fmt: skip


def test_the_small_class_is_set_aside_and_the_rows_balance(home: Path) -> None:
    (derived,) = [
        r
        for r in store.runs(store.current(), "people")
        if r.publication.task == "derive"
    ]
    (balance,) = derived.publication.balances
    aside = derived.refs["derived.rejects"]

    assert (balance.rows_in, balance.rows_out, balance.rejected) == (6, 5, 1)
    assert len(rows()) + aside.rows == 6
    kept = store.path(store.current(), aside.sha256)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("reveal", [False, True])
def test_nobody_sees_a_row_that_was_set_aside(home: Path, reveal: bool) -> None:
    found = rejected_rows("people/product/derived", reveal, 10)

    (row,) = found["rows"]
    (rule,) = found["counts"]["rules"] if "counts" in found else found["rules"]
    assert rule == {
        "rule": "suppressed: its class is smaller than the release allows",
        "rows": 1,
    }
    assert {row[n] for n in ("patient", "age_from", "sex", "ill")} == {"•••"}


def test_rows_that_were_set_aside_are_offered_beside_the_rejects_of_sources(
    home: Path,
) -> None:
    with pytest.raises(StoreError) as told:
        rejected_rows("people", False, 10)

    sentence = str(told.value)
    assert sentence.startswith("people has several frames: name one of ")
    assert "people/resource/patients (0)" in sentence
    assert "people/product/derived (1)" in sentence
    assert "gates" not in sentence


def test_the_disclosure_is_that_of_the_published_rows(home: Path) -> None:
    (row,) = rows("disclosure")

    assert (row["rows"], row["classes"], row["k"], row["diversity"]) == (5, 2, 2, 2)
    assert (row["threshold"], row["level"], row["at_risk"]) == (2, 3, 0)


def test_what_a_file_discloses_is_shown_to_people(home: Path) -> None:
    s = store.current()
    ref = "people/product/disclosure"

    (row,) = frame_rows(ref, store.resolve(s, ref), 5)["rows"]

    assert (row["k"], row["persons"], row["threshold"]) == (2, 5, 2)


def test_the_key_is_nowhere_in_the_store(home: Path) -> None:
    texts = [file.read_bytes() for file in home.rglob("*") if file.is_file()]
    bodies = [run.model_dump_json() for run in store.runs(store.current(), "people")]

    assert not any(KEY.encode() in text for text in texts)
    assert not any(KEY in body for body in bodies)
    assert any(b"people" in text for text in texts)


def test_the_same_key_is_the_same_run_and_another_key_another_result(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(tmp_path)
    with opened(tmp_path, DATAFACTOR_SECRET_COHORT=KEY), caplog.at_level(logging.DEBUG):
        run()
        first = store.resolve(store.current(), "people/product/product").id
        run()
        again = store.resolve(store.current(), "people/product/product").id
    with (
        opened(tmp_path, DATAFACTOR_SECRET_COHORT=OTHER),
        caplog.at_level(logging.DEBUG),
    ):
        run()
        other = store.resolve(store.current(), "people/product/derived").id
        runs = [r.publication.task for r in store.runs(store.current(), "people")]

    assert first == again
    assert runs.count("derive") == 2
    assert other != first
    assert KEY not in caplog.text
    assert OTHER not in caplog.text


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "the key cohort is not set: put it into DATAFACTOR_SECRET_COHORT"),
        ({"DATAFACTOR_SECRET_COHORT": "hunter2"}, "shorter than 32 characters"),
    ],
)
def test_without_a_key_that_holds_nothing_is_made(
    tmp_path: Path, keys: dict[str, str], told: str
) -> None:
    written(tmp_path)

    with opened(tmp_path, **keys), pytest.raises(StoreError, match=told) as error:
        run()

    assert "hunter2" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_document_is_checked_without_its_key_and_by_the_columns_that_leave(
    tmp_path: Path,
) -> None:
    written(tmp_path)
    with opened(tmp_path):
        assert "product" in examine("people")["contracts"]

    raw = COHORT.replace(
        "patient, logicalType: string", "patient, logicalType: integer"
    )
    written(tmp_path, product=raw)
    with opened(tmp_path), pytest.raises(FactorError, match="patient is String, not"):
        examine("people")


LOW = COHORT.replace(
    "{name: ill, logicalType: string, required: true, classification: sensitive}\n"
    "  key: [patient]",
    "{name: ill, logicalType: string, required: true, classification: internal}\n"
    "  key: [patient]",
)


@pytest.mark.parametrize("ill", ["ill", "MAX(ill) OVER (PARTITION BY id) AS ill"])
def test_check_foresees_what_shows_a_sensitive_column(ill: str, tmp_path: Path) -> None:
    written(tmp_path, product=LOW.replace("sex, ill FROM", f"sex, {ill} FROM"))

    with opened(tmp_path):
        (ground,) = examine("people")["against"]

    assert ground.startswith("ill is internal, but shows resource.ill (sensitive);")


def test_check_foresees_whom_a_resource_chooses_by_illness(tmp_path: Path) -> None:
    head, _, rest = COHORT.partition("resource:\n")
    tail = rest[rest.index("  release:") :]
    towns = (
        "  consolidate: SELECT id AS number, sex AS part FROM patients WHERE ill='a'\n"
        "  columns: [{name: number, logicalType: integer, classification: public},"
        " {name: part, logicalType: string, classification: public}]\n  key: [number]\n"
        "product:\n  name: cohort\n  version: 1.0.0\n"
        "  query: SELECT COUNT(*) AS n FROM resource\n"
        "  columns: [{name: n, logicalType: integer, classification: public}]\n"
    )
    said = "consent: {basis: consent, separate: true, assessment: made up, "
    tail = tail.replace(said, "consent: {basis: none-personal, ")
    written(tmp_path, product=f"{head}resource:\n{towns}{tail}")

    with opened(tmp_path):
        consent, measured = examine("people")["against"]

    assert "the query reads patients.ill, classified" in consent
    assert measured.startswith("its rows are about persons; write")


def test_without_suppression_the_gate_refuses_with_its_numbers(tmp_path: Path) -> None:
    written(tmp_path, product=COHORT.replace("suppress: true", "suppress: false"))

    with opened(tmp_path, DATAFACTOR_SECRET_COHORT=KEY):
        with pytest.raises(Refused) as refused:
            run()
        with pytest.raises(StoreError):
            store.resolve(store.current(), "people/product/product")

    (ground,) = refused.value.grounds
    assert "k is 1, but an enclave release needs 2: 1 of 6 persons" in ground


def test_a_release_that_lost_one_person_is_refused_and_the_first_is_no_ancestor(
    tmp_path: Path,
) -> None:
    written(tmp_path)
    with opened(tmp_path, DATAFACTOR_SECRET_COHORT=KEY):
        run()
        first = store.resolve(store.current(), "people/product/product")
        written(tmp_path, (*LINES[:2], *LINES[3:]))  # Cy is gone: 3 men are now 2
        with pytest.raises(Refused) as refused:
            run()
        # Two more came where one left: the class differs by 2, as k asks, ...
        written(tmp_path, (*LINES, "1007,Gus,33,m,b", "1008,Hal,34,m,a"))
        run()
        second = store.resolve(store.current(), "people/product/product")
        above = {node.id for node in store.trace(store.current(), second.id)}

    (ground,) = refused.value.grounds
    assert "it differs from the release cohort-1.0.0-" in ground
    assert "by fewer than 2 persons (the least by 1)" in ground
    assert second.rows == 7
    assert first.id not in above


def test_another_factor_over_the_same_resource_is_held_against_it_too(
    tmp_path: Path,
) -> None:
    """Its product leaves out Cy alone: the difference of the two names him."""
    written(tmp_path)
    product = COHORT[COHORT.index("product:") :]
    other = (
        HEAD.replace("factor: people", "factor: readers")
        + "inputs: {patients: people/resource}\n"
        + product.replace("name: cohort", "name: readers").replace(
            "FROM resource", "FROM patients WHERE id <> 1003"
        )
    )
    (tmp_path / "factors" / "readers.yaml").write_text(other, "utf-8")
    with opened(tmp_path, DATAFACTOR_SECRET_COHORT=KEY):
        run()
        with pytest.raises(Refused, match=r"differs from the release cohort-1\.0\.0-"):
            value_chain.fn("readers", AS_OF, Stage.PRODUCT)


def test_a_name_in_the_clear_is_refused_naming_both_columns(tmp_path: Path) -> None:
    clear = COHORT.replace("      - {pseudonym: patient, key: cohort}\n", "")
    clear = clear.replace(
        "patient, logicalType: string", "patient, logicalType: integer"
    )
    written(tmp_path, product=clear)

    with opened(tmp_path), pytest.raises(Refused) as refused:
        run()

    told = "; ".join(refused.value.grounds)
    assert "patient is internal, but shows resource.id (personal)" in told
    assert "patient may name a person (level 1)" in told
