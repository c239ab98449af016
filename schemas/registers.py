"""Contracts of what is posted: a frame of one of these enters the books with its run.

A stage that returns a frame annotated with one of these contracts has it checked
*and* posted in the publishing transaction; the register's own UNIQUE and CHECK may
still refuse, and then nothing of the run is published. The store holds the one mapping
from contract to table (``tasks/store/registers.py``).

Keys name the business event (the agreement, the voucher, the certificate), never a run
or its date: the same row again is a no-op, other content under the same key is refused.
Amounts are integer fen.
"""

import pandera.polars as pa
import polars as pl

PERIOD = r"^[0-9]{4}-(?:0[1-9]|1[0-2])$"
RIGHTS = ["hold", "process", "operate"]


class Right(pa.DataFrameModel):
    """One event in the life of a right over an asset (数据二十条: three rights).

    ``grant`` opens a right from ``valid_from`` to ``valid_to``; ``revoke`` ends it on
    ``effective_on``. Key: entity, certificate, right, event (one certificate may
    cover several rights).
    """

    entity: str
    asset: str
    right: str = pa.Field(isin=RIGHTS)
    event: str = pa.Field(isin=["grant", "revoke"])
    certificate: str
    holder: str
    basis: str
    scope: str
    evidence: str
    effective_on: pl.Date
    valid_from: pl.Date
    valid_to: pl.Date

    class Config:
        strict = True
        unique = ["entity", "certificate", "right", "event"]


class Cost(pa.DataFrameModel):
    """One line of a voucher: what was paid, to whom, for which pool.

    Key: entity, voucher, line.
    """

    entity: str
    voucher: str
    line: int = pa.Field(ge=1)
    pool: str
    supplier: str
    incurred_on: pl.Date
    project: str
    phase: str = pa.Field(isin=["research", "development", "operation"])
    kind: str
    amount_fen: int = pa.Field(gt=0)
    evidence: str

    class Config:
        strict = True
        unique = ["entity", "voucher", "line"]


class JournalLine(pa.DataFrameModel):
    """One line of a journal entry: debit positive, credit negative.

    The lines of an ``entry`` sum to 0. Key: entity, entry, line.
    """

    entity: str
    entry: str
    line: int = pa.Field(ge=1)
    booked_on: pl.Date
    period: str = pa.Field(str_matches=PERIOD)
    account: str
    amount_fen: int = pa.Field(ne=0)
    memo: str

    class Config:
        strict = True
        unique = ["entity", "entry", "line"]


class Pledge(pa.DataFrameModel):
    """One pledge of an asset version for a loan.

    ``cap_fen`` is the most that may ever be pledged on this asset; the register refuses
    a pledge that would exceed it, and any second one while ``exclusive``. Key: request
    (the agreement's number).
    """

    request: str
    entity: str
    asset: str
    version: str
    lender: str
    principal_fen: int = pa.Field(gt=0)
    cap_fen: int = pa.Field(gt=0)
    exclusive: bool
    pledged_on: pl.Date
    matures_on: pl.Date

    class Config:
        strict = True
        unique = ["request"]


REGISTERS: tuple[type[pa.DataFrameModel], ...] = (Right, Cost, JournalLine, Pledge)
