"""Say what a REF stands for: the one grammar of what people may name.

One artifact (``resolve``): ``factor[/stage[/frame]][@partition]``, ``loan:NUMBER`` or
the number alone, ``sha256:…``, an id's first 8 characters or more, a path to a file.
What registers and documents call by a number rests on several (``every``):
``right:CERTIFICATE``, ``metric:FACTOR/METRIC``, ``agreement:NUMBER``, ``licence:ID``.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, or_, select

from schemas.artifact import ArtifactRef, Stage
from schemas.errors import StoreError
from schemas.licence import WRITTEN
from schemas.tables.columns import table_of
from schemas.tables.ledger import AssetCardRow
from schemas.tables.market import EntitlementEvent, OrderRow
from schemas.tables.pledge import LoanRow, PledgeRow
from schemas.tables.rights import RightEvent
from tasks.store.database import reading
from tasks.store.lineage import BATCH, made, out, run, yielded
from tasks.store.manifest import parts
from tasks.store.place import Store, digest, scan

FEW = 10  # candidates that a refusal lists
ASSESS, OFFER = "assess", "productize"  # who measures quality, who states the terms
Ids = set[str]


def resolve(s: Store, text: str) -> ArtifactRef:
    """Find the one artifact that a person means.

    Args:
        text: ``factor[/stage[/frame]][@partition]`` (its latest day's complete
            run; of what speaks of no day, the last run),
            ``loan:NUMBER`` or the number alone, ``sha256:…``, an id's first 8
            characters or more, or a path to a file that the store has read; also what
            states a ``right:``, a ``metric:``, an ``agreement:`` or a ``licence:``.

    Raises:
        StoreError: Nothing or more than one thing is meant; the sentence lists what is
            there.
    """
    kind, _, rest = text.partition(":")
    with reading(s.engine) as c:
        ids = KINDS[kind].stated(c, s, rest) if kind in KINDS else _meant(c, s, text)
        found = [_ref(c, i) for i in sorted(ids)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{ref.id[:12]} ({ref.name})" for ref in found[:FEW])
        raise StoreError(f"{text} may mean any of {len(found)}: take one of {listed}")
    raise _unknown(s, text)


def every(s: Store, text: str) -> list[str]:
    """List what a name has ever stood for, newest day first; else the one thing meant.

    Money hangs on the artifact that was pledged, not on the newest of its name. What
    is called by a number stands for all that its registration or its document reaches:
    a right for its assets, a metric for the resource it measures, an agreement for the
    products offered under it, a licence for the files that bear it.

    Raises:
        StoreError: Nothing or more than one thing is meant.
    """
    kind, _, rest = text.partition(":")
    if kind in KINDS and (reached := KINDS[kind].reached):
        with reading(s.engine) as c:
            if ids := reached(c, s, rest):
                return sorted(ids)
        raise _unknown(s, text)
    with reading(s.engine) as c:
        named = _ever(c, text)
    return named or [resolve(s, text).id]


def _ever(c: Connection, text: str) -> list[str]:
    factor, stage, frame = [*text.split("/", 2), "", ""][:3]
    query = yielded(out.artifact).where(run.factor == factor)
    query = query.where(run.kind != "snapshot")
    if stage:
        query = query.where(run.stage == stage)
    if frame:
        query = query.where(out.frame == frame)
    return list(dict.fromkeys(c.scalars(query)))


def _meant(c: Connection, s: Store, text: str) -> Ids:
    """Collect the ids that a text without a kind may stand for."""
    meant = _named(c, s, text) | _loans(c, s, text)
    if re.fullmatch("[0-9a-f]{8,64}", text):
        low, high = text.ljust(64, "0"), text.ljust(64, "f")
        meant |= set(c.scalars(select(made.id).where(made.id.between(low, high))))
    if not meant and Path(text).expanduser().is_file():
        meant = _with_bytes(c, s, digest(Path(text).expanduser()))
    return meant


def _unknown(s: Store, text: str) -> StoreError:
    """Say that nothing is called so, and what there is of its kind."""
    kind, _, rest = text.partition(":")
    with reading(s.engine) as c:
        if kind in KINDS and (known := KINDS[kind].known):
            named = sorted(set(known(c, s, rest)))
            more = f" and {len(named) - FEW} more" if len(named) > FEW else ""
            few = f"{', '.join(named[:FEW])}{more}" if named else "none"
            return StoreError(
                f"nothing in the store is called {text}: of {kind} there is {few}"
            )
        likely = [
            n for n, k in KINDS.items() if k.known and text in k.known(c, s, text)
        ]
        factors = _factors(c, text.partition("/")[0])
    if likely:
        return StoreError(
            f"nothing in the store is called {text} alone: write"
            f" {' or '.join(f'{n}:{text}' for n in likely)}"
        )
    given = ", ".join(f"{n}:…" for n in KINDS)
    return StoreError(
        f"nothing in the store is called {text}: there are the factors"
        f" {factors or 'none'}; or give {given}, an id or a file"
    )


def _factors(c: Connection, like: str) -> str:
    """List factors, those spelt alike first; acts of an entity or house are of none."""
    own = (run.kind == "stage") & run.stage.in_((Stage.RESOURCE, Stage.PRODUCT))
    known = sorted(c.scalars(select(run.factor).where(own).distinct()))
    names = list(dict.fromkeys([*get_close_matches(like, known), *known]))
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def _loans(c: Connection, _: Store, number: str) -> Ids:
    """Find what pledged for a loan; without a pledge, what entered the loan."""
    pledge, loan = table_of(PledgeRow).c, table_of(LoanRow).c
    pledged = set(c.scalars(select(pledge.artifact).where(pledge.request == number)))
    lent = select(loan.artifact).where(loan.loan == number)
    return pledged or set(c.scalars(lent))


def _loan_numbers(c: Connection, _: Store, __: str) -> Iterator[str]:
    yield from c.scalars(select(table_of(PledgeRow).c.request))
    yield from c.scalars(select(table_of(LoanRow).c.loan))


def _with_bytes(c: Connection, _: Store, sha256: str) -> Ids:
    """Find artifacts with these bytes, or raw ones out of a file with them."""
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        return set()
    own = select(made.id).where(made.sha256 == sha256)
    inside = select(out.artifact).where(out.file_sha256 == sha256)
    return set(c.scalars(own.union(inside)))


def _rights(c: Connection, certificate: str) -> list[Any]:  # rows of one shape
    """Read what a certificate registered: ``CERTIFICATE`` or ``entity/CERTIFICATE``.

    Raises:
        StoreError: Several entities have one of this number.
    """
    right = table_of(RightEvent).c
    whole = right.entity + "/" + right.certificate
    query = select(right.entity, right.certificate, right.asset, right.artifact)
    asked = or_(right.certificate == certificate, whole == certificate)
    rows = list(c.execute(query.where(asked)))
    if len({row.entity for row in rows}) > 1:
        each = sorted({f"right:{row.entity}/{row.certificate}" for row in rows})
        raise StoreError(f"right:{certificate} may mean any of: {', '.join(each)}")
    return rows


def _registered(c: Connection, _: Store, certificate: str) -> Ids:
    """Find the frames that registered a certificate."""
    return {row.artifact for row in _rights(c, certificate)}


def _resting_on_right(c: Connection, _: Store, certificate: str) -> Ids:
    """Find what was made of the assets whose rows name a certificate.

    The asset's card, valuation and pledge are no children of the frame that registered
    the right: stages read rights as a snapshot. They meet in the asset's name.
    """
    rows = _rights(c, certificate)
    frames = {row.artifact for row in rows}
    for entity, asset in {(row.entity, row.asset) for row in rows}:
        for table in (RightEvent, AssetCardRow, PledgeRow, LoanRow):
            named = table_of(table).c
            mine = and_(named.entity == entity, named.asset == asset)
            frames |= set(c.scalars(select(named.artifact).where(mine)))
    return _beside(c, frames)


def _certificates(c: Connection, _: Store, __: str) -> Iterable[str]:
    return c.scalars(select(table_of(RightEvent).c.certificate).distinct()).all()


def _beside(c: Connection, ids: Iterable[str]) -> Ids:
    """Add what the same complete runs yielded."""
    found, wanted = set(ids), sorted(ids)
    for start in range(0, len(wanted), BATCH):
        some = out.artifact.in_(wanted[start : start + BATCH])
        runs = yielded(out.run).where(some, run.status == "COMPLETE").order_by(None)
        found |= set(c.scalars(select(out.artifact).where(out.run.in_(runs))))
    return found


def _measured(c: Connection, s: Store, text: str) -> Ids:
    """Find the newest assessment of a factor, if it states the metric."""
    factor, _, metric = text.rpartition("/")
    newest = _latest(c, f"{factor}/resource/quality")
    return {newest} if newest and metric in _metrics(c, s, newest) else set()


def _metrics(c: Connection, s: Store, quality: str) -> Iterator[str]:
    """List the indicators of an assessment by code, name and dimension."""
    columns = ("code", "name", "dimension")
    rows = scan(s, _ref(c, quality)).select(columns).collect()
    for column in columns:
        yield from rows[column].unique(maintain_order=True)


def _resting_on_metric(c: Connection, s: Store, text: str) -> Ids:
    """Find all assessments of a factor, and the resources they were made of."""
    if not _measured(c, s, text):
        return set()
    factor = text.rpartition("/")[0]
    judged = yielded(out.artifact).where(run.factor == factor, run.task == ASSESS)
    judged = judged.where(run.status == "COMPLETE")
    return {*c.scalars(judged), *_ever(c, f"{factor}/resource/resource")}


def _known_metrics(c: Connection, s: Store, text: str) -> Iterator[str]:
    factor = text.rpartition("/")[0]
    if newest := _latest(c, f"{factor}/resource/quality"):
        yield from (f"{factor}/{metric}" for metric in _metrics(c, s, newest))
        return
    assessed = select(run.factor).where(run.task == ASSESS, run.status == "COMPLETE")
    yield from (f"{name}/…" for name in c.scalars(assessed.distinct()))


def _offered_under(c: Connection, number: str) -> list[tuple[str, str]]:
    """List the runs (hash, factor) that offered a product under an agreement."""
    written = json.dumps(number, ensure_ascii=False)  # as the body writes it
    named = select(run.hash, run.factor, run.body).where(
        run.task == OFFER,
        run.status == "COMPLETE",
        run.body.contains(written, autoescape=True),
    )
    rows = c.execute(named.order_by(run.seq.desc()))
    return [(r.hash, r.factor) for r in rows if number in _agreements(r.body)]


def _agreements(body: str) -> Iterator[str]:
    """Read what a product is offered under: supplies of public data, its licence."""
    terms = json.loads(body)["terms"]
    review = terms.get("compliance") or {}
    supplies = [review.get("public_data"), *(terms.get("public_inputs") or {}).values()]
    yield from (s["agreement"] for s in supplies if s and s.get("agreement"))
    licence = terms.get("licence") or {}
    yield from filter(None, [licence.get("evidence")])


def _agreed(c: Connection, s: Store, number: str) -> Ids:
    """Find the loan, the order, and the newest product of each factor under it."""
    order = table_of(OrderRow).c
    found = _loans(c, s, number)
    found |= set(c.scalars(select(order.artifact).where(order.order == number)))
    newest = {factor: hash for hash, factor in reversed(_offered_under(c, number))}
    mine = and_(out.run.in_(newest.values()), out.frame == "product")
    return found | set(c.scalars(select(out.artifact).where(mine)))


def _resting_on_agreement(c: Connection, s: Store, number: str) -> Ids:
    """Find all that was ever made under an agreement, and what it entitles to."""
    given = table_of(EntitlementEvent).c
    entitled = select(given.artifact).where(given.entitlement == number)
    hashes = [hash for hash, _ in _offered_under(c, number)]
    under: Ids = set()
    for start in range(0, len(hashes), BATCH):
        some = out.run.in_(hashes[start : start + BATCH])
        under |= set(c.scalars(select(out.artifact).where(some)))
    return under | set(c.scalars(entitled)) | _agreed(c, s, number)


def _known_agreements(c: Connection, s: Store, _: str) -> Iterator[str]:
    yield from _loan_numbers(c, s, "")
    yield from c.scalars(select(table_of(OrderRow).c.order))
    offers = select(run.body).where(run.task == OFFER, run.status == "COMPLETE")
    for body in c.scalars(offers.order_by(run.seq.desc()).limit(BATCH)):
        yield from _agreements(body)


def _licensed(c: Connection, _: Store, licence: str) -> Ids:
    """Find the raw files that bear a licence, whoever is to be credited."""
    begun = out.licence.startswith(licence, autoescape=True)
    rows = c.execute(select(out.artifact, out.licence).where(begun))
    return {row.artifact for row in rows if _licence(row.licence) == licence}


def _licence(written: str) -> str:
    found = WRITTEN.match(written)
    return found.group(1) if found else written


def _licences(c: Connection, _: Store, __: str) -> Iterator[str]:
    query = select(out.licence).where(out.licence.is_not(None)).distinct()
    yield from map(_licence, c.scalars(query))


class Called(NamedTuple):
    """How one kind of name is read."""

    stated: Callable[[Connection, Store, str], Ids]  # the frames that state it
    reached: Callable[[Connection, Store, str], Ids] | None = None  # what rests on it
    known: Callable[[Connection, Store, str], Iterable[str]] | None = None


KINDS = {
    "loan": Called(_loans, None, _loan_numbers),
    "right": Called(_registered, _resting_on_right, _certificates),
    "metric": Called(_measured, _resting_on_metric, _known_metrics),
    "agreement": Called(_agreed, _resting_on_agreement, _known_agreements),
    "licence": Called(_licensed, _licensed, _licences),
    "sha256": Called(_with_bytes),
}


def _named(c: Connection, s: Store, text: str) -> Ids:
    name, _, partition = text.partition("@")
    found = _latest(c, name)
    if found is None or not partition:
        exact = found or _latest(c, text)
        return {exact} if exact else set()
    # The whole says which part stands; a part may also have been made before.
    ref = _ref(c, found)
    known = dict(parts(s, ref)) if ref.kind == "manifest" else {}
    if partition not in known and (exact := _latest(c, text)):
        return {exact}
    if ref.kind != "manifest":
        raise StoreError(f"{name} has no partitions")
    if partition not in known:
        few = ", ".join([*known][:8]) + (" and more" if len(known) > 8 else "")
        raise StoreError(f"{name} has no partition {partition}; it has {few}")
    return {known[partition].id}


def _latest(c: Connection, name: str) -> str | None:
    """Find the newest complete output; without a frame, the stage's main one.

    What a task says of its newest day stands, though an older day ran later; of one
    day, and of a task that speaks of none, what ran last.
    """
    factor, stage, frame = [*name.split("/", 2), "", ""][:3]
    query = yielded(run.seq, out.frame, out.artifact, run.task)
    query = query.where(run.factor == factor, run.status == "COMPLETE")
    if frame:
        query = query.where(out.frame == frame)
    stages = [stage] if stage else [*reversed(Stage)]
    found = _main(c, query.where(run.kind != "snapshot"), stages)
    # What was read from a register is meant only where its frame is named.
    return found or (_main(c, query, stages) if frame else None)


def _main(c: Connection, query: Select[Any], stages: Iterable[str]) -> str | None:
    for one in stages:
        rows = c.execute(query.where(run.stage == one)).all()
        newest: dict[tuple[str, str], Any] = {}  # rows
        for row in rows:
            newest.setdefault((row.task, row.frame), row[:3])
        if newest:
            return str(min(newest.values(), key=lambda row: _rank(one, *row))[2])
    return None


def _rank(stage: str, seq: int, frame: str, _: str) -> tuple[bool, bool, int]:
    """Prefer the frame named after its stage, then what is no gate and no reject."""
    beside = frame == "gates" or frame.endswith(".rejects")
    return frame != stage, beside, -seq


def _ref(c: Connection, id: str) -> ArtifactRef:
    """Make the ref of an artifact, under the contract of its newest run."""
    row = c.execute(select(*made).where(made.id == id)).mappings().one()
    newest = c.scalars(yielded(out.contract).where(out.artifact == id)).first()
    known = {n: row[n] for n in ("id", "sha256", "name", "rows", "kind")}
    return ArtifactRef(**known, contract=newest or "")
