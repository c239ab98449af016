"""Write the dossier of a loan from facts that come ready: no figure is made here.

One page, each word in Chinese and English, that needs no script and nothing from
elsewhere. Whatever a document says is escaped.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from schemas.money import exact_fen, shown, yuan
from tasks.finance import ratio
from tasks.page.amounts import Level, Series, amounts, stacked
from tasks.page.catalog import environment
from tasks.page.descent import Box, descent
from tasks.page.dossier_words import DOSSIER_WORDS
from tasks.page.words import Pair

Facts = Mapping[str, Any]  # JSON
WHOLE = 1_000_000  # ppm
AMOUNT = re.compile(r"[0-9]{4,13}\.[0-9]{2}")
SHOWN = 200  # files, frames or lines on the page; the files of the pack have all
BOXES = 120  # of the drawing
FIRST = 12  # signs of a digest in a box
SECTIONS = (
    *("summary", "gates", "unsafe", "parties", "pledge", "value", "schedule"),
    *("quality", "lineage", "sources", "contracts", "rights", "journal", "again"),
)


def page(facts: Facts, end: Facts) -> bytes:
    """Write the dossier as one page that needs nothing else.

    Args:
        facts: All that is told of the loan, section by section.
        end: The signed head, and what else lies in the pack.
    """
    made = environment().get_template("dossier.html")
    text = made.render(
        f=facts,
        end=end,
        w=word,
        known=known,
        money=money,
        percent=percent,
        many=many,
        flat=flat,
        granted=facts["decisions"][0]["run"],
        looked=facts["decisions"][-1]["run"],
        state=state_of(facts),
        **stands_now(facts),
        sections=SECTIONS,
        drawings=drawings(facts),
        limit=SHOWN,
    )
    return text.encode()


def word(key: str, **given: str) -> Pair:
    """Say a word in both languages, with what it speaks of filled in."""
    zh, en = (text.format(**given) for text in DOSSIER_WORDS[key])
    return zh, en


def known(kind: str, name: object) -> Pair:
    """Say a name of the house in both languages; any other as it is, once."""
    plain = str(name).replace("_", " ")
    return DOSSIER_WORDS.get(f"{kind}_{name}", ("", plain))


def both(key: str) -> str:
    """Say a word in both languages on one line."""
    return " ".join(DOSSIER_WORDS[key])


def money(amount: str | None) -> str:
    """Write yuan for people; nothing where nothing is known."""
    return "" if amount is None else shown(exact_fen(Decimal(amount)))


def many(count: int | None) -> str:
    """Write a count for people; nothing where it is not known."""
    return "" if count is None else f"{count:,}"


def percent(share: str | int | None) -> str:
    """Write a share as text or in ppm as per cent. '0.433225' -> 43.32 %."""
    if share is None or share == "":
        return ""
    whole = Decimal(share) / WHOLE if isinstance(share, int) else Decimal(share)
    return f"{whole * 100:.2f} %"


def flat(terms: Facts, above: str = "") -> Iterator[tuple[Pair, str]]:
    """List nested terms one under another, by their names."""
    for name, value in terms.items():
        head = known("term", f"{above}{name}")
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name} ")
        elif isinstance(value, list):
            for place, one in enumerate(value, 1):
                said = joined(one)
                yield (head if place == 1 else ("", "")), said
        elif value not in (None, ""):
            yield head, written(str(value))


def written(value: str) -> str:
    """Write an amount of some thousands for people, all else as it is."""
    return money(value) if AMOUNT.fullmatch(value) else value


def joined(one: Any) -> str:  # Any: JSON
    """Write a part of a list on one line."""
    if not isinstance(one, Mapping):
        return str(one)
    return "; ".join(f"{n.replace('_', ' ')}: {v}" for n, v in one.items() if v)


def state_of(facts: Facts) -> Pair:
    """Say how the pledge covers the loan, as it was watched last."""
    changes, day = facts["pledge"]["CoverState"], facts["pledge"]["watched_on"]
    if changes:
        return known("state", changes[-1]["state"])
    return known("state", "normal" if day else "none")


def stands_now(facts: Facts) -> dict[str, str | None]:
    """Say what is owed now, and its share of the value: as recorded, else as planned.

    4,583,333.33 left of 5,000,000.00 on 8,968,000.00: 0.511076 instead of 0.557538.
    """
    position, account = facts["position"], facts["account"]
    if not account:
        return {"owed": position.get("outstanding"), "ltv": position.get("ltv")}
    owed = sum(in_fen(part["outstanding"]) for part in account)
    value = in_fen(position["appraised"]) if position.get("appraised") else 0
    return {"owed": f"{yuan(owed):.2f}", "ltv": ratio(owed, value)}


def drawings(facts: Facts) -> dict[str, Markup]:
    """Draw what there is to draw; the texts in it are escaped already."""
    made = {
        "value": value_drawing(facts),
        "schedule": schedule_drawing(facts["schedule"]),
        "ltv": ltv_drawing(facts),
        "quality": quality_drawing(facts),
        "lineage": descent(both("lineage"), [*boxes(facts["lineage"][:BOXES])]),
    }
    return {name: Markup(drawing) for name, drawing in made.items() if drawing}


def in_fen(amount: str) -> int:
    """Read an amount of the facts."""
    return exact_fen(Decimal(amount))


def in_ppm(share: str) -> int:
    """Read a share of the facts."""
    return int(Decimal(share) * WHOLE)


def day_of(text: str) -> date:
    """Read a day of the facts."""
    return date.fromisoformat(text)


def value_drawing(facts: Facts) -> str:
    """Draw appraised value, book value and debt over the days of the loan."""
    valued, plan = facts["valuation"], debt(facts)
    if not plan:
        return ""
    first, last = plan[0][0], plan[-1][0]
    lines = [Series(both("line_debt"), plan, step=True)]
    book = [
        (day_of(f"{b['period']}-28"), in_fen(b["carrying"])) for b in valued["plan"]
    ]
    held = [(day, fen) for day, fen in book if first <= day <= last]
    if valued.get("valid_to"):
        worth = in_fen(valued["appraised"])
        end = min(day_of(valued["valid_to"]), last)
        begun = max(day_of(valued["appraised_on"]), first)
        if begun <= end:
            worths = [(begun, worth), (end, worth)]
            lines.append(Series(both("line_appraised"), worths))
    if held:
        lines.append(Series(both("line_book"), held, step=True))
    return amounts(both("value"), lines, shown)


def debt(facts: Facts) -> list[tuple[date, int]]:
    """List what is owed by plan, from the day the loan was looked at last."""
    position, rows = facts["position"], facts["schedule"]
    if not rows or not facts["loan"]["as_of"] or not position["outstanding"]:
        return []
    start = day_of(facts["loan"]["as_of"])
    later = [r for r in rows if day_of(r["due_on"]) > start]
    owed = [(start, in_fen(position["outstanding"]))]
    return owed + [(day_of(r["due_on"]), in_fen(r["balance"])) for r in later]


def schedule_drawing(rows: Sequence[Facts]) -> str:
    """Draw each instalment: principal, and interest on it."""
    if not rows:
        return ""
    names = (both("part_principal"), both("part_interest"))
    columns = [
        (day_of(r["due_on"]), (in_fen(r["principal"]), in_fen(r["interest"])))
        for r in rows
    ]
    return stacked(both("schedule"), names, columns, shown)


def ltv_drawing(facts: Facts) -> str:
    """Draw the loan to value as it is repaid, with the steps of the policy."""
    rows, position = facts["schedule"], facts["position"]
    told = [(day_of(r["due_on"]), in_ppm(r["ltv"])) for r in rows if r["ltv"]]
    if not told or not position["ltv"]:
        return ""
    start = day_of(facts["loan"]["as_of"])
    later = [(day, ppm) for day, ppm in told if day > start]
    lines = [Series(both("ltv"), [(start, in_ppm(position["ltv"])), *later], step=True)]
    names: dict[int, list[str]] = {}
    for step in facts["steps"]:
        names.setdefault(in_ppm(step["ltv"]), []).append(both(f"step_{step['step']}"))
    levels = [Level(" / ".join(held), ppm) for ppm, held in names.items()]
    return amounts(both("ltv_plan"), lines, percent, levels)


def quality_drawing(facts: Facts) -> str:
    """Draw the score over time, with the floor below which the gate shuts."""
    points = [
        (day_of(day["as_of"]), in_ppm(day["total"]))
        for day in facts["quality"]["series"]
        if day["total"] is not None
    ]
    if not points:
        return ""
    levels = [
        Level(both("floor"), in_ppm(row["limit"]))
        for row in facts["unsafe"]
        if row["what"] == "quality"
    ]
    lowest = min([figure for _, figure in points] + [level.figure for level in levels])
    low = max(lowest - 1, 0) // 100_000 * 100_000
    return amounts(
        both("quality"), [Series(both("score"), points)], percent, levels, low
    )


def boxes(lineage: Sequence[Facts]) -> Iterator[Box]:
    """Word the boxes of the drawing."""
    for box in lineage:
        zh, en = known("box", box["name"])
        size = (
            (box["rows"], "rows")
            if box["rows"] is not None
            else (box["bytes"], "bytes")
        )
        about = f"{size[0]:,} {both(size[1])}"
        mark = f"sha256 {box['sha256'][:FIRST]}…" if box["sha256"] else ""
        if box["many"] > 1:
            mark = f"{box['many']:,} {both('files')}"
        name = f"{zh} {en}".strip()
        yield Box(box["box"], name, about, mark, box["stage"], tuple(box["parents"]))
