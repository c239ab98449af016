"""Recompute all that the store claims: chain, projections, registers, counters, bytes.

The bodies of the runs are the truth. What the tables hold beside it is changed, missing
or invented; each finding says which loan and how much money rests on it. Everything is
read in one short transaction, so that hashing blocks no writer.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, select, type_coerce
from sqlalchemy.exc import DatabaseError
from sqlalchemy.types import NullType

from schemas.approval import Signed
from schemas.artifact import Publication
from schemas.errors import RegisterError, SourceError
from schemas.money import shown
from schemas.tables.columns import Row, table_of
from schemas.tables.ledger import ApprovalRow, JournalEntry
from schemas.tables.lineage import (
    Artifact,
    CheckResult,
    Derivation,
    ErasureRow,
    RunOutput,
    StageRun,
)
from schemas.tables.market import (
    EntitlementEvent,
    OrderRow,
    Quota,
    SealedUsage,
    UsageRow,
)
from schemas.tables.pledge import Collateral, PledgeRow
from tasks.asset.approve import statement
from tasks.product.meter import doubts
from tasks.store import anchor as anchors
from tasks.store import registers, triggers
from tasks.store.database import reading
from tasks.store.erased import told as told_erased
from tasks.store.lineage import Loan, among, made, out
from tasks.store.place import Store, bring, digest, kept_digest, locate
from tasks.store.projected import (
    Projected,
    Told,
    raw_hash,
    read,
)
from tasks.store.publish import (
    GENESIS,
    link,
    run_row,
)
from tasks.store.registers import CONTRACTS, Key, Values
from tasks.store.sales import MAKER
from tasks.store.signing import bears

CORRUPT, UNTRUSTED, UNVERIFIABLE = 1, 2, 4
PROJECTIONS: tuple[type[Row], ...] = (Artifact, Derivation, RunOutput, CheckResult)
COUNTED: tuple[type[Row], ...] = (Collateral, UsageRow, Quota)
POSTED: tuple[type[Row], ...] = (*registers.TABLES.values(), JournalEntry, *COUNTED)
READ = 10_000  # rows at a time
BODIES = 100  # runs at a time: a body of a thousand artifacts is half a megabyte
Rows = dict[type[Row], dict[Key, Values]]
Text = Callable[[bytes], str]


class Finding(BaseModel):
    """Something that is not as it was published: which exit bit, and a sentence."""

    model_config = ConfigDict(frozen=True)

    bit: int
    sentence: str


class Findings(BaseModel):
    """What was found, how much was looked at, and what was not."""

    model_config = ConfigDict(frozen=True)

    findings: tuple[Finding, ...]
    examined: dict[str, int]
    notes: tuple[str, ...]

    @property
    def exit(self) -> int:
        """0 sound, or the sum of 1 corrupt, 2 untrusted, 4 unverifiable."""
        bits = 0
        for finding in self.findings:
            bits |= finding.bit
        return bits


class _Book:
    """Truth and tables side by side while they are compared.

    Of the projections it holds the rows that differ alone.
    """

    def __init__(self, s: Store, held: Rows, text: Text = str) -> None:
        self.store, self.held, self.text = s, held, text
        self.truth: Rows = {t: {} for t in (*PROJECTIONS, *POSTED)}
        self.runs: list[Publication] = []
        self.files: set[bytes] = set()
        self.bad_bytes: set[str] = set()
        self.found: list[tuple[int, str, set[str], set[str]]] = []
        self.notes: list[str] = []
        self.examined: Counter[str] = Counter()

    def find(
        self,
        bit: int,
        what: str,
        artifacts: Iterable[str] = (),
        runs: Iterable[str] = (),
    ) -> None:
        """Note what is amiss, and which artifacts, or all of some runs, it is about."""
        self.found.append((bit, what, set(artifacts), set(runs)))

    def rows(self, table: type[Row]) -> Iterator[Values]:
        yield from self.truth[table].values()
        yield from self.held[table].values()

    def findings(self) -> Iterator[Finding]:
        """Say which loans rest on what was found, over true and forged edges."""
        steps: dict[str, set[str]] = {}
        outputs: dict[str, set[str]] = {}
        if any(artifacts or runs for *_, artifacts, runs in self.found):
            with _raw(self.store, self.text) as c:
                for e in chain(self.rows(Derivation), _rows(c, Derivation)):
                    steps.setdefault(e["parent"], set()).add(e["child"])
                outputs = self._outputs(c)
        for bit, what, artifacts, runs in self.found:
            starts = artifacts.union(*(outputs.get(run, ()) for run in runs))
            reached = _below(starts, steps)
            loans = sorted(
                {
                    str(Loan(**row))
                    for row in self.rows(PledgeRow)
                    if row["artifact"] in reached and type(row["principal_fen"]) is int
                }
            )
            said = f"; on it rests {', '.join(loans)}" if loans else ""
            yield Finding(bit=bit, sentence=f"{what}{said}")

    def _outputs(self, c: Connection) -> dict[str, set[str]]:
        """List what the runs that were found amiss yielded, truly or not."""
        asked = {run for *_, runs in self.found for run in runs}
        found: dict[str, set[str]] = {}
        every = _rows(c, RunOutput) if asked else ()
        for row in chain(self.rows(RunOutput), every):
            if row["run"] in asked:
                found.setdefault(row["run"], set()).add(row["artifact"])
        return found


def _below(starts: Iterable[str], steps: Mapping[str, Set[str]]) -> set[str]:
    """Collect artifacts and all their descendants."""
    found = set(starts)
    front = [*found]
    while front:
        fresh = steps.get(front.pop(), frozenset()) - found
        found |= fresh
        front += fresh
    return found


def verify(s: Store, anchor: Path | None = None) -> Findings:
    """Examine the whole store.

    Args:
        anchor: The signed heads, as a file or the folder that holds them. Without it
            nobody can tell whether the newest runs were cut off.
    """
    try:
        return _examined(s, anchor, str)
    except DatabaseError:
        pass  # perhaps only a text that is none any more: to replace is slower
    try:
        return _examined(s, anchor, partial(str, encoding="utf-8", errors="replace"))
    except DatabaseError as error:
        said = f"the database itself cannot be read: {type(error.orig).__name__}"
        broken = Finding(bit=CORRUPT, sentence=said)
        return Findings(findings=(broken,), examined={}, notes=())


def _examined(s: Store, anchor: Path | None, text: Text) -> Findings:
    with _raw(s, text) as c:
        book = _Book(s, {t: _by_key(t, _rows(c, t)) for t in POSTED}, text)
        _walk(book, c)
    _weigh_bytes(book)
    _replay(book)
    _compare(book)
    _hear(book)
    if anchor is None:
        book.notes.append(
            "without an anchor it was not examined whether runs were cut off the end:"
            f" give --anchor {s.settings.anchor}"
        )
    else:
        _hold_against(book, anchors.file_of(s, anchor))
    return Findings(
        findings=tuple(book.findings()),
        examined=dict(book.examined),
        notes=tuple(book.notes),
    )


def plain(value: Any) -> Any:  # Any: a cell of any table
    """Write a cell the same way whichever database or body it comes from."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value


@contextmanager
def _raw(s: Store, text: Text) -> Iterator[Connection]:
    """Read one moment as it is; ``text`` makes text of what SQLite holds as text."""
    with reading(s.engine) as c:
        driver: Any = c.connection.driver_connection  # of either database
        sqlite = c.dialect.name == "sqlite"
        if sqlite:
            driver.text_factory = text
        try:
            yield c
        finally:
            if sqlite:
                driver.text_factory = str


def _rows(c: Connection, table: type[Row]) -> Iterator[Values]:
    """Read a table as it is, also where a cell no longer fits its type."""
    columns = table_of(table).columns
    cells = [type_coerce(x, NullType()).label(x.name) for x in columns]
    query = select(*cells).execution_options(yield_per=READ)
    if table is StageRun:
        query = query.order_by(columns["seq"]).execution_options(yield_per=BODIES)
    for row in c.execute(query).mappings():
        yield {k: plain(v) for k, v in row.items()}


def _by_key(table: type[Row], rows: Iterable[Mapping[str, Any]]) -> dict[Key, Values]:
    key = [column.name for column in table_of(table).primary_key]
    made: dict[Key, Values] = {}
    for row in rows:
        same = {k: plain(v) for k, v in row.items()}
        made.setdefault(tuple(same[k] for k in key), same)
    return made


def _walk(book: _Book, c: Connection) -> None:
    """Follow the chain from its start; hold what each body says against the tables."""
    book.held[StageRun] = {}
    book.examined.update(runs=0, files=0)  # told first
    held = Projected(c)
    # Millions of tuples hold no cycle: looking through them takes a sixth of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        _follow(book, c, held)
        held.finish()
    finally:
        if collects:
            gc.enable()
    book.files = held.bytes
    for table in PROJECTIONS:
        names = table_of(table).columns.keys()
        for kept, into in ((held.truth, book.truth), (held.held, book.held)):
            told = (dict(zip(names, row, strict=True)) for row in kept[table])
            into[table] = _by_key(table, told)
        book.examined[table.__name__] = held.count(table)
    book.examined["runs"] = len(book.held[StageRun])


def _follow(book: _Book, c: Connection, held: Projected) -> None:
    """Read the runs in order, and hear what each says."""
    seq, prev = 0, GENESIS
    for row in _rows(c, StageRun):
        name = f"run {row['seq']} ({row['task']} of {row['factor']})"
        if (row["seq"], row["prev"]) != (seq + 1, prev):
            book.find(CORRUPT, f"before {name} the chain is broken", runs=[row["hash"]])
        if row["hash"] != link(row["prev"], row["body"]):
            what = f"{name} was changed: its hash is another"
            book.find(CORRUPT, what, runs=[row["hash"]])
        seq, prev = row["seq"], row["hash"]
        told = _read(book, name, row)
        book.held[StageRun][(seq,)] = {
            "seq": seq,
            "hash": prev,
            "signer": told.signer if told else "",
        }
        held.add(seq, raw_hash(prev), told)


def _read(book: _Book, name: str, row: Values) -> Told | None:
    try:
        told = read(row["body"])
    except (ValueError, KeyError, AttributeError, TypeError):
        what = f"the body of {name} cannot be read"
        book.find(CORRUPT, what, runs=[row["hash"]])
        return None
    said = run_row(told.publication, row["body"], told.at)
    if wrong := [k for k, v in said.items() if plain(v) != row[k]]:
        what = f"{name}: {', '.join(wrong)} differ from its body"
        book.find(CORRUPT, what, runs=[row["hash"]])
    book.runs.append(told.publication)
    return told


def _weigh_bytes(book: _Book) -> None:
    """Hash every file; bytes that several artifacts share are hashed once."""
    references, erased = _references(book), _erasures(book)
    referred = {hash for _, hash in references}
    bad: dict[str, tuple[int, str]] = {}
    for sha256 in sorted(hash.hex() for hash in book.files):
        came = kept_digest(book.store, sha256)
        found = _kept(came, sha256)
        if came is None and sha256 in referred:
            found = _referred(book.store, sha256, references)
        if erasure := erased.get(sha256):
            found = _erased(book.store, erasure, came, references)
        if found:
            bad[sha256] = found
    for sha256, rows in _with_bytes(book, [*bad]).items():
        what = " and ".join(f"{r['name']} ({r['id'][:12]})" for r in rows)
        book.bad_bytes.add(sha256)
        (bit, how), ids = bad[sha256], [r["id"] for r in rows]
        where = "" if sha256 in referred else _collected(book, ids)
        book.find(bit, f"the bytes of {what} {how}{where}", ids)
    book.examined["files"] = len(book.files)


def _collected(book: _Book, ids: Sequence[str]) -> str:
    """Say from which files some artifacts were collected; nothing of what was made."""
    with _raw(book.store, book.text) as c:
        rows = among(c, select(out.path, out.member), out.artifact, ids)
    files = {"!".join(filter(None, row.values())) for row in rows if row["path"]}
    return f", collected from {' and '.join(sorted(files))}" if files else ""


def _with_bytes(book: _Book, bad: Sequence[str]) -> dict[str, list[Values]]:
    """List the artifacts that truly have some bytes, by their hash."""
    found: dict[str, list[Values]] = {sha256: [] for sha256 in bad}
    with _raw(book.store, book.text) as c:
        rows = among(c, select(*made), made.sha256, bad)
    forged = {row["id"] for row in book.held[Artifact].values()}
    true = [row for row in rows if row["id"] not in forged]
    for row in [*true, *book.truth[Artifact].values()]:
        if row["sha256"] in found:
            found[row["sha256"]].append(row)
    return found


def _kept(came: str | None, sha256: str) -> tuple[int, str] | None:
    """Say what is wrong with bytes that the store itself keeps, by their hash now."""
    if came is None:
        return UNVERIFIABLE, "are missing"
    return (CORRUPT, "have changed") if came != sha256 else None


def _erasures(book: _Book) -> dict[str, Values]:
    """Find the bytes of which every artifact is erased; whoever has some keeps them."""
    held = book.held[ErasureRow]
    rows = {str(row["sha256"]): row for row in held.values()}
    named = _with_bytes(book, [*rows])
    gone = {h for h, have in named.items() if all((a["id"],) in held for a in have)}
    return {sha256: row for sha256, row in rows.items() if sha256 in gone}


def _erased(
    s: Store, erasure: Values, came: str | None, references: Set[tuple[str, str]]
) -> tuple[int, str]:
    """Say when and why bytes were erased, and where they lie all the same."""
    sha256, of = erasure["sha256"], ("erased_on", "reason", "person")
    said = told_erased(*(erasure[name] for name in of))
    if came is not None:
        said += ", but still lie here: run `datafactor gc` to end it"
    if left := still_lying(s, sha256, [p for p, h in references if h == sha256]):
        said += f", but {' and '.join(left)} still lies in the data folder: remove it"
    return UNVERIFIABLE, said


def still_lying(s: Store, sha256: str, places: Iterable[str]) -> list[str]:
    """List the raw files that still hold some bytes where they were found."""
    found = []
    for place in sorted({*places}):
        with suppress(SourceError, OSError):
            if digest(locate(s, place)) == sha256:
                found.append(place)
    return found


def _references(book: _Book) -> set[tuple[str, str]]:
    """List path and hash of the files of which nothing else is kept."""
    return {
        (made.origin.path, made.ref.sha256)
        for publication in book.runs
        for made in publication.artifacts
        if made.origin is not None and made.origin.retained == "reference"
    }


def _referred(
    s: Store, sha256: str, references: Set[tuple[str, str]]
) -> tuple[int, str] | None:
    """Say what is wrong with bytes that lie where they were found.

    A file that was collected again after a change is no damage, but what it was before
    cannot be examined any more.
    """
    places = sorted(place for place, hash in references if hash == sha256)
    now = {}
    for place in places:
        with suppress(SourceError, OSError):
            now[place] = digest(locate(s, place))
    if sha256 in now.values():
        return None
    kept = "are kept by reference, and the file"
    if not now:
        return UNVERIFIABLE, f"{kept} {places[0]} is missing"
    place, hash = next(iter(now.items()))
    if (place, hash) in references:
        return UNVERIFIABLE, f"{kept} {place} was replaced by one collected later"
    return CORRUPT, f"{kept} {place} has changed"


def _replay(book: _Book) -> None:
    """Post all frames anew, in memory, to learn what the registers must hold."""
    for table, rows in registers.rebuilt(_postings(book)).items():
        book.truth[table] = _by_key(table, rows.values())
    _recount(book)
    _doubt(book)


def _recount(book: _Book) -> None:
    """Count anew what every entitlement used.

    Usage is sealed a while after its delivery; until then only the counter beside it
    shows a row that was changed, and nothing shows both changed alike.
    """
    names = table_of(UsageRow).columns.keys()
    sealed = {k: {n: r[n] for n in names} for k, r in book.truth[SealedUsage].items()}
    held = book.held[UsageRow]
    loose = {k: r for k, r in held.items() if k not in sealed}
    book.truth[UsageRow] = sealed | loose
    for usage in book.truth[UsageRow].values():
        known = book.truth[Quota].get((usage["entitlement"],))
        for count in ("calls", "rows"):
            if known and type(usage[count]) is int:
                known[f"used_{count}"] += usage[count]
    if loose:
        book.notes.append(
            f"{len(loose)} deliveries are not sealed yet: run `datafactor meter`"
        )


def _doubt(book: _Book) -> None:
    """Hold usage against its orders: also what lies outside the chain must fit them.

    Which zone an entity keeps its books in is not in the chain: the month and the day
    of a delivery must be right in some zone. Sealing asks for the right one.
    """
    made: dict[str, set[str]] = {}
    for said in book.runs:
        ids = {m.ref.id for m in said.artifacts if m.frame == "product"}
        if said.task == MAKER:
            made.setdefault(said.factor, set()).update(ids)
    usage, orders = book.truth[UsageRow].values(), book.truth[OrderRow].values()
    events = book.truth[EntitlementEvent].values()
    for factor in sorted({order["factor"] for order in orders}):
        mine = [order for order in orders if order["factor"] == factor]
        numbers = {order["order"] for order in mine}
        own = [row for row in usage if row["entitlement"] in numbers]
        for delivery, why in doubts(own, mine, events, made.get(factor, ())).items():
            book.find(CORRUPT, f"delivery {delivery} is not borne by its order: {why}")


def _postings(book: _Book) -> Iterator[tuple[str, str, str, list[Values]]]:
    for publication in book.runs:
        poster = f"{publication.task}@{publication.factor}"
        refs = {m.ref.id: m.ref for m in publication.artifacts}
        for posting in publication.postings:
            if posting.artifact not in refs or posting.register not in CONTRACTS:
                continue  # a forged body; the chain says so
            sha256 = refs[posting.artifact].sha256
            rows = _frame_rows(book, posting.register, posting.artifact, sha256)
            yield posting.register, posting.artifact, poster, rows


def _frame_rows(book: _Book, register: str, artifact: str, sha256: str) -> list[Values]:
    """Read a posted frame; where it cannot be read, take the rows as they stand."""
    contract = registers.contract_of(register)
    if sha256 not in book.bad_bytes:
        try:
            frame = pl.scan_parquet(bring(book.store, sha256), glob=False)
            rows = registers.rows_of(contract, frame)
            return [{k: plain(v) for k, v in row.items()} for row in rows]
        except (RegisterError, pl.exceptions.PolarsError):
            pass
    held = book.held[registers.TABLES[contract]].values()
    names = list(contract.to_schema().columns)
    rows = [{n: r[n] for n in names} for r in held if r["artifact"] == artifact]
    book.notes.append(
        f"{len(rows)} rows of {register} were not compared: their frame is unreadable"
    )
    return rows


def _compare(book: _Book) -> None:
    """Find rows that were changed, removed or invented, and guards taken away."""
    for table in (*PROJECTIONS, *POSTED):
        truth, held = book.truth[table], book.held[table]
        for key in sorted({*truth, *held}, key=str):
            true, found = truth.get(key), held.get(key)
            if true != found:
                word = "removed" if not found else "changed" if true else "invented"
                rows = [row for row in (true, found) if row]
                what = f"a row of {table.__name__} was {word}: {_called(key)}"
                what += _counted(true, found) if table is Collateral else ""
                about = {a for r in rows for a in _about(book, r)}
                runs = {row["run"] for row in rows if table is CheckResult}
                book.find(CORRUPT, what, about, runs)
        book.examined.setdefault(table.__name__, len(held))
    with reading(book.store.engine) as c:
        if names := triggers.differing(c):
            book.find(CORRUPT, f"the guards {names} were dropped or changed")


def _called(key: Key) -> str:
    """Name a row by its key, ids shortened."""
    return ", ".join(str(k)[:12] if len(str(k)) == 64 else str(k) for k in key)


def _counted(true: Values | None, found: Values | None) -> str:
    """Say what a counter says, and what it should; the sum is not all that it holds."""
    says, sums = (
        shown(row["pledged_fen"]) if row and type(row["pledged_fen"]) is int else "0.00"
        for row in (found, true)
    )
    if says == sums:
        return ", its ceiling or its exclusiveness is not what was posted"
    return f", it counts {says} pledged where the pledges sum to {sums}"


def _about(book: _Book, row: Values) -> list[str]:
    """List the artifacts that a row speaks of."""
    direct = [row[k] for k in ("id", "child", "artifact", "served") if k in row]
    if "cap_fen" in row and "request" not in row:
        asset = (row["entity"], row["asset"])
        pledges = book.rows(PledgeRow)
        direct = [p["artifact"] for p in pledges if (p["entity"], p["asset"]) == asset]
    return direct


def _hear(book: _Book) -> None:
    """Check the signature of every approval against the keys of known signers."""
    given = book.held[ApprovalRow].values()
    for row in given:
        try:
            said = Signed.model_validate({n: row[n] for n in Signed.model_fields})
            true = bears(book.store, statement(said), said.signature, said.approver_key)
        except ValueError:
            true = False
        if not true:
            what = f"the approval of {str(row['subject'])[:12]} by {row['approver']}"
            found = f"{what} bears no signature of a known signer"
            book.find(UNTRUSTED, found, [row["artifact"]])
    book.examined["approvals"] = len(given)


def _hold_against(book: _Book, file: Path) -> None:
    """Compare the chain with the heads that were signed outside the database."""
    lines, faults = anchors.read(book.store, file)
    for fault in faults:
        book.find(UNTRUSTED, fault)
    if not lines:
        book.find(UNTRUSTED, f"there is no signed head in {file}")
        return
    runs = {row["seq"]: row for row in book.held[StageRun].values()}
    heads = {seq: row["hash"] for seq, row in runs.items()}
    last = max(heads, default=0)
    newest = max(lines, key=lambda line: int(line["seq"]))
    counted = (r["pledged_fen"] for r in book.held[Collateral].values())
    pledged = sum(fen for fen in counted if type(fen) is int)
    if newest["seq"] > last:
        book.find(
            UNTRUSTED,
            f"the chain ends at run {last}, but run {newest['seq']} was signed: runs"
            f" were cut off; then {shown(newest['pledged'])} were pledged in all, the"
            f" tables now count {shown(pledged)}",
        )
    others = [n["seq"] for n in lines if heads.get(n["seq"], n["head"]) != n["head"]]
    if others:
        book.find(UNTRUSTED, f"run {min(others)} is not the one that was signed")
    for line in (n for n in lines if n["seq"] in runs):
        if runs[line["seq"]]["signer"] not in ("", line["fingerprint"]):
            said = f"run {line['seq']} names another signer than who signed its head"
            book.find(UNTRUSTED, said)
    if newest["seq"] < last:
        book.notes.append(f"runs after {newest['seq']} are not signed yet")
    book.examined["signed heads"] = len(lines)
