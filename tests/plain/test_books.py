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

from flows import books
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
    both = books.Books((entity, other), one.span, journal, entered)

    found, alone = books.balance_of(both), books.balance_of(one)

    twice = {a["account"]: 2 * Decimal(a["closing"]) for a in alone["accounts"]}
    summed = {a["account"]: Decimal(a["closing"]) for a in found["rolled_up"]}
    assert summed == twice
    assert [a["entity"] for a in found["accounts"]] == [ENTITY] * 7 + ["other-data"] * 7
    with pytest.raises(RegisterError, match="export one of them at a time"):
        books.exported(both, "vouchers", tmp_path / "x.csv", False)
