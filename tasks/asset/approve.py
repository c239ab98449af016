"""Post a person's signed decision over entries that need another pair of eyes (复核).

What is signed is the canonical JSON (RFC 8785) of the decision, so that it can be
checked again without this project: Ed25519 over ``statement``.
"""

from typing import Annotated

import polars as pl
import rfc8785

from schemas.approval import ApprovalTerms, Statement
from schemas.contract import frame_of
from schemas.errors import RegisterError
from schemas.registers import Approval


def statement(decided: Statement) -> bytes:
    """Write what is signed: canonical JSON of the decision without its signature."""
    fields = set(Statement.model_fields)
    return rfc8785.dumps(decided.model_dump(mode="json", include=fields))


def approve(terms: ApprovalTerms) -> Annotated[pl.LazyFrame, Approval]:
    """Write the decision as a register row. Contract: Approval.

    Raises:
        RegisterError: Who prepared it decides on it.
    """
    signed = terms.signed
    if signed.approver_key == signed.preparer_key:
        raise RegisterError(
            f"{signed.subject[:12]} was prepared with this same key: another person"
            " approves it, with a key of their own (DATAFACTOR_KEY)"
        )
    return frame_of(
        Approval, [tuple(getattr(signed, n) for n in Approval.to_schema().columns)]
    ).lazy()
