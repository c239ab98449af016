"""Months add up to the fen, and combining is set against each source alone."""

from decimal import Decimal

from tasks.worth import Month, Multiplier, by_month, stated


def test_each_month_holds_what_happened_in_it() -> None:
    months = by_month(
        [("2026-01", 100), ("2026-03", 7), ("2026-01", -40)],
        [("2026-03", 30_000)],
        [("2026-03", 1, 40), ("2026-03", 2, 5)],
        {"2026-02": 12},
    )

    assert months == [
        Month("2026-01", 60, 0, 0, 0, None),
        Month("2026-02", 0, 0, 0, 0, 12),
        Month("2026-03", 7, 30_000, 3, 45, None),
    ]


def test_combining_is_worth_what_all_bring_beyond_each_alone() -> None:
    """Of 30 and 50 alone and 110 together 30 come of combining: 1.375 times."""
    worth = {frozenset("a"): Decimal(30), frozenset("b"): Decimal(50)}
    worth[frozenset("ab")] = Decimal(110)

    found = Multiplier(*stated(("a", "b"), worth), "CNY", "report R-1")

    assert (found.more, found.times) == (Decimal(30), Decimal("1.375"))


def test_where_sources_bring_nothing_alone_there_is_no_ratio() -> None:
    found = Multiplier(Decimal(5), Decimal(0), "CNY", "invoices")

    assert (found.more, found.times) == (Decimal(5), None)
    assert Multiplier(Decimal(2), Decimal(3), "", "").times == Decimal("0.666667")
