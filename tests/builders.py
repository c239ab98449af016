"""Build what tests and developers need: a frame, a store, a published frame."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandera.polars as pa
import polars as pl

from schemas.artifact import ArtifactRef, Made, Publication, Stage
from schemas.contract import frame_of
from tasks import store
from tasks.contract import compile_contract
from tasks.stage.call import digest

Row = Sequence[object]


def frame(contract: type[pa.DataFrameModel], rows: Sequence[Row]) -> pl.LazyFrame:
    """Make a frame of a contract: its columns in order, its types."""
    return frame_of(contract, rows).lazy()


@contextmanager
def temporary_store(home: Path | None = None, **env: str) -> Iterator[store.Store]:
    """Open a store in a folder of its own; the environment is put back afterwards."""
    with tempfile.TemporaryDirectory() as made:
        root = home or Path(made)
        kept = {n: v for n, v in os.environ.items() if n.startswith("DATAFACTOR_")}
        for name in kept:
            del os.environ[name]
        os.environ |= {
            "DATAFACTOR_HOME": str(root / "home"),
            "DATAFACTOR_ANCHOR": str(root / "anchor"),
            "DATAFACTOR_KEY": str(root / "signing.key"),
            "DATAFACTOR_USER": "tester",
            **env,
        }
        try:
            yield store.current()
        finally:
            for name in [n for n in os.environ if n.startswith("DATAFACTOR_")]:
                del os.environ[name]
            os.environ |= kept


def published(
    contract: type[pa.DataFrameModel],
    rows: Sequence[Row],
    name: str = "given",
    factor: str = "test",
) -> ArtifactRef:
    """Publish rows as an artifact, so that a stage task can be handed its ref."""
    s = store.current()
    with store.scratch(s) as scratch:
        part = scratch / name
        frame(contract, rows).collect().write_parquet(part)
        size = part.stat().st_size
        sha256 = store.place(s, part, private=False)
    ref = ArtifactRef(
        id=digest(["given", name, factor, sha256]),
        sha256=sha256,
        name=name,
        rows=len(rows),
        contract=compile_contract(contract.to_schema()).digest,
        kind="frame",
    )
    run = Publication(
        task="given",
        stage=Stage.RESOURCE,
        status="COMPLETE",
        factor=factor,
        key=digest(["given", ref.id]),
        code="0" * 64,
        terms={},
        artifacts=(Made(frame=name, ref=ref, bytes=size),),
    )
    return store.publish(s, run).refs[name]
