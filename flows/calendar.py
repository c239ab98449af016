"""Say which day a run speaks of, and on which days a schedule fires."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
AHEAD = 731 * DAY  # two years, one of them a leap year
FULL = 900  # of the 1,000 times that Prefect looks at; a jump of the clocks merges 60
NEAR = 2 * DAY  # around a change of the clocks: what it moves, it moves by a day


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


def fires(cron: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """List the instants at which Prefect's scheduler fires, both ends included.

    Args:
        cron: Five fields.
        zone: IANA zone of the fields.
        start: Aware.
        end: Aware.

    ``30 2 * * *`` of Asia/Shanghai on 2026-06-30 -> 2026-06-29T18:30Z.
    """
    # Here, since it loads the whole server; and asked, never written anew: what it
    # does where clocks jump at midnight is its own.
    from prefect.server.schemas.schedules import CronSchedule
    from prefect.utilities.asyncutils import run_coro_as_sync

    asked, found = CronSchedule(cron=cron, timezone=zone).get_dates, list[datetime]()
    full = True
    while full:
        some: list[datetime] = run_coro_as_sync(asked(start=start, end=end))
        found += [at for at in some if not found or at > found[-1]]
        start, full = found[-1] + SECOND if found else end, len(some) > FULL
    return [at.astimezone(UTC) for at in found]


def fire_dates(
    cron: str, zone: str, first: date, last: date, told: str = ""
) -> list[date]:
    """List the day of each firing in a span, in order; a day that fires twice, twice.

    Args:
        cron: Five fields.
        zone: IANA zone of the fields; in UTC no clock jumps.
        first: The first day asked for.
        last: The last one, included.
        told: Zone in which the days are told, that of the entity; ``zone`` if not said.
    """
    at = ZoneInfo(told or zone)
    start, end = midnight(first, at), midnight(last + DAY, at) - SECOND
    return [one.astimezone(at).date() for one in fires(cron, zone, start, end)]


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give the first instant of a day, in UTC; where clocks jump then, the jump."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def odd_dates(cron: str, zone: str, start: date) -> list[date]:
    """List the days of the next two years that a schedule skips or fires twice on.

    Both happen where clocks jump at midnight: ``0 0 * * *`` of America/Santiago fires
    at 00:00 and at 23:00 of 2026-09-05, and not on 2026-09-06. A schedule that is to
    fire several times a day fires on each of its days; one time more or less is no
    other day.

    Args:
        cron: Five fields.
        zone: IANA zone of the fields.
        start: The first day looked at.

    Returns:
        In order; empty for a zone whose clocks never change.
    """
    odd = set[date]()
    for day in changes(zone, start, start + AHEAD):
        first, last = day - NEAR, day + NEAR
        meant = Counter(fire_dates(cron, "UTC", first, last))
        done = Counter(fire_dates(cron, zone, first, last))
        odd |= {d for d in {*meant, *done} if is_odd(meant[d], done[d])}
    return sorted(day for day in odd if start <= day < start + AHEAD)


def is_odd(meant: int, done: int) -> bool:
    """Say whether a day was skipped, or is one too many."""
    return (meant > 0) != (done > 0) or (meant == 1 and done > 1)


def changes(zone: str, first: date, last: date) -> Iterator[date]:
    """List the days on which the clocks of a zone are changed, or in whose night."""
    at = ZoneInfo(zone)
    offset = datetime.combine(first, time(12), at).utcoffset()
    for n in range(1, (last - first).days + 1):
        day = first + n * DAY
        now = datetime.combine(day, time(12), at).utcoffset()
        if now != offset:
            yield day
        offset = now
