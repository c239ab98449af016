"""The seam: a pure function in, a Prefect task with contracts and lineage out."""

from tasks.stage.task import StageTask, stage_task

__all__ = ["StageTask", "stage_task"]
