"""Say what a text means, exactly: what is not written as declared becomes null.

Each expression reads ``_r_<column>`` and yields ``<column>``. An integer is digits with
a sign at most (" 3", "1e3", "2.7" are none). A number is finite, so "nan", "inf" and
"1e400" are none. Dates and times have the declared width, so "2013-1-1" and second 60
are none; where no format is declared a final Z is allowed, and means UTC. An amount in
yuan has two decimals at most and becomes fen: "12.3" -> 1230, "1.005" is none.

Source of the date letters: ODCS 3.1 logicalTypeOptions.format (Java's patterns).
"""

import re

import polars as pl

from schemas.contract import Column
from schemas.errors import SourceError
from schemas.money import LARGEST_FEN
from tasks.contract.compile import RAW

DATE, TIMESTAMP = "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss"
YUAN = r"^([+-]?)([0-9]{1,16})(?:\.([0-9]{1,2}))?$"
# ODCS letter -> chrono's letter, and the digits allowed: chrono alone reads "2013- 1-1"
# and makes the next second of 23:59:60.
PARTS = {
    "yyyy": ("%Y", "[0-9]{4}"),
    "MM": ("%m", "[01][0-9]"),
    "dd": ("%d", "[0-3][0-9]"),
    "HH": ("%H", "[0-2][0-9]"),
    "mm": ("%M", "[0-5][0-9]"),
    "ss": ("%S", "[0-5][0-9]"),
    "SSS": ("%3f", "[0-9]{3}"),
}
TOKEN = re.compile(r"yyyy|MM|dd|HH|mm|SSS|ss|'[^']*'|[^A-Za-z']")


def typed(column: Column) -> pl.Expr:
    """Turn a column's raw text into its type.

    Raises:
        SourceError: The column's format is not understood.
    """
    text = pl.col(RAW + column.name)
    form = column.options.format
    if column.logical_type == "integer" and form == "yuan":
        value = fen_of(text)
    elif column.logical_type in ("date", "timestamp"):
        value = moment_of(text, column)
    elif form is not None:
        raise SourceError(
            f"column {column.name}: the format {form!r} is not understood for"
            f" {column.logical_type}; leave it out"
        )
    elif column.logical_type == "integer":
        value = text.cast(pl.Int64, strict=False)
    elif column.logical_type == "number":
        number = text.cast(pl.Float64, strict=False)
        value = pl.when(number.is_finite()).then(number)
    elif column.logical_type == "boolean":
        value = pl.when(text.is_in(["true", "false"])).then(text == "true")
    else:
        value = text
    return value.alias(column.name)


def fen_of(text: pl.Expr) -> pl.Expr:
    """Shift the point by two places in the text itself, so nothing is rounded."""
    part = text.str.extract_groups(YUAN).struct
    decimals = part.field("3").fill_null("").str.pad_end(2, "0")
    digits = pl.concat_str(part.field("1"), part.field("2"), decimals)
    fen = digits.cast(pl.Int64, strict=False)
    return pl.when(fen.abs() <= LARGEST_FEN).then(fen)


def moment_of(text: pl.Expr, column: Column) -> pl.Expr:
    """Read a date or a time of day in the declared pattern."""
    day = column.logical_type == "date"
    chrono, digits = pattern_of(column, DATE if day else TIMESTAMP)
    if day:
        value = text.str.to_date(chrono, strict=False)
    else:
        if column.options.format is None:
            text, digits = text.str.strip_suffix("Z"), f"{digits}Z?"
        value = text.str.to_datetime(chrono, time_unit="us", strict=False)
    exact = pl.col(RAW + column.name).str.contains(f"^{digits}$")
    return pl.when(exact & (value.dt.year() > 0)).then(value)


def pattern_of(column: Column, default: str) -> tuple[str, str]:
    """Translate an ODCS pattern for chrono, and into the digits it stands for."""
    pattern = column.options.format or default
    tokens = TOKEN.findall(pattern)
    if "".join(tokens) != pattern or "yyyy" not in tokens:
        raise SourceError(
            f"column {column.name}: the format {pattern!r} is not understood; write it"
            f" with {', '.join(PARTS)}, and letters that stand for themselves in '…'"
        )
    parts = [PARTS.get(t) or itself(t.strip("'") or "'") for t in tokens]
    return "".join(p[0] for p in parts), "".join(p[1] for p in parts)


def itself(text: str) -> tuple[str, str]:
    """Let text between quotes, or a sign, stand for itself: 'MM' is no month."""
    return text.replace("%", "%%"), re.escape(text)
