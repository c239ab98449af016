"""Say what a text means, exactly: what is not written as declared becomes null.

Each expression reads ``_r_<column>`` and yields ``<column>``. An integer is digits with
a sign at most (" 3", "1e3", "2.7" are none). A number is finite, so "nan", "inf" and
"1e400" are none. Where the format shows how 1234.5 is written ("1,234.5", "1.234,5",
"1234,5"), separators of thousands may be left out but not misplaced: "1,23" is none.
Dates and times have the declared width, so "2013-1-1" and second 60 are none; where no
format is declared a final Z is allowed, and means UTC. An amount in yuan has two
decimals at most and becomes fen: "12.3" -> 1230, "1.005" is none. Where ``normalize``
says nfkc, full-width digits and signs are read as plain ones.

A format of timestamps that ends in ``XXX`` asks each value for its offset, Z or one of
-18:00 to +18:00, and gives the moment in UTC: "2024-05-01T08:00:00+08:00" ->
2024-05-01 00:00:00, so its day is the day of UTC. Without an offset it is none.

``excel-1900`` and ``excel-1904`` are days since the epoch of a spreadsheet, with a
fraction if they are a timestamp: "45292" -> 2024-01-01; "60" is none, for 1900 had no
29 February.

Source of the date letters: ODCS 3.1 logicalTypeOptions.format (Java's patterns); of the
widest offset: java.time.ZoneOffset; of the epochs: ECMA-376 Part 1, 18.17.4.1.
"""

import re
from datetime import date

import polars as pl

from schemas.contract import Column
from schemas.errors import SourceError
from schemas.money import LARGEST_FEN
from tasks.contract.compile import RAW

DATE, TIMESTAMP = "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss"
YUAN = r"^([+-]?)([0-9]{1,16})(?:\.([0-9]{1,2}))?$"
# How 1234.5 is written -> the sign between thousands, and the sign before decimals.
NUMBERS = {"1,234.5": (",", "."), "1.234,5": (".", ","), "1234,5": ("", ",")}
SERIAL = r"^([0-9]{1,7})(\.[0-9]+)?$"
MILLISECONDS = 86_400_000  # of a day: a spreadsheet knows a moment no better
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
ZONE = "XXX"  # only at the end: the rest is the pattern of the local time
OFFSET = "(?:Z|[+-](?:(?:0[0-9]|1[0-7]):[0-5][0-9]|18:00))"
TOKEN = re.compile(r"yyyy|MM|dd|HH|mm|SSS|ss|'[^']*'|[^A-Za-z']")


def typed(column: Column) -> pl.Expr:
    """Turn a column's raw text into its type.

    Raises:
        SourceError: The column's format is not understood.
    """
    text = pl.col(RAW + column.name)
    if column.normalize == "nfkc":
        text = text.str.normalize("NFKC")
    return value_of(text, column).alias(column.name)


def value_of(text: pl.Expr, column: Column) -> pl.Expr:
    """Choose the reading for a column's type and format."""
    kind, form = column.logical_type, column.options.format
    if kind in ("date", "timestamp"):
        serial = form in ("excel-1900", "excel-1904")
        return serial_of(text, column) if serial else moment_of(text, column)
    if kind == "integer" and form == "yuan":
        return fen_of(text)
    if form in NUMBERS and kind in ("integer", "number"):
        text = plain_number(text, form, decimals=kind == "number")
    elif form is not None:
        raise SourceError(
            f"column {column.name}: the format {form!r} is not understood for {kind};"
            f" numbers know {', '.join(NUMBERS)}, an integer yuan"
        )
    if kind == "integer":
        return text.cast(pl.Int64, strict=False)
    if kind == "number":
        number = text.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)
    if kind == "boolean":
        return pl.when(text.is_in(["true", "false"])).then(text == "true")
    return text


def plain_number(text: pl.Expr, form: str, *, decimals: bool) -> pl.Expr:
    """Write a number without separators of thousands and with a decimal point."""
    thousands, point = NUMBERS[form]
    mark = re.escape(thousands)
    grouped = f"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|" if thousands else ""
    fraction = f"(?:{re.escape(point)}[0-9]+)?" if decimals else ""
    plain = text.str.replace_all(thousands, "", literal=True) if thousands else text
    return pl.when(text.str.contains(f"^[+-]?(?:{grouped}[0-9]+){fraction}$")).then(
        plain.str.replace(point, ".", literal=True)
    )


def serial_of(text: pl.Expr, column: Column) -> pl.Expr:
    """Count days from the epoch of a spreadsheet, to the millisecond."""
    part = text.str.extract_groups(SERIAL).struct
    days = part.field("1").cast(pl.Int32, strict=False)
    if column.options.format == "excel-1904":
        first, last = 0, 2_957_003  # 9999-12-31
        day = pl.lit(date(1904, 1, 1)) + pl.duration(days=days)
    else:
        first, last = 1, 2_958_465
        epoch = (
            pl.when(days < 60).then(date(1899, 12, 31)).otherwise(date(1899, 12, 30))
        )
        day = pl.when(days != 60).then(epoch + pl.duration(days=days))
    known = days.is_between(first, last)
    if column.logical_type == "date":
        return pl.when(known & part.field("2").is_null()).then(day)
    fraction = pl.concat_str(pl.lit("0"), part.field("2").fill_null(".0"))
    rest = (fraction.cast(pl.Float64) * MILLISECONDS).round().cast(pl.Int64)
    moment = day.cast(pl.Datetime("us")) + pl.duration(milliseconds=rest)
    return pl.when(known).then(moment)


def fen_of(text: pl.Expr) -> pl.Expr:
    """Shift the point by two places in the text itself, so nothing is rounded."""
    part = text.str.extract_groups(YUAN).struct
    decimals = part.field("3").fill_null("").str.pad_end(2, "0")
    digits = pl.concat_str(part.field("1"), part.field("2"), decimals)
    fen = digits.cast(pl.Int64, strict=False)
    return pl.when(fen.abs() <= LARGEST_FEN).then(fen)


def moment_of(given: pl.Expr, column: Column) -> pl.Expr:
    """Read a date or a time of day in the declared pattern."""
    text, day = given, column.logical_type == "date"
    chrono, digits = pattern_of(column, DATE if day else TIMESTAMP)
    if day:
        value = text.str.to_date(chrono, strict=False)
    elif is_zoned(column):
        return utc_of(text, chrono, digits)
    else:
        if column.options.format is None:
            text, digits = text.str.strip_suffix("Z"), f"{digits}Z?"
        value = text.str.to_datetime(chrono, time_unit="us", strict=False)
    exact = given.str.contains(f"^{digits}$")
    return pl.when(exact & (value.dt.year() > 0)).then(value)


def utc_of(text: pl.Expr, chrono: str, digits: str) -> pl.Expr:
    """Read a local time with its offset, and give the moment in UTC."""
    moment = text.str.to_datetime(
        f"{chrono}%#z", time_unit="us", time_zone="UTC", strict=False
    )
    utc = moment.dt.replace_time_zone(None)
    exact = text.str.contains(f"^{digits}{OFFSET}$")
    return pl.when(exact & utc.dt.year().is_between(1, 9999)).then(utc)


def is_zoned(column: Column) -> bool:
    """Say whether each value of a column has its offset from UTC."""
    return (column.options.format or "").endswith(ZONE)


def pattern_of(column: Column, default: str) -> tuple[str, str]:
    """Translate an ODCS pattern for chrono, and into the digits it stands for.

    An offset at its end is left out: these are the parts of the local time.
    """
    pattern = column.options.format or default
    local = pattern.removesuffix(ZONE)
    tokens = TOKEN.findall(local)
    clock = local == pattern or (
        column.logical_type == "timestamp" and {"HH", "mm"} <= set(tokens)
    )
    if "".join(tokens) != local or "yyyy" not in tokens or not clock:
        raise SourceError(
            f"column {column.name}: the format {pattern!r} is not understood; write it"
            f" with {', '.join(PARTS)}, letters that stand for themselves in '…', and"
            f" {ZONE} after the time of a timestamp with an offset"
        )
    parts = [PARTS.get(t) or itself(t.strip("'") or "'") for t in tokens]
    return "".join(p[0] for p in parts), "".join(p[1] for p in parts)


def itself(text: str) -> tuple[str, str]:
    """Let text between quotes, or a sign, stand for itself: 'MM' is no month."""
    return text.replace("%", "%%"), re.escape(text)
