"""Judge how old a resource is on a day: the set rule ``freshness``, and the frequency.

The age is counted from the newest moment of a column to the first hour of ``as_of``;
what lies later on that day has the age 0, what lies after it does not count, or a
misprint of the year 2099 would keep a resource fresh for ever. Moments are read as they
stand, in the entity's zone.

Newest row 2024-05-01 12:00, as of 2024-05-02 -> 12 hours old; P1D is kept.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import polars as pl

from schemas.contract import Quality
from schemas.errors import FactorError
from schemas.resource import ResourceTerms
from tasks.finance import months_later
from tasks.resource.indicators import Feed

PERIOD = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
    r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)


class Age(NamedTuple):
    """One rule of freshness, judged."""

    name: str  # freshness_moment_at_most_36_hours
    column: str
    fresh: bool
    decides: bool  # severity error: too old a resource goes no further
    ground: str


class Limit(NamedTuple):
    """A rule of freshness as the document writes it."""

    column: str
    most: timedelta
    equal: bool
    said: str  # at most 36 hours
    decides: bool


def ages(resource: pl.LazyFrame, terms: ResourceTerms, as_of: date) -> list[Age]:
    """Judge every freshness rule, and the shortest ``update_frequency``.

    Raises:
        FactorError: A rule names no column of time, or no limit of it.
    """
    limits = list(dict.fromkeys(limits_of(terms)))
    columns = dict.fromkeys(
        [*(limit.column for limit in limits), *_renewed(limits, terms)]
    )
    if not columns:
        return []
    known = newest(resource, list(columns), as_of)
    judged = [_judged(limit, known[limit.column], as_of) for limit in limits]
    return judged + [
        _kept(column, known[column], terms, as_of) for column in _renewed(limits, terms)
    ]


def limits_of(terms: ResourceTerms) -> Iterator[Limit]:
    """Read the freshness rules of the resource and of its sources."""
    for declared in (terms, *terms.sources):
        own = [(rule, rule.column) for rule in declared.quality]
        of_columns = [(q, c.name) for c in declared.columns for q in c.quality]
        for rule, column in own + of_columns:
            if rule.metric == "freshness":
                yield limit_of(rule, column)


def limit_of(rule: Quality, column: str) -> Limit:
    """Read one rule's limit."""
    below, most = rule.must_be_less_than, rule.must_be_less_or_equal_to
    bound = below if most is None else most
    if bound is None or rule.unit not in ("hours", "days"):
        raise FactorError(
            f"the freshness of {column or 'a column'} needs mustBeLessThan or"
            " mustBeLessOrEqualTo, and unit: hours or days"
        )
    words = f"{'under' if most is None else 'at most'} {bound} {rule.unit}"
    span = timedelta(**{rule.unit: bound})
    return Limit(column, span, most is not None, words, rule.severity == "error")


def _renewed(limits: list[Limit], terms: ResourceTerms) -> list[str]:
    """Name the column that tells when a source was renewed, if one is to be renewed.

    It is that of a freshness rule, else that of the partitions in time; where the
    document names neither, nothing is guessed.
    """
    if all(s.update_frequency == "none" for s in terms.sources):
        return []
    part = terms.partition
    in_time = [part.column] if part and part.by in ("day", "month") else []
    return [*(limit.column for limit in limits), *in_time][:1]


def newest(
    resource: pl.LazyFrame, columns: list[str], as_of: date
) -> dict[str, datetime | None]:
    """Read the newest moment of each column that does not lie after the day."""
    have = resource.collect_schema()
    wrong = [n for n in columns if not have.get(n, pl.Null()).is_temporal()]
    if wrong:
        raise FactorError(
            f"freshness: {wrong} is no date or timestamp of the resource; name one that"
            " is, in the rule's column"
        )
    moments = [pl.col(n).cast(pl.Datetime("us")) for n in columns]
    end = _first_hour(as_of) + timedelta(days=1)
    found = resource.select(m.filter(m < end).max() for m in moments)
    return found.collect(engine="streaming").row(0, named=True)


def _first_hour(day: date) -> datetime:
    return datetime.combine(day, time.min)  # naive: local time of the entity


def _age(latest: datetime, as_of: date) -> timedelta:
    return max(_first_hour(as_of) - latest, timedelta(0))


def _judged(limit: Limit, latest: datetime | None, as_of: date) -> Age:
    name = f"freshness_{limit.column}_{limit.said}".replace(" ", "_")
    if latest is None:
        ground = f"{limit.column} holds no moment up to {as_of}; {limit.said}"
        return Age(name, limit.column, False, limit.decides, ground)
    age = _age(latest, as_of)
    fresh = age <= limit.most if limit.equal else age < limit.most
    ground = f"the newest {limit.column} is {_told(age)} old on {as_of}; {limit.said}"
    return Age(name, limit.column, fresh, limit.decides, ground)


def _kept(
    column: str, latest: datetime | None, terms: ResourceTerms, as_of: date
) -> Age:
    """Ask whether the source that is renewed most often was renewed in time."""
    wanted = [s.update_frequency for s in terms.sources if s.update_frequency != "none"]
    often = min(wanted, key=lambda f: later(datetime(2000, 1, 1), f))  # noqa: DTZ001
    kept = latest is not None and _first_hour(as_of) <= later(latest, often)
    age = "unknown" if latest is None else f"{_told(_age(latest, as_of))} old"
    ground = f"the newest {column} is {age} on {as_of}; renewed every {often}"
    return Age(f"renewed_{column}", column, kept, False, ground)


def _told(age: timedelta) -> str:
    hours = age // timedelta(hours=1)
    return f"{hours // 24} days" if hours % 24 == 0 and hours else f"{hours} hours"


def later(start: datetime, period: str) -> datetime:
    """Step one ISO 8601 duration. 2024-01-31 12:00 + P1M -> 2024-02-29 12:00."""
    found = PERIOD.fullmatch(period)
    if found is None or period.rstrip("T") == "P":
        raise FactorError(f"update_frequency {period!r}: write it as P1D, P1M or PT1H")
    years, months, weeks, days, hours, minutes, seconds = (
        int(part or 0) for part in found.groups()
    )
    day = months_later(start.date(), 12 * years + months)
    span = timedelta(
        weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds
    )
    return datetime.combine(day, start.time()) + span


def fed_by_age(judged: list[Age]) -> Iterator[Feed]:
    """Let each rule feed timeliness at a point: kept or not."""
    for age in judged:
        yield Feed("0502", int(age.fresh), 1, age.name.replace("_", " "))
