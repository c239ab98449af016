"""Contracts of what is known of a resource's quality: counts, indicators, score, steps.

Source: GB/T 36344-2018 信息技术 数据质量评价指标, six dimensions, 20 indicators, each
X = A / B. A and B are kept with the direction, never a share alone; B = 0 gives null.
Shares and scores are whole millionths (``_ppm``), rounded half up: 2 of 3 -> 666,667.
"""

from typing import Annotated, NamedTuple

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.gates import Gates

WHOLE = 1_000_000  # ppm
TOTAL = "total"
DIMENSIONS = {
    "normativity": "规范性",
    "completeness": "完整性",
    "accuracy": "准确性",
    "consistency": "一致性",
    "timeliness": "时效性",
    "accessibility": "可访问性",
}
STEPS = ["collect", "clean", "consolidate", "label", "sort", "contract"]


class CheckCounts(pa.DataFrameModel):
    """What the runs that made a resource counted, its partitions added up.

    ``kind`` rule: how often ``rule`` was asked of ``frame`` and said no. ``kind``
    rows: the balance of ``frame``. ``kind`` bytes: how many artifacts were looked for
    and how many are not there. ``kind`` note: how often reading did what ``rule`` says,
    which is no fault. What a kind does not use is 0. Key: task, frame, kind, rule.
    """

    factor: str
    task: str
    frame: str
    kind: str = pa.Field(isin=["rule", "rows", "bytes", "note"])
    rule: str
    examined: int = pa.Field(ge=0)
    failed: int = pa.Field(ge=0)
    rows_in: int = pa.Field(ge=0)
    rows_out: int = pa.Field(ge=0)
    rejected: int = pa.Field(ge=0)
    dropped: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["factor", "task", "frame", "kind", "rule"]


class Indicator(pa.DataFrameModel):
    """One of the 20 indicators of a resource on a day. Key: factor, as_of, code.

    ``direction`` lower: the share is of bad elements (0303, 0305). ``value_ppm`` is
    A / B as it stands, never inverted, and null where nothing was evaluated. ``fed_by``
    says which checks and counts stand behind A and B.
    """

    factor: str
    as_of: pl.Date
    code: str = pa.Field(str_matches=r"^0[1-6]0[1-6]$")
    dimension: str = pa.Field(isin=[*DIMENSIONS])
    name: str
    name_zh: str
    a: int = pa.Field(ge=0)
    b: int = pa.Field(ge=0)
    direction: str = pa.Field(isin=["higher", "lower"])
    value_ppm: int = pa.Field(ge=0, le=WHOLE, nullable=True)
    iso25012: str
    fed_by: str

    class Config:
        strict = True
        unique = ["factor", "as_of", "code"]

    @pa.dataframe_check
    @classmethod
    def a_is_part_of_b(cls, data: PolarsData) -> pl.LazyFrame:
        """No more elements are good than were looked at."""
        return data.lazyframe.select(pl.col("a") <= pl.col("b"))


class Score(pa.DataFrameModel):
    """The score of each dimension and in total. Key: factor, as_of, dimension.

    A dimension is the mean of its scored indicators, the total the mean of the scored
    dimensions by ``weight``; 0303 and 0305 enter as 1 − A/B. ``before_ppm`` is the
    same sum over the last assessment of an earlier day, by today's weights. A fall of
    the total beyond ``step_ppm`` closes the gate of the stages that follow.
    """

    factor: str
    as_of: pl.Date
    dimension: str = pa.Field(isin=[*DIMENSIONS, TOTAL])
    weight: int = pa.Field(ge=0)
    scored: int = pa.Field(ge=0)
    score_ppm: int = pa.Field(ge=0, le=WHOLE, nullable=True)
    before_on: pl.Date = pa.Field(nullable=True)
    before_ppm: int = pa.Field(ge=0, le=WHOLE, nullable=True)
    step_ppm: int = pa.Field(ge=0, le=WHOLE)

    class Config:
        strict = True
        unique = ["factor", "as_of", "dimension"]


class RowBalance(pa.DataFrameModel):
    """Rows in, out, dropped and rejected at each step, and why. Key: position.

    ``rows_out = rows_in − dropped − rejected + multiplied``. ``what`` names the source
    or holds the words of a JOIN or WHERE. ``rows_in`` is null where bytes are read.
    """

    position: int = pa.Field(ge=1)
    step: str = pa.Field(isin=STEPS)
    what: str
    rows_in: int = pa.Field(ge=0, nullable=True)
    rows_out: int = pa.Field(ge=0)
    dropped: int = pa.Field(ge=0)
    rejected: int = pa.Field(ge=0)
    multiplied: int = pa.Field(ge=0)
    reason: str

    class Config:
        strict = True
        unique = ["position"]


class Assessment(NamedTuple):
    """What is known of a resource's quality on a day."""

    gates: Annotated[pl.LazyFrame, Gates]
    quality: Annotated[pl.LazyFrame, Indicator]
    score: Annotated[pl.LazyFrame, Score]
    balance: Annotated[pl.LazyFrame, RowBalance]
