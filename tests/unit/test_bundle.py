"""A copy of a bundle, read back as it was written."""

from datetime import date, datetime

import polars as pl

from flows.deliver import in_types


def test_a_copy_of_a_csv_is_read_in_the_products_types() -> None:
    day, moment = date(2026, 5, 1), datetime(2026, 5, 1, 8, 0, 1, 500_000)
    rows = pl.DataFrame({"a": [day, None], "b": [moment, None], "c": [True, None]})
    text = pl.read_csv(rows.write_csv().encode(), infer_schema=False)

    assert in_types(text, rows.schema).equals(rows)
