"""Write the catalogue that a buyer reads: what is on offer, as a static site.

Only what is released stands in it: nothing refused, no row of a column that nobody has
called public, no path of this machine. What was withdrawn is marked and not orderable.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path, PurePath
from typing import Any

import polars as pl

from flows.calendar import scheduled_date
from flows.disputes import suspension
from flows.document import factor_named
from flows.export import ENDINGS, Format, told
from flows.quality import NAMES, points_of, quality_of
from flows.released import Released, all_released, withdrawal
from flows.versions import released_terms
from schemas.contract import Column
from schemas.errors import DatafactorError, StoreError
from schemas.offer import Price
from schemas.product import ProductTerms
from schemas.quality import DIMENSIONS, TOTAL
from tasks import store
from tasks.page.catalog import pages
from tasks.page.graph import Box, graph
from tasks.page.plot import Line, chart, shown
from tasks.page.words import LANGUAGES, Language, Words
from tasks.product.describe.facts import SHOWN
from tasks.product.versions import least_version
from tasks.store import Node

Facts = dict[str, Any]  # JSON
MARK = "catalog.json"  # by which a folder is known to be a catalogue
FORMATS: tuple[Format, ...] = ("odcs", "dcat", "croissant", "odrl")
LIMITS = ("minimum", "maximum", "min_length", "max_length", "pattern")
BESIDE = ("classify", "disclosure", "gates", "findings")  # frames that hold no data
BOXES = 8  # of one step of the lineage
SOURCES = 20  # raw files listed
CHARTS = 4  # of the quality of one product's resources


def write_catalog(folder: Path, languages: Sequence[Language] = LANGUAGES) -> Facts:
    """Write the site whole or not at all; an earlier one in the folder is replaced.

    Raises:
        StoreError: The folder holds something else, or two products have one name.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise StoreError(f"{folder} holds something else: name a new folder")
    found = all_released()
    refuse_twice([offer.terms.name for offer in found])
    facts = [facts_of(offer) for offer in found]
    place = folder.resolve()
    part = place.parent / f".{place.name}-{secrets.token_hex(4)}.part"
    try:
        files = [*written(part, found, facts, languages)]
        put_in_place(part, place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return {
        "folder": str(folder),
        "products": [f"{p['name']} {p['version']}" for p in facts],
        "files": files,
    }


def put_in_place(part: Path, place: Path) -> None:
    """Let a new site take the place of an old one, which stays if that fails."""
    old = part.with_suffix(".old")
    there = place.exists()
    if there:
        os.replace(place, old)
    try:
        os.replace(part, place)
    except OSError:
        if there:
            os.replace(old, place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def refuse_twice(names: Sequence[str]) -> None:
    """Refuse two products of one name: a page, and an order, would mean either."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise StoreError(f"two factors offer {', '.join(twice)}: rename one product")


def written(
    part: Path,
    found: Sequence[Released],
    facts: Sequence[Facts],
    languages: Sequence[Language],
) -> Iterator[str]:
    """Write every file of the site; give its path below the folder."""
    (part / "products").mkdir(parents=True)
    for offer, product in zip(found, facts, strict=True):
        for name, text in descriptors(offer):
            (part / "products" / name).write_text(text, encoding="utf-8")
            product["downloads"].append({"form": form_of(name), "file": name})
            yield f"products/{name}"
    drawings = {
        (product["name"], language): drawn(offer, product, language)
        for offer, product in zip(found, facts, strict=True)
        for language in languages
    }
    today = max((p["today"] for p in facts), default=str(scheduled_date("UTC")))
    for name, text in pages(facts, drawings, today, languages):
        (part / name).write_text(text, encoding="utf-8")
        yield name
    listing = json.dumps(facts, ensure_ascii=False, indent=1)
    (part / MARK).write_text(f"{listing}\n", encoding="utf-8")
    yield MARK


def descriptors(offer: Released) -> Iterator[tuple[str, str]]:
    """Describe a product in every open format that can say it."""
    for form in FORMATS:
        try:
            name, text = told(offer, form)
        except DatafactorError:
            continue
        yield f"{name}.{ENDINGS[form]}", text


def form_of(file: str) -> str:
    """Find the format of a descriptor by its ending."""
    return next(form for form in FORMATS if file.endswith(f".{ENDINGS[form]}"))


def facts_of(offer: Released) -> Facts:
    """Gather all that the pages say of one product, ready to be shown."""
    terms = offer.terms
    day = today_of(offer)
    return {
        "name": terms.name,
        "factor": offer.factor,
        "version": terms.version,
        "title": terms.title or terms.name,
        "illustrative": is_illustrative(offer.factor),
        "provider": terms.provider.model_dump() if terms.provider else None,
        "as_of": str(offer.as_of),
        "today": str(day),
        "rows": f"{offer.ref.rows:,}",
        "release": terms.release,
        **state_of(terms, day),
        **scenario_of(terms),
        "columns": [column_facts(c) for c in terms.columns],
        "key": list(terms.key),
        "order": list(terms.order),
        "rules": [rule.words for rule in terms.quality],
        "sample": sample_of(offer),
        "assessed": assessed(offer),
        "score": score_of(offer),
        "licence": terms.licence.model_dump(mode="json", exclude={"evidence"}),
        "inputs": terms.licences,
        "price_mode": terms.price.mode,
        "unit": terms.price.counted,
        "price": [*price_lines(terms.price)],
        "forms": list(terms.delivery.forms),
        "filters": list(terms.delivery.filters),
        "max_rows": f"{terms.delivery.max_rows:,}",
        "calls_per_minute": f"{terms.delivery.calls_per_minute:,}",
        "disclosure": disclosure_of(offer),
        "versions": [*versions_of(offer.factor)],
        **sources_of(offer),
        "gates": {gate.gate: gate.ground for gate in offer.publication.gates},
        "command": command_of(terms),
        "downloads": [],
        "words": words_of(terms),
    }


def today_of(offer: Released) -> date:
    """Give the day where the entity keeps its books."""
    try:
        return scheduled_date(factor_named(offer.factor).zone)
    except DatafactorError:  # its document is gone or being written
        return scheduled_date("Asia/Shanghai")


def is_illustrative(factor: str) -> bool:
    """Say whether the document calls rights, parties and money made up."""
    try:
        return factor_named(factor).illustrative
    except DatafactorError:
        return False


def state_of(terms: ProductTerms, day: date) -> Facts:
    """Say whether it can be ordered, and if not, why."""
    gone, ends = withdrawal(terms, day), terms.deprecated
    held = suspension(terms.factor, day)
    ended = ends is not None and ends.on < day
    state = next(
        name
        for name, so in (
            ("withdrawn", bool(gone)),
            ("suspended", bool(held)),
            ("ended", ended),
            ("enclave_only", terms.release == "enclave"),
            ("ending", ends is not None),
            ("offered", True),
        )
        if so
    )
    return {
        "state": state,
        "orderable": state in ("offered", "ending"),
        "reason": gone or held or (ends.reason if ends else ""),
        "until": str(ends.on) if ends else "",
        "successor": ends.successor if ends else "",
    }


def scenario_of(terms: ProductTerms) -> Facts:
    """Say whom it serves."""
    named = ("user", "decision", "benefit", "metric", "industry", "region")
    said = terms.scenario
    texts = {name: getattr(said, name) if said else "" for name in named}
    uses = {"uses": said.uses, "prohibited_uses": said.prohibited_uses} if said else {}
    return {"uses": {}, "prohibited_uses": {}, **texts, **uses}


def column_facts(column: Column) -> Facts:
    """Describe one column with all that is promised of it."""
    flags = [n for n in ("required", "unique") if getattr(column, n)]
    limits = {n: getattr(column.options, n) for n in LIMITS}
    return {
        "name": column.name,
        "type": column.logical_type,
        "unit": column.unit,
        "class": column.classification or "undecided",
        "description": column.description,
        "promises": [
            *({"key": name, "value": ""} for name in flags),
            *(
                {"key": name, "value": f"{limit:,}" if number(limit) else limit}
                for name, limit in limits.items()
                if limit is not None
            ),
            *({"key": "", "value": rule_words(rule)} for rule in column.quality),
        ],
    }


def number(limit: object) -> bool:
    """Say whether a limit is a figure."""
    return isinstance(limit, int | float)


def rule_words(rule: Any) -> str:  # Any: a rule of quality
    """Say a rule; of valid values the values."""
    values = ", ".join(map(str, rule.valid_values))
    return f"{rule.words}: {values}" if values and not rule.name else str(rule.words)


def sample_of(offer: Released) -> Facts:
    """Read the first rows of public columns, where document and release allow it."""
    terms = offer.terms
    shown = [c.name for c in terms.columns if c.classification == SHOWN]
    many = terms.delivery.sample_rows if terms.release == "open" else 0
    if not many or not shown:
        return {"columns": [], "rows": [], "withheld": []}
    rows = store.scan(store.current(), offer.ref).select(shown).head(many)
    return {
        "columns": shown,
        "rows": [list(row) for row in rows.collect().cast(pl.String).iter_rows()],
        "withheld": [c.name for c in terms.columns if c.name not in shown],
    }


def assessed(offer: Released) -> list[str]:
    """Name the factors whose resources it is made of and that were assessed."""
    nodes = store.trace(store.current(), offer.ref.id)
    factors = dict.fromkeys(n.factor for n in nodes if n.stage == "resource")
    own_first = sorted(factors, key=lambda factor: factor != offer.factor)
    return [factor for factor in own_first if series_of(factor)][:CHARTS]


def series_of(factor: str) -> list[Facts]:
    """Read the scores of a resource day by day; none where it was not assessed."""
    try:
        series: list[Facts] = quality_of(factor)["series"]
    except StoreError:
        return []
    return series


def score_of(offer: Released) -> str:
    """Give the newest total score of its own resource, if it has one."""
    series = series_of(offer.factor)
    return score_text(series[-1][TOTAL]) if series else ""


def score_text(score: str | None) -> str:
    """Round a score as its chart does: 0.901500 -> 0.902; nothing where none is."""
    return "" if score is None else shown(int(score.replace(".", "")))


def price_lines(price: Price) -> Iterator[Facts]:
    """Say the price line by line; amounts as exact text."""
    amount = f"{price.amount:f}"
    given = {"amount": amount, "months": price.months, "quota": f"{price.quota or 0:,}"}
    needed = {"flat": ("amount", "months"), "quota": ("amount", "quota")}
    if price.mode == "tiers":
        yield from tier_lines(price)
    else:
        names = needed.get(price.mode, () if price.mode == "free" else ("amount",))
        args = {n: given[n] for n in names}
        yield {"key": f"price_{price.mode}", "args": args}
    if ceiling := price.ceiling:
        args = {"amount": f"{ceiling.amount:f}", "source": ceiling.source}
        yield {"key": "price_ceiling", "args": args}


def tier_lines(price: Price) -> Iterator[Facts]:
    """Say the tiers, the last one without an end."""
    for tier in price.tiers:
        args = {"amount": f"{tier.amount:f}"}
        if tier.up_to is None:
            yield {"key": "price_tier_rest", "args": args}
        else:
            yield {"key": "price_tier", "args": {**args, "up_to": f"{tier.up_to:,}"}}


def disclosure_of(offer: Released) -> Facts | None:
    """Read what the file still discloses; nothing where no person is in it."""
    made = {m.frame: m.ref for m in offer.publication.artifacts}
    if "disclosure" not in made:
        return None
    rows = store.scan(store.current(), made["disclosure"]).collect().to_dicts()
    return rows[0] if rows else None


def versions_of(factor: str) -> Iterator[Facts]:
    """List the versions that were released, newest first, each with its changes."""
    found: dict[str, tuple[ProductTerms, date]] = {}
    for run, terms in released_terms(factor):  # the oldest run of a version tells when
        found[terms.version] = (terms, run.publication.as_of or run.at.date())
    listed = [*found.values()]
    for number, (terms, day) in enumerate(listed):
        before = listed[number + 1][0] if number + 1 < len(listed) else None
        changes = least_version(before, terms).changes if before else ()
        yield {
            "version": terms.version,
            "on": str(day),
            "first": before is None,
            "changes": [
                {"level": c.level, "part": c.place.partition(".")[0], "what": c.what}
                for c in changes
            ],
        }


def sources_of(offer: Released) -> Facts:
    """List the raw files it rests on; never a path from the root."""
    nodes = store.trace(store.current(), offer.ref.id)
    raw = {n.sha256: n for n in nodes if n.origin}
    listed = [*raw.values()][:SOURCES]
    return {
        "sources": [
            {
                "file": file_name(node),
                "licence": node.origin.licence if node.origin else "",
                "sha256": node.sha256,
            }
            for node in listed
        ],
        "sources_more": len(raw) - len(listed),
    }


def file_name(node: Node) -> str:
    """Name a raw file as the document does; of a path from the root its last part."""
    path = node.origin.path if node.origin else ""
    member = node.origin.member if node.origin else ""
    shown = PurePath(path).name if PurePath(path).is_absolute() else path
    return f"{shown}!{member}".rstrip("!")


def command_of(terms: ProductTerms) -> str:
    """Write the order as its provider enters it."""
    uses = [*(terms.scenario.uses if terms.scenario else ())] or ["…"]
    return (
        f'datafactor order {terms.factor} --customer "…" --code … --use {uses[0]}'
        " --number …"
    )


def words_of(terms: ProductTerms) -> str:
    """Gather what a search looks through."""
    said = terms.scenario
    texts = [terms.name, terms.title, terms.licence.name, terms.factor]
    if said:
        texts += [said.user, said.decision, said.benefit, said.industry, said.region]
        texts += said.uses.values()
    for column in terms.columns:
        texts += [column.name, column.unit, column.description]
    return " ".join(dict.fromkeys(text for text in texts if text)).lower()


def drawn(offer: Released, product: Facts, language: Language) -> Facts:
    """Draw lineage and quality in one language."""
    w = Words(language)
    return {
        "lineage": graph(w("lineage_title"), boxes_of(offer, w)),
        "quality": [quality_drawing(factor, w) for factor in product["assessed"]],
    }


def quality_drawing(factor: str, w: Words) -> str:
    """Draw the scores of a resource over its days."""
    series, place = series_of(factor), 0 if w.language == "zh" else 1
    lines = [
        Line((NAMES[name], name)[place], points_of(series, name))
        for name in (TOTAL, *DIMENSIONS)
        if any(day[name] is not None for day in series)
    ]
    title = f"{w('quality')}{w('colon')}{factor}"
    return chart(title, w("quality_day"), w("quality_score"), lines)


def boxes_of(offer: Released, w: Words) -> list[Box]:
    """Put together what was made part by part, and what only judges data aside."""
    nodes = store.trace(store.current(), offer.ref.id)
    kept = {n.id: n for n in nodes if base(n.frame) not in BESIDE}
    keys = {id: key_of(node) for id, node in kept.items()}
    groups: dict[str, list[Node]] = {}
    for id, node in kept.items():
        groups.setdefault(keys[id], []).append(node)
    boxes = [
        Box(
            key=key,
            name=label(group[0]),
            about=about(group, w),
            stage="raw" if group[0].kind == "raw" else str(group[0].stage),
            parents=parents_of(group, keys, key),
        )
        for key, group in reversed(groups.items())
    ]
    return few(boxes, w)


def base(frame: str) -> str:
    """Take a frame's name without its part."""
    return frame.partition("@")[0]


def key_of(node: Node) -> str:
    """Say which box an artifact belongs to; raw bytes have the name of their table."""
    name = f"{node.factor}/{node.stage}/{base(node.frame)}"
    return f"{name} (raw)" if node.kind == "raw" else name


def label(node: Node) -> str:
    """Name a box: raw bytes and tables by their table, stages by their factor."""
    frame = base(node.frame)
    return node.factor if frame in ("resource", "product") else frame


def about(group: Sequence[Node], w: Words) -> str:
    """Say under the name what it is and how many rows it has."""
    first = group[0]
    if first.kind == "raw":
        return w("lineage_bytes")
    whole = [n for n in group if "@" not in n.frame] or group
    rows = w("lineage_rows", rows=f"{max_rows(whole):,}")
    return f"{w(str(first.stage))} · {rows}"


def max_rows(group: Iterable[Node]) -> int:
    """Count the rows of a whole, or of all its parts."""
    return sum(node.rows for node in group)


def parents_of(
    group: Sequence[Node], keys: dict[str, str], key: str
) -> tuple[str, ...]:
    """Name the boxes that a box is made of."""
    ids = (parent for node in group for parent in node.parents)
    found = dict.fromkeys(keys[id] for id in ids if id in keys)
    return tuple(sorted(k for k in found if k != key))


def few(boxes: list[Box], w: Words) -> list[Box]:
    """Keep a picture readable: of many raw files only the first, and how many more."""
    raw = [box.key for box in boxes if not box.parents]
    if len(raw) <= BOXES:
        return boxes
    left = set(raw[BOXES - 1 :])
    rest = "…"
    more = Box(rest, w("lineage_more", more=len(left)), w("lineage_bytes"), "raw", ())
    kept = [
        Box(
            *(b.key, b.name, b.about, b.stage),
            tuple(dict.fromkeys(rest if p in left else p for p in b.parents)),
        )
        for b in boxes
        if b.key not in left
    ]
    return [more, *kept]
