"""Say which day a run speaks of."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def scheduled_date(zone: str) -> date:
    """Return the scheduled day in the entity's zone; of a plain call, today there.

    A late or retried run keeps the day it was scheduled for. 2026-11-19T17:30Z is
    2026-11-20 in Asia/Shanghai.
    """
    # Here, so that a command that asks for no day does without Prefect.
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    run = context.flow_run if context else None
    at = run.expected_start_time if run else None
    return (at or datetime.now(UTC)).astimezone(ZoneInfo(zone)).date()
