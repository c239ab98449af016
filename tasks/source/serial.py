"""Tell the dates among the numbers of a workbook, and write them as text.

A workbook keeps a moment as days since its epoch and shows it by a number format. In
the system of 1900, day 1 is 1900-01-01 and day 60 is 29 February 1900, which never was:
it stays a number. In the system of 1904, day 0 is 1904-01-01. A moment is known to the
millisecond.

Source: ECMA-376 Part 1, 18.8.30 (built-in formats) and 18.17.4.1 (epochs).
45292 as date -> 2024-01-01, 0.80625 as h:mm -> 19:21:00.
"""

import re
from datetime import date, datetime, timedelta
from typing import Literal

from schemas.contract import Column
from tasks.source.typed import DATE, TIMESTAMP, TOKEN

Kind = Literal["", "date", "time", "elapsed"]

DAY = 86_400_000  # milliseconds
# Built-in formats, with those that East Asian versions add.
BUILT_IN: dict[int, Kind] = {
    **dict.fromkeys((*range(14, 18), 22, *range(27, 32), 36, *range(50, 59)), "date"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 47), "time"),
    46: "elapsed",
}
# What a format shows as it stands, and what is no part of a moment.
SHOWN = re.compile(r'"[^"]*"|\\.|_.|\*.')
ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]")
BRACKETS = re.compile(r"\[[^\]]*\]")
LAST_DAY = {False: 2_958_465, True: 2_957_003}  # 9999-12-31


def kind_of(number: int, code: str | None) -> Kind:
    """Say what a number format shows: a date, a time, an elapsed time, or a number."""
    if code is None:
        return BUILT_IN.get(number, "")
    shown = SHOWN.sub("", code.split(";")[0]).lower()
    if ELAPSED.search(shown):
        return "elapsed"
    letters = BRACKETS.sub("", shown).replace("general", "")
    if any(letter in letters for letter in "yd"):
        return "date"
    if any(letter in letters for letter in "hs"):
        return "time"
    return "date" if "m" in letters else ""


def written_moment(
    days: float, kind: Kind, column: Column, from_1904: bool
) -> str | None:
    """Write a moment as its column declares it, or say that the number is none."""
    if not 0 <= days <= LAST_DAY[from_1904] + 1:
        return None
    whole, rest = divmod(round(days * DAY), DAY)
    if kind == "elapsed" or (kind == "time" and whole == 0):
        return clock(whole * DAY + rest)
    day = day_of(whole, from_1904)
    if day is None:
        return None
    moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a sheet has no zone
    return in_format(moment + timedelta(milliseconds=rest), column)


def clock(milliseconds: int) -> str:
    """Write a time of day or an elapsed time: 129,600,000 -> 36:00:00."""
    seconds, rest = divmod(milliseconds, 1_000)
    hours, minutes = divmod(seconds // 60, 60)
    fraction = f".{rest:03}" if rest else ""
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{fraction}"


def day_of(serial: int, from_1904: bool) -> date | None:
    """Give the day of a whole serial number: 61 -> 1900-03-01."""
    if serial > LAST_DAY[from_1904]:
        return None
    if from_1904:
        return date(1904, 1, 1) + timedelta(serial)
    if serial in (0, 60):
        return None
    return date(1899, 12, 30 if serial > 60 else 31) + timedelta(serial)


def in_format(moment: datetime, column: Column) -> str:
    """Write a moment in its column's pattern; if that loses a part, in ISO 8601."""
    day = moment.time() == moment.min.time()
    kind = column.logical_type
    plain = DATE if day and kind != "timestamp" else TIMESTAMP
    pattern = column.options.format if kind in ("date", "timestamp") else None
    parts = {
        **{"yyyy": moment.year, "MM": moment.month, "dd": moment.day},
        **{"HH": moment.hour, "mm": moment.minute, "ss": moment.second},
        "SSS": moment.microsecond // 1_000,
    }
    tokens = TOKEN.findall(pattern or plain)
    if any(parts[p] for p in ("HH", "mm", "ss", "SSS") if p not in tokens):
        tokens = TOKEN.findall(TIMESTAMP)
        tokens += [".", "SSS"] if parts["SSS"] else []
    return "".join(
        f"{parts[t]:0{len(t)}}" if t in parts else t.strip("'") or "'" for t in tokens
    )
