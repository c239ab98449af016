"""Products of other factors' tables: a graph of factors, run in its order."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pandera.polars as pa
import polars as pl
import pytest
from pydantic import Field

from flows.check import examine
from flows.cli import main
from flows.find import find
from flows.order import feeders_of, ordered
from flows.quality import quality_of
from flows.runpage import markdown
from flows.stages import PRODUCT_TASKS
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.contract import frame_of
from schemas.errors import FactorError, Refused, StoreError
from schemas.registers import ProductEvent
from schemas.terms import TaskTerms
from tasks import store
from tasks.stage import stage_task
from tests.gauges import INPUTS, LEVEL, SOURCE, documents, head, offer, opened, write

AS_OF = date(2026, 6, 30)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    documents(tmp_path)
    with opened(tmp_path):
        yield tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All three, run once, for the tests that only look at them."""
    home = tmp_path_factory.mktemp("inputs")
    documents(home)
    with opened(home):
        for name in ("rain", "level", "flood"):
            value_chain.fn(name, AS_OF)
        yield home


def run(*names: str, through: str = "capital") -> int:
    return main(["run", *names, "--as-of", str(AS_OF), "--through", through])


def rows_of(ref: str) -> list[tuple[Any, ...]]:
    s = store.current()
    return store.scan(s, store.resolve(s, ref)).sort("gauge").collect().rows()


def test_a_product_joins_partitions_of_one_factor_with_the_product_of_another(
    made: Path,
) -> None:
    """Gauge a: rain 1 + 2 in two months, level 10 + 20; b has no level."""
    assert rows_of("flood/product") == [("a", 33)]


def test_a_combined_product_rests_on_the_bytes_of_every_input(made: Path) -> None:
    s = store.current()
    nodes = store.trace(s, store.resolve(s, "flood/product").id)

    assert {n.origin.path for n in nodes if n.origin} == {"rain.csv", "level.csv"}
    assert {n.factor for n in nodes} == {"rain", "level", "flood"}


def test_impact_of_an_input_reaches_the_product_of_another_factor(made: Path) -> None:
    s = store.current()

    found = store.impact(s, *store.every(s, "rain/resource/rain"))

    assert "flood/product/product" in found.products


def test_findings_of_every_input_open_the_gates(made: Path) -> None:
    """What a product rests on was looked at where it was a resource."""
    (newest, *_) = store.runs(store.current(), "flood")
    roles = {i.role for i in newest.publication.inputs}

    assert newest.publication.task == "productize"
    assert {r for r in roles if r.startswith("findings.")} == {
        "findings.rain",
        "findings.level.0",
    }


def test_every_question_has_an_answer_for_a_factor_without_a_resource(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = value_chain.fn("flood", AS_OF)

    assert "no table of its own" in markdown(chain)
    assert "flood/product" in markdown(chain)
    assert examine("flood")["stages"] == ["product"]
    assert [f["ref"] for f in find(["flood"])["found"]] == ["flood/product"]
    commands = ("show flood", "trace flood", "impact flood/product", "check flood")
    for command in (*commands, "rejects flood/product", "show flood/product/product"):
        assert main(command.split()) == 0, command
    assert run("flood") == 0
    said = capsys.readouterr().out
    assert "datafactor impact flood/product" in said
    assert "not asked for" in said


def test_quality_and_redrive_are_asked_of_a_resource(made: Path) -> None:
    with pytest.raises(
        StoreError, match=r"flood was never assessed: .*, where the factor has"
    ):
        quality_of("flood")
    assert main(["redrive", "flood/resource/rain"]) == 1
    with pytest.raises(FactorError, match="flood has no resource, it begins with"):
        value_chain.fn("flood", AS_OF, Stage.RESOURCE)


def test_a_run_again_of_unchanged_inputs_is_reused(made: Path) -> None:
    before = len(store.runs(store.current()))

    value_chain.fn("flood", AS_OF)

    assert len(store.runs(store.current())) == before


def test_a_late_run_reads_what_its_inputs_said_of_its_day(home: Path) -> None:
    """Run for 06-30, then late for 06-29; of a day that no input knows, what is now."""
    before, after = date(2026, 6, 29), AS_OF
    for name in ("rain", "level"):
        value_chain.fn(name, before)
    more = "gauge,day,value\na,2026-06-02,100\n"
    with (home / "rain.csv").open("a") as rain:
        rain.write("a,2026-06-30,1000\n")
    (home / "level.csv").write_text(more.replace("100", "5"), "utf-8")
    for name in ("rain", "level", "flood"):
        value_chain.fn(name, after)
    assert rows_of("flood/product") == [("a", 1 + 2 + 1_000 + 5)]

    late = value_chain.fn("flood", before).frames["product"]["product"]

    s = store.current()
    assert store.scan(s, late).collect().rows() == [("a", 1 + 2 + 30)]
    assert rows_of("flood/product") == [("a", 1_008)]
    never = value_chain.fn("flood", date(2026, 6, 1)).frames["product"]["product"]
    assert store.scan(s, never).collect().rows() == [("a", 1_008)]


def test_what_is_not_there_yet_is_told_with_the_command_that_makes_it(
    home: Path,
) -> None:
    with pytest.raises(
        StoreError, match=r"inputs.rain: rain .* `datafactor run rain --through resourc"
    ):
        value_chain.fn("flood", AS_OF)
    value_chain.fn("rain", AS_OF)
    with pytest.raises(
        StoreError, match=r"inputs.level: level .* `datafactor run level --through prod"
    ):
        value_chain.fn("flood", AS_OF)


def test_factors_run_in_the_order_in_which_they_feed_each_other(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("flood", "rain", "level") == 0

    said = capsys.readouterr().out
    order = [said.index(f"({name}, as of") for name in ("rain", "level", "flood")]
    assert order == sorted(order)
    assert rows_of("flood/product") == [("a", 33)]


def test_an_input_that_is_not_named_is_not_run(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("flood", "rain") == 1

    assert "inputs.level: level has made no product yet" in capsys.readouterr().err
    assert {r.publication.factor for r in store.runs(store.current())} == {"rain"}


def test_what_fails_stops_those_that_read_it_and_no_other(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "rain.csv").unlink()
    words = ("flood", "rain", "level", "--as-of", str(AS_OF), "--json")

    assert main(["run", *words]) == 1

    answer = json.loads(capsys.readouterr().out)
    told = {one["factor"]: one.get("error", "") for one in answer["data"]}
    assert list(told) == ["rain", "level", "flood"]
    assert told["level"] == ""
    assert "rain.csv" in told["rain"]
    assert told["flood"] == "not run, for rain that it reads failed"
    assert answer["exit"] == 1


def test_who_is_not_named_still_says_who_comes_first(home: Path) -> None:
    """Flood stands between rain and alarm."""
    alarm = "inputs: {flood: flood/product}\n", offer("alarm", "query: SELECT * FROM x")
    write(home, "alarm", head("alarm"), *alarm)

    assert feeders_of(["alarm", "rain"])["alarm"] == ("flood",)
    order = ordered(feeders_of(["alarm", "rain"]))
    assert order.index("rain") < order.index("flood") < order.index("alarm")


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_circle_is_refused_by_the_names_of_its_factors(
    command: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    circle = "inputs: {flood: flood/product}\n"
    level = SOURCE.format(table="level", grade="public"), offer("level", LEVEL)
    write(home, "level", head("level"), circle, *level)

    assert main([command, "flood"]) == 1

    assert "circle: flood -> level -> flood" in capsys.readouterr().err


def test_a_refused_product_is_no_input_though_an_earlier_one_was_offered(
    home: Path,
) -> None:
    assert run("rain", "level", "flood") == 0
    level = SOURCE.format(table="level", grade="public")
    # An undecided column of gauges that are mobile numbers shuts the gate of level.
    level = level.replace("gauge, logicalType: string, required: true,", "gauge,")
    level = level.replace("gauge, classification: public", "gauge, logicalType: string")
    rows = "gauge,day,value\n13800138000,2026-05-01,10\n"
    (home / "level.csv").write_text(rows, encoding="utf-8")
    write(home, "level", head("level"), level, offer("level", LEVEL))
    assert run("level") == 1

    with pytest.raises(Refused, match=r"inputs.level: the product of level was refus"):
        value_chain.fn("flood", AS_OF)
    (entry,) = [e for e in find(["level"])["found"] if e["ref"] == "level/product"]
    assert (entry["rows"], entry["ending"]) == (
        None, "refused at its last run: not offered"
    )  # fmt: skip


def withdrawn(terms: TaskTerms) -> Annotated[pl.LazyFrame, ProductEvent]:
    """Take the product of level off the shelf, from July on."""
    row = ("jiangbei-data", "level", 1, terms.factor, "withdraw", date(2026, 7, 1))
    return frame_of(ProductEvent, [(*row, "gauge moved", "letter 7")]).lazy()


def test_a_withdrawn_product_is_no_input_from_that_day_on(home: Path) -> None:
    assert run("rain", "level") == 0
    stage_task(Stage.PRODUCT, withdrawn, "act")(TaskTerms(factor="level"))

    value_chain.fn("flood", AS_OF)
    with pytest.raises(Refused, match=r"level was withdrawn \(gauge moved\)"):
        value_chain.fn("flood", date(2026, 7, 1))


class Totals(pa.DataFrameModel):
    """Key: gauge."""

    gauge: str
    total: int

    class Config:
        unique = ["gauge"]


class AtLeast(TaskTerms):
    at_least: int = Field(ge=0, description="Leave out smaller totals")


def wettest(
    level: Annotated[pl.LazyFrame, Totals],
    terms: AtLeast,
    as_of: date,
) -> Annotated[pl.LazyFrame, Totals]:
    """Keep the totals of level that are large."""
    assert isinstance(as_of, date)
    return level.filter(pl.col("total") >= terms.at_least)


@pytest.fixture
def tasked(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(PRODUCT_TASKS, "wettest", stage_task(Stage.PRODUCT, wettest))
    return home


def by_task(home: Path, made: str) -> None:
    inputs = "inputs: {level: level/product}\n"
    write(home, "peak", head("peak"), inputs, offer("peak", made))


def test_a_registered_task_makes_a_product(tasked: Path) -> None:
    by_task(tasked, "task: wettest\n  parameters: {at_least: 25}")

    assert examine("peak")["stages"] == ["product"]
    assert run("level", "peak") == 0

    assert rows_of("peak/product") == [("a", 30)]
    s = store.current()
    nodes = store.trace(s, store.resolve(s, "peak/product").id)
    assert [(n.factor, n.depth) for n in nodes if n.task == "wettest"] == [("peak", 2)]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("task: wetest", "no stage task wetest .* did you mean wettest?"),
        ("task: wettest", "product.parameters.at_least: .*required; wettest takes at_"),
        ("task: wettest\n  parameters: {at_least: -1}", "at_least: .*greater than or"),
        ("task: wettest\n  parameters: {at_lest: 1}", "at_lest: Extra"),
        ("task: wettest\n  query: SELECT 1", "either a query or a task"),
        ("name: peak2", "peak.yaml"),
    ],
)
def test_a_task_that_cannot_be_is_refused_before_it_runs(
    made: str, told: str, tasked: Path
) -> None:
    by_task(tasked, made)

    with pytest.raises(FactorError, match=told):
        examine("peak")


def test_a_task_reads_tables_by_the_names_of_its_parameters(tasked: Path) -> None:
    made = "task: wettest\n  parameters: {at_least: 1}"
    write(tasked, "peak", head("peak"), INPUTS.replace("level:", "water:"))
    with (tasked / "factors" / "peak.yaml").open("a", encoding="utf-8") as file:
        file.write(offer("peak", made))

    with pytest.raises(FactorError, match="reads a table level; the document has rai"):
        examine("peak")


def test_an_asset_needs_a_resource_of_its_own(home: Path) -> None:
    text = (home / "factors" / "flood.yaml").read_text("utf-8")
    real = Path(__file__).parents[2] / "deployments/factors/flight-disruption.yaml"
    asset = "\nasset:" + real.read_text("utf-8").partition("\nasset:")[2]
    write(home, "flood", text, asset.partition("\ncapital:")[0])

    with pytest.raises(FactorError, match="quality of this factor's own resource"):
        examine("flood")
