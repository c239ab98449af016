"""Carry a raw file to valid rows and rejects, as the flow does: collect, open, clean.

What a reader gives is judged by the source's contract; rows are counted by hand there
and here.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from schemas.contract import Column
from schemas.errors import SourceError
from schemas.resource import Source
from tasks.contract import compile_contract, contract_pass
from tasks.contract.compile import RAW
from tasks.resource.clean import clean
from tasks.resource.collect import collect
from tasks.source import open_text
from tasks.source.limited import READERS


class Carried(NamedTuple):
    """Valid rows, rejected rows, the rules that rejected something, what is noted."""

    valid: pl.DataFrame
    rejects: pl.DataFrame
    failed: dict[str, int]
    notes: dict[str, int]

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The valid rows in the order of the file."""
        return self.valid.drop("_line").rows()

    @property
    def lines(self) -> list[int]:
        """The lines of the rejects in their file."""
        return self.rejects["_line"].to_list()


def column(
    name: str, kind: str = "string", written: str | None = None, **options: Any
) -> Column:
    """Write a column as a document would; ``required`` and ``normalize`` too."""
    own: dict[str, Any] = {
        k: options.pop(k) for k in ("required", "normalize") if k in options
    }
    own |= {} if written is None else {"physicalName": written}
    given = {"name": name, "logicalType": kind, "logicalTypeOptions": options, **own}
    return Column.model_validate(given)


def source(path: str, *columns: Column, **terms: Any) -> Source:
    """Write a source as a document would; its format is what the name ends in."""
    ending = path.rpartition(".")[2]
    kind = ending if ending in ("xlsx", "json", "jsonl", "parquet") else "csv"
    known = {"name": "given", "licence": "CC0-1.0", "path": path, "format": kind}
    return Source.model_validate({**known, "columns": columns, **terms})


def carried(content: bytes, given: Source) -> Carried:
    """Carry a file's bytes to the end of the contract; no row may be lost."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        outer, piece = folder / "outer", folder / "piece"
        outer.write_bytes(content)
        notes = Counter[str]()

        def pieces() -> Iterator[bytes]:
            notes.update((yield from collect(outer, given)))

        piece.write_bytes(b"".join(pieces()))
        text = open_text(piece, given, folder)
        notes.update(text.notes)
        contract = compile_contract(given.contract(), parsed=True)
        out = folder / "valid", folder / "rejects"
        verdict = contract_pass(
            *(clean(text.rows, given), contract, *out, folder), places=text.places
        )
        rejects = pl.read_parquet(folder / "rejects")
        assert (folder / "rejects").stat().st_mode & 0o777 == 0o600
        read = text.rows.select(pl.len()).collect().item()
        assert read == pl.read_parquet(folder / "valid").height + rejects.height
        failed = {name: count for name, count in verdict.failed.items() if count}
        # The pass sorts; a person counts in the order of the file.
        names = [c.name for c in given.columns]
        bad = pl.col("_line").is_in(rejects["_line"].implode())
        rows = clean(text.rows, given).filter(~bad).select("_line", *names)
        return Carried(rows.sort("_line").collect(), rejects, failed, dict(notes))


def read(content: bytes, given: Source) -> list[tuple[Any, ...]]:
    """Let a reader work in this process, and give its text."""
    with tempfile.TemporaryDirectory() as made:
        file = Path(made) / "raw"
        file.write_bytes(content)
        frames = pl.concat(list(READERS[given.format](file, given)))
        return frames.select(RAW + c.name for c in given.columns).collect().rows()


def refusal(content: bytes, given: Source) -> str:
    """Get the one sentence with which a file is refused: source, file, why, remedy."""
    with pytest.raises(SourceError) as refused:
        carried(content, given)
    told = str(refused.value)
    assert told.startswith(f"source given, {given.file}")
    assert "\n" not in told
    assert "; " in told, f"no remedy: {told}"
    return told


def refused_by(content: bytes, given: Source) -> str:
    """Get the words of a reader in this process: why, remedy."""
    with pytest.raises(SourceError) as refused:
        read(content, given)
    told = str(refused.value)
    assert "\n" not in told
    assert "; " in told, f"no remedy: {told}"
    return told
