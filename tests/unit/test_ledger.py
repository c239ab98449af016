"""The books leave as numbered vouchers, and as a ledger that bean-check accepts."""

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.books import NAMES, Entered, Voucher
from schemas.contract import frame_of
from schemas.entity import CHART
from schemas.registers import JournalLine
from tasks.asset.ledger import as_csv, beancount, vouchers
from tasks.contract import compile_contract

ARTIFACT = "a" * 64


def entry(
    key: str, day: date, *lines: tuple[str, int], memo: str = "recognition"
) -> Any:
    event = key.partition("/")[0]
    return [
        (
            *("jiangbei", key, n, day, f"{day:%Y-%m}", account, amount, memo),
            *("index", event, "V-1", ""),
        )
        for n, (account, amount) in enumerate(lines, 1)
    ]


JUNE = date(2026, 6, 15)
ROWS = [
    *entry(
        "recognise/index/V-1/1", JUNE, ("1701", 65_000_000), ("530102", -65_000_000)
    ),
    *entry("incur/index/V-2/1", JUNE, ("530101", 9_000_000), ("2211", -9_000_000)),
    *entry("amortise/index/2026-07", date(2026, 7, 31), ("6401", 5), ("1702", -5)),
]


def journal(rows: Any = ROWS) -> pl.DataFrame:
    return frame_of(JournalLine, rows)


def entered(rows: Any = ROWS, reviewer: str = "") -> pl.DataFrame:
    keys = sorted({(r[0], r[1]) for r in rows})
    return frame_of(Entered, [(*k, ARTIFACT, "clerk", reviewer) for k in keys])


def test_vouchers_are_numbered_by_month_day_and_key() -> None:
    made = vouchers(journal(), entered(), CHART)

    told = made.select("period", "number", "entry").unique(maintain_order=True).rows()
    assert told == [
        ("2026-06", 1, "incur/index/V-2/1"),
        ("2026-06", 2, "recognise/index/V-1/1"),
        ("2026-07", 1, "amortise/index/2026-07"),
    ]
    assert set(made["preparer"]) == {"clerk"}
    schema = {n: c.dtype.type for n, c in Voucher.to_schema().columns.items()}
    assert made.schema == pl.Schema(schema)
    assert compile_contract(Voucher.to_schema())


def test_the_file_for_an_erp_has_both_names_and_yuan() -> None:
    rows = as_csv(vouchers(journal(), entered(reviewer="controller"), CHART))

    first = rows.row(0, named=True)
    assert first["凭证字 word"] == "记"
    assert first["科目名称 account name"] == "研发支出—费用化支出"
    assert first["借方金额 debit"] == "90000.00"
    assert first["贷方金额 credit"] == ""
    assert first["审核人 reviewer"] == "controller"
    debits = sum(Decimal(t) for t in rows["借方金额 debit"] if t)
    credits = sum(Decimal(t) for t in rows["贷方金额 credit"] if t)
    assert debits == credits == Decimal("740000.05")


def test_every_role_of_the_chart_has_its_two_names() -> None:
    assert set(NAMES) == set(CHART)


def bean_check(text: str, folder: Path) -> str:
    """Run the official checker; what it prints are errors and warnings."""
    file = folder / "books.beancount"
    file.write_text(text, "utf-8")
    tool = Path(sys.executable).with_name("bean-check")
    done = subprocess.run([tool, file], capture_output=True, text=True, check=False)
    return (
        done.stdout + done.stderr + (f"exit {done.returncode}" * bool(done.returncode))
    )


def test_bean_check_accepts_the_ledger_without_a_word(tmp_path: Path) -> None:
    hard = 'Müller "quoted" \\ back\nslash; 数据'
    rows = [
        *ROWS,
        *entry(
            "revenue/SO-1/2026-06",
            JUNE,
            ("1122", 106),
            ("6001", -100),
            ("22210107", -6),
            memo=hard,
        ),
    ]

    text = "".join(
        beancount(journal(rows), entered(rows), CHART, 'Jiangbei "illustrative"')
    )

    assert bean_check(text, tmp_path) == ""
    assert text.count(" * ") == 4
    assert "  Assets:1701  650000.00 CNY\n" in text


def test_bean_check_would_see_an_entry_that_does_not_balance(tmp_path: Path) -> None:
    rows = entry("recognise/index/V-1/1", JUNE, ("1701", 2), ("530102", -1))

    text = "".join(beancount(journal(rows), entered(rows), CHART, "x"))

    assert "balance" in bean_check(text, tmp_path)


@pytest.mark.parametrize("title", ["", "x" * 300])
def test_a_ledger_without_entries_is_one_too(title: str, tmp_path: Path) -> None:
    assert (
        bean_check("".join(beancount(journal([]), entered([]), CHART, title)), tmp_path)
        == ""
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from(list(CHART.values())), st.integers(1, 10**15)),
        min_size=1,
        max_size=9,
    )
)
def test_nothing_is_lost_on_the_way_out(pairs: list[tuple[str, int]]) -> None:
    rows = [
        row
        for n, (account, amount) in enumerate(pairs)
        for row in entry(
            f"incur/index/V/{n}", JUNE, (account, amount), ("1002", -amount)
        )
    ]

    text = "".join(beancount(journal(rows), entered(rows), CHART, "x"))

    posted = [
        n.split() for n in text.splitlines() if n.endswith(" CNY") and "open" not in n
    ]
    assert len(posted) == len(rows)
    assert sum(Decimal(p[1]) for p in posted) == 0
    written = sorted(int(Decimal(p[1]) * 100) for p in posted)
    assert written == sorted(r[6] for r in rows)
