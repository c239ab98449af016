"""Measure many assets at once after recognition: the month's charge of each.

The vectorised form of ``tasks.asset.amortize``: postings become movements, movements
and cards become a position per asset, a position gives the charge. 10,000 assets are a
few Polars expressions. The two forms agree to the fen in every month.

A close calls ``movements`` and ``uses`` -> ``positions`` -> ``charges`` ->
``amortisation_sides``, and for its tests ``totals``.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import polars as pl

from schemas.entity import Role
from schemas.measurement import Charge, Movement, Position, Side, Total, Use
from schemas.registers import (
    LEAVING,
    AssetCard,
    AssetEvent,
    JournalLine,
    Order,
    Usage,
)
from tasks.asset.amortize import YEAR
from tasks.asset.impair import sides
from tasks.finance import months_later

KEY = ["entity", "asset"]
COUNTED = ["gross_fen", "amortised_fen", "impaired_fen", "before_fen"]
COUNTED += ["used", "used_before", "used_rebased"]
ESTIMATES = ["method", "life_months", "residual_fen", "units"]
ESTIMATES += ["available_from", "right_ends"]
CLOSING = ["amortise", "impair", "provision", "restore", "sell"]
CLOSING += ["dispose", "expire", "contribute"]
MEASURED: dict[str, tuple[Role, ...]] = {
    "gross": ("intangible", "development", "inventory"),
    "amortised": ("amortisation",),
    "impaired": ("impairment", "provision"),
}
BEARS: dict[str, Role] = {
    "customers": "cost_of_sales",
    "management": "expense",
    "sales": "selling",
    "development": "research",
}


def movements(
    journal: Annotated[pl.DataFrame, JournalLine],
    accounts: Mapping[Role, str],
    month: date,
) -> Annotated[pl.DataFrame, Movement]:
    """See the journal of one entity as movements of its assets, up to a month.

    Args:
        journal: As known; what the close of ``month`` itself posted is left out, by
            its event, so that closing a month twice finds the same.
        accounts: The entity's chart.
        month: First day of the month that is measured.

    A credit of 3,083.33 to 1702 in 2026-11 -> amortised, 2026-11, +3,083.33.
    """
    chart = {
        accounts[role]: measure
        for measure, roles in MEASURED.items()
        for role in roles
        if role in accounts
    }
    moved = journal.filter(pl.col("asset") != "").with_columns(
        month=(pl.col("period") + "-01").str.to_date("%Y-%m-%d"),
        measure=pl.col("account").replace_strict(
            chart, default=None, return_dtype=pl.String
        ),
    )
    own = pl.col("event").is_in(CLOSING) & (pl.col("month") == month)
    signed = (
        pl.when(measure="gross").then("amount_fen").otherwise(-pl.col("amount_fen"))
    )
    return (
        moved.filter(pl.col("measure").is_not_null(), pl.col("month") <= month, ~own)
        .group_by(*KEY, "month", "measure")
        .agg(signed.sum().alias("amount_fen"))
        .sort(*KEY, "month", "measure")
    )


def uses(
    usage: Annotated[pl.DataFrame, Usage],
    orders: Annotated[pl.DataFrame, Order],
    cards: Annotated[pl.DataFrame, AssetCard],
) -> Annotated[pl.DataFrame, Use]:
    """Count the units that each asset served, from what was metered of its product.

    A delivery counts its calls or its rows, as its order does (``Order.unit``).

    Args:
        usage: Deliveries as they were sealed; ``period`` gives the month.
        orders: Whose entitlements they are, and of which product.
        cards: The last number of each asset names its product.
    """
    unit = pl.when(unit="call").then("calls").otherwise("rows")
    product = (
        cards.sort("number").group_by(KEY).last().select(*KEY, "factor", "product")
    )
    return (
        usage.join(orders, left_on="entitlement", right_on="order")
        .join(product, on=["entity", "factor", "product"])
        .with_columns(month=(pl.col("period") + "-01").str.to_date("%Y-%m-%d"))
        .group_by(*KEY, "month")
        .agg(unit.sum().alias("units"))
        .sort(*KEY, "month")
    )


def positions(
    cards: Annotated[pl.DataFrame, AssetCard],
    moved: Annotated[pl.DataFrame, Movement],
    uses: Annotated[pl.DataFrame, Use],
    decisions: Annotated[pl.DataFrame, AssetEvent],
    month: date,
) -> Annotated[pl.DataFrame, Position]:
    """Put together, for each asset, what its charge of a month depends on.

    Args:
        cards: All numbers of each asset; the last one effective by the month's end
            stands. A card that changes no estimate does not re-base.
        moved: Without what the month's own close posts.
        uses: Units served, where the method asks for them.
        decisions: Which assets leave the books, and when; which are tested. One that
            is learnt after its month was closed counts from the first open month: give
            it that day. So does a card.
        month: First day of the month that is measured.
    """
    known = cards.filter(pl.col("effective_on") < months_later(month, 1))
    last = known.sort("number").group_by(KEY).last()
    start = pl.col("available_from").dt.truncate("1mo")
    past = moved.filter(pl.col("month") <= month)
    points = rebasing(known, past, month)
    stood = (
        last.join(points, on=KEY, how="left")
        .with_columns(rebased_from=pl.max_horizontal(start, "rebased_from"))
        .with_columns(
            rebased_from=pl.when(start <= month).then("rebased_from").otherwise(None)
        )
        .join(departures(decisions), on=KEY, how="left")
        .join(under_test(decisions, month), on=KEY, how="left")
    )
    at = stood.select(*KEY, "rebased_from")
    return (
        stood.join(sums(past.join(at, on=KEY)), on=KEY, how="left")
        .join(served(uses.join(at, on=KEY), month), on=KEY, how="left")
        .with_columns(pl.col(COUNTED).fill_null(0), pl.col("tested").fill_null(False))
        .select(list(Position.to_schema().columns))
        .sort(KEY)
    )


def rebasing(known: pl.DataFrame, past: pl.DataFrame, month: date) -> pl.DataFrame:
    """Find the last month up to this one in which each asset is re-based.

    A change of estimate and an addition to cost count from their month, an impairment
    from the month after. What comes before the month available is no re-base of its
    own, as the caller takes the later of both. Columns: entity, asset, rebased_from.
    """
    before = [pl.col(name).shift(1).over(KEY) for name in ESTIMATES]
    changed = pl.any_horizontal(
        pl.col(name).ne_missing(was)
        for name, was in zip(ESTIMATES, before, strict=True)
    )
    nth = pl.int_range(pl.len()).over(KEY)
    estimates = (
        known.sort(*KEY, "number")
        .filter(changed & (nth > 0))
        .select(*KEY, rebased_from=pl.col("effective_on").dt.truncate("1mo"))
    )
    moved = past.filter(pl.col("amount_fen") != 0)
    added = moved.filter(measure="gross").select(*KEY, rebased_from="month")
    impaired = moved.filter(measure="impaired").select(
        *KEY, rebased_from=pl.col("month").dt.offset_by("1mo")
    )
    points = pl.concat([estimates, added, impaired])
    return (
        points.filter(pl.col("rebased_from") <= month)
        .group_by(KEY)
        .agg(pl.col("rebased_from").max())
    )


def departures(decisions: pl.DataFrame) -> pl.DataFrame:
    """Find the month in which each asset leaves the books: entity, asset, ends_in."""
    leaving = decisions.filter(pl.col("event").is_in(LEAVING))
    return leaving.group_by(KEY).agg(
        ends_in=pl.col("decided_on").min().dt.truncate("1mo")
    )


def under_test(decisions: pl.DataFrame, month: date) -> pl.DataFrame:
    """Find the assets whose impairment is tested in a month: entity, asset, tested."""
    on = pl.col("decided_on").dt.truncate("1mo")
    decided = decisions.filter(on == month, event="impair")
    return decided.select(KEY).unique().with_columns(tested=True)


def sums(moved: pl.DataFrame) -> pl.DataFrame:
    """Add up the measures of each asset, and what was written off before its base."""
    amount, measure = pl.col("amount_fen"), pl.col("measure")
    written_off = (measure != "gross") & (pl.col("month") < pl.col("rebased_from"))
    return moved.group_by(KEY).agg(
        *(amount.filter(measure == m).sum().alias(f"{m}_fen") for m in MEASURED),
        before_fen=amount.filter(written_off).sum(),
    )


def served(uses: pl.DataFrame, month: date) -> pl.DataFrame:
    """Add up the units of each asset: of the month, before it, before its re-base."""
    when, units = pl.col("month"), pl.col("units")
    return uses.group_by(KEY).agg(
        used=units.filter(when == month).sum(),
        used_before=units.filter(when < month).sum(),
        used_rebased=units.filter(when < pl.col("rebased_from")).sum(),
    )


def charges(
    at: Annotated[pl.DataFrame, Position], month: date
) -> Annotated[pl.DataFrame, Charge]:
    """Charge one month, many assets at once; the rules are those of ``charge_of``.

    Nothing is charged before the month available, from the month of derecognition on,
    or of what is not an intangible asset.

    Args:
        at: Contract Position, of the same month.
        month: Its first day.

    185,000.00 over 60 months from 2026-11, month 2031-10 -> 3,083.53 (ACC-06).
    """
    due = (pl.col("kind") == "intangible") & (pl.col("method") != "none")
    gone = (pl.col("ends_in") <= month).fill_null(False)
    live = at.filter(due & ~gone & pl.col("rebased_from").is_not_null())
    written_off = pl.col("amortised_fen") + pl.col("impaired_fen")
    known = live.with_columns(
        months=months_left(),
        year=months_since("rebased_from", month) // YEAR,
        nth=months_since("rebased_from", month) + 1,
        carried=pl.col("gross_fen") - pl.col("before_fen"),
        carrying=pl.col("gross_fen") - written_off,
    ).with_columns(
        spread=positive(pl.col("carried") - pl.col("residual_fen")),
        rest=positive(pl.col("carrying") - pl.col("residual_fen")),
    )
    charged = pl.concat([by_time(known), by_use(known)]).with_columns(
        charge_fen=pl.min_horizontal("part", "rest"),
        month=pl.lit(month),
    )
    return (
        charged.with_columns(carrying_fen=pl.col("carrying") - pl.col("charge_fen"))
        .filter(pl.col("charge_fen") > 0)
        .select(list(Charge.to_schema().columns))
        .sort(KEY)
    )


def months_left() -> pl.Expr:
    """Count the life that was left at the re-base: economic life or right, at least 1.

    Null where neither has an end.
    """
    first, after = pl.col("available_from"), pl.col("right_ends").dt.offset_by("1d")
    of_right = positive(month_number(after) - month_number(first))
    life = pl.min_horizontal(pl.col("life_months"), of_right)
    passed = month_number(pl.col("rebased_from")) - month_number(first)
    return (life - passed).clip(lower_bound=1)


def months_since(column: str, month: date) -> pl.Expr:
    """Count months from a column's month to a month."""
    return YEAR * month.year + month.month - month_number(pl.col(column))


def month_number(day: pl.Expr) -> pl.Expr:
    """Number months through all years. 2025-04 -> 24,304."""
    return day.dt.year().cast(pl.Int64) * YEAR + day.dt.month()


def positive(amount: pl.Expr) -> pl.Expr:
    """Take an amount, or 0 where it is below."""
    return amount.clip(lower_bound=0)


def by_time(known: pl.DataFrame) -> pl.DataFrame:
    """Add ``part``, the month's charge of the methods that follow time."""
    timed = known.filter(
        pl.col("method") != "units_of_use", pl.col("months").is_not_null()
    )
    spread, months, year = pl.col("spread"), pl.col("months"), pl.col("year")
    years = -(-months // YEAR)
    whole = YEAR * (years * (years + 1) // 2 - 1)
    weights = whole + months - YEAR * (years - 1)  # the last year's months weigh 1
    # fen times months does not fit 64 bits
    exact = (spread.cast(pl.Int128) * pl.col("nth") // months).cast(pl.Int64)
    return declining(timed).with_columns(
        part=pl.when(pl.col("nth") >= months)
        .then("rest")
        .when(pl.col("tested"), method="straight_line")
        .then(exact - (pl.col("carried") - pl.col("carrying")))
        .when(method="straight_line")
        .then(spread // months)
        .when(method="sum_of_years")
        .then(spread * (years - year) // weights)
        .otherwise("declining")
    )


def declining(timed: pl.DataFrame) -> pl.DataFrame:
    """Add ``declining``, what the double declining balance charges in the month.

    The balance at each year's start rests on the years before, so it is walked year by
    year, all assets at once.
    """
    falls = timed["method"] == "declining_balance"
    years = int(timed.filter(falls)["year"].max() or 0)  # type: ignore[arg-type]  # any Python value; years are whole
    months, balance, level = pl.col("months"), pl.col("balance"), pl.col("level")
    known = timed.with_columns(balance="carried", declining=0, level=False)
    for past in range(years + 1):
        left = months - YEAR * past
        evenly = positive(balance - pl.col("residual_fen")) // left
        monthly = pl.when(left < 3 * YEAR).then(evenly).otherwise(2 * balance // months)
        still = (pl.col("year") >= past) & ~level
        known = known.with_columns(
            declining=pl.when(still).then(monthly).otherwise("declining"),
            balance=pl.when(still).then(balance - YEAR * monthly).otherwise("balance"),
            level=level | (left < 3 * YEAR),
        )
    return known.drop("balance", "level")


def by_use(known: pl.DataFrame) -> pl.DataFrame:
    """Add ``part``, the month's charge of the method that follows use."""
    used, left = pl.col("used"), pl.col("units") - pl.col("used_rebased")
    since = pl.col("used_before") - pl.col("used_rebased")
    # fen times units does not fit 64 bits
    by_unit = pl.col("spread").cast(pl.Int128) * used // left
    ended = (pl.col("nth") >= pl.col("months")).fill_null(False)
    return known.filter(method="units_of_use").with_columns(
        declining=pl.lit(0, pl.Int64),
        part=pl.when(ended | (since + used >= left))
        .then("rest")
        .otherwise(by_unit.cast(pl.Int64))
        .fill_null(0),
    )


def amortisation_sides(
    charged: Annotated[pl.DataFrame, Charge],
) -> Annotated[pl.DataFrame, Side]:
    """Write the entries of many charges: 6401, 6602, 6601 or 530101 / 1702.

    Whom an asset serves decides who bears it; what serves development is research and
    development expense (530101), which the month's end transfers to 6602.
    """
    amount = pl.col("charge_fen")
    debits: dict[str, pl.Expr] = {
        role: pl.when(serves=whom).then(amount).otherwise(0)
        for whom, role in BEARS.items()
    }
    known = charged.with_columns(event=pl.lit("amortise"), decision=pl.lit(""))
    return sides(known, debits | {"amortisation": -amount})


def totals(
    at: Annotated[pl.DataFrame, Position], charged: Annotated[pl.DataFrame, Charge]
) -> Annotated[pl.DataFrame, Total]:
    """Say what is carried after the month's charges, before its decisions.

    Of an asset that leaves in the month no charge is made, so this is as of the month
    before.
    """
    made = pl.col("charge_fen").fill_null(0)
    known = at.join(charged.select(*KEY, "charge_fen"), on=KEY, how="left")
    amortised = pl.col("amortised_fen") + made
    carrying = pl.col("gross_fen") - amortised - pl.col("impaired_fen")
    return known.with_columns(amortised_fen=amortised, carrying_fen=carrying).select(
        list(Total.to_schema().columns)
    )
