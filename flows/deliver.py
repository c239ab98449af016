"""Hand a product over as files: whole or not at all, granted and counted before."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.disputes import names_of
from flows.document import factor_named
from flows.export import told
from flows.market import order_of, rows_of, today
from flows.released import Released, released
from flows.stages import deliver_task
from schemas.errors import Refused, StoreError
from schemas.registers import Order
from schemas.sale import DeliveryTerms
from tasks import store
from tasks.product.bundle import (
    MARK,
    kept,
    licensed,
    marked,
    narrowed,
    terms_text,
)
from tasks.product.order import forbidden
from tasks.store import sales, usage

Facts = dict[str, Any]  # JSON, or one row of a register
SURE = 20  # neighbours: a million chance copies hold one that stands so


def deliver(number: str, folder: Path) -> Facts:
    """Write the bundle of an order into a new folder.

    The grant counts it at the end, in one transaction with its usage, so what was
    revoked in between is not delivered. It is recorded before the folder appears, so
    every copy has a delivery that ``whose`` finds. A disk that fails after that leaves
    a delivery that is counted and can be repeated.

    Raises:
        Refused: The entitlement, the product, its licence or the use forbid it.
        StoreError: The folder is there already.
    """
    order = order_of(number)
    offer = released(order["factor"])
    refuse(offer, order)
    if folder.exists():
        raise StoreError(f"{folder} is there already: name a new folder")
    delivery = secrets.token_hex(16)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.parent / f".{folder.name}-{delivery[:8]}.part"
    part.mkdir(mode=0o700)
    try:
        terms, asked = bundle(offer, order, delivery, part)
        granted = usage.grant(store.current(), asked)
        if isinstance(granted, usage.Denied):
            raise Refused("deliver", (granted.ground,))
        # First: a bundle that nobody recorded could not be told by its copies.
        deliver_task(offer.ref, terms)
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return {
        "order": number,
        "delivery": delivery,
        "folder": str(folder),
        "rows": asked.rows,
        "bytes": asked.bytes,
        "left": granted.left,
        "files": sorted(file.name for file in folder.iterdir()),
    }


def refuse(offer: Released, order: Facts) -> None:
    """Ask all that may have changed since the order.

    Raises:
        Refused: With every ground.
    """
    grounds = forbidden(offer.terms, offer.factor, order, "bundle")
    day = today(order["factor"])
    if denied := usage.entitled(store.current(), order["order"], day):
        grounds.append(denied.ground)
    if grounds:
        raise Refused("deliver", tuple(grounds))


def bundle(
    offer: Released, order: Facts, delivery: str, part: Path
) -> tuple[DeliveryTerms, usage.Request]:
    """Write every file of a bundle, and say what it would count."""
    s, name = store.current(), offer.terms.name
    rows = rows_ordered(offer, order)
    files = texts(offer, order, delivery, rows.height)
    data = marked(rows, sales.delivery_secret(s, delivery))
    data.write_parquet(part / f"{name}.parquet")
    data.write_csv(part / f"{name}.csv")
    for file, text in files.items():
        (part / file).write_text(text, encoding="utf-8")
    sums = "".join(checksums(part))
    (part / "SHA256SUMS").write_text(sums, encoding="utf-8")
    for path in part.iterdir():
        path.chmod(0o600)
    request = usage.Request(
        order=order["order"],
        form="bundle",
        at=datetime.now(UTC),
        zone=factor_named(order["factor"]).zone,
        fields=tuple(rows.columns),
        rows=rows.height,
        bytes=sum(path.stat().st_size for path in part.iterdir()),
        served=offer.ref.id,
        delivery=delivery,
        rests_on=names_of(order["factor"]),
    )
    terms = DeliveryTerms(
        factor=order["factor"],
        order=order["order"],
        delivery=delivery,
        manifest=files["DELIVERY.json"],
        sums=sums,
    )
    return terms, request


def rows_ordered(offer: Released, order: Facts) -> pl.DataFrame:
    """Read exactly what was licensed."""
    product = store.scan(store.current(), offer.ref)
    return licensed(product, order["fields"].split(","), order["rows_limit"]).collect()


def texts(offer: Released, order: Facts, delivery: str, rows: int) -> dict[str, str]:
    """Write what goes with the data: licence, descriptor, and whose copy it is."""
    terms, fields = offer.terms, order["fields"].split(",")
    manifest = {
        "delivery": delivery,
        "order": order["order"],
        "customer": order["customer"],
        "customer_code": order["customer_code"],
        "use": order["use"],
        "product": terms.name,
        "version": terms.version,
        "as_of": str(offer.as_of),
        "artifact": offer.ref.id,
        "rows": rows,
        "fields": fields,
        "mark": MARK,
    }
    part = replace(offer, terms=narrowed(terms, fields))
    return {
        "DELIVERY.json": pretty(manifest),
        "contract.odcs.yaml": told(part, "odcs")[1],
        "odrl.jsonld": told(offer, "odrl")[1],
        "LICENCE.txt": terms_text(terms.licence, order["customer"], order["use"]),
    }


def pretty(facts: Mapping[str, object]) -> str:
    """Write JSON for people."""
    return json.dumps(facts, ensure_ascii=False, indent=2) + "\n"


def checksums(folder: Path) -> Iterator[str]:
    """Hash every file, as `sha256sum -c` reads it."""
    for path in sorted(folder.iterdir()):
        yield f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"


def whose(file: Path, product: str) -> list[Facts]:
    """Compare a copy with every bundle of a product that was handed over.

    Returns:
        For each delivery how many neighbours stand as it put them, best first; of
        another copy about half do so by chance.

    Raises:
        StoreError: The file is neither Parquet nor CSV.
    """
    s, factor = store.current(), product.partition("/")[0]
    orders = {o["order"]: o for o in rows_of(Order, factor=factor)}
    handed, found = read_copy(file), []
    for run in store.runs(s, factor, "deliver"):
        said = run.publication
        if said.status != "COMPLETE":
            continue
        order = orders[said.terms["order"]]
        ref = store.resolve(s, said.inputs[0].id)
        fields, limit = order["fields"].split(","), order["rows_limit"]
        rows = licensed(store.scan(s, ref), fields, limit).collect()
        secret = sales.delivery_secret(s, said.terms["delivery"])
        copy = in_types(handed, rows.schema)
        stand, pairs = kept(copy, rows.select(copy.columns), secret)
        found.append(
            {
                "delivery": said.terms["delivery"],
                "order": order["order"],
                "customer": order["customer"],
                "in_order": stand,
                "neighbours": pairs,
                "sure": stand == pairs >= SURE,
            }
        )
    return sorted(found, key=lambda f: -f["in_order"])


def read_copy(file: Path) -> pl.DataFrame:
    """Read a copy as it is; text of CSV stays text.

    Raises:
        StoreError: It is neither Parquet nor CSV.
    """
    try:
        if file.suffix == ".parquet":
            return pl.read_parquet(file, glob=False)
        return pl.read_csv(file, infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StoreError(f"{file} is no Parquet or CSV file: name one") from error


def in_types(copy: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Take the columns that a copy shares with a product, in the product's types."""
    have = copy.schema
    shared = [in_type(n, have[n], wanted) for n, wanted in schema.items() if n in have]
    return copy.select(shared)


def in_type(name: str, have: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """Read a column of a copy as the bundle's CSV wrote it; else null."""
    column = pl.col(name)
    if have == pl.String and wanted == pl.Date:
        return column.str.to_date("%Y-%m-%d", strict=False)
    if have == pl.String and isinstance(wanted, pl.Datetime):
        return column.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False)
    if have == pl.String and wanted == pl.Boolean:
        return column.replace_strict({"true": True, "false": False}, default=None)
    return column.cast(wanted, strict=False)
