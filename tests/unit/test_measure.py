"""Many assets are measured at once as each of them is alone, month after month."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import frame_of
from schemas.entity import CHART
from schemas.measurement import Charge, Movement, Position, Side, Total, Use
from schemas.registers import AssetCard, AssetEvent, JournalLine, Order, Usage
from tasks.asset.amortize import (
    Carried,
    Estimate,
    Happened,
    carry,
    charge_of,
    months_between,
)
from tasks.asset.derecognise import derecognition_sides
from tasks.asset.impair import impair, impairment_sides
from tasks.asset.measure import (
    amortisation_sides,
    charges,
    movements,
    positions,
    totals,
    uses,
)
from tasks.finance import months_later
from tests.measured import card, decided

METHODS = ["straight_line", "units_of_use", "sum_of_years", "declining_balance", "none"]


@dataclass(frozen=True)
class Case:
    """One asset with all that happens to it, and how it is carried alone."""

    name: str
    ready: date
    cost: int
    estimate: Estimate
    happened: dict[date, Happened]

    def alone(self, months: int) -> list[Carried]:
        """Carry it by itself."""
        return list(carry(self.cost, self.ready, self.estimate, self.happened, months))


def stated(case: Case, number: int, of: Estimate, on: date, **changed: Any) -> Any:
    """The card of an estimate."""
    known = {
        "number": number,
        "method": of.method,
        "life_months": of.life_months,
        "residual_fen": of.residual,
        "units": of.units,
        "available_from": case.ready,
        "right_ends": of.right_ends,
        "effective_on": on,
    }
    return card(case.name, **(known | changed))


def cards_of(cases: Iterable[Case], **changed: Any) -> pl.DataFrame:
    """The cards of all, a new number from each change of estimate on."""
    rows = []
    for case in cases:
        rows.append(stated(case, 1, case.estimate, case.ready, **changed))
        estimates = [(on, h.estimate) for on, h in sorted(case.happened.items())]
        news = [(on, new) for on, new in estimates if new is not None]
        rows += [stated(case, 2 + i, new, on) for i, (on, new) in enumerate(news)]
    return frame_of(AssetCard, rows)


def moved_by(cases: Iterable[Case], month: date) -> pl.DataFrame:
    """What is posted of all when a month is closed: all before, its additions."""
    rows = []
    for case in cases:
        start = case.ready.replace(day=1)
        rows.append((case.name, start, "gross", case.cost))
        for at in case.alone(max(months_between(start, month) + 1, 0)):
            event = case.happened.get(at.month, Happened())
            rows.append((case.name, at.month, "gross", event.addition))
            if at.month < month:
                rows.append((case.name, at.month, "amortised", at.charge))
                lost = event.impairment or 0
                rows.append((case.name, at.month, "impaired", lost))
    moved = frame_of(Movement, [("jiangbei", *row) for row in rows])
    return moved.group_by("entity", "asset", "month", "measure").agg(
        pl.col("amount_fen").sum()
    )


def uses_of(cases: Iterable[Case]) -> pl.DataFrame:
    """Units of all, also of months yet to come."""
    rows = [(c.name, on, h.used) for c in cases for on, h in c.happened.items()]
    return frame_of(Use, [("jiangbei", *row) for row in rows if row[2]])


def under_test(cases: Iterable[Case]) -> pl.DataFrame:
    """A decision in each month in which an asset is tested."""
    rows = [
        decided(c.name, "impair", on.replace(day=28), value_in_use_fen=0)
        for c in cases
        for on, h in c.happened.items()
        if h.impairment is not None
    ]
    return frame_of(AssetEvent, rows)


def measured(cases: list[Case], month: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Position and charge of all in a month."""
    posted, used = moved_by(cases, month), uses_of(cases)
    at = positions(cards_of(cases), posted, used, under_test(cases), month)
    return at, charges(at, month)


@st.composite
def estimates(draw: st.DrawFn, ready: date, method: str | None = None) -> Estimate:
    """What a person may expect of an asset."""
    method = method or draw(st.sampled_from(METHODS))
    by_use = method == "units_of_use"
    last = draw(st.none() | st.integers(30, 2_000))
    return Estimate(
        method,
        draw(st.integers(1, 80) if not by_use else st.none() | st.integers(1, 80)),
        draw(st.sampled_from([0, 0, 1, 5_000])),
        draw(st.integers(1, 10**12)) if by_use else None,
        None if last is None else date.fromordinal(ready.toordinal() + last),
    )


@st.composite
def cases(draw: st.DrawFn, name: str) -> Case:
    """An asset of any method, with changes, additions, use and impairments."""
    ready = draw(st.dates(date(2024, 1, 1), date(2025, 12, 31)))
    first = draw(estimates(ready))
    case = Case(name, ready, draw(st.integers(0, 9 * 10**15)), first, {})
    for nth in sorted(draw(st.sets(st.integers(0, 70), max_size=6))):
        on = months_later(ready.replace(day=1), nth)
        event = Happened(used=draw(st.integers(0, 10**12)))
        what = draw(st.sampled_from(["use", "add", "change", "test", "all"]))
        if what in ("add", "all"):
            event = replace(event, addition=draw(st.integers(1, 10**9)))
        if what in ("change", "all") and nth:
            event = replace(event, estimate=draw(estimates(ready)))
        if what in ("test", "all"):
            tested = {on: replace(event, impairment=0)}
            before = replace(case, happened=case.happened | tested).alone(nth + 1)[-1]
            share = draw(st.integers(0, 100))
            loss = before.carrying * share // 100
            event = replace(event, impairment=loss)
        case = replace(case, happened=case.happened | {on: event})
    return case


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_every_asset_is_charged_among_many_as_it_is_alone(data: st.DataObject) -> None:
    many = [data.draw(cases(name)) for name in ("a", "b", "c")]
    alone = {c.name: c.alone(140) for c in many}
    starts = {c.ready.replace(day=1) for c in many}
    points = starts.union(*(c.happened for c in many))
    near = sorted({months_later(on, i) for on in points for i in (0, 1, 13, 40)})
    drawn = data.draw(st.sets(st.sampled_from(near), min_size=2, max_size=4))

    for month in sorted(drawn):
        at, charged = measured(many, month)

        expected = {
            name: now.charge
            for name, carried in alone.items()
            for now in carried
            if now.month == month and now.charge
        }
        got = dict(charged.select("asset", "charge_fen").iter_rows())
        assert got == expected
        left = totals(at, charged)
        whole = pl.col("gross_fen") - pl.col("amortised_fen") - pl.col("impaired_fen")
        assert left.filter(pl.col("carrying_fen") != whole).is_empty()
        assert left.filter(pl.col("carrying_fen") < 0).is_empty()


@settings(deadline=None, max_examples=60)
@given(case=cases("a"))
def test_an_asset_ends_at_its_residual_whatever_happened(case: Case) -> None:
    life = case.alone(200)
    changes = [h.estimate for h in case.happened.values() if h.estimate]
    estimate = changes[-1] if changes else case.estimate
    lost = any(h.impairment for h in case.happened.values())

    for now in life:
        assert now.carrying == now.gross - now.amortised - now.impaired >= 0
        assert now.charge >= 0
    ends = estimate.months_left(case.ready, life[-1].month) is not None
    if ends and estimate.method != "none":
        assert life[-1].carrying <= estimate.residual
        assert life[-1].charge == 0
        if not changes and not lost:
            assert life[-1].carrying == min(life[-1].gross, estimate.residual)


PLAIN = Estimate("straight_line", 60)
ACC_06 = Case("index", date(2026, 11, 12), 18_500_000, PLAIN, {})
NOTHING = frame_of(AssetEvent, [])


@pytest.mark.parametrize(
    ("month", "charge"),
    [
        (date(2026, 10, 1), None),
        (date(2026, 11, 1), 308_333),
        (date(2031, 9, 1), 308_333),
        (date(2031, 10, 1), 308_353),
        (date(2031, 11, 1), None),
    ],
)
def test_acc_06_is_charged_from_the_month_available_to_its_last(
    month: date, charge: int | None
) -> None:
    _, charged = measured([ACC_06], month)

    assert charged["charge_fen"].to_list() == ([] if charge is None else [charge])


def test_acc_07_in_months_meets_its_test_at_400_000_and_never_comes_back() -> None:
    tested, again = date(2023, 12, 1), date(2024, 12, 1)
    happened = {tested: Happened(impairment=10_000_000), again: Happened(impairment=0)}
    case = Case(
        "a", date(2020, 1, 1), 80_000_000, Estimate("straight_line", 96), happened
    )

    before = totals(*measured([case], tested))
    year_later = totals(*measured([case], again))

    assert before["carrying_fen"].to_list() == [40_000_000]
    assert year_later["carrying_fen"].to_list() == [22_500_000]


@pytest.mark.parametrize("event", ["dispose", "expire", "contribute"])
def test_the_month_of_derecognition_bears_no_charge(event: str) -> None:
    gone = frame_of(AssetEvent, [decided("index", event, date(2027, 3, 31))])
    known = cards_of([ACC_06])

    charged = {
        month: charges(
            positions(known, moved_by([ACC_06], month), frame_of(Use, []), gone, month),
            month,
        ).height
        for month in (date(2027, 2, 1), date(2027, 3, 1), date(2027, 4, 1))
    }

    assert list(charged.values()) == [1, 0, 0]


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "inventory"},
        {"kind": "development expenditure"},
        {"kind": "not recognised"},
        {"available_from": None},
        {"method": "none"},
        {"life_months": None},
    ],
    ids=["inventory", "development", "not recognised", "not ready", "none", "for ever"],
)
def test_only_an_intangible_asset_in_use_with_a_life_is_charged(
    changed: dict[str, Any],
) -> None:
    month = date(2027, 1, 1)
    known = cards_of([ACC_06], **changed)

    at = positions(known, moved_by([ACC_06], month), frame_of(Use, []), NOTHING, month)

    assert charges(at, month).is_empty()
    assert at.height == 1


def test_a_right_that_ends_before_the_life_takes_the_rest_with_its_last_month() -> None:
    # to 2030-03-30: March is the month of derecognition, February the last charged
    short = replace(ACC_06, estimate=replace(PLAIN, right_ends=date(2030, 3, 30)))

    _, february = measured([short], date(2030, 2, 1))
    _, march = measured([short], date(2030, 3, 1))

    assert february["carrying_fen"].to_list() == [0]
    assert march.is_empty()


LARGEST = 9_000_000_000_000_000


@pytest.mark.parametrize(
    ("case", "month", "charge"),
    [
        (  # 1/3 of the largest amount, by 10^12 units: beyond 64 bits in between
            Case(
                *("a", date(2026, 1, 1), LARGEST),
                Estimate("units_of_use", 60, 0, 3 * 10**12),
                {date(2026, 2, 1): Happened(used=10**12)},
            ),
            *(date(2026, 2, 1), LARGEST // 3),
        ),
        (  # times 1,100 months, beyond 64 bits; 5 fen do not divide, 4 of them by then
            Case(
                *("a", date(1950, 1, 1), LARGEST + 5),
                Estimate("straight_line", 1_200),
                {date(2041, 8, 1): Happened(impairment=0)},
            ),
            *(date(2041, 8, 1), LARGEST // 1_200 + 4),
        ),
        (  # 300 calls, re-based in the month of the first 100: 200 are left after it
            Case(
                *("a", date(2026, 1, 1), 30_000),
                Estimate("units_of_use", 60, 0, 300),
                {
                    date(2026, 2, 1): Happened(addition=30_000, used=100),
                    date(2026, 3, 1): Happened(used=50),
                },
            ),
            *(date(2026, 3, 1), 60_000 * 50 // 300),
        ),
        (  # 40 % a year of 100.00 would go below the residual of 90.00 in the third
            Case(
                *("a", date(2026, 1, 1), 10_000),
                Estimate("declining_balance", 60, 9_000),
                {},
            ),
            *(date(2026, 4, 1), 1_000 - 3 * 333),
        ),
    ],
    ids=["many units", "a long life", "use in the re-based month", "a high residual"],
)
def test_a_charge_is_exact_at_its_limits(case: Case, month: date, charge: int) -> None:
    _, charged = measured([case], month)

    assert charged["charge_fen"].to_list() == [charge]


def test_a_new_card_that_estimates_the_same_does_not_rebase() -> None:
    falling = Case("a", date(2026, 1, 1), 9_000_000, Estimate("sum_of_years", 60), {})
    known = cards_of([falling])
    again = known.with_columns(
        number=pl.lit(2, pl.Int64),
        version=pl.lit("2.0.0"),
        effective_on=date(2027, 7, 1),
    )
    month = date(2027, 8, 1)

    at = positions(
        pl.concat([known, again]),
        moved_by([falling], month),
        frame_of(Use, []),
        NOTHING,
        month,
    )

    # 4/15 of 90,000.00 in the second year: 2,000.00 a month
    assert charges(at, month)["charge_fen"].to_list() == [200_000]


def test_a_card_of_a_later_month_is_not_known_yet() -> None:
    month = date(2027, 8, 1)
    later = Happened(estimate=Estimate("straight_line", 12))
    changed = replace(ACC_06, happened={date(2027, 9, 1): later})

    _, before = measured([changed], month)
    _, after = measured([changed], date(2027, 9, 1))

    assert before["charge_fen"].to_list() == [308_333]
    # of twelve months in all, September and October are left
    assert after["charge_fen"].to_list() == [(18_500_000 - 10 * 308_333) // 2]


def line(event: str, on: date, account: str, amount: int, asset: str = "a") -> Any:
    """One journal line; its entry is named by its event and month."""
    entry = (f"{event}/{asset}/{account}/{on}", 1, on, f"{on:%Y-%m}")
    return ("jiangbei", *entry, account, amount, "memo", asset, event, "V-1", "")


def test_the_journal_is_seen_as_movements_without_what_the_month_itself_posts() -> None:
    june, july = date(2026, 6, 30), date(2026, 7, 31)
    journal = frame_of(
        JournalLine,
        [
            line("incur", june, "530102", 1_000),
            line("incur", june, "2211", -1_000),
            line("recognise", june, "530102", -900),
            line("recognise", june, "1701", 900),
            line("amortise", june, "1702", -15),
            line("amortise", june, "6401", 15),
            line("impair", june, "1703", -100),
            line("incur", july, "530102", 7),
            line("amortise", july, "1702", -15),
            line("dispose", july, "1701", -900),
            line("provision", june, "1471", -3, "stock"),
            line("restore", july, "1471", 2, "stock"),
            line("incur", june, "1405", 50, "stock"),
            line("incur", june, "1405", 50, ""),
        ],
    )

    seen = movements(journal, CHART, date(2026, 7, 1))

    assert seen.schema == frame_of(Movement, []).schema
    assert seen.drop("entity").rows() == [
        ("a", date(2026, 6, 1), "amortised", 15),
        ("a", date(2026, 6, 1), "gross", 1_000),
        ("a", date(2026, 6, 1), "impaired", 100),
        ("a", date(2026, 7, 1), "gross", 7),
        ("stock", date(2026, 6, 1), "gross", 50),
        ("stock", date(2026, 6, 1), "impaired", 3),
    ]


@pytest.mark.parametrize(
    ("serves", "account"),
    [
        ("customers", "6401"),
        ("management", "6602"),
        ("sales", "6601"),
        ("development", "530101"),
    ],
)
def test_the_charge_is_borne_by_what_the_asset_serves(
    serves: str, account: str
) -> None:
    month = date(2027, 1, 1)
    at = positions(
        cards_of([ACC_06], serves=serves),
        moved_by([ACC_06], month),
        frame_of(Use, []),
        NOTHING,
        month,
    )

    made = amortisation_sides(charges(at, month))

    Side.to_schema().validate(made)
    booked = {
        CHART[role]: fen for role, fen in made.select("role", "amount_fen").iter_rows()
    }
    assert booked == {account: 308_333, "1702": -308_333}


def test_every_frame_keeps_its_contract() -> None:
    month = date(2027, 1, 1)

    at, charged = measured([ACC_06], month)

    Position.to_schema().validate(at)
    Charge.to_schema().validate(charged)
    Total.to_schema().validate(totals(at, charged))
    none = measured([], month)
    assert [f.height for f in none] == [0, 0]
    Position.to_schema().validate(none[0])


def test_ten_thousand_assets_are_charged_together_as_each_alone() -> None:
    lives = [(METHODS[i % 4], 13 + i % 97) for i in range(10_000)]
    month, ready = date(2026, 9, 1), date(2025, 2, 10)
    many = [
        Case(f"a{i}", ready, 1_000_000 + 7 * i, Estimate(m, life, i % 3, 40), {})
        for i, (m, life) in enumerate(lives)
    ]
    rows = [("jiangbei", c.name, date(2025, 2, 1), "gross", c.cost) for c in many]
    used = [("jiangbei", c.name, month, 1 + i % 50) for i, c in enumerate(many)]

    at = positions(
        cards_of(many), frame_of(Movement, rows), frame_of(Use, used), NOTHING, month
    )
    charged = dict(charges(at, month).select("asset", "charge_fen").iter_rows())

    # nothing was posted before: the last month takes all, the others their own part
    for i, case in enumerate(many[:400]):
        base = case.estimate.basis(ready, date(2025, 2, 1), case.cost, 0)
        alone = charge_of(base, 20, case.cost, 1 + i % 50)
        assert charged.get(case.name, 0) == alone
    assert len(charged) == 10_000


def posted(sides: pl.DataFrame, month: date) -> pl.DataFrame:
    """The journal lines of what a close proposes."""
    known = sides.with_columns(
        entry=pl.format("{}/{}/{}{}", "event", "asset", "decision", pl.lit(month)),
        booked_on=pl.lit(month),
        period=pl.lit(f"{month:%Y-%m}"),
        account=pl.col("role").replace_strict(CHART, return_dtype=pl.String),
        memo=pl.lit("closed"),
        voucher=pl.lit(""),
        approval=pl.lit(""),
    ).with_columns(line=pl.int_range(1, pl.len() + 1).over("entry"))
    return known.select(list(JournalLine.to_schema().columns))


def closed(
    journal: pl.DataFrame, cards: pl.DataFrame, decisions: pl.DataFrame, month: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Close a month: what it proposes, and what stands before its decisions."""
    at = positions(
        cards, movements(journal, CHART, month), frame_of(Use, []), decisions, month
    )
    charged = charges(at, month)
    left = totals(at, charged)
    now = decisions.filter(pl.col("decided_on").dt.truncate("1mo") == month)
    made = [
        amortisation_sides(charged),
        impairment_sides(impair(now, left)),
        derecognition_sides(now, left),
    ]
    return posted(pl.concat(made), month), left


def test_acc_09_is_closed_month_by_month_from_its_own_journal() -> None:
    # 600,000.00 from 2025-04-18; 312,000.00 recoverable at 2026's end; sold in 2028-05
    decisions = frame_of(
        AssetEvent,
        [
            decided("a", "impair", date(2026, 12, 31), value_in_use_fen=31_200_000),
            decided("a", "impair", date(2027, 12, 31), value_in_use_fen=99_900_000),
            decided("a", "dispose", date(2028, 5, 4), proceeds_fen=10**7, tax_fen=6),
        ],
    )
    cards = frame_of(AssetCard, [card("a")])
    ready = date(2025, 4, 18)
    lines = [("2211", -60_000_000), ("1701", 60_000_000)]
    journal = frame_of(JournalLine, [line("recognise", ready, *of) for of in lines])
    books = {}

    for month in (months_later(date(2025, 3, 1), i) for i in range(45)):
        made, books[month] = closed(journal, cards, decisions, month)
        journal = pl.concat([journal, made])
        again, _ = closed(journal, cards, decisions, month)
        assert again.equals(made)

    by_entry = journal.filter(pl.col("event") != "recognise").group_by("entry")
    assert set(by_entry.agg(pl.col("amount_fen").sum())["amount_fen"]) == {0}
    columns = ["gross_fen", "amortised_fen", "impaired_fen", "carrying_fen"]
    closing = {m: f.select(columns).row(0) for m, f in books.items() if f.height}
    assert date(2025, 3, 1) not in closing
    assert closing[date(2025, 12, 1)] == (60_000_000, 9_000_000, 0, 51_000_000)
    assert closing[date(2026, 12, 1)] == (60_000_000, 21_000_000, 0, 39_000_000)
    assert closing[date(2027, 12, 1)] == (
        *(60_000_000, 30_600_000, 7_800_000),
        21_600_000,
    )
    assert closing[date(2028, 6, 1)] == (0, 0, 0, 0)
    by_account = dict(
        journal.group_by("account").agg(pl.col("amount_fen").sum()).iter_rows()
    )
    # four months of 2028 at 8,000.00: 184,000.00 carried, sold for 100,000.00
    assert by_account == {
        "2211": -60_000_000,
        "1701": 0,
        "1702": 0,
        "1703": 0,
        "6401": 33_800_000,
        "6701": 7_800_000,
        "1002": 10_000_006,
        "22210107": -6,
        "6115": 8_400_000,
    }


def ordered(order: str, unit: str, product: str = "index") -> dict[str, Any]:
    """One order of the register."""
    return {
        "order": order,
        "entity": "jiangbei",
        "factor": "index",
        "product": product,
        "version": "1.0.0",
        "customer": "C",
        "customer_code": "",
        "use": "insurance",
        "licence": "",
        "fields": "",
        "filters": "",
        "rows_limit": None,
        "quota": None,
        "unit": unit,
        "price_mode": "per_call",
        "price": "{}",
        "amount_fen": 0,
        "valid_from": date(2026, 1, 1),
        "valid_to": date(2026, 12, 31),
        "ordered_on": date(2026, 1, 1),
    }


def delivered(number: int, order: str, period: str, calls: int, rows: int) -> Any:
    """One delivery of the register."""
    at = f"{period}-15T12:00:00.000000Z"
    counted = (calls, rows, 10 * rows, "", "served")
    return (f"D{number}", order, at, period, "service", *counted)


def test_units_are_counted_as_each_order_counts_them() -> None:
    orders = [ordered("O1", "call"), ordered("O2", "row"), ordered("O3", "call", "b")]
    orders.append(ordered("O4", "call") | {"factor": "namesake"})
    deliveries = [
        delivered(1, "O1", "2026-06", 1, 100),
        delivered(2, "O1", "2026-06", 0, 100),  # a later piece of the same answer
        delivered(3, "O2", "2026-06", 1, 40),
        delivered(4, "O2", "2026-07", 1, 2),
        delivered(5, "O3", "2026-06", 9, 9),
        delivered(6, "O4", "2026-06", 9, 9),
    ]
    old = card("a", product="b")
    cards = frame_of(AssetCard, [old, card("a", number=2), card("c", product="none")])

    served = uses(
        frame_of(Usage, deliveries),
        frame_of(Order, [tuple(order.values()) for order in orders]),
        cards,
    )

    assert served.schema == frame_of(Use, []).schema
    assert served.rows() == [
        ("jiangbei", "a", date(2026, 6, 1), 41),
        ("jiangbei", "a", date(2026, 7, 1), 2),
    ]
