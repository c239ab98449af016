"""Write what describes a product in open formats: ``export REF --as FORMAT``.

Facts come from the store, documents from pure functions; the same product gives the
same bytes. Nothing of the data leaves with them but what the document allows a sample
of, and of that only columns called public.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml

from flows.released import Released, released
from schemas.artifact import Made
from schemas.errors import StoreError
from tasks import store
from tasks.columns import Edge, column_lineage
from tasks.product.describe.croissant import croissant
from tasks.product.describe.dcat import dcat
from tasks.product.describe.facts import SHOWN, Facts
from tasks.product.describe.odcs import odcs
from tasks.product.describe.openlineage import Dataset, RunFacts, events
from tasks.product.odrl import odrl
from tasks.store import Run

Format = Literal["odcs", "dcat", "openlineage", "croissant", "odrl"]
ENDINGS: dict[Format, str] = {
    "odcs": "odcs.yaml",
    "dcat": "dcat.jsonld",
    "openlineage": "openlineage.ndjson",
    "croissant": "croissant.json",
    "odrl": "odrl.jsonld",
}
# Where a task's terms keep its SQL, before what its tables are called in its inputs,
# and which frame it makes of them.
SQL = {
    "transform": ("consolidate", "sources.", "resource"),
    "derive": ("query", "tables.", "derived"),
}


def export(ref: str, form: Format, folder: Path) -> dict[str, Any]:  # Any: JSON
    """Write one description of a product, or the events of a factor's runs.

    Args:
        ref: A factor, or its product: ``rain``, ``rain/product``.
        form: Which of the formats.
        folder: Where the file goes; it is made if it is not there.

    Raises:
        StoreError: There is no such product, or no run.
        Refused: What must not leave is not described either.
    """
    factor = ref.partition("/")[0]
    made = told_runs(factor) if form == "openlineage" else told(released(ref), form)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{made[0]}.{ENDINGS[form]}"
    path.write_text(made[1], encoding="utf-8")
    return {"ref": ref, "as": form, "file": str(path), "bytes": path.stat().st_size}


def told(offer: Released, form: Format) -> tuple[str, str]:
    """Give the name and the text of one description."""
    facts = facts_of(offer)
    if form == "odcs":
        return offer.terms.name, yaml_text(odcs(facts))
    makers: dict[str, Callable[[], Any]] = {
        "dcat": partial(dcat, facts),
        "croissant": partial(croissant, facts),
        "odrl": partial(odrl, offer.terms),
    }
    text = json.dumps(makers[form](), ensure_ascii=False, indent=1)
    return offer.terms.name, f"{text}\n"


def facts_of(offer: Released) -> Facts:
    """Gather what the store knows of a product."""
    s, terms = store.current(), offer.terms
    made = next(m for m in offer.publication.artifacts if m.frame == "product")
    public = [c for c in terms.columns if c.classification == SHOWN]
    rows = store.scan(s, offer.ref).select(c.name for c in public)
    dated = [c.name for c in public if c.logical_type in ("date", "timestamp")]
    shown = terms.delivery.sample_rows if terms.release == "open" else 0
    sample = rows.head(shown).collect().cast(pl.String) if shown else pl.DataFrame()
    return Facts(
        terms=terms,
        artifact=offer.ref.id,
        sha256=offer.ref.sha256,
        rows=offer.ref.rows,
        bytes=made.bytes,
        run=offer.run,
        at=offer.at,
        as_of=offer.as_of,
        period=period(rows, dated[0]) if dated else None,
        scores=scores(s, offer),
        samples={
            name: tuple(v for v in sample[name] if v is not None)
            for name in sample.columns
        },
    )


def period(rows: pl.LazyFrame, name: str) -> Any:  # Any: two dates, or None
    """Find the first and the last day in a column."""
    days = rows.select(
        first=pl.col(name).cast(pl.Date).min(), last=pl.col(name).cast(pl.Date).max()
    )
    first, last = days.collect().row(0)
    return None if first is None else (first, last)


def scores(s: store.Store, offer: Released) -> Mapping[str, int]:
    """Read the quality scores of the resource on the day of the product, if any."""
    try:
        ref = store.resolve(s, f"{offer.factor}/resource/score")
    except StoreError:
        return {}
    of_day = store.scan(s, ref).filter(pl.col("as_of") == offer.as_of)
    named = of_day.select("dimension", "score_ppm").drop_nulls().collect()
    return dict(named.rows())


class _Dumper(yaml.SafeDumper):
    """Writes exact amounts, and no anchors: other readers refuse them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _exact(dumper: yaml.SafeDumper, amount: Decimal) -> yaml.Node:
    kind = "float" if "." in f"{amount:f}" else "int"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", f"{amount:f}")


_Dumper.add_representer(Decimal, _exact)


def yaml_text(document: Mapping[str, Any]) -> str:
    """Write YAML that keeps the order of keys and every digit of an amount."""
    made: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=88
    )
    return made


def told_runs(factor: str) -> tuple[str, str]:
    """Give the events of all runs of a factor, the oldest first, one a line."""
    s = store.current()
    runs = [r for r in store.runs(s, factor) if r.publication.kind == "stage"][::-1]
    if not runs:
        raise StoreError(f"{factor} has no run yet: `datafactor run {factor}`")
    known = datasets(s, runs)
    written = events([run_facts(run, known) for run in runs])
    lines = [json.dumps(event, ensure_ascii=False) for event in written]
    return factor, "\n".join(lines) + "\n"


def datasets(s: store.Store, runs: list[Run]) -> dict[str, Dataset]:
    """Describe the artifacts that runs wrote or read, by id."""
    known = {}
    for run in runs:
        said = run.publication
        for made in said.artifacts:
            checks = tuple(c for c in said.checks if c.frame == made.frame)
            raw = made.ref.kind == "raw"
            known[made.ref.id] = Dataset(
                name=f"{said.factor}/{said.stage}/{made.frame}{'.raw' * raw}",
                sha256=made.ref.sha256,
                rows=None if raw else made.ref.rows,
                bytes=made.bytes,
                columns=columns_of(s, made),
                checks=checks,
            )
    return known | others(s, runs, known)


def others(
    s: store.Store, runs: list[Run], known: Mapping[str, Dataset]
) -> dict[str, Dataset]:
    """Describe what these runs read of other factors, or of registers."""
    asked = {i.id for run in runs for i in run.publication.inputs} - known.keys()
    found = {}
    for id in sorted(asked):
        node = store.trace(s, id)[0]
        columns = fields(s, store.resolve(s, id)) if node.kind != "raw" else ()
        found[id] = Dataset(node.name, node.sha256, node.rows, 0, columns)
    return found


def columns_of(s: store.Store, made: Made) -> tuple[tuple[str, str], ...]:
    """Read names and types of a frame; raw bytes and rejects have none to tell."""
    return fields(s, made.ref) if store.is_frame(made.ref) else ()


def fields(s: store.Store, ref: Any) -> tuple[tuple[str, str], ...]:  # Any: a ref
    """Read the heading of a frame; of one that was erased there is none."""
    if not store.is_frame(ref):
        return ()
    try:
        first = store.members(s, ref)[:1]  # all parts keep one contract
        heading = store.scan(s, first[0]).collect_schema() if first else {}
    except StoreError:
        return ()
    return tuple((name, str(kind)) for name, kind in heading.items())


def run_facts(run: Run, known: Mapping[str, Dataset]) -> RunFacts:
    """Say what one run read, wrote and asked."""
    said = run.publication
    place, prefix, frame = SQL.get(said.task, ("", "", ""))
    sql = str(said.terms.get(place, "")) if place else ""
    inputs = {
        i.role.removeprefix(prefix): known[i.id] for i in said.inputs if i.id in known
    }
    outputs = tuple(known[made.ref.id] for made in said.artifacts)
    return RunFacts(
        run=run.run,
        at=run.at,
        publication=said,
        inputs=inputs,
        outputs=outputs,
        sql=sql,
        frame=frame,
        lineage=edges(sql or passed(said.task, inputs), inputs, outputs, frame),
    )


def passed(task: str, inputs: Mapping[str, Dataset]) -> str:
    """Say as SQL that a resource is its only source, unchanged."""
    only = next(iter(inputs), "")
    return f'SELECT * FROM "{only}"' if task == "transform" and only else ""


def edges(
    sql: str,
    inputs: Mapping[str, Dataset],
    outputs: tuple[Dataset, ...],
    frame: str,
) -> tuple[Edge, ...]:
    """Follow the columns of a query to its tables, for the columns that are left."""
    made = next((d for d in outputs if d.name.endswith(f"/{frame}")), None)
    if not sql or made is None:
        return ()
    tables = {name: [c for c, _ in d.columns] for name, d in inputs.items()}
    left = {"*", *(name for name, _ in made.columns)}
    return tuple(e for e in column_lineage(sql, tables) if e.output in left)
