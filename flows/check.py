"""Examine a factor document without running it: SQL, contracts, policy, stages."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl

from flows.calendar import scheduled_date
from flows.document import document_of, factor_named
from flows.review import standing_against
from flows.tasked import planned
from flows.versions import compared, ending, problems
from schemas.contract import DTYPES, Column
from schemas.document import Loc, json_schema, read
from schemas.errors import ContractError, FactorError, SourceError
from schemas.factor import Factor
from tasks.asset.appraise.case import case_of
from tasks.contract import Contract, compile_contract, fit
from tasks.product.derive import derive
from tasks.resource.freshness import ages
from tasks.resource.partition import driving
from tasks.resource.transform import transform
from tasks.source.typed import typed


def examine(name: str) -> dict[str, Any]:  # Any: JSON
    """Plan every stage on empty frames, through the very functions that will run.

    Raises:
        FactorError: The document, its SQL, its contracts or its policy is wrong; one
            sentence a problem, with the document's line where it names a place in it.
    """
    terms = factor_named(name)
    contracts: dict[str, Contract] = {}
    day = scheduled_date(terms.zone)
    wrong = problems(terms, day)
    for place, part in PARTS.items():
        try:
            contracts |= part(terms)
        except (FactorError, ContractError, SourceError) as error:
            told = str(error).splitlines()
            wrong += [t if PLACE.match(t) else f"{place}: {t}" for t in told]
    if wrong:
        # A product repeats what its resource lacks.
        raise FactorError("\n".join(with_lines(name, dict.fromkeys(wrong))))
    return {
        "factor": terms.factor,
        "title": terms.title,
        "policy": terms.policy,
        "entity": terms.entity,
        "stages": list(terms.stages),
        "sources": {n: s.path for n, s in terms.sources.items()},
        "contracts": {
            name: {"columns": len(c.schema.columns), "rules": list(c.reasons)}
            for name, c in contracts.items()
        },
        "version": terms.product.version if terms.product else None,
        "since": compared(terms),
        "ending": ending(terms.product),
        "against": standing_against(terms.product, day),
    }


def factor_schema() -> dict[str, Any]:  # Any: JSON Schema
    """Export the factor's schema; sources are named by their keys."""
    made = json_schema(Factor)
    parts = made["$defs"]
    source = parts["Source"]
    del source["properties"]["name"]
    source["required"].remove("name")
    fields = {n: f for n, f in source["properties"].items() if n != "columns"}
    needed = [name for name in source["required"] if name != "columns"]
    parts["Vouchers"] = {**source, "properties": fields, "required": needed}
    costs = parts["AssetTerms"]["properties"]["costs"]
    costs["$ref"] = costs["$ref"].replace("Source", "Vouchers")
    return made


def source_contracts(terms: Factor) -> dict[str, Contract]:
    """Compile each source's contract and its formats; tell of all that cannot be."""
    made, problems = {}, []
    tables = {n: types_of(s.columns) for n, s in terms.sources.items()}
    for name, source in terms.sources.items():
        try:
            made[f"sources.{name}"] = compile_contract(
                source.contract(), parsed=True, tables=tables
            )
            for column in source.columns:
                typed(column)  # refuses a format it does not know
        except (ContractError, SourceError) as error:
            problems.append(f"sources.{name}: {error}")
    if problems:
        raise FactorError("\n".join(problems))
    return made


def resource_contract(terms: Factor) -> dict[str, Contract]:
    """Plan the resource, and see that it fits its contract."""
    if terms.resource is None:
        return {}
    ages(resource_of(terms), terms.resource, date.min)  # refuses what has no age
    if terms.resource.partition is not None:
        driving(terms.resource)  # refuses a partition that no one source decides
    tables = {n: types_of(s.columns) for n, s in terms.sources.items()}
    contract = terms.resource.contract()
    return {"resource": compile_contract(contract, terms.resource.order, tables=tables)}


def product_contract(terms: Factor) -> dict[str, Contract]:
    """Plan the product, and see that it fits its contract."""
    if terms.product is None:
        return {}
    tables = {"resource": resource_of(terms)} if terms.resource else {}
    for name, published in terms.inputs.items():
        other, _, stage = published.partition("/")
        columns = getattr(factor_named(other), stage).columns
        tables[name] = pl.LazyFrame(schema=types_of(columns))
    product = compile_contract(terms.product.contract(), terms.product.order)
    if terms.product.task:
        tables = {"made": planned(terms.product, tables, date.min)}
    fit(derive(tables, terms.product.derivation).derived, product)
    return {"product": product}


def cost_contract(terms: Factor) -> dict[str, Contract]:
    """Compile the contract of the vouchers; see that each appraisal holds."""
    if terms.asset is None:
        return {}
    for appraisal in terms.asset.appraisal:
        case_of(terms.asset, appraisal)  # refuses income that cannot be capped
    costs = terms.asset.costs
    return {"asset.costs": compile_contract(costs.contract(), parsed=True)}


def resource_of(terms: Factor) -> pl.LazyFrame:
    """Make the resource of no rows."""
    frames = {
        n: pl.LazyFrame(schema=types_of(s.columns)) for n, s in terms.sources.items()
    }
    made = terms.resource
    if made is None:
        raise FactorError(f"{terms.factor} has no resource")
    contract = compile_contract(made.contract(), made.order)
    return fit(transform(frames, made).resource, contract)


def types_of(columns: Sequence[Column]) -> dict[str, pl.DataType]:
    """Give the type of each column."""
    return {c.name: DTYPES[c.logical_type] for c in columns}


PARTS = {
    "sources": source_contracts,
    "resource": resource_contract,
    "product": product_contract,
    "asset": cost_contract,
}
PLACE = re.compile(
    r"((?:sources|resource|product|asset|capital)(?:\.[a-z0-9_]+)*)(?: line ([0-9]+))?"
)


def with_lines(name: str, problems: Iterable[str]) -> Iterator[str]:
    """Put file and line before a sentence that begins with a place of the document.

    ``product.query line 2 …`` -> ``sales.yaml line 40, product.query line 2 …``.
    """
    path = document_of(name)
    text = path.read_text("utf-8").splitlines()
    _, lines = read(path)
    for problem in problems:
        place = PLACE.match(problem)
        loc: Loc = tuple(place[1].split(".")) if place else ()
        while loc and loc not in lines:
            loc = loc[:-1]
        if not place or not loc:
            yield f"{path.name}: {problem}"
            continue
        line = lines[loc]
        # A block of text (|) begins on the line after its key.
        block = text[line - 1].rstrip().endswith(("|", "|-", "|+"))
        inner = int(place[2] or 0) if block else 0
        yield f"{path.name} line {line + inner}, {problem}"
