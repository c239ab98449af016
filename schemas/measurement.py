"""Contracts of measurement after recognition: many assets at once, one month.

What is posted is seen as movements of three measures per asset and month. From them
and the cards comes a position per asset, from a position the charge of the month.
Amounts are integer fen; months are their first day.
"""

import pandera.polars as pa
import polars as pl

from schemas.registers import DECISIONS, KINDS, METHODS, SERVES

MEASURES = ["gross", "amortised", "impaired"]
INDICATORS = ["quality", "indefinite life", "not available"]


class Movement(pa.DataFrameModel):
    """What an asset's measure moved by in a month; amortisation and impairment as > 0.

    A derecognition moves all three back to 0. Key: entity, asset, month, measure.
    """

    entity: str
    asset: str
    month: pl.Date
    measure: str = pa.Field(isin=MEASURES)
    amount_fen: int

    class Config:
        strict = True
        unique = ["entity", "asset", "month", "measure"]


class Use(pa.DataFrameModel):
    """Units that an asset served in a month. Key: entity, asset, month."""

    entity: str
    asset: str
    month: pl.Date
    units: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["entity", "asset", "month"]


class Position(pa.DataFrameModel):
    """An asset as a month finds it. Key: entity, asset.

    All that is posted up to the month counts, but not what the month's own close
    proposes, so that a month measured twice gives the same charge. ``rebased_from`` is
    the first day of the last re-basing month (null: not available yet),
    ``before_fen`` what was amortised and impaired before it.
    ``used`` is of the month, ``used_before`` of all months before, ``used_rebased`` of
    those before ``rebased_from``. ``tested``: an impairment test is decided in the
    month. ``ends_in`` is the first day of the month of derecognition.
    """

    entity: str
    asset: str
    kind: str = pa.Field(isin=KINDS)
    serves: str = pa.Field(isin=SERVES)
    method: str = pa.Field(isin=METHODS)
    life_months: int = pa.Field(nullable=True, gt=0)
    residual_fen: int = pa.Field(ge=0)
    units: int = pa.Field(nullable=True, gt=0)
    available_from: pl.Date = pa.Field(nullable=True)
    right_ends: pl.Date = pa.Field(nullable=True)
    rebased_from: pl.Date = pa.Field(nullable=True)
    ends_in: pl.Date = pa.Field(nullable=True)
    tested: bool
    gross_fen: int
    amortised_fen: int
    impaired_fen: int
    before_fen: int
    used: int = pa.Field(ge=0)
    used_before: int = pa.Field(ge=0)
    used_rebased: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["entity", "asset"]


class Charge(pa.DataFrameModel):
    """The amortisation of one month, only where there is any. Key: entity, asset.

    ``carrying_fen`` is after the charge.
    """

    entity: str
    asset: str
    month: pl.Date
    serves: str = pa.Field(isin=SERVES)
    charge_fen: int = pa.Field(gt=0)
    carrying_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["entity", "asset"]


class Total(pa.DataFrameModel):
    """What stands in the books of an asset: carrying = gross − amortised − impaired.

    Of inventory, impaired is the provision. Key: entity, asset.
    """

    entity: str
    asset: str
    kind: str = pa.Field(isin=KINDS)
    gross_fen: int
    amortised_fen: int
    impaired_fen: int
    carrying_fen: int

    class Config:
        strict = True
        unique = ["entity", "asset"]


class Finding(pa.DataFrameModel):
    """What a decided test found. Key: entity, asset, decision.

    ``change_fen`` is what is to be posted: a loss or a provision > 0, a provision
    taken back < 0, of an intangible asset never. ``said`` is the finding in words.
    """

    entity: str
    asset: str
    decision: str
    event: str = pa.Field(isin=["impair", "provision"])
    carrying_fen: int
    recoverable_fen: int = pa.Field(ge=0)
    change_fen: int
    said: str

    class Config:
        strict = True
        unique = ["entity", "asset", "decision"]


class Side(pa.DataFrameModel):
    """One side of an entry by its role in the chart: debit > 0, credit < 0.

    ``decision`` is the decision's number, empty for amortisation. The lines of
    (entity, asset, event, decision) sum to 0. Key: entity, asset, event, decision,
    role.
    """

    entity: str
    asset: str
    event: str = pa.Field(isin=["amortise", *DECISIONS, "restore"])
    decision: str
    role: str
    amount_fen: int = pa.Field(ne=0)

    class Config:
        strict = True
        unique = ["entity", "asset", "event", "decision", "role"]


class Indication(pa.DataFrameModel):
    """A sign that an asset may be impaired: it opens a test, it posts nothing.

    Key: entity, asset, indicator, evidence.
    """

    entity: str
    asset: str
    indicator: str = pa.Field(isin=INDICATORS)
    ground: str
    evidence: str

    class Config:
        strict = True
        unique = ["entity", "asset", "indicator", "evidence"]
