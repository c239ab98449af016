"""Write raw text into a spreadsheet so that nothing in it runs, and read it back.

A cell that begins with = + - @, a tab or a line end is run as a formula (OWASP, CSV
injection); a ' in front makes it text. A text with its own ' before such a sign gets
one more, so that reading back is exact: ``=1`` <-> ``'=1``, ``'=1`` <-> ``''=1``.
"""

import polars as pl

RUNS = r"'*[=+\-@\t\r\n]"


def as_cell(text: pl.Expr) -> pl.Expr:
    """Write a text as a cell; a missing one is empty."""
    return text.str.replace(f"^({RUNS})", "'${1}").fill_null("")


def of_cell(cell: pl.Expr) -> pl.Expr:
    """Read a cell back; whether an empty one is missing, the source must say."""
    return cell.str.replace(f"^'({RUNS})", "${1}")
