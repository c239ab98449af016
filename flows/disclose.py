"""State what an entity's books hold of data resources, and keep every statement.

A statement is an artifact. Another one of the same periods names the one it replaces
and says why; what was stated stays readable.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from flows.accounts import people
from flows.books import entity_named, money
from flows.document import document_of, factor_named
from flows.face import table
from flows.market import valid
from flows.rights import rights_of
from flows.stages import disclose_task
from schemas.artifact import ArtifactRef, Snapshot
from schemas.disclosure import DiscloseTerms, Given, Report, Told
from schemas.document import load
from schemas.entity import Entity
from schemas.errors import RegisterError
from schemas.factor import Factor, named
from schemas.money import shown, yuan
from schemas.policy import DisclosureRules, Policy
from schemas.registers import (
    AssetCard,
    AssetEvent,
    Dispute,
    JournalLine,
    PeriodClose,
    Pledge,
    PledgeEvent,
)
from schemas.span import Span
from tasks import store
from tasks.asset.appraise.case import case_of
from tasks.asset.appraise.value import appraised, in_force, valid_to
from tasks.asset.disclose.disclose import statement_of
from tasks.finance import months_later

Facts = dict[str, Any]  # JSON
Refs = Mapping[str, ArtifactRef]
REGISTERS = (
    *(JournalLine, AssetCard, AssetEvent),
    *(Pledge, PledgeEvent, Dispute, PeriodClose),
)
BEFORE_CLOSE = "made before its last period was closed 结账前编制"


def disclosed(
    entity: str,
    period: str,
    reason: str = "",
    parents: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Facts:
    """Make the statement of an entity, or give the one that says the same.

    Args:
        entity: Name of the entity document.
        period: A month, a year, or FIRST..LAST.
        reason: Why another statement of these periods is replaced, if one is.
        parents: What the lines of the balance sheet hold in all, where it is known.
        folder: Where workbook and page go; nowhere if not said.

    Raises:
        RegisterError: Nothing is posted, or another statement of these periods stands
            and no reason is given.
    """
    terms = terms_of(entity_named(entity), Span.of(period), parents or {})
    before = standing(terms)
    made = statement_of(read(terms), terms)
    if made.statement["entries"].item() == 0:
        raise RegisterError(
            f"nothing is posted in the books of {entity} by {terms.last}: run a factor"
            " through its asset stage first"
        )
    if before and said_by(before)["content"] == made.statement["content"].item():
        return told(before, folder)
    if before and not reason.strip():
        raise RegisterError(
            f"another statement of {entity} for {terms.span} stands, and this one would"
            f" differ ({before['statement'].id[:12]}): say why with --reason"
        )
    if before:
        replaced = {"supersedes": before["statement"].id, "reason": reason}
        terms = valid(DiscloseTerms, **(dict(terms) | replaced))
    return told(disclose_task(*asked(terms), terms), folder)


def at_close(entity: str, period: str) -> Facts:
    """Make the statement of a month that was just closed; none of empty books.

    One that was made after the close stays, whatever its documents say by now; one
    made before it is replaced.
    """
    terms = terms_of(entity_named(entity), Span.of(period), {})
    before = standing(terms)
    if before and said_by(before)["closed"]:
        return told(before, None)
    if read(terms).journal.filter(pl.col("period") <= terms.last).is_empty():
        return {}
    return disclosed(entity, period, BEFORE_CLOSE if before else "")


def asked(terms: DiscloseTerms) -> tuple[Snapshot, ...]:
    """Ask for the registers that a statement reads."""
    mine = {"entity": terms.entity}
    return tuple(  # whose pledge an event is about stands in the pledge
        Snapshot(register=one, where={} if one is PledgeEvent else mine)
        for one in REGISTERS
    )


def read(terms: DiscloseTerms) -> Given:
    """Read them as they stand."""
    s = store.current()
    return Given._make(store.snapshot(s, one, "")[0] for one in asked(terms))


def standing(terms: DiscloseTerms) -> Refs | None:
    """Find the statement of an entity's periods that nothing replaced yet."""
    for run in store.runs(store.current(), terms.entity, "disclose"):
        said = run.publication
        same = said.terms["first"] == terms.first and said.terms["last"] == terms.last
        if same and said.status == "COMPLETE":
            return run.refs
    return None


def said_by(refs: Refs) -> Facts:
    """Read which statement it is."""
    made = store.scan(store.current(), refs["statement"]).collect()
    return made.row(0, named=True)


def terms_of(entity: Entity, span: Span, parents: Mapping[str, str]) -> DiscloseTerms:
    """Gather what a statement needs of the documents.

    Raises:
        FactorError: A document is wrong.
    """
    beside = store.current().settings.factors.parent
    policy = load(named(beside / "policies", entity.policy), Policy)
    closing = months_later(date.fromisoformat(f"{span.last}-01"), 1) - timedelta(days=1)
    factors = factors_of(entity)
    return valid(
        DiscloseTerms,
        factor=entity.entity,
        entity=entity.entity,
        name=entity.name,
        credit_code=entity.credit_code,
        first=span.first,
        last=span.last,
        accounts=entity.accounts,
        total=dict(parents),
        told=tuple(t for f in factors for t in texts_of(f, closing)),
        reports=tuple(r for f in factors for r in reports_of(f, closing)),
        illustrative=any(factor.illustrative for factor in factors),
        rules=policy.resolve(DisclosureRules),
    )


def factors_of(entity: Entity) -> list[Factor]:
    """Load the documents of the assets that have a card; one that is gone is silent."""
    asked = Snapshot(register=AssetCard, where={"entity": entity.entity})
    cards = store.snapshot(store.current(), asked, "")[0]
    names = cards["factor"].unique().sort().to_list()
    found = [factor_named(n) for n in names if document_of(n).is_file()]
    return [factor for factor in found if factor.asset]


def texts_of(factor: Factor, closing: date) -> Iterator[Told]:
    """Tell of an asset what its document says: use, raw data, charges, rights.

    Source: 财会〔2023〕11号 三(三), voluntary disclosure.
    """
    asset = factor.asset.name if factor.asset else ""
    at = f"factor {factor.factor}"

    def said(item: str, text: str) -> Told:
        return Told(asset=asset, item=item, said=text, source=at)

    scenario = factor.scenario
    for name in ("user", "decision", "benefit", "metric", "industry", "region"):
        yield said(name, str(getattr(scenario, name)))
    yield from (said("use", f"{n}: {t}") for n, t in scenario.uses.items())
    yield from (
        said("prohibited_use", f"{n}: {t}") for n, t in scenario.prohibited_uses.items()
    )
    for name, source in factor.sources.items():
        yield said("raw", f"{name}: {Path(source.path).name}, {source.licence}")
    if factor.product:
        yield said("processing", f"{factor.product.name}: {factor.product.release}")
    if factor.product and (price := factor.product.price):
        amount = f" {price.amount:f} CNY" if price.amount else ""
        yield said("charge", f"{price.mode}{amount}")
    held = rights_of(factor.factor, closing, None)
    for right in held["rights"]:
        term = f"{right['first']} to {right['last']}"
        where = ", ".join(n for n in (right["field"], right["territory"]) if n)
        yield said("right", f"{right['zh']} {right['en']}: {term}; {where or '-'}")
    yield from (said("lapsed_right", text) for text in held["not_held"])


def reports_of(factor: Factor, closing: date) -> Iterator[Report]:
    """Tell the appraisal in force at the closing, if there is one."""
    terms = factor.asset
    stated = in_force(terms.appraisal, closing) if terms else None
    if terms is None or stated is None or terms.rules is None:
        return
    yield Report(
        asset=terms.name,
        report=stated.report,
        appraiser=stated.appraiser,
        valuation_date=stated.valuation_date,
        valid_to=valid_to(stated, terms.rules.appraisal_valid_months),
        value=yuan(appraised(case_of(terms, stated))),
    )


def told(refs: Refs, folder: Path | None) -> Facts:
    """Say what a statement says in short, and write its files."""
    s, head = store.current(), said_by(refs)
    lines = store.scan(s, refs["lines"]).collect().to_dicts()
    names = ("entity", "first", "last", "closed", "content", "supersedes", "reason")
    return {n: head[n] for n in names} | {
        "statement": refs["statement"].id,
        "ties": refs["ties"].rows,
        "lines": [line_facts(line) for line in lines],
        "warnings": [warning(line) for line in lines if line["exceeds"]],
        "files": [*written(refs, head, folder)] if folder else [],
    }


def line_facts(line: Facts) -> Facts:
    """Tell one line of the balance sheet; empty where there is nothing."""
    amounts = ("closing", "opening", "parent")
    texts = {
        n: "" if line[f"{n}_fen"] is None else money(line[f"{n}_fen"]) for n in amounts
    }
    return {"line": line["line"]} | texts


def warning(line: Facts) -> str:
    """Warn of a part that is more than its whole."""
    return (
        f"data resources of {shown(line['closing_fen'])} exceed their line,"
        f" {line['line']}, of {shown(line['parent_fen'])}: check both"
    )


def written(refs: Refs, head: Facts, folder: Path) -> Iterator[str]:
    """Write workbook and page whole, or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    span = str(Span(head["first"], head["last"])).replace("..", "-to-")
    for frame, ending in (("workbook", "xlsx"), ("page", "html")):
        file = folder / f"statement-{head['entity']}-{span}.{ending}"
        part = file.with_name(f".{file.name}.part")
        part.write_bytes(store.raw(store.current(), refs[frame]).read_bytes())
        os.replace(part, file)
        yield str(file)


def show(console: Console, data: Facts) -> None:
    """Show the three lines, the ties, and where the files are."""
    first, last = data["first"], data["last"]
    span = first if first == last else f"{first} to {last}"
    rows = [
        (n["line"], *(people(n[a]) if n[a] else "" for a in ("closing", "opening")))
        for n in data["lines"]
    ]
    heads = ("其中：数据资源 of which", "closing 期末", "opening 期初")
    made = table(f"data resources of {data['entity']}, {span}", heads, rows)
    for column in made.columns[1:]:
        column.justify = "right"
    console.print(made)
    for text in data["warnings"]:
        console.print(f"  warning: {text}", markup=False)
    told = [f"{data['ties']} ties hold; statement {data['statement'][:12]}"]
    if not data["closed"]:
        told.append(f"{last} is not closed yet: figures may change")
    if data["supersedes"]:
        told.append(f"replaces {data['supersedes'][:12]}: {data['reason']}")
    console.print("\n".join([*told, *data["files"]]), markup=False)
