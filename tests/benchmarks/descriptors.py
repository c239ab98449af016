"""Measure how long 1,000 products take to describe in all five formats.

Facts are made once; ``ours`` makes ODCS, DCAT-AP, Croissant, ODRL and one OpenLineage
event of each product and writes them as JSON, ``bare`` only writes the same dicts with
``json.dumps``. YAML, which ODCS files are written in, is told apart: its writer is
Python's own and takes most of the time.
"""

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flows.export import yaml_text
from schemas.artifact import Publication, Stage
from tasks.columns import column_lineage
from tasks.product.describe.croissant import croissant
from tasks.product.describe.dcat import dcat
from tasks.product.describe.facts import Facts
from tasks.product.describe.odcs import odcs
from tasks.product.describe.openlineage import Dataset, RunFacts, event
from tasks.product.odrl import odrl
from tests.described import facts

PRODUCTS, ROUNDS = 1_000, 3
SQL = "SELECT plot, SUM(yield_kg) AS yield_kg FROM resource GROUP BY plot"


def run_of(product: Facts) -> RunFacts:
    """Make the run that derived a product."""
    names = tuple((c.name, "String") for c in product.terms.columns)
    source = Dataset("plots/resource/resource", "1" * 64, 9_000, 100_000, names)
    made = Dataset("plots/product/derived", product.sha256, 1_200, 34_567, names)
    publication = Publication(
        task="derive",
        stage=Stage.PRODUCT,
        status="COMPLETE",
        factor=product.terms.factor,
        key="3" * 64,
        code="1",
        terms={},
    )
    tables = {"resource": [name for name, _ in names]}
    return RunFacts(
        run=product.run,
        at=datetime(2026, 7, 1, tzinfo=UTC),
        publication=publication,
        inputs={"resource": source},
        outputs=(made,),
        sql=SQL,
        frame="derived",
        lineage=column_lineage(SQL, tables),
    )


def documents(product: Facts, run: RunFacts) -> list[dict[str, Any]]:
    """Describe one product in five formats."""
    return [
        odcs(product),
        dcat(product),
        croissant(product),
        odrl(product.terms),
        event(run),
    ]


def written(made: list[list[dict[str, Any]]]) -> int:
    """Write documents as JSON; an exact amount as its text."""
    return sum(len(json.dumps(d, default=str)) for some in made for d in some)


def seconds(work: Callable[[], object]) -> float:
    """Give the median of three rounds of CPU time."""
    took = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return statistics.median(took)


def main() -> None:
    """Print seconds and ratios."""
    products = [facts(name=f"product-{n:04}") for n in range(PRODUCTS)]
    runs = [run_of(product) for product in products]
    pairs = list(zip(products, runs, strict=True))
    made = [documents(*pair) for pair in pairs]
    size = written(made)
    bare = seconds(lambda: written(made))
    ours = seconds(lambda: written([documents(*pair) for pair in pairs]))
    contracts = [some[0] for some in made[:100]]
    as_yaml = seconds(lambda: [yaml_text(c) for c in contracts]) * PRODUCTS / 100
    print(f"{PRODUCTS:,} products, {PRODUCTS * 5:,} documents, {size:,} characters")
    rows = {
        "bare json.dumps of the same dicts": bare,
        "made and written": ours,
        "ODCS as YAML, from 100": as_yaml,
    }
    for name, took in rows.items():
        print(f"{name:35}{took:6.2f} s CPU {took / bare:5.1f}")


if __name__ == "__main__":
    main()
