"""Write the bundle of the appraisal on which a loan was decided, from the chain alone.

The run that valued the asset recorded what the appraiser stated; so who holds the chain
holds the case.
"""

import json
from collections.abc import Sequence
from datetime import date

from pydantic import ValidationError

from schemas.asset import AssetTerms
from schemas.errors import FactorError
from tasks.asset.appraise.bundle import bundle_of
from tasks.asset.appraise.case import case_of
from tasks.asset.appraise.value import in_force
from tasks.pack.chain import Link, outputs
from tasks.pack.chosen import Loan


def bundle_for(links: Sequence[Link], loan: Loan) -> bytes:
    """Write the bundle of the report that the last decision read; nothing if none.

    Raises:
        FactorError: The asset was stated in the terms of another release.
    """
    known = outputs(links)
    ids = [i.id for i in loan.newest.said.inputs if i.role == "valuation"]
    for one in (known[id].link for id in ids if id in known):
        try:
            terms = AssetTerms.model_validate_json(json.dumps(one.said.terms))
        except ValidationError:
            raise FactorError(
                f"the asset of {loan.factor} was stated under another release: run it"
                " again, then pack"
            ) from None
        stated = in_force(terms.appraisal, one.said.as_of or date.max)
        if stated is not None:
            case = case_of(terms, stated)
            known_of = {"illustrative": loan.illustrative}
            return bundle_of(case.model_copy(update=known_of))
    return b""
