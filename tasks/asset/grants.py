"""Write the rights that the document grants, beside those that are registered."""

import polars as pl

from schemas.asset import AssetTerms, GrantedRight
from schemas.contract import frame_of
from schemas.registers import Right


def grants(terms: AssetTerms, posted: pl.DataFrame) -> pl.DataFrame:
    """Write the rights of the document as register rows. Contract: Right.

    A grant that was posted before its register had a column stays as it was: what it
    did not say is said by a change. Other words for it are refused by the register.
    """
    grant = posted.filter(event="grant", number=1).iter_rows(named=True)
    before = {(e["certificate"], e["right"]): e for e in grant}
    rows = []
    for r in terms.rights:
        row = granted(terms, r)
        known = before.get((r.certificate, r.right))
        rows.append(known if known == row | UNSAID else row)
    return frame_of(Right, [tuple(row.values()) for row in rows])


# What a grant says that was posted before the register had these columns.
UNSAID: dict[str, object] = {
    "field": "",
    "territory": "",
    "exclusive": False,
    "sublicensable": False,
    "evidence_sha256": "",
}


def granted(terms: AssetTerms, r: GrantedRight) -> dict[str, object]:
    """Write one right of the document as its initial registration."""
    row = (
        *(terms.entity, terms.name, r.right, "grant", r.certificate, r.holder),
        *(r.basis, r.scope, r.evidence, r.valid_from, r.valid_from, r.valid_to),
        *(1, r.field, r.territory, r.exclusive, r.sublicensable, r.evidence_sha256),
    )
    return dict(zip(Right.to_schema().columns, row, strict=True))


def known_rights(posted: pl.DataFrame, granted: pl.DataFrame) -> pl.DataFrame:
    """Put events together; what was posted stands before what the document says."""
    key = ["certificate", "right", "event", "number"]
    return pl.concat([posted, granted]).unique(key, keep="first", maintain_order=True)
