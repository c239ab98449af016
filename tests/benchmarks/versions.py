"""Ask datacontract-cli for its verdict on pairs of contracts, beside our levels.

``python -m tests.benchmarks.versions PYTHON`` with the Python of an environment that
holds the tool and nothing of ours: ``uv pip install -r .ci/oracle.lock``. Exits 1 where
a verdict is not the one that the tests hold.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from schemas.contract import Column
from schemas.product import ProductTerms
from schemas.rule import BOUNDS, Quality
from tests.version_pairs import PAIRS, terms

ASK = """
import json, sys
from datacontract.data_contract import DataContract
from datacontract.model.breaking import Perspective
said = DataContract(data_contract_file=sys.argv[1]).breaking(
    DataContract(data_contract_file=sys.argv[2]), perspective=Perspective.CONSUMER)
print(json.dumps([entry.level.value for entry in said.entries]))
"""
LEVELS = ("nothing", "info", "warning", "error")


def odcs(product: ProductTerms) -> dict[str, Any]:  # Any: JSON
    """Write the contract as ODCS, no more than the pairs use."""
    table = {
        "name": product.name,
        "properties": [prop(c, product.key) for c in product.columns],
        "quality": [rule(r) for r in product.quality],
    }
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": product.name,
        "version": product.version,
        "status": "active",
        "schema": [table],
    }


def prop(column: Column, key: tuple[str, ...]) -> dict[str, Any]:
    """Write one column."""
    said = column.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"quality"}
    )
    if column.name in key:
        said |= {"primaryKey": True, "primaryKeyPosition": key.index(column.name) + 1}
    return said | {"quality": [rule(r) for r in column.quality]}


def rule(given: Quality) -> dict[str, Any]:
    """Write one rule."""
    field, limits = given.bound
    said: dict[str, Any] = {"type": "library", "metric": given.metric}
    said |= {BOUNDS[field][0]: limits[0], "severity": given.severity}
    if given.valid_values:
        said["arguments"] = {"validValues": [*given.valid_values]}
    return said


def verdict(python: str, old: ProductTerms, new: ProductTerms) -> str:
    """Run the tool on one pair; its highest level."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("old.yaml", "new.yaml")]
        for file, product in zip(files, (old, new), strict=True):
            file.write_text(json.dumps(odcs(product)), "utf-8")
        asked = [python, "-c", ASK, *map(str, files)]
        said = subprocess.run(asked, capture_output=True, text=True, check=True)
    levels: list[str] = json.loads(said.stdout.splitlines()[-1])
    return max((*levels, "nothing"), key=LEVELS.index)


def main(python: str) -> int:
    """Print each pair with both verdicts."""
    wrong = 0
    for pair in PAIRS:
        said = verdict(python, terms(pair.old), terms(pair.new))
        wrong += said != pair.tool
        held = "" if said == pair.tool else f"  the tests hold {pair.tool}"
        print(f"{pair.name:34} ours {pair.level!s:6} tool {said}{held}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
