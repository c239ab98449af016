"""Put together what an appraiser stated and what the house knows of the asset."""

from pydantic import ValidationError

from schemas.appraisal import Appraisal, Case, LegalEnd
from schemas.asset import AssetTerms
from schemas.errors import FactorError
from tasks.asset.appraise.figures import figures


def case_of(terms: AssetTerms, appraisal: Appraisal) -> Case:
    """Make the case of an appraisal: all that its value rests on.

    Raises:
        FactorError: The terms lack their policy, or income is not capped.
    """
    if terms.rules is None:
        raise FactorError("asset: no policy was resolved; name one in the document")
    refuse_later_sources(appraisal)
    try:
        return Case(
            factor=terms.factor,
            entity=terms.entity,
            asset=terms.name,
            version=terms.version,
            valid_months=terms.rules.appraisal_valid_months,
            policy=terms.rules.policy,
            ends=legal_ends(terms, appraisal),
            ceiling=terms.ceiling,
            appraisal=appraisal,
        )
    except ValidationError as error:
        said = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise FactorError(
            f"asset.appraisal: {said.removeprefix('Value error, ')}"
        ) from None


def refuse_later_sources(appraisal: Appraisal) -> None:
    """Ask that a report rests on what was known when it was written.

    Raises:
        FactorError: A source speaks of a later day.
    """
    for path, figure in figures(appraisal):
        if figure.dated > appraisal.reported_on:
            raise FactorError(
                f"appraisal {appraisal.report}, {'/'.join(path)}: its source is dated"
                f" {figure.dated}, after the report of {appraisal.reported_on}: name"
                " one that was known"
            )


def legal_ends(terms: AssetTerms, appraisal: Appraisal) -> tuple[LegalEnd, ...]:
    """Say when the right to operate ends, and the authorisation of public data.

    Of several certificates that hold on the valuation date, the one that lasts longest
    counts. Without any, income ends before it begins.
    """
    on = appraisal.valuation_date
    held = [r for r in terms.rights if r.right == "operate" and r.valid_from <= on]
    last = max(held, key=lambda r: r.valid_to, default=None)
    right = LegalEnd(
        kind="right",
        last_day=last.valid_to if last else on,
        source=last.certificate if last else "no right to operate",
    )
    authorised = terms.authorised
    if authorised is None:
        return (right,)
    return (
        right,
        LegalEnd(
            kind="authorisation",
            last_day=authorised.last_day,
            source=authorised.source,
        ),
    )
