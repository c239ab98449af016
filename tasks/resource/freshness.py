"""Judge how old a resource is on a day: the set rule ``freshness``, and the frequency.

The age is counted from the newest moment of a column to the first hour of ``as_of``;
what lies later on that day has the age 0, what lies after it does not count, or a
misprint of the year 2099 would keep a resource fresh for ever. Moments are read as they
stand, in the entity's zone.

Newest row 2024-05-01 12:00, as of 2024-05-02 -> 12 hours old; P1D is kept.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import polars as pl

from schemas.errors import FactorError
from schemas.resource import ResourceTerms
from schemas.rule import Quality
from tasks.finance import months_later
from tasks.resource.indicators import Feed

PERIOD = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
    r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)


ON_TIME = "0502"
HOLDS: dict[str, Callable[[timedelta, list[timedelta]], bool]] = {
    "must_be": lambda age, limits: age == limits[0],
    "must_be_less_than": lambda age, limits: age < limits[0],
    "must_be_less_or_equal_to": lambda age, limits: age <= limits[0],
    "must_be_greater_than": lambda age, limits: age > limits[0],
    "must_be_greater_or_equal_to": lambda age, limits: age >= limits[0],
    "must_be_between": lambda age, limits: limits[0] <= age <= limits[1],
}


class Age(NamedTuple):
    """One rule of freshness, judged."""

    name: str  # freshness_moment
    column: str
    fresh: bool
    decides: bool  # severity error: too old a resource goes no further
    code: str  # of the indicator it feeds
    ground: str


def ages(resource: pl.LazyFrame, terms: ResourceTerms, as_of: date) -> list[Age]:
    """Judge every freshness rule, and the shortest ``update_frequency``.

    Raises:
        FactorError: A rule's column is no moment of the resource.
    """
    rules = list(dict.fromkeys(rules_of(terms)))
    renewed = _renewed([column for column, _ in rules], terms)
    columns = list(dict.fromkeys([*(column for column, _ in rules), *renewed]))
    if not columns:
        return []
    known = newest(resource, columns, as_of)
    judged = [judge(column, rule, known[column], as_of) for column, rule in rules]
    kept = [_kept(column, known[column], terms, as_of) for column in renewed]
    return [*_told_apart(judged), *kept]


def _told_apart(judged: list[Age]) -> Iterator[Age]:
    """Number a second rule on the same column."""
    seen: Counter[str] = Counter()
    for age in judged:
        seen[age.name] += 1
        again = seen[age.name]
        yield age._replace(name=f"{age.name}_{again}") if again > 1 else age


def rules_of(terms: ResourceTerms) -> Iterator[tuple[str, Quality]]:
    """List the freshness rules of the resource and of its sources, by column."""
    for declared in (terms, *terms.sources):
        own = [(rule.column, rule) for rule in declared.quality]
        own += [(c.name, rule) for c in declared.columns for rule in c.quality]
        for column, rule in own:
            if rule.metric == "freshness":
                yield column, rule.model_copy(update={"column": column})


def _renewed(of_rules: list[str], terms: ResourceTerms) -> list[str]:
    """Name the column that tells when a source was renewed, if one is to be renewed.

    It is that of a freshness rule, else that of the partitions in time; where the
    document names neither, nothing is guessed.
    """
    if all(s.update_frequency == "none" for s in terms.sources):
        return []
    part = terms.partition
    in_time = [part.column] if part and part.by in ("day", "month") else []
    return [*of_rules, *in_time][:1]


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


def judge(column: str, rule: Quality, latest: datetime | None, as_of: date) -> Age:
    """Hold the age against the rule's bound; an unknown age keeps no rule."""
    field, bounds = rule.bound
    limits = [timedelta(**{rule.unit: bound}) for bound in bounds]
    fresh = latest is not None and HOLDS[field](_age(latest, as_of), limits)
    age = (
        "holds no moment yet"
        if latest is None
        else f"is {_told(_age(latest, as_of))} old"
    )
    ground = f"the newest {column} {age} on {as_of}; asked: {rule.words}"
    name = f"freshness_{column}"
    decides = rule.severity == "error"
    return Age(name, column, fresh, decides, rule.indicator or ON_TIME, ground)


def _kept(
    column: str, latest: datetime | None, terms: ResourceTerms, as_of: date
) -> Age:
    """Ask whether the source that is renewed most often was renewed in time."""
    wanted = [s.update_frequency for s in terms.sources if s.update_frequency != "none"]
    often = min(wanted, key=lambda f: later(datetime(2000, 1, 1), f))  # noqa: DTZ001
    kept = latest is not None and _first_hour(as_of) <= later(latest, often)
    ground = f"the newest {column} on {as_of}; renewed every {often}"
    return Age(f"renewed_{column}", column, kept, False, ON_TIME, ground)


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
        yield Feed(age.code, int(age.fresh), 1, "rules", age.name)
