"""Tell how good a resource is: its 20 indicators, its scores, and how they moved."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from flows.face import table
from schemas.errors import StoreError
from schemas.quality import DIMENSIONS, TOTAL, Indicator, Score
from tasks import store
from tasks.page.plot import Line, chart
from tasks.quality import shown

Facts = dict[str, Any]  # JSON
NAMES = {**DIMENSIONS, TOTAL: "总分"}
BETTER = {"higher": "higher is better", "lower": "lower is better"}


def quality_of(ref: str) -> Facts:
    """Gather the newest assessment of a resource and the series of its scores.

    Args:
        ref: A factor, or any REF of something that a factor made.

    Raises:
        StoreError: Nothing is called so, or it was never assessed.
    """
    s = store.current()
    factor = ref.partition("/")[0]
    scores = store.series(s, factor, Score)
    if scores.is_empty():
        factor = store.trace(s, store.resolve(s, ref).id)[0].factor
        scores = store.series(s, factor, Score)
    if scores.is_empty():
        raise StoreError(
            f"{factor} was never assessed: `datafactor run {factor}` does it, where"
            " the factor has a resource"
        )
    day = scores["as_of"].max()
    quality = store.series(s, factor, Indicator).filter(pl.col("as_of") == day)
    return {
        "factor": factor,
        "as_of": str(day),
        "indicators": [indicator_facts(r) for r in quality.iter_rows(named=True)],
        "scores": score_facts(scores.filter(pl.col("as_of") == day)),
        "series": series_facts(scores),
    }


def indicator_facts(row: Facts) -> Facts:
    """Tell one indicator; its value as text with six places, null if unknown."""
    kept = ("code", "dimension", "name", "name_zh", "a", "b", "direction")
    value = None if row["value_ppm"] is None else shown(row["value_ppm"])
    beside = {"iso25012": row["iso25012"], "fed_by": row["fed_by"]}
    return {**{n: row[n] for n in kept}, "value": value, **beside}


def score_facts(scores: pl.DataFrame) -> list[Facts]:
    """Tell the score of each dimension, the total last."""
    by_name = {row["dimension"]: row for row in scores.iter_rows(named=True)}
    return [
        {
            "dimension": name,
            "name_zh": zh,
            "weight": by_name[name]["weight"],
            "scored": by_name[name]["scored"],
            "score": known(by_name[name]["score_ppm"]),
            "before": known(by_name[name]["before_ppm"]),
        }
        for name, zh in NAMES.items()
    ]


def known(ppm: int | None) -> str | None:
    """Write a share, if there is one."""
    return None if ppm is None else shown(ppm)


def series_facts(scores: pl.DataFrame) -> list[Facts]:
    """Tell the scores of every day in order: total and dimensions."""
    days: dict[str, Facts] = {}
    for row in scores.sort("as_of").iter_rows(named=True):
        day = days.setdefault(str(row["as_of"]), {"as_of": str(row["as_of"])})
        day[row["dimension"]] = known(row["score_ppm"])
    return list(days.values())


def write_plot(facts: Facts, file: Path) -> None:
    """Draw the series as an SVG file: the total, and each dimension that was scored."""
    lines = [
        Line(f"{name} {NAMES[name]}", points_of(facts["series"], name))
        for name in (TOTAL, *DIMENSIONS)
        if any(day[name] is not None for day in facts["series"])
    ]
    title = f"Data quality of {facts['factor']} 数据质量 (GB/T 36344-2018)"
    up = "score 得分 (0 to 1)"
    file.write_text(chart(title, "as of 评价日期", up, lines), "utf-8")


def points_of(series: list[Facts], name: str) -> list[tuple[date, int | None]]:
    """Read the points of one line, in millionths."""
    figures = [(date.fromisoformat(day["as_of"]), day[name]) for day in series]
    return [(d, None if f is None else int(f.replace(".", ""))) for d, f in figures]


def show_quality(console: Console, facts: Facts) -> None:
    """Show indicators, scores and series as tables."""
    title = f"{facts['factor']}, as of {facts['as_of']} (GB/T 36344-2018)\n"
    wide = max(len(f"{i['b']:,}") for i in facts["indicators"])
    rows = [
        (
            *(i["code"], i["name"], i["name_zh"]),
            *(f"{i['a']:>{wide},}", f"{i['b']:>{wide},}", i["value"] or "–"),
            *(BETTER[i["direction"]], i["fed_by"] or "nothing"),
        )
        for i in facts["indicators"]
    ]
    head = ["code", "indicator", "指标", "A", "B", "A/B", "direction", "fed by"]
    console.print(table(title, head, rows))
    scored = [
        (
            *(s["dimension"], s["name_zh"], s["weight"], s["scored"]),
            *(s["score"] or "–", s["before"] or "–"),
        )
        for s in facts["scores"]
    ]
    head = ["dimension", "维度", "weight", "indicators", "score", "before"]
    console.print(table("\nscores; 0303 and 0305 enter as 1 − A/B", head, scored))
    head = ["as of", TOTAL, *DIMENSIONS]
    days = [
        (day["as_of"], *(day[n] or "–" for n in head[1:])) for day in facts["series"]
    ]
    console.print(table("\nseries", head, days))
    console.print(
        f"\nrows at each step: datafactor show {facts['factor']}/resource/balance",
        markup=False,
    )
