"""Ask how often what one factor made was used, and by whom."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from schemas.artifact import Stage
from schemas.tables.columns import table_of
from schemas.tables.lineage import Derivation, RunOutput, StageRun
from tasks.store.database import reading
from tasks.store.lineage import BATCH
from tasks.store.place import Store

run, out = table_of(StageRun).c, table_of(RunOutput).c
edge = table_of(Derivation).c


class Use(BaseModel):
    """How many finished runs of one factor's later stages took something in."""

    model_config = ConfigDict(frozen=True)

    factor: str
    stage: Stage
    runs: int


def uses(s: Store, ids: Sequence[str]) -> list[Use]:
    """Count the runs that took any of some artifacts as input, by factor and stage.

    A run that was reused is not counted again: it did not run. Assessments and other
    runs of the resource stage about itself do not count.
    """
    found: dict[tuple[str, Stage], set[str]] = {}
    with reading(s.engine) as c:
        for start in range(0, len(ids), BATCH):
            query = (
                select(run.factor, run.stage, run.hash)
                .join(RunOutput, out.run == run.hash)
                .join(Derivation, edge.child == out.artifact)
                .where(run.status == "COMPLETE", run.stage != Stage.RESOURCE)
                .where(edge.parent.in_(ids[start : start + BATCH]))
                .distinct()
            )
            for factor, stage, hash in c.execute(query):
                found.setdefault((factor, Stage(stage)), set()).add(hash)
    return [
        Use(factor=factor, stage=stage, runs=len(runs))
        for (factor, stage), runs in sorted(found.items())
    ]
