"""Grade data by whom a leak would harm, and how much; say what was found in a column.

Source: GB/T 43697-2024 数据分类分级规则: 核心 core, 重要 important, 一般 general.
A serious harm 严重危害 to public interest 公共利益 -> important.
"""

from collections.abc import Mapping
from typing import Literal

import pandera.polars as pa

AffectedObject = Literal[
    "national_security",  # 国家安全
    "economy",  # 经济运行
    "social_order",  # 社会秩序
    "public_interest",  # 公共利益
    "organisation",  # 组织权益
    "individual",  # 个人权益
]
Harm = Literal["ordinary", "serious", "especially_serious"]  # 一般, 严重, 特别严重
Grade = Literal["general", "important", "core"]
GRADES: tuple[Grade, ...] = ("general", "important", "core")  # from low to high

_PUBLIC: dict[Harm, Grade] = {
    "ordinary": "general",
    "serious": "important",
    "especially_serious": "core",
}
_RIGHTS: dict[Harm, Grade] = dict.fromkeys(_PUBLIC, "general")
MATRIX: dict[AffectedObject, dict[Harm, Grade]] = {
    "national_security": {
        "ordinary": "important",
        "serious": "core",
        "especially_serious": "core",
    },
    "economy": _PUBLIC,
    "social_order": _PUBLIC,
    "public_interest": _PUBLIC,
    "organisation": _RIGHTS,
    "individual": _RIGHTS,
}


def grade_of(affected: AffectedObject, harm: Harm) -> Grade:
    """Read the matrix. National security, ordinary harm -> important."""
    return MATRIX[affected][harm]


class Finding(pa.DataFrameModel):
    """What one recogniser found in one column: counts, never values.

    ``examined`` are the values of the first ``sample`` rows that are not null,
    ``shaped`` those that hold something of the right shape, ``matched`` those where it
    is sound. ``hint``: the column's name speaks for it. ``proposed`` holds once a
    person writes it as ``classification``; where ``decided``, a person has.
    Key: column, recogniser.
    """

    column: str
    recogniser: str
    examined: int = pa.Field(ge=0)
    shaped: int = pa.Field(ge=0)
    matched: int = pa.Field(ge=0)
    hint: bool
    proposed: str = pa.Field(isin=["public", "internal", "personal", "sensitive"])
    decided: bool
    sample: int = pa.Field(ge=1)

    class Config:
        strict = True
        unique = ["column", "recogniser"]


def reason(finding: Mapping[str, object]) -> str:
    """Say why a column looks personal: ``mobile in 3 of 20``, ``its name: birth``."""
    if finding["recogniser"] == "source":
        return "a source holds such a column, and SQL may rename it"
    if finding["hint"]:
        return f"its name: {str(finding['recogniser']).rpartition(':')[2]}"
    return (
        f"{finding['recogniser']} in {finding['matched']:,} of {finding['examined']:,}"
    )
