"""Write down that bytes are removed for good, before they are."""

from typing import Annotated

import polars as pl

from schemas.contract import frame_of
from schemas.erasure import ErasureAct
from schemas.registers import Erasure


def erase(terms: ErasureAct) -> Annotated[pl.LazyFrame, Erasure]:
    """Write one row for each artifact of the act. Contract: Erasure, key subject.

    The register comes first and the bytes go after it: a crash between the two leaves
    bytes of which `verify` says that they still lie there, never a gap without a word.
    """
    said = (terms.erased_on, terms.reason, terms.person)
    rows = [(a.id, a.sha256, a.kind, a.name, *said) for a in terms.artifacts]
    return frame_of(Erasure, rows).lazy()
