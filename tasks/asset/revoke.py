"""End a right before its time: an act of a person, posted as one event."""

from typing import Annotated

import polars as pl

from schemas.asset import Revocation
from schemas.errors import RegisterError
from schemas.registers import Right


def revoke_right(
    rights: Annotated[pl.LazyFrame, Right], terms: Revocation
) -> Annotated[pl.LazyFrame, Right]:
    """Write the revocation of a granted right.

    Args:
        rights: The asset's right events so far.
        terms: Which right ends, from when, and by whose decision.

    Returns:
        One row, the grant's with event ``revoke``, its day, basis and evidence.

    Raises:
        RegisterError: No such right was granted.
    """
    granted = rights.filter(
        (pl.col("event") == "grant")
        & (pl.col("certificate") == terms.certificate)
        & (pl.col("right") == terms.right)
    )
    if granted.select(pl.len()).collect().item() == 0:
        raise RegisterError(
            f"certificate {terms.certificate} grants no right to {terms.right}: name"
            " one that was granted"
        )
    return granted.with_columns(
        event=pl.lit("revoke"),
        effective_on=pl.lit(terms.effective_on),
        basis=pl.lit(terms.basis),
        evidence=pl.lit(terms.evidence),
    )
