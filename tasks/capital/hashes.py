"""Hash the values of a table alike in whatever dress they come, and for ever.

A sketch is stored with a pledge and compared years later, so these hashes are made of
plain integer arithmetic: those of the engine change between its versions. A value is
what it says, not how it is declared: 1, 1.0 and "1" are one, and so are the timestamp
and the text "2013-01-01T05:00:00Z".
"""

import polars as pl

# Odd numbers of splitmix64 (Steele, Lea, Flood 2014), and wyhash's (Wang 2019).
STIR, STIR_AGAIN = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
OF_WHOLE, OF_PARTS = 0xD6E8FEB86659FD93, 0xA0761D6478BD642F
SEED = 0xE7037ED1A0B428DB
READ = 64  # bytes of a text; what follows counts by its length alone
TEXT_DAY = r"^\d{4}-\d\d-\d\d"
TEXT_ZERO = r"(?:\+00:00|z)$"


def hashes(values: pl.Series) -> pl.Series:
    """Hash each value to 64 bits; what is missing stays null.

    Numbers count with six decimals, days as their midnight, times in UTC, texts
    without outer blanks and case. NaN, infinity and "" are missing.
    """
    kind = values.dtype
    if kind.is_integer():
        return of_numbers(values.cast(pl.Int64))
    if kind.is_float():
        return of_fractions(values)
    if kind == pl.Date or kind == pl.Datetime:
        return of_moments(values)
    return of_distinct(values.cast(pl.String))


def stirred(bits: pl.Series) -> pl.Series:
    """Let each bit reach all others; the same for ever."""
    bits = (bits ^ bits // (1 << 32)) * STIR
    bits = (bits ^ bits // (1 << 29)) * STIR_AGAIN
    return bits ^ bits // (1 << 32)


def of_numbers(whole: pl.Series) -> pl.Series:
    """Hash integers."""
    return stirred(whole.reinterpret(signed=False) * OF_WHOLE + SEED)


def of_fractions(numbers: pl.Series) -> pl.Series:
    """Hash numbers by their whole part and their millionths: 2.0 as 2."""
    sound = numbers.set(~numbers.is_finite(), None).cast(pl.Float64)
    whole = sound.floor()
    bits = whole.cast(pl.Int64, strict=False).reinterpret(signed=False) * OF_WHOLE
    parts = ((sound - whole) * 1_000_000).round().cast(pl.UInt64)
    return stirred(bits + parts * OF_PARTS + SEED)


def of_moments(times: pl.Series) -> pl.Series:
    """Hash days and times by their microseconds since 1970."""
    day = times.cast(pl.Datetime("us")) if times.dtype == pl.Date else times
    return of_numbers(day.dt.cast_time_unit("us").to_physical())


def of_distinct(texts: pl.Series) -> pl.Series:
    """Hash texts, those that come again and again once."""
    known = texts.drop_nulls().unique()
    if known.len() * 4 > texts.len():
        return of_texts(texts)
    return texts.replace_strict(
        known, of_texts(known), default=None, return_dtype=pl.UInt64
    )


def of_texts(texts: pl.Series) -> pl.Series:
    """Hash texts by what they say: an integer, a number, a moment, or else a text."""
    plain = texts.str.strip_chars().str.to_lowercase()
    plain = plain.set(plain == "", None)
    readings = pl.DataFrame(
        [
            of_numbers(plain.cast(pl.Int64, strict=False)).alias("integer"),
            of_fractions(plain.cast(pl.Float64, strict=False)).alias("number"),
            of_text_moments(plain).alias("moment"),
            of_bytes(plain).alias("text"),
        ]
    )
    return readings.select(pl.coalesce(pl.all())).to_series()


def of_text_moments(texts: pl.Series) -> pl.Series:
    """Hash what is written as a day or time of ISO 8601, in UTC."""
    days = texts.set(~texts.str.contains(TEXT_DAY), None)
    if days.null_count() == days.len():  # most columns, and parsing is slow
        return pl.repeat(None, days.len(), dtype=pl.UInt64, eager=True)
    plain = days.str.replace("t", " ", literal=True).str.replace(TEXT_ZERO, "")
    time = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    day = plain.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    return of_moments(time.zip_with(time.is_not_null(), day))


def of_bytes(texts: pl.Series) -> pl.Series:
    """Hash texts by their length and first bytes, eight at a time."""
    size = texts.str.len_bytes().cast(pl.UInt64)
    padded = (texts + "\0" * READ).cast(pl.Binary)
    longest = min(READ, int(size.max() or 0))  # type: ignore[arg-type]  # an integer
    found = stirred(size + SEED)
    for at in range(0, longest, 8):
        piece = padded.bin.slice(at, 8)
        bits = piece.bin.reinterpret(dtype=pl.UInt64, endianness="little")
        # Past its end a text stays as it is, however long its neighbours are.
        found = stirred(found ^ bits).zip_with(size > at, found)
    return found
