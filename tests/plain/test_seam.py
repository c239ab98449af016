"""What the seam does for every stage task: gates, refusals, errors without values."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, NamedTuple

import pandera.polars as pa
import polars as pl
import pytest

from schemas.artifact import Snapshot, Stage
from schemas.contract import frame_of
from schemas.errors import ContractError, Refused
from schemas.gates import Gates
from schemas.registers import Right
from schemas.terms import Terms
from tasks import store
from tasks.sql import run_sql
from tasks.stage import stage_task
from tests.builders import published, temporary_store

ON = date(2026, 6, 30)


class Text(pa.DataFrameModel):
    said: str


class Number(pa.DataFrameModel):
    said: int


class Question(Terms):
    factor: str = "test"
    passed: bool = True
    evidence: str = "a document"
    rows: int = 1


class Answered(NamedTuple):
    gates: Annotated[pl.LazyFrame, Gates]
    numbers: Annotated[pl.LazyFrame, Number]


def ask(text: Annotated[pl.LazyFrame, Text], terms: Question) -> Answered:
    rows = [("gate", terms.passed, "said so", terms.evidence, ON)] * terms.rows
    numbers = text.select(said=pl.lit(7, pl.Int64))
    return Answered(gates=frame_of(Gates, rows).lazy(), numbers=numbers)


def count(
    text: Annotated[pl.LazyFrame, Text], terms: Question
) -> Annotated[pl.LazyFrame, Number]:
    return run_sql("SELECT CAST(said AS BIGINT) AS said FROM text", {"text": text})


def counted_rights(
    rights: Annotated[pl.LazyFrame, Right], terms: Question
) -> Annotated[pl.LazyFrame, Number]:
    return rights.select(said=pl.len().cast(pl.Int64))


def counted_titles(
    titles: Annotated[pl.LazyFrame, Right], terms: Question
) -> Annotated[pl.LazyFrame, Number]:
    return titles.select(said=pl.len().cast(pl.Int64))


def unjudged(text: Annotated[pl.LazyFrame, Text], terms: Question) -> pl.LazyFrame:
    return text


def late(text: Annotated[pl.LazyFrame, Text], terms: Question) -> "Late":
    raise NotImplementedError


class Late(NamedTuple):
    numbers: Annotated[pl.LazyFrame, Number]
    gates: Annotated[pl.LazyFrame, Gates]


@pytest.fixture(autouse=True)
def _store(tmp_path: Path) -> Iterator[None]:
    with temporary_store(tmp_path):
        yield


def test_open_gates_let_the_frames_out() -> None:
    refs = stage_task(Stage.ASSET, ask)(published(Text, [("x",)]), Question())

    assert set(refs) == {"gates", "numbers"}


@pytest.mark.parametrize(
    "terms", [Question(passed=False), Question(evidence=" "), Question(rows=0)]
)
def test_a_shut_gate_or_one_without_evidence_withholds_every_frame(
    terms: Question,
) -> None:
    with pytest.raises(Refused):
        stage_task(Stage.ASSET, ask)(published(Text, [("x",)]), terms)

    run = store.runs(store.current())[0].publication
    assert [made.frame for made in run.artifacts] == ["gates"]
    assert run.status == "COMPLETE"


def test_a_refusal_is_repeated_from_the_store() -> None:
    text, terms = published(Text, [("x",)]), Question(passed=False)
    task = stage_task(Stage.ASSET, ask)

    for _ in range(2):
        with pytest.raises(Refused, match="said so"):
            task(text, terms)

    assert len(store.runs(store.current())) == 2


def test_an_engines_error_never_quotes_a_value() -> None:
    text = published(Text, [("IDCARD-440301199901101512",)])

    with pytest.raises(ContractError, match="TRY_CAST") as caught:
        stage_task(Stage.PRODUCT, count)(text, Question())

    assert "440301" not in str(caught.value)
    assert caught.value.__cause__ is None
    failed = store.runs(store.current())[0]
    assert failed.publication.status == "FAIL"
    assert "440301" not in failed.model_dump_json()


def test_a_result_without_a_contract_is_refused_when_wrapped() -> None:
    with pytest.raises(ContractError, match="has no contract"):
        stage_task(Stage.PRODUCT, unjudged)


def test_gates_must_come_first() -> None:
    with pytest.raises(ContractError, match="gates come first"):
        stage_task(Stage.PRODUCT, late)


def test_two_tasks_may_call_the_same_register_by_other_names() -> None:
    asked = Snapshot(register=Right, where={"entity": "test"})

    for function, factor in ((counted_rights, "test"), (counted_titles, "other")):
        ref = stage_task(Stage.ASSET, function)(asked, Question(factor=factor))
        assert store.scan(store.current(), ref).collect()["said"].to_list() == [0]
