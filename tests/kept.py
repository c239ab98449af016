"""Count all that a store keeps: the rows of each table, and the head of the chain."""

from sqlalchemy import func, inspect, select, table

from tasks import store
from tasks.store.database import reading


def kept() -> dict[str, int | str]:
    """Rows by table, and the hash of the last run."""
    s = store.current()
    names = inspect(s.engine).get_table_names()
    with reading(s.engine) as c:
        counts: dict[str, int | str] = {
            name: c.execute(select(func.count()).select_from(table(name))).scalar_one()
            for name in names
        }
    return counts | {"head": store.runs(s)[0].run}
