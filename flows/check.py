"""Examine a factor document without running it: SQL, contracts, policy, stages."""

from typing import Any

import polars as pl

from flows.document import factor_named
from schemas.contract import DTYPES
from schemas.factor import Factor
from schemas.resource import Source
from tasks.contract import Contract, compile_contract, fit
from tasks.product.productize import productize
from tasks.resource.classify import classify
from tasks.resource.transform import transform
from tasks.source.typed import typed


def examine(name: str) -> dict[str, Any]:  # Any: JSON
    """Plan every stage on empty frames, through the very functions that will run.

    Raises:
        FactorError: The document, its SQL or its policy is wrong.
        ContractError: A contract cannot be kept, or a result does not fit it.
    """
    terms = factor_named(name)
    contracts = {
        f"sources.{s.name}": compile_contract(s.contract(), parsed=True)
        for s in terms.sources.values()
    }
    for source in terms.sources.values():
        for column in source.columns:
            typed(column)  # refuses a format it does not know
    contracts |= planned(terms)
    if terms.asset:
        costs = terms.asset.costs
        contracts["asset.costs"] = compile_contract(costs.contract(), parsed=True)
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
    }


def planned(terms: Factor) -> dict[str, Contract]:
    """Plan resource and product, and see that each fits its contract."""
    frames = {n: empty(s) for n, s in terms.sources.items()}
    resource = compile_contract(terms.resource.contract(), terms.resource.order)
    made = fit(transform(frames, terms.resource).resource, resource)
    if terms.product is None:
        return {"resource": resource}
    product = compile_contract(terms.product.contract(), terms.product.order)
    findings = classify(made, terms.resource)
    fit(productize(made, findings, terms.product).product, product)
    return {"resource": resource, "product": product}


def empty(source: Source) -> pl.LazyFrame:
    """Make a frame of the source's columns and no rows."""
    types = {c.name: DTYPES[c.logical_type] for c in source.columns}
    return pl.LazyFrame(schema=types)
