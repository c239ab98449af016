"""Grade a table by its columns: it takes the highest grade of its fields 就高从严.

A column that says nothing of whom its leak would harm lends no grade; a table whose
columns all say nothing has none. Data of very many people can concern the public
interest 公共利益 instead of single persons: that object is a person's to write.

Source: GB/T 43697-2024. A column individual/serious (general) beside one of
public_interest/serious (important) -> important.
"""

from collections.abc import Sequence

from schemas.contract import Column
from schemas.grade import GRADES, Grade, grade_of


def graded(columns: Sequence[Column]) -> dict[str, Grade]:
    """Grade each column that says whom its leak would harm."""
    return {
        c.name: grade_of(c.affects.object, c.affects.harm) for c in columns if c.affects
    }


def highest(columns: Sequence[Column]) -> Grade | None:
    """Take the highest grade of the columns, or nothing where none is graded."""
    return max(graded(columns).values(), key=GRADES.index, default=None)
