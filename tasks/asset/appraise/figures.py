"""Find every figure of an appraisal, and put another in its place."""

from collections.abc import Iterator
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel

from schemas.appraisal import (
    Amounts,
    Appraisal,
    Case,
    Fractions,
    PriceIndex,
    Series,
    Single,
    Sourced,
    Units,
)

Path = tuple[str, ...]  # direct, rate, parts, risk_free
T = TypeVar("T", bound=BaseModel)
MANY = (Amounts, Fractions, Units)


def figures(part: object, at: Path = ()) -> Iterator[tuple[Path, Sourced]]:
    """List every figure below a part, with its place. A method's place is its name."""
    if isinstance(part, Sourced):
        yield at, part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            value = getattr(part, name)
            inner = at if name == "methods" else (*at, name)
            yield from figures(value, inner)
    elif isinstance(part, dict):
        for name, value in part.items():
            yield from figures(value, (*at, name))
    elif isinstance(part, tuple):
        for value in part:
            if method := getattr(value, "method", ""):
                yield from figures(value, (*at, method))


def scaled(part: T, path: Path, by: Decimal) -> T:
    """Multiply the figure at a place; all else stays.

    ``scaled(appraisal, ("direct", "rate", "parts", "risk_free"), Decimal("1.1"))``
    """
    if not path:
        return part.model_copy(update=multiplied(part, by))
    name, *rest = path
    if isinstance(part, Appraisal) and name not in type(part).model_fields:
        methods = tuple(
            scaled(m, tuple(rest), by) if m.method == name else m for m in part.methods
        )
        return part.model_copy(update={"methods": methods})
    inner = getattr(part, name)
    if isinstance(inner, dict):
        changed: object = inside(inner, tuple(rest), by)
    else:
        changed = scaled(inner, tuple(rest), by)
    return part.model_copy(update={name: changed})


def inside(named: dict[str, object], path: Path, by: Decimal) -> dict[str, object]:
    """Multiply the figure at a place below a mapping."""
    name, *rest = path
    inner = named[name]
    if isinstance(inner, dict):
        return named | {name: inside(inner, tuple(rest), by)}
    assert isinstance(inner, BaseModel)
    return named | {name: scaled(inner, tuple(rest), by)}


def multiplied(figure: BaseModel, by: Decimal) -> dict[str, object]:
    """Give the values of a figure, multiplied."""
    if isinstance(figure, MANY):
        return {"values": tuple(value * by for value in figure.values)}
    return {"value": figure.value * by}  # type: ignore[attr-defined]  # all others have one


def at(figure: Series | Single, year: int) -> Decimal:
    """Read a figure in a year: its value, or that of the year."""
    if isinstance(figure, MANY):
        return figure.values[year - 1]
    return figure.value


def rows(case: Case) -> Iterator[tuple[object, ...]]:
    """List every figure with where it comes from. Contract: AppraisalInputs."""
    approaches = {str(m.method): m.approach for m in case.appraisal.methods}
    known = (case.asset, case.version, case.appraisal.report)
    for path, figure in figures(case.appraisal):
        approach = approaches.get(path[0], "")
        said = (figure.source, str(figure.dated), figure.derivation)
        for name, year, value, unit in values_of("/".join(path), figure):
            yield *known, approach, name, year, value, unit, *said


def values_of(name: str, figure: Sourced) -> Iterator[tuple[str, int, str, str]]:
    """List the values of a figure: name, year (0: none), value, unit."""
    if isinstance(figure, MANY):
        for year, value in enumerate(figure.values, 1):
            yield name, year, f"{value:f}", figure.unit
    elif isinstance(figure, PriceIndex):
        for month, value in sorted(figure.values.items()):
            yield f"{name}/{month}", 0, f"{value:f}", "index"
    elif worth := getattr(figure, "worth", None):
        for group, value in worth.items():
            yield f"{name}/{group}", 0, f"{value:f}", figure.unit  # type: ignore[attr-defined]  # who has worth has it
    else:
        yield name, 0, f"{figure.value:f}", figure.unit  # type: ignore[attr-defined]  # the others have both
