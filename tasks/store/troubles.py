"""Ask the store what failed or was refused, and has not been made good since."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from schemas.artifact import Publication
from schemas.errors import DatafactorError
from schemas.tables.columns import table_of
from schemas.tables.lineage import StageRun
from tasks.store.database import reading
from tasks.store.lineage import run
from tasks.store.place import Store
from tasks.store.publish import Run, read_body, signer_of

UNREACHED = (DatafactorError, SQLAlchemyError, OSError)  # the store does not answer
LAST = 1_000  # failed runs that are looked at, the newest
LATER = 500  # complete runs of one task that are compared with a failed one
SHUT = '"passed":false'  # as a canonical body writes a gate
TITLE = re.compile(r"^\w+(?:\[([^\]]*)\])?(?:@([^:]*))?:")
GOOD = "made_good"  # of a flow that ended well: the runs it makes good for
SOURCES, WHOLE = ("collect", "clean"), "gather"


class Trouble(NamedTuple):
    """The last run of a task that failed or was refused, and how many parts with it."""

    run: Run
    others: int = 0

    @property
    def refused(self) -> bool:
        """Say whether a gate is shut: the facts say no, nothing broke."""
        return any(not gate.passed for gate in self.run.publication.gates)


def troubles(s: Store, factor: str | None = None) -> list[Trouble]:
    """List what failed or was refused and nothing has followed, newest first.

    One a factor and task. Followed means: by a later complete run of the same task and
    part that speaks of the same day or a later one, or of a flow that made it good.

    Args:
        factor: Of one factor (or entity); of all if not said.
    """
    found: dict[tuple[str, str], list[Run]] = {}
    for one in (*_failed(s, factor), *_refused(s, factor)):
        if not _followed(s, one):
            said = one.publication
            found.setdefault((said.factor, said.task), []).append(one)
    last = [sorted(runs, key=lambda r: -r.seq) for runs in found.values()]
    made = [Trouble(runs[0], len(runs) - 1) for runs in last]
    return sorted(_spoken(made), key=lambda t: -t.run.seq)


def _spoken(made: list[Trouble]) -> Iterator[Trouble]:
    """Leave out how a flow ended once a later one of its factor got to another end."""
    newest: dict[str, int] = {}
    for said, seq in ((t.run.publication, t.run.seq) for t in made):
        if said.kind != "act":  # a person's own, beside all flows
            newest[said.factor] = max(seq, newest.get(said.factor, 0))
    for t in made:
        said = t.run.publication
        if not is_flow(said.task) or newest[said.factor] == t.run.seq:
            yield t


def is_outage(error: Exception) -> bool:
    """Say whether the database was gone, locked or out of disk."""
    return isinstance(error, OperationalError)


def is_flow(task: str) -> bool:
    """Say whether a whole flow was recorded: a stage function has no hyphen."""
    return "-" in task


def _failed(s: Store, factor: str | None) -> Iterable[Run]:
    """Find the newest failure of each part of each task."""
    query = _of(factor).where(run.status == "FAIL").order_by(run.seq.desc())
    newest: dict[tuple[str, ...], Run] = {}
    for one in _read(s, query.limit(LAST)):
        said = one.publication
        newest.setdefault((said.factor, said.task, *part_of(said)), one)
    return newest.values()


def _refused(s: Store, factor: str | None) -> Iterator[Run]:
    """Find the tasks whose last word, of the latest day, is a shut gate."""
    place = func.row_number().over(
        partition_by=(run.factor, run.task),
        order_by=(func.coalesce(run.as_of, "").desc(), run.seq.desc()),
    )
    complete = select(run.seq, place.label("place")).where(run.status == "COMPLETE")
    mine = complete if factor is None else complete.where(run.factor == factor)
    last = mine.subquery()
    query = _of(factor).join(last, last.c.seq == run.seq)
    return _read(s, query.where(last.c.place == 1, run.body.contains(SHUT)))


def _followed(s: Store, one: Run) -> bool:
    """Say whether a later complete run makes good for a failed or refused one."""
    said = one.publication
    later = _of(said.factor).where(run.seq > one.seq, run.status == "COMPLETE")
    flows = _read(s, later.where(run.task.contains("-")))  # see is_flow
    if any(one.run in ended.publication.terms.get(GOOD, ()) for ended in flows):
        return True
    tasks = (said.task, WHOLE) if part_of(said)[1] else (said.task,)
    same = later.where(run.task.in_(tasks)).order_by(run.seq.desc()).limit(LATER)
    return any(_makes_good(r.publication, said) for r in _read(s, same))


def _makes_good(later: Publication, failed: Publication) -> bool:
    if not _as_late(later.as_of, failed.as_of):
        return False
    part, value = part_of(failed)
    if later.task != failed.task:
        return True  # the whole was gathered: every part of it was there
    mine = {made.frame.partition("@")[2] for made in later.artifacts}
    return part_of(later)[0] == part and (not value or value in mine)


def _as_late(later: date | None, day: date | None) -> bool:
    return later is None or day is None or later >= day


def part_of(said: Publication) -> tuple[str, str]:
    """Say which source a run is about, and which piece of a chunk: empty if none.

    ``clean[levels]@levels_3.csv: …`` -> ("levels", "levels_3.csv").
    """
    title = TITLE.match(said.message)
    value = (title.group(2) or "") if title else ""
    return str(said.terms.get("name", "")) if said.task in SOURCES else "", value


def _of(factor: str | None) -> Select[tuple[int, str, str]]:
    query = select(run.seq, run.hash, run.body).select_from(table_of(StageRun))
    return query if factor is None else query.where(run.factor == factor)


def _read(s: Store, query: Select[tuple[int, str, str]]) -> Iterator[Run]:
    """Read runs one by one: who has found what they look for reads no more."""
    with reading(s.engine) as c:
        for row in c.execute(query):
            yield _run(*row)


def _run(seq: int, hash: str, text: str) -> Run:
    said, who, at = read_body(text)
    known = {"who": who, "at": at, "signer": signer_of(text)}
    return Run(seq=seq, run=hash, reused=False, publication=said, **known)
