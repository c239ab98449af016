"""The books as people and other programs read them: every line leads to its voucher."""

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from flows import books, disclose
from flows.demo import AS_OF, FACTOR
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import FactorError, RegisterError
from tasks import store
from tests.archive import small_archive
from tests.builders import temporary_store
from tests.command import ROOT

ENTITY, ASSET = "jiangbei-data", "flight-disruption-index"
VOUCHERS = ROOT / "deployments" / "vouchers" / "flight-disruption.csv"


def vouchers() -> list[dict[str, str]]:
    text = VOUCHERS.read_text("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The demo's asset, over a few flights: the vouchers are the same."""
    home = tmp_path_factory.mktemp("books")
    small_archive(home / "data")
    with temporary_store(home, DATAFACTOR_DATA=str(home / "data")):
        value_chain.fn(FACTOR, AS_OF, Stage.ASSET)
        yield


@pytest.mark.usefixtures("posted")
def test_the_trial_balance_of_the_demo_follows_from_its_voucher_file() -> None:
    """A third of the shared platform: 300,000.01 and 100,000.00 are borne here."""
    rows = vouchers()
    paid = {r["voucher"] + r["line"]: Decimal(r["amount"]) for r in rows}
    borne = sum(paid.values()) - Decimal("600000.00") - Decimal("200000.00")

    found = books.balance_of(books.opened([ENTITY], "2026"))

    closing = {a["account"]: Decimal(a["closing"]) for a in found["accounts"]}
    assert closing["1701"] == Decimal("1095500.51")
    assert closing["530102"] == 0
    expenses = closing["530101"] + closing["6602"]
    assert closing["1701"] + expenses == borne == Decimal("1253500.51")
    assert found["totals"]["debit"] == found["totals"]["credit"] != "0.00"
    assert (found["totals"]["opening"], found["totals"]["closing"]) == ("0.00", "0.00")
    assert found["rolled_up"] == []


@pytest.mark.usefixtures("posted")
def test_every_line_of_an_asset_has_a_ref_that_reaches_the_bytes_of_its_voucher() -> (
    None
):
    found = books.ledger_of(books.opened([ENTITY]), ASSET)

    s = store.current()
    assert len(found["lines"]) == 24
    for ref in {line["ref"] for line in found["lines"]}:
        nodes = store.trace(s, store.resolve(s, ref).id)
        raw = {n.sha256 for n in nodes if n.kind == "raw"}
        assert store.digest(VOUCHERS) in raw
        assert {n.frame for n in nodes} >= {"posted", "journal", "vouchers"}
    kept = {line["voucher"] for line in found["lines"]}
    assert kept <= {r["voucher"] for r in vouchers()}
    assert {line["preparer"] for line in found["lines"]} == {"tester"}
    last = [line for line in found["lines"] if line["account"] == "1701"][-1]
    assert last["balance"] == "1095500.51"


@pytest.mark.usefixtures("posted")
def test_the_roll_forward_shows_what_became_an_asset_in_june() -> None:
    found = books.roll_of(books.opened([ENTITY], "2026-06"))

    rows = {(r["table"], r["row"]): r for r in found["rows"]}
    assert len(rows) == len(found["rows"]) == 27 + 21 + 12
    assert rows["intangible", "gross_internal"]["internal"] == "1095500.51"
    assert rows["intangible", "gross_opening"]["total"] == "0.00"
    assert rows["development", "gross_recognised"]["total"] == "1095500.51"
    assert rows["intangible", "gross"]["total"] == ""
    assert found["rolled_up"] == []


@pytest.mark.usefixtures("posted")
def test_what_nobody_posted_and_what_is_no_period_is_said_in_one_sentence() -> None:
    opened = books.opened([ENTITY])

    with pytest.raises(RegisterError, match=r"nothing is posted of rain.*there are f"):
        books.ledger_of(opened, "rain")
    with pytest.raises(FactorError, match="2026-13 is no period: write a month"):
        books.opened([ENTITY], "2026-13")
    with pytest.raises(FactorError, match=r"there are: jiangbei-data"):
        books.opened(["nobody"])
    with pytest.raises(FactorError, match="name an entity"):
        books.asked(["2026"])
    with pytest.raises(RegisterError, match="as known on 2020-01-01"):
        books.opened([ENTITY], known_on=AS_OF.replace(2020, 1, 1))


@pytest.mark.usefixtures("posted")
def test_the_export_for_an_erp_is_a_csv_without_formulas(tmp_path: Path) -> None:
    file = tmp_path / "vouchers.csv"

    told = books.exported(books.opened([ENTITY], "2026-06"), "vouchers", file, True)

    data = file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert len(rows) == told["lines"] == 10
    sides = ("借方金额 debit", "贷方金额 credit")
    debit, credit = (sum(Decimal(r[n]) for r in rows if r[n]) for n in sides)
    assert debit == credit == Decimal("1103500.51")
    assert {r["会计期间 period"] for r in rows} == {"2026-06"}
    assert not [p for p in tmp_path.iterdir() if p != file]


def test_a_text_that_begins_like_a_formula_is_no_formula() -> None:
    rows = pl.DataFrame({"摘要 memo": ["=1+1", '@x "quoted"', "-5", "wages"]})

    lines = list(books.voucher_lines(rows))

    cells = [row[0] for row in csv.reader(io.StringIO("".join(lines), newline=""))]
    assert cells == ["摘要 memo", "'=1+1", '\'@x "quoted"', "'-5", "wages"]


@pytest.mark.usefixtures("posted")
def test_bean_check_accepts_the_exported_ledger_without_a_word(tmp_path: Path) -> None:
    file = tmp_path / "books.beancount"

    books.exported(books.opened([ENTITY]), "beancount", file, False)

    tool = Path(sys.executable).with_name("bean-check")
    done = subprocess.run([tool, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.usefixtures("posted")
def test_two_entities_are_added_up_account_by_account_and_exported_apart(
    tmp_path: Path,
) -> None:
    one = books.opened([ENTITY], "2026")
    (entity,) = one.entities
    other = entity.model_copy(update={"entity": "other-data"})
    moved = (
        f.with_columns(entity=pl.lit("other-data")) for f in (one.journal, one.entered)
    )
    journal, entered = (
        f.vstack(m) for f, m in zip((one.journal, one.entered), moved, strict=True)
    )
    both = books.Books((entity, other), one.span, journal, entered, one.cards)

    found, alone = books.balance_of(both), books.balance_of(one)

    twice = {a["account"]: 2 * Decimal(a["closing"]) for a in alone["accounts"]}
    summed = {a["account"]: Decimal(a["closing"]) for a in found["rolled_up"]}
    assert summed == twice
    assert [a["entity"] for a in found["accounts"]] == [ENTITY] * 7 + ["other-data"] * 7
    rolled = books.roll_of(both)["rolled_up"]
    closing = {(r["table"], r["row"]): r["total"] for r in rolled}
    assert len(rolled) == 60
    assert closing["intangible", "gross_closing"] == "2191001.02"
    assert closing["intangible", "gross"] == ""
    with pytest.raises(RegisterError, match="export one of them at a time"):
        books.exported(both, "vouchers", tmp_path / "x.csv", False)


@pytest.mark.usefixtures("posted")
def test_a_statement_is_kept_and_another_one_says_why_it_replaces_it(
    tmp_path: Path,
) -> None:
    first = disclose.disclosed(ENTITY, "2026-06", folder=tmp_path)
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    same = disclose.disclosed(ENTITY, "2026-06", "no need", folder=tmp_path)
    total = {"intangible": "1000000.00"}
    with pytest.raises(RegisterError, match=r"another statement.*--reason"):
        disclose.disclosed(ENTITY, "2026-06", parents=total)
    other = disclose.disclosed(ENTITY, "2026-06", "the line was told", total, tmp_path)
    third = disclose.disclosed(ENTITY, "2026-06", "told by mistake")

    assert [n["closing"] for n in first["lines"]] == ["", "1095500.51", ""]
    assert not first["closed"]
    assert (first["ties"], first["warnings"]) == (148, [])
    assert same == first
    assert sorted(before) == [
        f"statement-{ENTITY}-2026-06.{ending}" for ending in ("html", "xlsx")
    ]
    assert other["supersedes"] == first["statement"]
    assert "exceed their line, intangible, of 1,000,000.00" in other["warnings"][0]
    assert third["supersedes"] == other["statement"]
    assert (third["reason"], third["content"]) == ("told by mistake", first["content"])
    s = store.current()
    kept = store.scan(s, store.resolve(s, first["statement"])).collect()
    assert kept["content"].to_list() == [first["content"]]
    changed = {f.name for f in tmp_path.iterdir() if f.read_bytes() != before[f.name]}
    assert changed == set(before)


@pytest.mark.usefixtures("posted")
def test_a_statement_rests_on_the_registers_and_moves_nothing_in_them() -> None:
    before = books.balance_of(books.opened([ENTITY]))

    said = disclose.disclosed(ENTITY, "2026")

    nodes = store.trace(store.current(), said["statement"])
    assert {n.frame for n in nodes[1:]} == {
        f"{name}.snapshot"
        for name in (
            *("booked", "cards", "events", "pledges", "pledged"),
            *("disputes", "closed"),
        )
    }
    assert books.balance_of(books.opened([ENTITY])) == before


@pytest.mark.usefixtures("posted")
def test_the_voluntary_part_tells_the_report_and_no_other_table_its_value() -> None:
    """VAL of the demo: 11,541,346.75, appraised apart from the books."""
    s, told = store.current(), disclose.disclosed(ENTITY, "2026-01..2026-06")

    (run,) = [
        r
        for r in store.runs(s, ENTITY, "disclose")
        if r.refs["statement"].id == told["statement"]
    ]
    frames = {n: store.scan(s, r).collect() for n, r in run.refs.items() if r.rows}
    assert frames["appraised"]["report"].to_list() == ["ILLUSTRATIVE-APPRAISAL-2026-06"]
    value = frames["appraised"]["appraised_fen"].item()
    elsewhere = [n for n, f in frames.items() if n != "appraised" and value in cells(f)]
    assert (value, elsewhere) == (1_154_134_675, [])
    items = set(frames["notes"].filter(part="voluntary")["item"])
    assert items >= {"user", "decision", "raw", "charge", "right", "use"}


def cells(frame: pl.DataFrame) -> set[object]:
    return {value for row in frame.iter_rows() for value in row}


def test_books_without_entries_have_no_statement(tmp_path: Path) -> None:
    with (
        temporary_store(tmp_path),
        pytest.raises(RegisterError, match="nothing is posted in the books of"),
    ):
        disclose.disclosed(ENTITY, "2026")
