"""Tell what an asset rests on by what its sources hold, not by what they are called."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Annotated

import polars as pl

from schemas.capital import CapitalTerms
from schemas.collateral import Fingerprint, FingerprintTerms
from schemas.contract import frame_of
from schemas.quality import WHOLE
from schemas.registers import CollateralRoot
from tasks.capital.sketch import sketch

Row = tuple[str, str, int, str]  # root, place, rows, sketch
UNROOTED = frame_of(Fingerprint, ()).lazy()


def fingerprint(
    members: Mapping[str, Annotated[pl.LazyFrame, "members"]],
    rows: Mapping[str, pl.LazyFrame],
    terms: FingerprintTerms,
) -> Annotated[pl.LazyFrame, Fingerprint]:
    """Give each source table its root, its weight and a sketch of its rows.

    A source of many members is one table and has one root: single members of the 288
    that a day brings weigh too little to tell anything, and the sketch of the whole
    finds them wherever they turn up again.

    Args:
        members: By ``factor/source``, what its files hold once they are unpacked:
            ``member`` and ``sha256``.
        rows: By the same names, what was cleaned of them.
        terms: Whose sources they are; those of factors that it takes in are among them.

    Returns:
        One row for each table; of two with the same bytes the first. Three members
        of 100, 100 and 800 rows -> weights 100,000, 100,000 and 800,000 ppm.
    """
    found = [read(name, members[name].collect(), rows[name]) for name in sorted(rows)]
    roots = {root[0]: root for root in reversed(found)}
    return frame_of(Fingerprint, weighed(roots)).lazy()


def read(name: str, held: pl.DataFrame, rows: pl.LazyFrame) -> Row:
    """Read one table."""
    many = rows.select(pl.len()).collect().item()
    return root_of(held["sha256"]), place_of(name, held["member"]), many, sketch(rows)


def root_of(digests: Iterable[str]) -> str:
    """Name what some members hold; their order and names do not matter.

    One member is its own digest, so that packing it otherwise changes nothing.
    """
    first, *more = sorted(set(digests))
    return sha256("\n".join((first, *more)).encode()).hexdigest() if more else first


def place_of(name: str, members: Iterable[str]) -> str:
    """Say where a table was found: ``demo/flights!a.zip!flights.csv``."""
    first, *more = sorted(members)
    return f"{name}!{first}" + (f" and {len(more)} more" if more else "")


def weighed(roots: Mapping[str, Row]) -> Iterator[tuple[str, str, int, int, str]]:
    """Give each table its share of all rows; without any row each is all there is."""
    total = sum(rows for _, _, rows, _ in roots.values())
    for root, place, rows, taken in sorted(roots.values(), key=lambda one: one[1]):
        yield root, place, rows, rows * WHOLE // total if total else WHOLE, taken


def rooted(roots: pl.LazyFrame, terms: CapitalTerms) -> pl.DataFrame:
    """Write the roots of a pledge as the register keeps them: CollateralRoot.

    Args:
        roots: Contract Fingerprint.
        terms: The agreement, and the asset that is pledged under it.
    """
    known = {"request": terms.agreement, "entity": terms.entity}
    known |= {"asset": terms.asset, "version": terms.version}
    told = roots.with_columns(pl.lit(v).alias(n) for n, v in known.items())
    return told.select(*CollateralRoot.to_schema().columns).collect()
