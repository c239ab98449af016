"""Carry one factor from raw bytes to a financed asset."""

from datetime import date

from prefect import flow, runtime

from flows.announce import follows
from flows.calendar import scheduled_date
from flows.document import factor_named
from flows.drivers import drivers_of
from flows.evidence import with_evidence
from flows.financing import given_away
from flows.partitions import resource_of, span_of, vouchers_of
from flows.products import product_of
from flows.refusal import answers
from flows.runner import runner
from flows.runpage import summarize
from flows.stages import (
    assess_task,
    assetize_task,
    capitalize_task,
    classify_task,
    collect_task,
    post_task,
)
from flows.summary import Chain
from flows.surroundings import around
from schemas.artifact import Stage
from schemas.errors import DatafactorError
from schemas.registers import AssetCard, JournalLine, Pledge, Right
from tasks.asset.approval import posting


def run_name() -> str:
    """Name the run ``value-chain/<factor>/<as_of>``, of the day it is scheduled for."""
    given = runtime.flow_run.parameters
    day = given.get("as_of") or scheduled_date(zone_of(str(given["factor"])))
    return f"value-chain/{given['factor']}/{day}"


def zone_of(factor: str) -> str:
    """Find a factor's zone; what is wrong with its document, the run will say."""
    try:
        return factor_named(factor).zone
    except DatafactorError:
        return "UTC"


@flow(
    name="value-chain",
    flow_run_name=run_name,
    # Without a bound every source would be collected at once, however many there are.
    task_runner=runner(),
)
@follows
@answers
def value_chain(
    factor: str,
    as_of: date | None = None,
    through: Stage = Stage.CAPITAL,
    partitions: str = "",
) -> Chain:
    """Make the resource, the product, the asset and the capital of one factor.

    Args:
        factor: Name of the factor document.
        as_of: The day it speaks of; left out, the scheduled day in the entity's zone.
        through: The last stage to run.
        partitions: ``FIRST..LAST`` partition to make; left out, all of them.
    """
    terms = with_evidence(factor_named(factor).through(through))
    day = as_of or scheduled_date(terms.zone)
    raw = {n: collect_task.start(s.place, s) for n, s in terms.sources.items()}
    resource = (made := terms.resource) and resource_of(raw, made, span_of(partitions))
    assessed = made and assess_task(resource, terms.counted, terms.assessed, made, day)
    product = product_of(terms, resource, made and classify_task(resource, made), day)
    costs = terms.asset and vouchers_of(terms.asset.costs)
    rights, pledges, cards, journal = map(
        terms.live, (Right, Pledge, AssetCard, JournalLine)
    )
    asset = terms.asset and assetize_task(
        *(product, costs, rights, cards, assessed, terms.asset, day),
        disputes=terms.disputes,
        closed=terms.closed,
        spent=terms.spent,
        **drivers_of(terms.asset, product, costs, day),
    )
    if terms.asset:
        post_task(asset, *terms.books, posting(terms.asset), day)
    used = given_away(terms, asset, day) or (
        terms.loan
        and capitalize_task(
            *(asset, rights, pledges, journal, assessed),
            *(terms.loan, day, terms.disputes),
            **around(terms, product, assessed, day),
        )
    )
    return summarize(terms, day, (raw, resource, product, asset, used))
