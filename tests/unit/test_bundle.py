"""A copy of a bundle, read back as it was written."""

from datetime import date, datetime

import polars as pl

from flows.deliver import in_types


def test_a_copy_of_a_csv_is_read_in_the_products_types() -> None:
    day = date(2026, 5, 1)
    moment = datetime.fromisoformat("2026-05-01T08:00:01.500000")
    rows = pl.DataFrame({"a": [day, None], "b": [moment, None], "c": [True, None]})
    text = pl.read_csv(rows.write_csv().encode(), infer_schema=False)

    assert in_types(text, rows.schema).equals(rows)
