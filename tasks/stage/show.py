"""Tell people what a stage did: one log line, and one table on the run page."""

import re
from collections.abc import Mapping
from contextlib import suppress

from prefect.artifacts import create_table_artifact
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger

from schemas.artifact import Balance, CheckCount, Gate, Published
from schemas.errors import DatafactorError
from schemas.resource import NOTES
from tasks import store
from tasks.stage.log import LOGGER

Table = list[dict[str, str | int]]
SHOWN = 40  # rows of a table on the run page
ROWS = ("rows_in", "rows_out", "rejected", "dropped")


def together(done: Mapping[str, Published]) -> Published:
    """Tell of a chunk as of one run: its rows and rules summed over its parts."""
    each = list(done.values())
    if len(each) == 1:
        return each[0]
    said = [published.publication for published in each]
    balances: dict[str, Balance] = {}
    for b in (b for p in said for b in p.balances):
        known = balances.get(b.frame, Balance(frame=b.frame, **dict.fromkeys(ROWS, 0)))
        sums = {n: getattr(known, n) + getattr(b, n) for n in ROWS}
        balances[b.frame] = Balance(frame=b.frame, **sums)
    checks: dict[tuple[str, str], CheckCount] = {}
    for c in (c for p in said for c in p.checks):
        seen = checks.get((c.frame, c.check))
        examined, failed = (seen.examined, seen.failed) if seen else (0, 0)
        more = {"examined": examined + c.examined, "failed": failed + c.failed}
        checks[c.frame, c.check] = c.model_copy(update=more)
    whole = said[-1].model_copy(
        update={
            "artifacts": tuple(a for p in said for a in p.artifacts),
            "gates": tuple(g for p in said for g in p.gates),
            "balances": tuple(balances.values()),
            "checks": tuple(checks.values()),
        }
    )
    reused = all(published.reused for published in each)
    return Published(run=each[-1].run, reused=reused, publication=whole)


def sentence(title: str, published: Published, seconds: float, again: str = "") -> str:
    """Say it in one line: ``transform: 336,776 in, 336,776 out, 0 rejected, 0.8 s``."""
    said = published.publication
    if said.balances:
        balance = max(said.balances, key=lambda b: b.rows_in)
        counts = (
            f"{balance.rows_in:,} in, {balance.rows_out:,} out,"
            f" {balance.rejected:,} rejected"
        ) + (f", {balance.dropped:,} repeats dropped" if balance.dropped else "")
    else:
        landed = [made for made in said.artifacts if made.ref.kind != "manifest"]
        files = f" in {len(landed):,} files" if len(landed) > 1 else ""
        counts = f"{sum(made.bytes for made in landed):,} bytes{files}"
    how = "reused" if published.reused else f"{again}{seconds:.1f} s"
    told = (f"{title}: {counts}", noted(published), shut_of(published), how)
    return ", ".join(filter(None, told))


def shut_of(published: Published) -> str:
    """Count the gates that say no: ``1 of 16 gates shut``."""
    gates = published.publication.gates
    shut = sum(not gate.passed for gate in gates)
    return f"{shut} of {len(gates)} gates shut" if shut else ""


def tell(title: str, done: Mapping[str, Published], seconds: float) -> None:
    """Log the line, and put the table on the run page where there is one."""
    published = together(done)
    reused = sum(one.reused for one in done.values())
    again = f"{reused} of {len(done)} parts reused, " if reused else ""
    line = sentence(title, published, seconds, again)
    facts = {"stage_title": title, "published": published, "seconds": seconds}
    LOGGER.info(line, extra=facts)
    if TaskRunContext.get() is not None:
        get_run_logger().info(line)
        put_table(title, published, line)


def tell_failure(title: str, error: DatafactorError) -> None:
    """Put on the run page what a failed stage counted before it stopped."""
    if TaskRunContext.get() is None:
        return
    said = str(error)
    with suppress(*store.UNREACHED):  # the first error is the one to tell
        runs = (t.run for t in store.troubles(store.current()))
        mine = (run for run in runs if run.publication.message == said)
        if (failed := next(mine, None)) and failed.publication.balances:
            put_table(title, failed, said)


def put_table(title: str, published: Published, line: str) -> None:
    """Make the table of a stage, under a key that is the same each day."""
    create_table_artifact(
        key=artifact_key(published.publication.factor, title),
        table=shortened(table_of(published)),
        description=f"{line}\n\nrun `{published.run[:12]}`",
    )


def shortened(table: Table) -> Table:
    """Show as many rows as a person reads; the store has them all."""
    if len(table) <= SHOWN:
        return table
    last: dict[str, str | int] = dict.fromkeys(table[0], "")
    last["frame"] = f"and {len(table) - SHOWN:,} more: `datafactor show`"
    return [*table[:SHOWN], last]


def artifact_key(factor: str, title: str) -> str:
    """Make a stable key: ``flight-disruption-collect-flights``."""
    return re.sub(r"[^a-z0-9]+", "-", f"{factor} {title}".lower()).strip("-")


def table_of(published: Published) -> Table:
    """List what was checked: shut gates, balances, then rules, the worst first."""
    said = published.publication
    rows: Table = [gate_row(gate) for gate in said.gates if not gate.passed]
    rows += [
        {
            "frame": b.frame,
            "check": "rows in = out + rejected + dropped",
            "rows examined": b.rows_in,
            "failed": b.rejected,
            "dropped": b.dropped,
            "next": next_command(said.factor, said.stage, b.frame, b.rejected),
        }
        for b in said.balances
    ]
    rows += [
        {
            "frame": c.frame,
            "check": c.check,
            "rows examined": c.examined,
            "failed": c.failed,
            "dropped": 0,
            "next": "",
        }
        for c in sorted(said.checks, key=lambda c: -c.failed)
    ]
    rows += [gate_row(gate) for gate in said.gates if gate.passed]
    if said.balances or said.gates:
        return rows
    return [
        raw_row(made.frame, made.bytes, made.ref.sha256, noted(published, made.frame))
        for made in said.artifacts
        if made.ref.kind != "manifest"
    ]


def gate_row(gate: Gate) -> dict[str, str | int]:
    """Describe one gate, with its ground."""
    counts = {"rows examined": 1, "failed": int(not gate.passed), "dropped": 0}
    return {"frame": "gates", "check": gate.gate, **counts, "next": gate.ground}


def noted(published: Published, frame: str = "") -> str:
    """Say what reading passed over or joined: ``3 blank lines passed over``."""
    return ", ".join(
        f"{c.examined:,} {c.check}"
        for c in published.publication.checks
        if c.check in NOTES and frame in ("", c.frame)
    )


def next_command(factor: str, stage: str, frame: str, rejected: int) -> str:
    """Name the command that shows what was rejected."""
    return f"datafactor rejects {factor}/{stage}/{frame}" if rejected else ""


def raw_row(frame: str, size: int, sha256: str, note: str) -> dict[str, str | int]:
    """Describe raw bytes, which no rule has judged yet."""
    return {"frame": frame, "bytes": size, "sha256": sha256[:16], "note": note}
