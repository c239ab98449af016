"""Look for signs that worsen a pledge whatever its ratio says.

Each sign is a row with the state that the policy has it mean at least, its ground and
its evidence. What concerns an asset concerns every pledge that it secures.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from schemas.quality import TOTAL, WHOLE
from schemas.watch import SIGNS, Looked, WatchTerms
from tasks.capital.eligibility import Valued, appraisal_stands
from tasks.finance import months_later
from tasks.quality import quality_holds, shown
from tasks.rights import bundle, standing

AT = ["entity", "asset"]
Found = tuple[str, str, str, str, str]  # entity, asset, sign, ground, evidence


@dataclass(frozen=True)
class Alarm:
    """What signs are looked for in."""

    pledges: pl.DataFrame  # contract Pledge: the live ones that are watched
    events: pl.DataFrame  # contract PledgeEvent: up to the day
    secured: pl.DataFrame  # request, entity, asset, version, secured_fen
    debts: pl.DataFrame  # the fields of Debt
    terms: WatchTerms
    as_of: date


def alarms(
    case: Alarm,
    values: pl.DataFrame,
    rights: pl.LazyFrame,
    disputes: pl.LazyFrame,
    scores: Mapping[str, pl.LazyFrame],
    orders: pl.LazyFrame,
    invoices: pl.LazyFrame,
) -> pl.DataFrame:
    """List every sign of every pledge: request, sign, rank, ground, evidence."""
    of_assets = pl.concat(
        [
            sign_frame(AT, [*looked(case.terms), *qualities(case.terms, scores)]),
            disputed(case.terms, disputes),
            fallen(case, orders, invoices),
            undervalued(case, values),
        ]
    )
    concerned = case.secured.select("request", *AT).join(of_assets, on=AT)
    held = sign_frame(["request"], [*rights_lost(case, rights)])
    of_pledges = [registered(case), held, overdue(case)]
    every = pl.concat([concerned.drop(AT), *of_pledges])
    ranks = {sign: case.terms.rules.rank(sign) for sign in SIGNS}
    rank = pl.col("sign").replace_strict(ranks, return_dtype=pl.Int64)
    return every.with_columns(rank=rank).sort("request", "rank", "sign", "ground")


def sign_frame(
    keys: list[str], rows: list[Found] | list[tuple[str, ...]]
) -> pl.DataFrame:
    """Make a frame of signs found one by one."""
    schema = dict.fromkeys([*keys, "sign", "ground", "evidence"], pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row")


def valued(
    valuations: Mapping[str, pl.LazyFrame], terms: WatchTerms, as_of: date
) -> pl.DataFrame:
    """Read what each asset is worth on the day: null where that cannot be shown.

    Columns: entity, asset, valued (the version that was appraised), value_fen, ground,
    report.
    """
    rows = []
    for frame in valuations.values():
        (row,) = frame.collect().to_dicts()
        found = Valued._make(row[name] for name in Valued._fields)
        _, stands, ground, report = appraisal_stands(found, as_of)
        fen = found.appraised_fen if stands else None
        rows.append((row["entity"], row["asset"], row["version"], fen, ground, report))
    texts = dict.fromkeys(("entity", "asset", "valued"), pl.String)
    schema = texts | {"value_fen": pl.Int64, "ground": pl.String, "report": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def undervalued(case: Alarm, values: pl.DataFrame) -> pl.DataFrame:
    """Find assets whose appraisal does not stand, is of another version, or unknown."""
    said_of = [(a.entity, a.asset) for a in case.terms.assets]
    mute = [not (a.unreadable or a.unvalued) for a in case.terms.assets]
    known = pl.DataFrame(said_of, schema=dict.fromkeys(AT, pl.String), orient="row")
    told = known.with_columns(mute=pl.Series(mute, dtype=pl.Boolean))
    joined = (
        case.secured.select(*AT, "version")
        .unique()
        .join(values, on=AT, how="left")
        .join(told, on=AT, how="left")
    )
    unknown = pl.col("valued").is_null()
    other = pl.col("version") != pl.col("valued")
    moved = pl.format("{} is pledged, {} was appraised", "version", "valued")
    nothing = pl.when(unknown).then(pl.lit("none is published"))
    said = nothing.when(other).then(moved).otherwise("ground")
    apart = pl.when(unknown).then(pl.col("mute").fill_null(value=True))
    return (
        joined.filter(apart.otherwise(other | pl.col("value_fen").is_null()))
        .sort(*AT, "version")
        .select(
            *AT,
            sign=pl.lit("unvalued"),
            ground=pl.format("appraisal of {}: {}", "asset", said),
            evidence=pl.col("report").fill_null("none"),
        )
    )


def overdue(case: Alarm) -> pl.DataFrame:
    """Find live pledges whose loan is past due, and for how long.

    124 days, substandard above 90 -> the sign ``substandard``; 1 day -> ``overdue``.
    """
    days, most = pl.col("days_past_due"), case.terms.rules.substandard_above_days
    late = case.debts.filter(days > 0).join(case.pledges, on="request", how="semi")
    said = pl.format("{} days past due 逾期, substandard above {}", days, pl.lit(most))
    return late.select(
        "request",
        sign=pl.when(days > most)
        .then(pl.lit("substandard"))
        .otherwise(pl.lit("overdue")),
        ground=said,
        evidence=pl.format("facts of loan {}", "request"),
    )


def looked(terms: WatchTerms) -> Iterator[Found]:
    """Tell what was found of each asset before."""
    for asset in terms.assets:
        for sign in ("unreadable", "unvalued", "stale"):
            if ground := getattr(asset, sign):
                yield asset.entity, asset.asset, sign, ground, evidence_of(asset)


def evidence_of(asset: Looked) -> str:
    """Name what was looked at."""
    return f"runs of {asset.factor}" if asset.factor else f"asset {asset.asset}"


def qualities(terms: WatchTerms, scores: Mapping[str, pl.LazyFrame]) -> Iterator[Found]:
    """Find assets whose data fell in quality beyond its step, or below the floor."""
    floor = int(terms.rules.min_quality * WHOLE)
    for asset in (a for a in terms.assets if a.factor in scores):
        score = scores[asset.factor].collect()
        _, holds, ground, evidence = quality_holds(score)
        total = score.filter(dimension=TOTAL)["score_ppm"].to_list()
        if not holds:
            yield asset.entity, asset.asset, "quality", ground, evidence
        elif total[0] < floor:
            said = f"quality score {shown(total[0])}, at least {shown(floor)} is asked"
            yield asset.entity, asset.asset, "quality", said, evidence


def disputed(terms: WatchTerms, disputes: pl.LazyFrame) -> pl.DataFrame:
    """Find assets over which, or over whose data, a dispute is open.

    The recorded lift decides, not its day (``tasks.rights.disputed``).
    """
    known = disputes.collect()
    unsettled = known.filter(event="open").join(
        known.filter(event="lift"), on="dispute", how="anti"
    )
    names = [(a.entity, a.asset, name) for a in terms.assets for name in a.names]
    schema = dict.fromkeys([*AT, "name"], pl.String)
    over = pl.DataFrame(names, schema=schema, orient="row")
    said = pl.format(
        "dispute {} over {} is open since {} ({}: {})",
        *("dispute", "name", "effective_on", "claimant", "ground"),
    )
    met = over.join(unsettled.drop("entity").rename({"asset": "name"}), on="name").sort(
        *AT, "effective_on", "dispute"
    )
    return met.select(*AT, sign=pl.lit("dispute"), ground=said, evidence="evidence")


def fallen(case: Alarm, orders: pl.LazyFrame, invoices: pl.LazyFrame) -> pl.DataFrame:
    """Find assets whose product is invoiced by too much less than in the months before.

    A month counts once the one after it is over, so that it had time to be invoiced:
    watched on 2026-09-10 over 3 months, May to July is held against February to April.
    Where nothing was invoiced before, nothing fell.
    """
    rules = case.terms.rules
    month, size = case.as_of.replace(day=1), rules.revenue_months
    begins = [f"{months_later(month, -1 - n * size):%Y-%m}" for n in (0, 1, 2)]
    period = pl.col("period")
    edges = zip(begins[1:], begins, strict=False)
    during = [(period >= first) & (period < end) for first, end in edges]
    fen = pl.col("amount_fen").cast(pl.Int128)
    sums = (
        invoices.join(orders.select("order", "factor"), on="order")
        .group_by("factor")
        .agg(now=fen.filter(during[0]).sum(), past=fen.filter(during[1]).sum())
    )
    kept = WHOLE - int(rules.revenue_fall * WHOLE)
    low = sums.filter(
        pl.col("past") > 0, pl.col("now") * WHOLE < pl.col("past") * kept
    ).with_columns(ppm=pl.col("now").clip(0) * WHOLE // pl.col("past"))
    rows = [(a.entity, a.asset, a.factor) for a in case.terms.assets]
    schema = dict.fromkeys([*AT, "factor"], pl.String)
    assets = pl.DataFrame(rows, schema=schema, orient="row").lazy()
    said = pl.format(
        "revenue of the last {} months is {} ppm of that of those before; it may fall"
        " by {}",
        *(pl.lit(size), pl.col("ppm").cast(pl.Int64), pl.lit(str(rules.revenue_fall))),
    )
    met = assets.join(low, on="factor").sort(AT)
    invoiced = pl.format("invoices of {}", "factor")
    return met.select(
        *AT, sign=pl.lit("revenue"), ground=said, evidence=invoiced
    ).collect()


def registered(case: Alarm) -> pl.DataFrame:
    """Find pledges that the external register does not hold, or soon will not.

    Until it is registered a pledge has no effect in rem (SPC Guarantee Interpretation
    担保制度解释 art. 63); a registration ends with its last day.
    """
    key, of_kind = "request", pl.col("event")
    pledges, events = case.pledges.select(key), case.events
    cancelled = events.filter(of_kind == "cancel").select(key, "evidence")
    kept = events.filter(of_kind.is_in(["perfect", "extend"])).sort("number")
    named = pl.col("registration").filter(pl.col("registration") != "")
    last = kept.group_by(key).agg(
        pl.col("valid_to").max(), named.last(), pl.col("evidence").last()
    )
    standing = pledges.join(cancelled, on=key, how="anti")
    bare = standing.join(last, on=key, how="anti")
    never = "no registration of the pledge is recorded: record it once it is made"
    ended = "the registration was cancelled, and the pledge was not released"
    sign = pl.lit("unperfected")
    where = pl.lit("register PledgeEvent")
    gone = pledges.join(cancelled, on=key)
    return pl.concat(
        [
            bare.select(key, sign=sign, ground=pl.lit(never), evidence=where),
            gone.select(key, sign=sign, ground=pl.lit(ended), evidence="evidence"),
            ending(standing.join(last, on=key), case),
        ]
    )


def ending(registered: pl.DataFrame, case: Alarm) -> pl.DataFrame:
    """Find registrations that ended, or that end within the days of the policy."""
    notice = timedelta(days=case.terms.rules.lapse_notice_days)
    valid_to = pl.col("valid_to")
    over = (valid_to < case.as_of).fill_null(value=True)  # no day: none is promised
    number = pl.col("registration").fill_null("without a number")
    day = valid_to.cast(pl.String).fill_null("no stated day")
    return registered.filter(over | (valid_to <= case.as_of + notice)).select(
        "request",
        sign=pl.when(over).then(pl.lit("lapsed")).otherwise(pl.lit("lapsing")),
        ground=pl.format("registration {}: its last day is {}", number, day),
        evidence="evidence",
    )


def rights_lost(case: Alarm, rights: pl.LazyFrame) -> Iterator[tuple[str, ...]]:
    """Find pledges whose pledgor cannot operate the asset now, or not to the end.

    After a step-in it is the lender that must hold the right.
    """
    by_asset = rights.collect().partition_by(AT, as_dict=True)
    stepped = set(case.events.filter(event="step_in")["request"])
    known = case.pledges.select("request", "lender", "pledged_on", "matures_on")
    rows = case.secured.join(known, on="request").join(
        case.debts.select("request", "pledgor"), on="request", how="left"
    )
    none = rights.collect().clear()
    for row in rows.iter_rows(named=True):
        events = by_asset.get((row["entity"], row["asset"]), none)
        who = row["pledgor"] or holder_on(events, row["pledged_on"])
        who = row["lender"] if row["request"] in stepped else who
        found = standing(events, "operate", case.as_of, who)
        if not found.live:
            yield row["request"], "right_lost", found.ground, found.evidence
        elif found.last < row["matures_on"]:
            said = f"{found.ground}; the loan matures on {row['matures_on']}"
            yield row["request"], "right_short", said, found.evidence


def holder_on(events: pl.DataFrame, on: date) -> str | None:
    """Name who held the right to operate on a day; None where nobody did."""
    held = [spell.holder for spell in bundle(events, on) if spell.right == "operate"]
    return next(iter(held), None)
