"""What somebody must act on now: facts of the store, each with a key of its own."""

from datetime import date
from typing import Literal, get_args

import pandera.polars as pa
import polars as pl
from pydantic import Field

from schemas.terms import Slug, Terms, Text

AlarmKind = Literal["failed", "refused", "stale", "quality", "dispute", "pledge"]
KINDS: tuple[str, ...] = get_args(AlarmKind)
IN_BOTH = {
    "failed": "失败 failed",
    "refused": "拒绝 refused",
    "stale": "过时 stale",
    "quality": "质量下降 quality fell",
    "dispute": "异议 dispute",
    "pledge": "押品 pledge",
}


class Alarm(pa.DataFrameModel):
    """One fact that somebody must act on. Key: key.

    ``key`` names the fact, so that told twice it is one: ``pledge/LOAN/2`` is the
    second change of that pledge. ``about`` is a factor, an entity or a loan; ``money``
    says what rests on it.
    """

    key: str
    kind: str = pa.Field(isin=KINDS)
    about: str
    since: pl.Date
    sentence: str
    to_do: str
    money: str

    class Config:
        strict = True
        unique = ["key"]


class Fact(Terms):
    """One alarm as it is found."""

    key: Text = Field(description="Names the fact: told twice it is one")
    kind: AlarmKind = Field(description="Which of the kinds")
    about: Text = Field(description="Factor, entity or loan")
    since: date = Field(description="Day since which it is so")
    sentence: Text = Field(description="What is so, for who is woken")
    to_do: Text = Field(description="What to do about it")
    money: Text = Field(description="What money rests on it")


class TellTerms(Terms):
    """What a look at the house has told that no look told before."""

    factor: Slug = Field("house", description="Always house: it is of all factors")
    facts: tuple[Fact, ...] = Field((), description="What is new of it")
