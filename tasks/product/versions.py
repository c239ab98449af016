"""Compute the least semantic version that a changed product may carry.

The contract is what a consumer relies on: columns and what is promised of their values,
key and order, unit, classification, how persons are treated, forms of delivery, what
the licence permits, which uses are offered. Seen from the consumer, a promise that is
taken back or weakened breaks (major), a new promise or a wider offer is compatible
(minor), words alone are a patch. So is another way to make the rows (query, task, its
parameters): the contract stays, but who computes with them finds other figures under
the same columns. The price and the compliance review are no contract: with them alone
the version may stay.

What cannot be compared by a machine (two patterns, two clauses) counts as breaking.

Source: Semantic Versioning 2.0.0, semver.org, items 4 and 6 to 8. In 0.y.z anything may
change (item 4); so that a number still says something, y stands for major there, and z
for all else: 0.3.1 with a column removed -> 0.4.0, with a column added -> 0.3.2.

1.4.2 whose column ``delay`` may be missing now -> (2.0.0, one change of level major).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from schemas.privacy import BottomCode, Deidentification, Drop, Round, TopCode
from schemas.product import ProductTerms
from tasks.product.promises import WHOLE, Change, Level, of_columns, of_rules

LEVELS: tuple[Level, ...] = ("patch", "minor", "major")
RELEASES = ("enclave", "controlled", "open")
Parts = tuple[int, int, int]


class Least(NamedTuple):
    """The least version that is admissible, and why."""

    version: str
    changes: tuple[Change, ...]

    @property
    def breaking(self) -> tuple[Change, ...]:
        """The changes that break a consumer."""
        return tuple(c for c in self.changes if c.level == "major")


def least_version(old: ProductTerms, new: ProductTerms) -> Least:
    """Compare two contracts of one product.

    Args:
        old: As it was released last.
        new: As it shall be released; its own version is not looked at.
    """
    # Another contract asks for another query anyway: alone it is worth telling.
    found = tuple(changes(old, new)) or tuple(of_making(old, new))
    level = max((c.level for c in found), key=LEVELS.index, default=None)
    return Least(after(old.version, level), found)


def is_lower(version: str, than: str) -> bool:
    """Compare by numbers: 1.9.0 is lower than 1.10.0."""
    return parts_of(version) < parts_of(than)


def breaks_promise(ordered: str, offered: str) -> bool:
    """Say whether what is offered breaks what was ordered, by their versions alone."""
    one, other = parts_of(ordered), parts_of(offered)
    return one[: 1 if one[0] else 2] != other[: 1 if one[0] else 2]


def parts_of(version: str) -> Parts:
    """Read the three numbers of a version."""
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch


def after(version: str, level: Level | None) -> str:
    """Raise a version. 1.4.2: 2.0.0, 1.5.0, 1.4.3; 0.4.2: 0.5.0, 0.4.3, 0.4.3."""
    major, minor, patch = parts_of(version)
    if level is None:
        return version
    if level == "major":
        return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
    if level == "minor" and major:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def changes(old: ProductTerms, new: ProductTerms) -> Iterator[Change]:
    """List every difference of two contracts, columns first."""
    if old.name != new.name:
        what = f"product {old.name} is called {new.name}"
        yield Change("name", what, "major", WHOLE)
    yield from of_columns(old.columns, new.columns)
    yield from of_rules(old, new)
    yield from of_rows(old, new)
    yield from of_persons(old, new)
    yield from of_delivery(old, new)
    yield from of_licence(old, new)
    yield from of_uses(old, new)
    if new.deprecated and new.deprecated != old.deprecated:
        what = f"it is offered until {new.deprecated.on}"  # semver.org, item 7
        yield Change("deprecated", what, "minor", WHOLE)


def of_rows(old: ProductTerms, new: ProductTerms) -> Iterator[Change]:
    """Compare what identifies a row, its place, and how many rows may be missing."""
    if set(old.key) != set(new.key):
        what = f"a row is identified by {listed(new.key)}, was by {listed(old.key)}"
        yield Change("key", what, "major" if old.key else "minor", WHOLE)
    if old.order != new.order:
        what = f"rows are sorted by {listed(new.order)}, were by {listed(old.order)}"
        longer = new.order[: len(old.order)] == old.order
        yield Change("order", what, "minor" if longer else "major", WHOLE)
    if old.max_rejected_rate != new.max_rejected_rate:
        what = f"the share of rows that may be missing is {new.max_rejected_rate}"
        more = new.max_rejected_rate > old.max_rejected_rate
        yield Change("max_rejected_rate", what, "major" if more else "minor", WHOLE)


def of_making(old: ProductTerms, new: ProductTerms) -> Iterator[Change]:
    """Compare how rows are made: the same columns may say something else.

    White space, comments and the case of SQL's words say nothing.
    """
    ways = (tuple(words(t.query)) for t in (old, new))
    if len({*ways}) > 1 or (old.task, old.parameters) != (new.task, new.parameters):
        place = "query" if new.query else "task"
        yield Change(place, f"rows are made by another {place}", "patch", WHOLE)


def words(query: str) -> Iterator[tuple[TokenType, str]]:
    """Take a query apart; of an older edition one that cannot be read is one word."""
    try:
        found = sqlglot.tokenize(query, dialect="postgres")
    except SqlglotError:
        yield TokenType.STRING, query
        return
    for token in found:
        named = token.token_type in NAMED
        yield token.token_type, token.text if named else token.text.upper()


NAMED = (TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER)


def listed(names: Sequence[str]) -> str:
    """Join names, or say that there are none."""
    return ", ".join(names) or "nothing"


def of_persons(old: ProductTerms, new: ProductTerms) -> Iterator[Change]:
    """Compare how persons are treated: what is told coarser or not at all breaks."""
    before, now = steps_of(old.deidentification), steps_of(new.deidentification)
    kept = {c.name for c in old.columns} & {c.name for c in new.columns}
    for name in sorted(kept & (before.keys() | now.keys())):
        one, other = before.get(name, []), now.get(name, [])
        if one != other and is_finer(one, other):
            what = f"column {name} is told finer"
            yield Change("deidentification", what, "minor", name)
        elif one != other:
            what = f"column {name} is told coarser or in another way"
            yield Change("deidentification", what, "major", name)
    yield from of_classes(old.deidentification, new.deidentification)
    if old.release != new.release:
        wider = RELEASES.index(new.release) > RELEASES.index(old.release)
        what = f"it is released {new.release}, was {old.release}"
        yield Change("release", what, "minor" if wider else "major", WHOLE)


def of_classes(old: Deidentification, new: Deidentification) -> Iterator[Change]:
    """Compare which rows are set aside to protect persons."""
    same = classes(old) == classes(new)
    if new.suppress and not (same and old.suppress):
        what = "rows of small classes are set aside, or by another measure"
        yield Change("deidentification", what, "major", WHOLE)
    elif old.suppress and not new.suppress:
        what = "no rows of small classes are set aside any more"
        yield Change("deidentification", what, "minor", WHOLE)
    elif not same:
        what = "classes are measured otherwise"
        yield Change("deidentification", what, "patch", WHOLE)


def steps_of(asked: Deidentification) -> dict[str, list[Any]]:
    """List the steps that change each column, in their order. Any: a step."""
    found: dict[str, list[Any]] = {}
    for step in asked.steps:
        if isinstance(step, Drop):
            continue
        names = {str(getattr(step, n)) for n in WORDED if hasattr(step, n)}
        for name in sorted(names | {*getattr(step, "by", ())}):
            found.setdefault(name, []).append(step)
    return found


WORDED = (
    *("mask", "pseudonym", "generalise", "round", "top_code", "bottom_code", "cells"),
)


def is_finer(before: Sequence[Any], now: Sequence[Any]) -> bool:
    """Say whether values keep their form and only say more. Any: steps."""
    if len(before) != len(now):
        return False
    return all(b == n or says_more(b, n) for b, n in zip(before, now, strict=True))


def says_more(before: Any, now: Any) -> bool:  # Any: steps
    """Compare two steps of one kind on one column."""
    if isinstance(before, Round) and isinstance(now, Round):
        return before.to % now.to == 0
    if isinstance(before, TopCode) and isinstance(now, TopCode):
        return now.at > before.at
    if isinstance(before, BottomCode) and isinstance(now, BottomCode):
        return now.at < before.at
    return False


def classes(asked: Deidentification) -> tuple[Any, ...]:  # Any: names and numbers
    """Tell by what classes are formed, and how diverse they must be."""
    named = {*asked.quasi_identifiers}, {*asked.sensitive}
    return (*named, asked.diversity, asked.subject)


def of_delivery(old: ProductTerms, new: ProductTerms) -> Iterator[Change]:
    """Compare how it is handed over: less of it breaks."""
    one, other = old.delivery, new.delivery
    yield from of_offer("delivery.forms", "form", one.forms, other.forms)
    yield from of_offer("delivery.filters", "filter", one.filters, other.filters)
    for field in ("max_rows", "calls_per_minute"):
        before, now = getattr(one, field), getattr(other, field)
        if before != now:
            what = f"{field.replace('_', ' ')} is {now:,}, was {before:,}"
            level: Level = "minor" if now > before else "major"
            yield Change(f"delivery.{field}", what, level, WHOLE)


def of_offer(
    place: str, what: str, old: Iterable[str], new: Iterable[str]
) -> Iterator[Change]:
    """Compare two sets of what is offered."""
    before, now = {*old}, {*new}
    for name in sorted(before - now):
        yield Change(place, f"{what} {name} is not offered any more", "major", WHOLE)
    for name in sorted(now - before):
        yield Change(place, f"{what} {name} is offered", "minor", WHOLE)


def of_demand(
    place: str, what: str, old: Iterable[str], new: Iterable[str]
) -> Iterator[Change]:
    """Compare two sets of what is asked of a customer."""
    before, now = {*old}, {*new}
    for name in sorted(now - before):
        yield Change(place, f"{what} {name} is new", "major", WHOLE)
    for name in sorted(before - now):
        yield Change(place, f"{what} {name} is lifted", "minor", WHOLE)


def of_licence(old: ProductTerms, new: ProductTerms) -> Iterator[Change]:
    """Compare what a customer may, may not and must do."""
    one, other = old.licence, new.licence
    place = "licence.permissions"
    yield from of_offer(place, "permission to", one.permissions, other.permissions)
    place = "licence.prohibitions"
    yield from of_demand(place, "prohibition to", one.prohibitions, other.prohibitions)
    yield from of_demand("licence.duties", "duty to", one.duties, other.duties)
    clauses = [{repr(text) for text in terms.clauses} for terms in (one, other)]
    yield from of_demand("licence.clauses", "clause", *clauses)
    if one.territory != other.territory:
        what = f"it may be used in {other.territory or 'any territory'}"
        level: Level = "major" if other.territory else "minor"
        yield Change("licence.territory", what, level, WHOLE)
    if one.name != other.name:
        what = f"the licence is {other.name}, was {one.name}"
        yield Change("licence.name", what, "minor", WHOLE)
    if (one.attribution, one.evidence) != (other.attribution, other.evidence):
        what = "the licence is told in other words"
        yield Change("licence.attribution", what, "patch", WHOLE)


def of_uses(old: ProductTerms, new: ProductTerms) -> Iterator[Change]:
    """Compare which uses an order may name: a use that ends stops its deliveries."""
    if old.scenario is None or new.scenario is None:
        return
    yield from of_offer("scenario.uses", "use", old.scenario.uses, new.scenario.uses)
    before, now = old.scenario.prohibited_uses, new.scenario.prohibited_uses
    yield from of_demand("scenario.prohibited_uses", "prohibited use", before, now)
