"""Divide checked rows into the parts of a frame, and list parts as one artifact."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from schemas.artifact import ArtifactRef, Made
from schemas.errors import ContractError
from schemas.resource import Partition
from tasks import store
from tasks.contract.rejects import VALID_ROWS
from tasks.contract.unique import height
from tasks.stage.call import Call, digest

MAX_PARTS = 10_000  # of one piece; a key is no partition


def divided(
    valid: Path, partition: Partition, folder: Path
) -> Iterator[tuple[str, Path, int]]:
    """Divide checked rows by the value that names their partition.

    Most pieces hold one day: their file is the part. 2024-05-01T00:05 by day ->
    "2024-05-01", by month -> "2024-05".
    """
    rows = pl.scan_parquet(valid, glob=False)
    value = value_of(partition).alias("_value")
    counts = rows.group_by(value).len().sort("_value").collect(engine="streaming")
    if counts.height > MAX_PARTS:
        raise ContractError(
            f"partition {partition.column}: one piece holds {counts.height:,} of them,"
            f" more than {MAX_PARTS:,}; divide by day or month, or by another column"
        )
    if counts.height == 1:
        yield text_of(partition, counts.item(0, 0)), valid, counts.item(0, 1)
        return
    folder.mkdir()
    for number, (found, expected) in enumerate(counts.iter_rows()):
        part = folder / f"{number}"
        kept = rows.filter(value == found)
        kept.sink_parquet(part, row_group_size=VALID_ROWS, engine="streaming")
        if (written := height(part)) != expected:
            raise ContractError(
                f"partition {partition.column}: of {expected:,} rows {written:,} were"
                " written; report this as a defect"
            )
        yield text_of(partition, found), part, written


def value_of(partition: Partition) -> pl.Expr:
    """Say which partition a row belongs to: a value, a day, the first of a month."""
    column = pl.col(partition.column)
    if partition.by == "value":
        return column.cast(pl.String)
    day = column.cast(pl.Date)
    return day.dt.truncate("1mo") if partition.by == "month" else day


def text_of(partition: Partition, value: object) -> str:
    """Name a partition: 2024-05-01, by month 2024-05.

    Raises:
        ContractError: The value is empty, or would be taken for something else.
    """
    text = str(value)[:7] if partition.by == "month" else str(value)
    if not text.strip() or text.endswith(".rejects") or not text.isprintable():
        raise ContractError(
            f"partition {partition.column}: a value is empty, unprintable or ends in"
            " .rejects, and cannot name a part; refuse it by a rule of the column"
        )
    return text


def land_manifest(
    call: Call, name: str, members: Mapping[str, ArtifactRef], scratch: Path
) -> None:
    """Publish the list of the parts that are one logical artifact."""
    entries = [
        {"value": value, "id": ref.id, "sha256": ref.sha256, "rows": ref.rows}
        for value, ref in sorted(members.items())
    ]
    part = scratch / "manifest"
    part.write_text(json.dumps(entries, ensure_ascii=False, separators=(",", ":")))
    size = part.stat().st_size
    sha256 = store.place(call.store, part, private=name.endswith(".rejects"))
    first = next(iter(members.values()))
    ref = ArtifactRef(
        id=digest(["manifest", call.factor, name, sha256]),
        sha256=sha256,
        name=name,
        rows=sum(ref.rows for ref in members.values()),
        contract=first.contract,
        kind="manifest",
    )
    call.made.append(Made(frame=name, ref=ref, bytes=size))
