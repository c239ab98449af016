"""Compare what two contracts promise of their columns, from the consumer's side.

A promise that is taken back or weakened breaks (major), a new one is compatible
(minor), other words are a patch. What cannot be compared by a machine, such as two
patterns, counts as breaking.

``maximum`` 120 -> none: major. ``validValues`` [a, b] -> [a]: minor.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from schemas.contract import Column, Declared
from schemas.grade import GRADES, grade_of
from schemas.rule import Quality, TypeOptions

Level = Literal["major", "minor", "patch"]
SHOWN = 8  # changes, or consumers, in a sentence
WHOLE = "*"  # a change of the product as a whole
CLASSES = {"public": 0, "internal": 1, None: 1, "personal": 2, "sensitive": 3}
Interval = tuple[float, bool, float, bool]  # low, whether excluded, high, likewise
INFINITE = float("inf")
EVERY: Interval = (-INFINITE, False, INFINITE, False)


class Change(NamedTuple):
    """One difference between two contracts."""

    place: str
    what: str
    level: Level
    column: str  # whose readers it concerns; WHOLE: every consumer's


def few(told: Sequence[str], most: int = SHOWN) -> list[str]:
    """Keep a sentence readable: of ten the first eight, and ``2 more``."""
    more = len(told) - most
    return [*told[:most], *([f"{more} more"] if more > 0 else [])]


def of_columns(old: Sequence[Column], new: Sequence[Column]) -> Iterator[Change]:
    """Compare columns by their names; say which was renamed, if one can see it."""
    before, now = {c.name: c for c in old}, {c.name: c for c in new}
    gone = [before[n] for n in before if n not in now]
    came = [now[n] for n in now if n not in before]
    renamed = {c.name: other for c in gone if (other := twin(c, gone, came))}
    for column in gone:
        other = renamed.get(column.name, "")
        what = f"column {column.name} was " + (
            f"renamed to {other}" if other else "removed"
        )
        yield Change(f"columns.{column.name}", what, "major", column.name)
    for column in came:
        if column.name not in renamed.values():
            what = f"column {column.name} was added"
            yield Change(f"columns.{column.name}", what, "minor", column.name)
    kept = [n for n in before if n in now]
    for name in kept:
        yield from of_column(before[name], now[name])
    if kept != [n for n in now if n in before]:
        yield Change("columns", "columns stand in another order", "patch", WHOLE)


def twin(column: Column, gone: Sequence[Column], came: Sequence[Column]) -> str:
    """Find the one new column that is the same in all but its name."""
    plain = {"name": "", "physical_name": None}
    mine = column.model_copy(update=plain)
    like = [c.name for c in came if c.model_copy(update=plain) == mine]
    rivals = [c for c in gone if c.model_copy(update=plain) == mine]
    return like[0] if len(like) == len(rivals) == 1 else ""


def of_column(old: Column, new: Column) -> Iterator[Change]:
    """Compare what is said of one column."""
    name, place = old.name, f"columns.{old.name}"

    def told(part: str, what: str, level: Level) -> Change:
        return Change(f"{place}.{part}", f"column {name} {what}", level, name)

    if old.logical_type != new.logical_type:
        what = f"is {new.logical_type}, was {old.logical_type}"
        yield told("logicalType", what, "major")
    if old.required != new.required:
        what = "is never missing now" if new.required else "may be missing now"
        yield told("required", what, "minor" if new.required else "major")
    if old.unique != new.unique:
        what = "holds no value twice now" if new.unique else "may repeat a value now"
        yield told("unique", what, "minor" if new.unique else "major")
    for option, what, level in of_options(old.options, new.options):
        yield told(option, what, level)
    if old.unit != new.unit:
        what = f"is in {new.unit or 'no stated unit'}, was in {old.unit or 'none'}"
        yield told("unit", what, "major" if old.unit else "minor")
    yield from (told(*found) for found in of_protection(old, new))
    words = {"description", "physical_name", "normalize"}
    if any(getattr(old, n) != getattr(new, n) for n in words):
        yield told("description", "is described in other words", "patch")


def of_options(old: TypeOptions, new: TypeOptions) -> Iterator[tuple[str, str, Level]]:
    """Compare limits: what lets more values through breaks."""
    for field, sign in (
        *(("minimum", -1), ("min_length", -1), ("maximum", 1), ("max_length", 1)),
    ):
        before, now = getattr(old, field), getattr(new, field)
        if before == now:
            continue
        wider = now is None or (before is not None and (now - before) * sign > 0)
        what = f"has {field.replace('_', ' ')} {shown(now)}, had {shown(before)}"
        yield field, what, "major" if wider else "minor"
    for field in ("pattern", "format"):
        before, now = getattr(old, field), getattr(new, field)
        if before != now:
            added = before is None and field == "pattern"
            what = f"has {field} {shown(now)}, had {shown(before)}"
            yield field, what, "minor" if added else "major"


def shown(limit: object) -> str:
    """Write a limit, or that there is none."""
    return "none" if limit is None else str(limit)


def of_protection(old: Column, new: Column) -> Iterator[tuple[str, str, Level]]:
    """Compare classification and grade: a higher one lays new duties on a holder."""
    if old.classification != new.classification:
        before, now = CLASSES[old.classification], CLASSES[new.classification]
        what = f"is {new.classification or 'undecided'}, was "
        what += old.classification or "undecided"
        yield "classification", what, rising(before, now)
    if old.affects != new.affects:
        grades = [
            GRADES.index(grade_of(c.affects.object, c.affects.harm)) if c.affects else 0
            for c in (old, new)
        ]
        yield "affects", "is graded otherwise", rising(*grades)


def rising(before: int, now: int) -> Level:
    """Call a rise breaking, a fall compatible."""
    return "major" if now > before else "minor" if now < before else "patch"


def of_rules(old: Declared, new: Declared) -> Iterator[Change]:
    """Compare what rules promise of what both have, wherever the document writes them.

    A warning promises nothing.
    """
    kept = {c.name for c in old.columns} & {c.name for c in new.columns} | {WHOLE}
    before, now = (promised(rules_of(terms, kept)) for terms in (old, new))
    yield from compared(before, now)
    words = [[rule for _, rule in rules_of(terms, kept)] for terms in (old, new)]
    if before == now and words[0] != words[1]:
        yield Change("quality", "rules are told in other words", "patch", WHOLE)


def rules_of(terms: Declared, kept: Collection[str]) -> list[tuple[str, Quality]]:
    """List the rules with the column that each is about, WHOLE for the table."""
    own = [(c.name, rule) for c in terms.columns for rule in c.quality]
    table = [(rule.column or WHOLE, rule) for rule in terms.quality]
    return [(name, rule) for name, rule in (*own, *table) if name in kept]


Promise = tuple[str, str]  # column, what is counted
Promises = Mapping[Promise, Any]  # Any: an interval, or a set of values


def promised(rules: Iterable[tuple[str, Quality]]) -> dict[Promise, Any]:
    """Gather rules that refuse rows or fail a run: their bounds, or valid values."""
    made: dict[Promise, Any] = {}
    for column, rule in rules:
        if rule.severity != "error":
            continue
        if rule.valid_values and rule.by_row:
            values = frozenset(rule.valid_values)
            key = (column, "valid values")
            made[key] = made.get(key, values) & values
        else:
            key = (column, f"{rule.kind} in {rule.unit}")
            made[key] = both(made.get(key, EVERY), interval(rule))
    return made


def interval(rule: Quality) -> Interval:
    """Give the figures that a bound allows. mustBeLessThan 5 -> all up to 5, not 5."""
    field, limits = rule.bound
    low, high = (limits[0], limits[-1])
    if field.startswith("must_be_less"):
        return (-INFINITE, False, high, field == "must_be_less_than")
    if field.startswith("must_be_greater"):
        return (low, field == "must_be_greater_than", INFINITE, False)
    return (low, False, high, False)


def both(one: Interval, other: Interval) -> Interval:
    """Give the figures that two bounds allow. At least 1 and at most 9 -> 1 to 9."""
    low, above = max(one[:2], other[:2])
    high, below = min((one[2], not one[3]), (other[2], not other[3]))
    return (low, above, high, not below)


def within(inner: Interval, outer: Interval) -> bool:
    """Say whether every figure of one interval lies in the other."""
    low = (inner[0], inner[1]) >= (outer[0], outer[1])
    high = (-inner[2], inner[3]) >= (-outer[2], outer[3])
    return low and high


def compared(old: Promises, new: Promises) -> Iterator[Change]:
    """Compare promises one by one."""
    for key in dict.fromkeys((*old, *new)):
        column, counted = key
        before, now = old.get(key), new.get(key)
        if before == now:
            continue
        place = "quality" if column == WHOLE else f"columns.{column}.quality"
        subject = "the table" if column == WHOLE else f"column {column}"
        what, kept = judged(counted, before, now)
        level: Level = "minor" if kept else "major"
        yield Change(place, f"{subject} {what}", level, column)


def judged(counted: str, before: Any, now: Any) -> tuple[str, bool]:
    """Say what became of a promise, and whether a consumer keeps it. Any: as above."""
    if before is None:
        return f"keeps a new rule: {counted}", True
    if now is None:
        return f"keeps a rule no more: {counted}", False
    if isinstance(now, frozenset):
        narrower = now <= before
        return f"may hold {'fewer' if narrower else 'other'} values", narrower
    tighter = within(now, before)
    return f"is bound {'tighter' if tighter else 'looser'}: {counted}", tighter
