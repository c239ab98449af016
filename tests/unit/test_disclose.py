"""The statement on data resources: tied to the ledger, or not published."""

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any, get_args

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.close import TrialBalance
from schemas.contract import frame_of
from schemas.disclosure import COLUMNS, HEADS, ROWS, Disclosure, Given, Tables, Tie
from schemas.entity import CHART
from schemas.errors import ContractError
from schemas.registers import (
    EVENTS,
    AssetCard,
    AssetEvent,
    Dispute,
    Pledge,
    PledgeEvent,
)
from schemas.span import Span
from tasks.asset.balance import trial_balance
from tasks.asset.disclose.lines import change, months_left
from tasks.asset.disclose.ties import ties
from tasks.contract import compile_contract
from tests import disclosed
from tests.closing import entry, journal
from tests.disclosed import acc_09, disclose_terms, rows_of, stated
from tests.finance_case import pledged
from tests.measured import card, decided
from tests.store.build import event as pledge_event
from tests.store.build import frame_of as built


def yuan(amount: str) -> int:
    return int(Decimal(amount) * 100)


def test_acc_10_is_the_roll_forward_of_2026_in_the_self_developed_column() -> None:
    found = rows_of(stated(), "intangible", "internal_fen")

    expected = {
        "gross_opening": "600000.00",
        "gross_increase": "0.00",
        "gross_decrease": "0.00",
        "gross_closing": "600000.00",
        "amortised_opening": "90000.00",
        "amortised_increase": "120000.00",
        "amortised_decrease": "0.00",
        "amortised_closing": "210000.00",
        "impaired_opening": "0.00",
        "impaired_increase": "78000.00",
        "impaired_decrease": "0.00",
        "impaired_closing": "78000.00",
        "carrying_closing": "312000.00",
        "carrying_opening": "510000.00",
    }
    assert {row: found[row] for row in expected} == {
        row: yuan(amount) for row, amount in expected.items()
    }
    assert rows_of(stated(), "intangible") == found  # nothing in the other columns


def test_2025_shows_what_became_an_asset_and_what_was_expensed() -> None:
    """ACC-09: 600,000.00 capitalised; 300,000.00 expensed, 20,000.00 of it training."""
    made = stated(first="2024-11", last="2025-12")

    assets, spent = rows_of(made, "intangible"), rows_of(made, "development")
    assert assets["gross_internal"] == assets["gross_increase"] == yuan("600000")
    assert spent["gross_increase"] == spent["gross_recognised"] == yuan("600000")
    assert spent["gross_closing"] == 0
    assert made.research.rows() == [("index-asset", yuan("280000"), yuan("600000"))]


def test_the_tables_have_27_21_and_12_rows() -> None:
    made = stated(disclosed.given())

    counts = {t: made.roll.filter(table=t).height for t in ROWS}
    assert counts == {"intangible": 27, "inventory": 21, "development": 12}
    assert all(len(set(rows)) == len(rows) for rows in ROWS.values())
    headings = made.roll.filter(pl.col("row").is_in(HEADS))
    assert headings.height == 7
    assert headings.select(COLUMNS).null_count().row(0) == (7,) * 4
    assert made.lines["closing_fen"].to_list() == [None] * 3  # blank when none


def test_every_frame_keeps_its_contract() -> None:
    made = stated()

    for name, hint in Disclosure.__annotations__.items():
        if name in Tables._fields:
            frame, contract = getattr(made, name), get_args(hint)[1]
            assert frame.schema == frame_of(contract, []).schema, name
            compile_contract(contract.to_schema())


def fs_02(amounts: dict[str, str], day: date) -> Given:
    """The books of an operator: what is stated of it, in one entry a line."""
    lines = [
        entry(f"incur/{account}/{day}/1", day, account, "1002", yuan(amount), account)
        for account, amount in amounts.items()
    ]
    return disclosed.given(journal=journal(*lines))


FS_02 = {
    "china_mobile": ({"1701": "29000000", "530102": "41000000"}, "46622000000"),
    "china_telecom": ({"530102": "105000000"}, "2877000000"),
    "china_unicom": ({"530102": "84763900"}, "3789000000"),
}


def test_fs_02_three_operators_have_259_763_900_of_data_resources() -> None:
    """The share of 0.91 that the oracle prints for the year has no inputs in it."""
    june = {
        name: stated(fs_02(amounts, date(2024, 6, 30)), first="2024-01", last="2024-06")
        for name, (amounts, _) in FS_02.items()
    }

    total = sum(int(made.lines["closing_fen"].sum()) for made in june.values())
    assert total == yuan("259763900.00")
    assert change(total, yuan("1366000000")) == 426
    assert change(0, 5) is None
    mobile = june["china_mobile"].lines.rows()
    assert [line[:2] for line in mobile] == [
        ("inventory", None),
        ("intangible", yuan("29000000")),
        ("development", yuan("41000000")),
    ]


def test_a_part_above_its_line_is_warned_of_and_never_added_to_it() -> None:
    books = fs_02(FS_02["china_mobile"][0], date(2024, 6, 30))
    span: dict[str, Any] = {"first": "2024-01", "last": "2024-06"}

    fits = stated(books, **span, total={"intangible": "46622000000"})
    wrong = stated(books, **span, total={"intangible": "28999999.99"})

    assert fits.lines["exceeds"].to_list() == [False] * 3
    assert wrong.lines.filter("exceeds")["line"].to_list() == ["intangible"]
    assert wrong.lines["parent_fen"].to_list() == [None, yuan("28999999.99"), None]
    assert fits.roll.equals(wrong.roll)


ACCOUNTS = [CHART[role] for role in ("intangible", "amortisation", "impairment")]
ACCOUNTS += [CHART[role] for role in ("inventory", "provision", "development", "bank")]
LINES = st.lists(
    st.tuples(
        st.sampled_from(ACCOUNTS),
        st.sampled_from(ACCOUNTS),
        st.integers(-(10**9), 10**9).filter(bool),
        st.sampled_from(EVENTS),
        st.sampled_from(["a", "b", "c", ""]),
        st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    ),
    max_size=30,
)
ORIGINS = [card("a", origin="purchase"), card("b", origin="internal")]


def books_of(moves: list[tuple[str, str, int, str, str, date]]) -> Given:
    numbers = count(1)
    rows = [
        entry(f"{event}/{asset}/{next(numbers)}", day, debit, credit, fen, asset)
        for debit, credit, fen, event, asset, day in moves
    ]
    return disclosed.given(journal=journal(*rows), cards=frame_of(AssetCard, ORIGINS))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES)
def test_all_ties_hold_whatever_is_posted(moves: Any) -> None:
    made = stated(books_of(moves))

    assert made.ties.height > 100
    assert set(made.ties["difference_fen"]) == {0}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES)
def test_closing_balances_are_those_of_a_plain_loop(moves: Any) -> None:
    found = rows_of(stated(books_of(moves)), "inventory")

    held = provided = 0
    for debit, credit, fen, _, _, day in moves:
        if day <= date(2026, 12, 31):
            held += fen * ((debit == "1405") - (credit == "1405"))
            provided += fen * ((credit == "1471") - (debit == "1471"))
    assert found["gross_closing"] == held
    assert found["provided_closing"] == provided
    assert found["carrying_closing"] == held - provided


def balances(books: Given) -> list[pl.DataFrame]:
    span = ("2026-01", "2026-12")
    return [trial_balance(books.journal.lazy(), p).collect() for p in span]


@pytest.mark.parametrize("table", ["intangible", "development"])
@pytest.mark.parametrize("column", COLUMNS)
def test_one_fen_in_any_cell_breaks_a_tie(table: str, column: str) -> None:
    made = stated()
    first, last = balances(acc_09())
    for row in (r for r in ROWS[table] if r not in HEADS):  # type: ignore[index]  # a name of a table
        here = (pl.col("table") == table) & (pl.col("row") == row)
        moved = made.roll.with_columns(
            pl.when(here).then(pl.col(column) + 1).otherwise(column).alias(column)
        )

        found = ties(moved, made.carried, first, last, CHART)

        broken = found.filter(pl.col("difference_fen") != 0)
        assert broken.height >= 1, row
        with pytest.raises(Exception, match="difference_fen"):
            Tie.to_schema().validate(found)
        assert "are broken" in Tie.refusal(broken)


def test_a_ledger_that_holds_more_than_the_tables_breaks_a_tie() -> None:
    made, books = stated(), acc_09()
    first, last = balances(books)
    more = last.with_columns(
        closing_fen=pl.when(account="1702").then(pl.col("closing_fen") - 1)
        .otherwise("closing_fen")
    )  # fmt: skip

    found = ties(made.roll, made.carried, first, more, CHART)

    broken = found.filter(pl.col("difference_fen") != 0)
    TrialBalance.to_schema().validate(more)
    assert broken.select("rule", "row").rows() == [("ledger", "amortised_closing")]


def test_every_event_of_a_life_stands_in_its_row() -> None:
    """Purchased for 1,000.00 each: one sold on, one lapsed, one given for equity."""
    rows, cards = [], []
    day, gone = date(2026, 1, 5), date(2026, 3, 5)
    for name, event in (("x", "dispose"), ("y", "expire"), ("z", "contribute")):
        rows += [
            entry(f"incur/{name}/V/1", day, "1701", "1002", 100_000, name),
            entry(f"amortise/{name}/1", day, "6401", "1702", 30_000, name),
            entry(f"{event}/{name}/g", gone, "6115", "1701", 100_000, name),
            entry(f"{event}/{name}/a", gone, "1702", "6115", 30_000, name),
        ]
        cards.append(card(name, origin="purchase"))
    books = disclosed.given(journal=journal(*rows), cards=frame_of(AssetCard, cards))

    found = rows_of(stated(books), "intangible", "purchase_fen")

    assert found["gross_purchase"] == found["gross_increase"] == 300_000
    assert found["gross_disposal"] == found["gross_lapsed"] == 100_000
    assert found["gross_other_decrease"] == 100_000
    assert found["amortised_increase"] == found["amortised_decrease"] == 90_000
    assert found["amortised_disposal"] == found["amortised_lapsed"] == 30_000
    assert found["amortised_other_decrease"] == 30_000
    assert found["carrying_closing"] == 0


def test_inventory_is_collected_sold_provided_and_taken_back() -> None:
    """CAS 1 example of the project: cost 100.00, provision 15.00, 8.00 taken back."""
    day = date(2026, 2, 3)
    rows = [
        entry("incur/set/V/1", day, "1405", "1002", 10_000, "set"),
        entry("provision/set/D-1", day, "6701", "1471", 1_500, "set"),
        entry("restore/set/D-2", day, "1471", "6701", 800, "set"),
        entry("sell/set/1", day, "6401", "1405", 4_000, "set"),
        entry("sell/set/2", day, "1471", "6401", 280, "set"),
        entry("expire/set/3", day, "6711", "1405", 1_000, "set"),
    ]
    cards = frame_of(AssetCard, [card("set", kind="inventory", method="none")])

    found = rows_of(
        stated(disclosed.given(journal=journal(*rows), cards=cards)), "inventory"
    )

    assert found["gross_internal"] == found["gross_increase"] == 10_000
    assert (found["gross_sale"], found["gross_lapsed"]) == (4_000, 1_000)
    assert (found["provided_increase"], found["provided_decrease"]) == (1_500, 1_080)
    assert (found["provided_reversal"], found["provided_write_off"]) == (800, 280)
    assert found["carrying_closing"] == 5_000 - 420


def test_a_correction_stands_under_other_on_the_side_it_moves() -> None:
    day = date(2026, 2, 3)
    rows = [
        entry("recognise/a/V/1", day, "1701", "530102", 500, "a"),
        entry("reverse/recognise/a/V/1", day, "530102", "1701", 500, "a"),
    ]

    found = rows_of(stated(disclosed.given(journal=journal(*rows))), "intangible")

    # no card says how it was obtained, so it stands under "otherwise"
    assert (found["gross_internal"], found["gross_other_decrease"]) == (500, 500)
    assert found["gross_closing"] == 0


def test_the_impairment_of_what_is_in_development_moves_with_it() -> None:
    rows = [
        entry("incur/a/V/1", date(2025, 3, 1), "530102", "1002", 900, "a"),
        entry("impair/a/D", date(2025, 6, 30), "6701", "1703", 200, "a"),
        entry("recognise/a/V/1", date(2026, 5, 1), "1701", "530102", 900, "a"),
    ]
    books = disclosed.given(journal=journal(*rows))

    before = stated(books, first="2025-01", last="2025-12")
    after = stated(books)

    assert rows_of(before, "development")["carrying_closing"] == 700
    assert rows_of(before, "intangible")["impaired_closing"] == 0
    spent, assets = rows_of(after, "development"), rows_of(after, "intangible")
    assert (spent["carrying_opening"], spent["carrying_closing"]) == (700, 0)
    assert (spent["impaired_decrease"], assets["impaired_increase"]) == (200, 200)
    assert assets["carrying_closing"] == 700
    assert (
        set(after.ties["difference_fen"]) == set(before.ties["difference_fen"]) == {0}
    )


def test_research_is_told_apart_whatever_the_months_end_moves() -> None:
    day = date(2026, 2, 3)
    rows = [
        entry("expense/a/V/1", day, "530101", "2211", 700, "a"),
        entry("transfer/2026-02", date(2026, 2, 28), "6602", "530101", 700, "a"),
        entry("incur/a/V/2", day, "530102", "1002", 300, "a"),
        entry("incur/a/V/3", day, "530102", "1002", 40, "a"),
        entry("reverse/incur/a/V/3", day, "1002", "530102", 40, "a"),
        entry("recognise/a/V/2", day, "1701", "530102", 300, "a"),
    ]

    made = stated(disclosed.given(journal=journal(*rows)))

    assert made.research.rows() == [("a", 700, 300)]


def test_a_pledged_asset_counts_once_with_what_is_carried_of_it() -> None:
    two = [pledged(), pledged(request="LOAN-2", principal_fen=1, exclusive=False)]
    late = pledged(request="LOAN-3", pledged_on=date(2027, 1, 1))
    open_ = ("D-1", "jiangbei", "index-asset", "open", date(2026, 3, 1), "X", "g", "e")
    lifted = [
        ("D-2", "jiangbei", "index-asset", event, date(2026, 4, 1), "X", "g", "e")
        for event in ("open", "lift")
    ]
    books = acc_09()._replace(
        pledges=frame_of(Pledge, [*two, late]),
        disputes=frame_of(Dispute, [open_, *lifted]),
    )

    found = stated(books).restricted

    assert found.select("ground", "number", "carrying_fen", "secured_fen").rows() == [
        ("dispute", "D-1", yuan("312000"), None),
        ("pledge", "LOAN-1", yuan("312000"), 500_000_000),
        ("pledge", "LOAN-2", yuan("312000"), 1),
    ]


def test_a_pledge_that_was_released_in_time_restricts_nothing() -> None:
    def released(on: date) -> pl.DataFrame:
        return built(
            PledgeEvent, [pledge_event("release", 1, "LOAN-1", effective_on=on)]
        )

    books = acc_09()._replace(pledges=frame_of(Pledge, [pledged()]))
    late = books._replace(pledged=released(date(2027, 1, 1)))

    assert stated(late).restricted["number"].to_list() == ["LOAN-1"]
    gone = books._replace(pledged=released(date(2026, 12, 31)))
    assert stated(gone).restricted.is_empty()


def test_a_dispute_over_a_factor_is_told_of_the_assets_made_of_it() -> None:
    over = [
        (number, "jiangbei", name, "open", date(2026, 3, 1), "X", "g", "e")
        for number, name in (("D-1", "index"), ("D-2", "no-asset-yet"))
    ]
    books = acc_09()._replace(disputes=frame_of(Dispute, over))

    found = stated(books).restricted

    assert found.select("asset", "number", "carrying_fen").rows() == [
        ("index-asset", "D-1", yuan("312000")),
        ("no-asset-yet", "D-2", 0),
    ]


def test_what_must_be_told_is_told_of_each_asset() -> None:
    cards = [
        card("index-asset"),
        card("index-asset", number=2, life_months=48, effective_on=date(2026, 7, 1)),
        card("index-asset", number=3, life_months=50, effective_on=date(2027, 7, 1)),
        card("open-ended", life_months=None, life_basis="renewed at no cost"),
    ]
    test = decided("index-asset", "impair", date(2026, 12, 31), value_in_use_fen=5)
    books = acc_09()._replace(
        cards=frame_of(AssetCard, cards), decisions=frame_of(AssetEvent, [test])
    )

    notes = stated(books).notes

    told = {
        (row["asset"], row["item"]): (row["said"], row["before"])
        for row in notes.filter(part="mandatory").to_dicts()
    }
    assert told["index-asset", "life_months"] == ("48", "")
    assert told["index-asset", "change_life_months"] == ("48", "60")
    assert told["index-asset", "method"] == ("straight_line", "")
    assert told["open-ended", "indefinite"] == ("renewed at no cost", "")
    assert told["index-asset", "decided_impair"] == ("yearly test", "0.05")
    assert told["index-asset", "material"] == ("312,000.00", "27")  # 48 − 21 months
    assert ("open-ended", "life_months") not in told


def test_sixty_months_from_april_2025_leave_39_at_the_end_of_2026() -> None:
    """ACC-09: remaining_months 39."""
    said = stated().carried.to_dicts()

    assert [row["months_left"] for row in said] == [39]
    assert said[0]["carrying_fen"] == yuan("312000")
    ends = {"life_months": 60, "available_from": date(2025, 4, 18)}
    by_right = ends | {"right_ends": date(2026, 12, 31)}
    assert months_left(by_right, Span("2026-12", "2026-12")) == 0


def test_an_appraised_value_changes_no_other_table() -> None:
    def told(value: str) -> Tables:
        report = {
            "asset": "index-asset",
            "report": "R-1",
            "appraiser": "A",
            "valuation_date": "2026-06-20",
            "valid_to": "2027-06-19",
            "value": value,
        }
        return stated(reports=[report])

    once, twice = told("1000000"), told("2000000")

    assert once.appraised["appraised_fen"].to_list() == [yuan("1000000")]
    for name in set(Tables._fields) - {"appraised", "statement"}:
        assert getattr(once, name).equals(getattr(twice, name)), name
    assert once.statement["content"][0] != twice.statement["content"][0]


def test_one_account_with_two_meanings_is_refused() -> None:
    chart = dict(CHART) | {"provision": CHART["impairment"]}

    with pytest.raises(ContractError, match="one account to two of"):
        stated(accounts=chart)


def test_a_statement_that_replaces_another_says_why() -> None:
    with pytest.raises(ValueError, match="give a reason"):
        disclose_terms(supersedes="a" * 64)
    with pytest.raises(ValueError, match="give a reason"):
        disclose_terms(reason="late")
    kept = disclose_terms(supersedes="a" * 64, reason="withdrawn by the auditor")
    assert kept.span == Span.of("2026")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01", "2026-12"),
        ("2026-06", "2026-06", "2026-06"),
        ("2026-01..2026-06", "2026-01", "2026-06"),
    ],
)
def test_a_period_is_written_as_it_is_read(text: str, first: str, last: str) -> None:
    assert Span.of(text) == (first, last)
    assert str(Span.of(text)) == text
