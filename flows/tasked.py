"""Let a registered stage task make a product: find it, and give it what it asks for.

A document names the task, never code. The task's parameters say what it reads: a frame
``routes`` is the table of that name, a mapping of frames is all tables, a ``date`` the
day, and its terms are the document's ``parameters``.
"""

from collections.abc import Callable, Mapping
from datetime import date
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_type_hints

import polars as pl
from pydantic import ValidationError

from flows.stages import PRODUCT_TASKS
from schemas.errors import FactorError
from schemas.product import Derivation
from schemas.terms import TaskTerms
from tasks.stage.signature import Shape, shape_of
from tasks.stage.task import StageTask

GROUP = "datafactor.tasks"


def task_named(name: str) -> StageTask[..., Any]:
    """Find a stage task: one of the house, or of a package that is installed.

    A package of one's own names its tasks in its entry points, group ``GROUP``.

    Raises:
        FactorError: None is called so, or its package cannot be loaded.
    """
    if found := PRODUCT_TASKS.get(name):
        return found
    offered = installed()
    if name in offered:
        return loaded(name, offered[name])
    names = sorted({*PRODUCT_TASKS, *offered})
    near = get_close_matches(name, names, n=1)
    known = ", ".join(names) or "none"
    hint = f"did you mean {near[0]}?" if near else f"there are: {known}"
    raise FactorError(
        f"product.task: no stage task {name} is registered in flows/stages.py, nor by"
        f" an installed package ({GROUP}); {hint}"
    )


def installed() -> dict[str, EntryPoint]:
    """List the tasks that installed packages offer, by name.

    Raises:
        FactorError: Two packages call a task the same.
    """
    found: dict[str, EntryPoint] = {}
    for one in entry_points(group=GROUP):
        if found.setdefault(one.name, one).value != one.value:
            raise FactorError(
                f"product.task: {one.name} is offered by {found[one.name].value} and by"
                f" {one.value}: uninstall one of the two"
            )
    return found


def loaded(name: str, offered: EntryPoint) -> StageTask[..., Any]:
    """Load a task of an installed package.

    Raises:
        FactorError: It cannot be imported, or is no stage task.
    """
    try:
        found = offered.load()
    except Exception as error:  # whatever the import of another's code raises
        raise FactorError(
            f"product.task: {name} cannot be loaded from {offered.value}"
            f" ({type(error).__name__}): mend its package"
        ) from error
    if not isinstance(found, StageTask):
        raise FactorError(
            f"product.task: {offered.value} is no stage task: make it with"
            " stage_task(Stage.PRODUCT, function)"
        )
    return found


def function_of(name: str) -> Callable[..., Any]:
    """Give the pure function of a registered task."""
    function: Callable[..., Any] = task_named(name).fn.__wrapped__  # type: ignore[attr-defined]  # stage_task wraps it
    return function


def arguments(
    product: Derivation, tables: Mapping[str, Any], day: date
) -> dict[str, Any]:
    """Give each parameter of the product's task its table, its terms or the day.

    Any: refs or frames by table name; whatever a task takes.

    Raises:
        FactorError: It reads a table that the document has not, or the parameters are
            not those of its terms; one sentence a problem.
    """
    function = function_of(product.task)
    shape, hints = shape_of(function), get_type_hints(function)
    hints.pop("return", None)
    return {
        name: argument(name, hint, shape, product, tables, day)
        for name, hint in hints.items()
    }


def argument(
    name: str,
    hint: Any,
    shape: Shape,
    product: Derivation,
    tables: Mapping[str, Any],
    day: date,
) -> Any:
    """Give one parameter what it asks for; see ``arguments``."""
    if name in shape.mappings:
        return dict(tables)
    if name in shape.inputs:
        if name not in tables:
            raise FactorError(
                f"product.task: {product.task} reads a table {name}; the document has"
                f" {', '.join(sorted(tables))}; call an input {name}"
            )
        return tables[name]
    if isinstance(hint, type) and issubclass(hint, date):
        return day
    if isinstance(hint, type) and issubclass(hint, TaskTerms):
        return terms_of(product, hint)
    raise FactorError(
        f"product.task: {product.task} asks for {name}, which no document can give;"
        " let it take frames, one TaskTerms and a date"
    )


def terms_of(product: Derivation, model: type[TaskTerms]) -> TaskTerms:
    """Read the document's parameters as the terms of its task."""
    try:
        return model.model_validate({**product.parameters, "factor": product.factor})
    except ValidationError as error:
        # A value may be a secret: keys and reasons only.
        problems = (
            f"product.parameters.{'.'.join(map(str, e['loc']))}: {e['msg']}"
            for e in error.errors(include_input=False, include_url=False)
        )
        known = ", ".join(n for n in model.model_fields if n != "factor")
        raise FactorError(
            "\n".join(f"{p}; {product.task} takes {known}" for p in problems)
        ) from error


def planned(
    product: Derivation, tables: Mapping[str, pl.LazyFrame], day: date
) -> pl.LazyFrame:
    """Let the task's function plan over tables of no rows.

    Raises:
        FactorError: As ``arguments``, or the tables lack a column.
    """
    given = arguments(product, tables, day)
    try:
        made: pl.LazyFrame = function_of(product.task)(**given)
        made.collect_schema()
    except pl.exceptions.PolarsError as error:
        said = str(error).splitlines()[0].rstrip(". ")
        raise FactorError(f"product.task: {product.task}: {said}") from error
    return made
