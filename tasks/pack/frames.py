"""Read posted frames from a pack: bytes of a stranger, under limits.

Only files of the shape that the store writes are read: Parquet, at most a million rows.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from schemas.contract import frame_of
from schemas.errors import SourceError
from tasks.pack.chosen import Kept
from tasks.store.registers import CONTRACTS, rows_of

MAX_ROWS, MAX_COLUMNS = 1_000_000, 200
Row = dict[str, Any]  # a row of any frame


class Held(NamedTuple):
    """A frame of a pack, read."""

    kept: Kept
    frame: pl.DataFrame

    @property
    def id(self) -> str:
        """Id of the artifact."""
        return self.kept.output.made.ref.id


def opened(kept: Kept, data: bytes) -> Held:
    """Read a frame whose bytes are those that its run published.

    Raises:
        SourceError: They are not, or they are no frame of so many rows.
    """
    ref = kept.output.made.ref
    if hashlib.sha256(data).hexdigest() != ref.sha256:
        run = kept.output.link.seq
        raise SourceError(
            f"{kept.name} is not what run {run} published: it was changed"
        )
    try:
        plan = pl.scan_parquet(io.BytesIO(data))
        rows = plan.select(pl.len()).collect().item()
        if rows > MAX_ROWS or len(plan.collect_schema()) > MAX_COLUMNS:
            raise SourceError(f"{kept.name} is larger than any frame of a loan")
        frame = plan.collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise SourceError(f"{kept.name} cannot be read as a frame") from error
    if frame.height != ref.rows:
        raise SourceError(
            f"{kept.name} has {frame.height} rows, its run says {ref.rows}"
        )
    return Held(kept, frame)


def register_rows(held: Sequence[Held], register: str) -> list[Row]:
    """List the rows of a register, in the order of the chain; each of them once.

    Raises:
        RegisterError: A frame has other columns than the register.
    """
    contract = CONTRACTS.get(register)
    if contract is None:
        return []
    key = list(contract.to_schema().unique or ())
    found: dict[tuple[Any, ...], Row] = {}
    for one in held:
        if one.kept.register == register:
            for row in rows_of(contract, one.frame.lazy()):
                found.setdefault(tuple(row[k] for k in key), row)
    return list(found.values())


def register_frame(held: Sequence[Held], register: str) -> pl.DataFrame:
    """Put the rows of a register into one frame of its contract."""
    contract = CONTRACTS[register]
    names = list(contract.to_schema().columns)
    rows = [tuple(row[n] for n in names) for row in register_rows(held, register)]
    return frame_of(contract, rows)


def frame_named(held: Sequence[Held], run: int, name: str) -> list[Row]:
    """List the rows of a frame that a run made; nothing where the pack has it not."""
    for one in held:
        output = one.kept.output
        if (output.link.seq, output.made.frame) == (run, name):
            return one.frame.to_dicts()
    return []


def by_artifact(held: Sequence[Held]) -> Mapping[str, pl.DataFrame]:
    """List frames by the id of their artifact."""
    return {one.id: one.frame for one in held}
