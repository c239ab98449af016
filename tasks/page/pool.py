"""Write the page of a pool: gates, loans, waterfall, balances; in both languages.

No figure is made here: every amount stands in a frame of the pool.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from markupsafe import Markup

from schemas.money import shown
from tasks.page.catalog import environment
from tasks.page.plot import WHOLE, Line, chart
from tasks.page.pool_words import POOL_WORDS
from tasks.page.sheet import tongues

Row = Mapping[str, Any]  # Any: a row of a frame
AMOUNTS = ("cash", "taxes", "fees", "senior_interest", "senior_principal")


def pool_page(
    head: Row,
    gates: Sequence[Row],
    loans: Sequence[Row],
    periods: Sequence[Row],
) -> str:
    """Write the page.

    Args:
        head: The plan: title, illustrative, senior_fen, subordinated_fen, coupon,
            cut_off, matures_on.
        gates: Contract Gates.
        loans: Contract Screened.
        periods: Contract Distributed.
    """
    template = environment().get_template("pool.html")
    return template.render(
        both=tongues(POOL_WORDS),
        head=head,
        gates=gates,
        loans=loans,
        periods=periods,
        amounts=AMOUNTS,
        money=shown,
        drawing=Markup(balances(head, periods)) if periods else "",
    )


def balances(head: Row, periods: Sequence[Row]) -> str:
    """Draw what is left of the senior notes and of the pool, by payment day."""
    senior, whole = head["senior_fen"], head["senior_fen"] + head["subordinated_fen"]
    lines = [
        Line(label("senior"), points(head, periods, "senior_balance_fen", senior)),
        Line(label("pool"), points(head, periods, "pool_balance_fen", whole)),
    ]
    return chart(label("plot"), label("paid_on"), "0 – 1", lines)


def label(key: str) -> str:
    """Say a word in both languages as plain text."""
    return " ".join(POOL_WORDS[key])


def points(
    head: Row, periods: Sequence[Row], name: str, begun: int
) -> list[tuple[date, int | None]]:
    """Set a balance of each day against what it was at the cut-off, in millionths."""
    known = [(row["paid_on"], row[name] * WHOLE // begun) for row in periods]
    return [(head["cut_off"], WHOLE), *known]
