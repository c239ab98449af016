"""Hand over an appraisal as a bundle, and re-perform one that was handed over."""

import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.calendar import scheduled_date
from flows.document import factor_named
from schemas.appraisal import Case
from schemas.errors import FactorError, SourceError
from schemas.money import exact_fen, shown
from tasks.asset.appraise import bundle
from tasks.asset.appraise.case import case_of
from tasks.asset.appraise.value import in_force

Facts = dict[str, Any]  # JSON


def appraise(factor: str, as_of: date | None, folder: Path | None) -> Facts:
    """Write the bundle of the report that is in force on a day, and keep it.

    Args:
        factor: Name of the factor document.
        as_of: A report of a later day is not known yet; today if not said.
        folder: Where the bundle and its files go; nowhere if not said.

    Raises:
        FactorError: There is no asset, or no report by the day.
    """
    from flows.stages import appraisal_task
    from schemas.artifact import Snapshot
    from schemas.registers import Invoice, Order
    from tasks import store

    case = case_on(factor, as_of)
    orders = Snapshot(register=Order, where={"factor": factor})
    invoices = Snapshot(register=Invoice, where={"entity": case.entity})
    ref = appraisal_task(orders, invoices, case)
    data = store.raw(store.current(), ref).read_bytes()
    file = folder and written(data, folder, name_of(case))
    return bundle.reperform(data) | {"file": str(file or "")}


def case_on(factor: str, as_of: date | None) -> Case:
    """Find the report that is in force, with what the house knows of the asset.

    Raises:
        FactorError: There is no asset, or no report by the day.
    """
    terms = factor_named(factor)
    if terms.asset is None:
        raise FactorError(f"{factor} has no asset: there is nothing to appraise")
    day = as_of or scheduled_date(terms.zone)
    stated = in_force(terms.asset.appraisal, day)
    if stated is None:
        raise FactorError(
            f"{factor}: asset.appraisal has no report of {day} or before: write one, or"
            " name a later day with --as-of"
        )
    known = {"illustrative": terms.illustrative}
    return case_of(terms.asset, stated).model_copy(update=known)


def name_of(case: Case) -> str:
    """Name the bundle after the asset and its valuation date."""
    return f"{case.asset}-{case.version}-{case.appraisal.valuation_date}.tar"


def written(data: bytes, folder: Path, name: str) -> Path:
    """Write the bundle, and its files beside it for people; an earlier one goes."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, body in {**bundle.unpacked(data), name: data}.items():
        part = folder / f".{file}.part"
        part.write_bytes(body)
        os.replace(part, folder / file)
    return folder / name


def reperform(file: Path) -> Facts:
    """Recompute a bundle from itself alone; no store is opened.

    Raises:
        SourceError: It was changed, or is no bundle.
    """
    try:
        with file.open("rb") as handle:
            data = handle.read(bundle.MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror}; name a bundle") from error
    return bundle.reperform(data) | {"file": str(file)}


def show_appraisal(console: Console, facts: Facts) -> None:
    """Say what was found, method by method."""
    lines = [
        f"{facts['asset']} {facts['version']}, report {facts['report']}",
        *(f"  {name}: {money(value)} CNY" for name, value in facts["methods"].items()),
        f"appraised value {money(facts['value'])} CNY, valid to {facts['valid_to']}",
        f"recomputed from the bundle alone to the fen; pages {facts['pages']}",
        f"sha256 {facts['sha256']}",
    ]
    if facts["illustrative"]:
        lines.insert(1, "  ILLUSTRATIVE: made up, do not use")
    if facts["file"]:
        lines.append(f"bundle {facts['file']}")
    console.print("\n".join(lines), markup=False)


def money(amount: str) -> str:
    """Write an amount of the facts for people."""
    return shown(exact_fen(Decimal(amount)))
