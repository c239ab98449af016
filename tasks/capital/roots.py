"""Tell what an asset rests on by what its sources hold, not by what they are called."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Annotated, Any

import polars as pl

from schemas.capital import CapitalTerms
from schemas.collateral import Fingerprint, FingerprintTerms
from schemas.contract import frame_of
from schemas.quality import WHOLE
from schemas.registers import CollateralRoot
from tasks.capital.sketch import overlap, sketch

Row = tuple[str, str, int, str]  # root, place, rows, sketch
UNROOTED = frame_of(Fingerprint, ()).lazy()
UNRECORDED = frame_of(CollateralRoot, ()).lazy()


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
        One row for each table; of two with the same bytes the first. Of 100 and 2,000
        rows, under a product of 1,000 rows -> weights 100,000 and 1,000,000 ppm.
    """
    found = [read(name, members[name].collect(), rows[name]) for name in sorted(rows)]
    roots = {root[0]: root for root in reversed(found)}
    return frame_of(Fingerprint, weighed(roots, terms.rows)).lazy()


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


def weighed(
    roots: Mapping[str, Row], base: int
) -> Iterator[tuple[str, str, int, int, str]]:
    """Hold each table's rows against those of the product.

    Not against all tables: one that is joined and gives nothing would make the others
    small. Without any row in the product each counts as all there is.
    """
    for root, place, rows, taken in sorted(roots.values(), key=lambda one: one[1]):
        weight = min(rows * WHOLE // base, WHOLE) if base else WHOLE
        yield root, place, rows, weight, taken


def rooted(
    roots: Annotated[pl.LazyFrame, Fingerprint],
    request: str,
    entity: str,
    asset: str,
    version: str,
) -> Annotated[pl.DataFrame, CollateralRoot]:
    """Write the roots of a pledge as the register keeps them.

    Args:
        roots: What the asset rests on.
        request: Number of the agreement.
        entity: Who pledges.
        asset: What is pledged under it.
        version: Its version.
    """
    known = dict(request=request, entity=entity, asset=asset, version=version)
    told = roots.with_columns(pl.lit(v).alias(n) for n, v in known.items())
    return told.select(*CollateralRoot.to_schema().columns).collect()


def rooted_by(
    roots: Annotated[pl.LazyFrame, Fingerprint], terms: CapitalTerms
) -> Annotated[pl.DataFrame, CollateralRoot]:
    """Write the roots of the asset that a loan is asked for on."""
    return rooted(roots, terms.agreement, terms.entity, terms.asset, terms.version)


def added(
    rests: Annotated[pl.DataFrame, CollateralRoot],
    recorded: Annotated[pl.DataFrame, CollateralRoot],
    meets_ppm: int,
) -> pl.DataFrame:
    """Keep what a live pledge rests on now and did not before: its data changed.

    A table that grew is the same, until half of it is new. Contract: CollateralRoot.
    """
    before = recorded.to_dicts()
    new = [
        row["root"]
        for row in rests.iter_rows(named=True)
        if not any(covers(one, row, meets_ppm) for one in before)
    ]
    return rests.filter(pl.col("root").is_in(new))


def covers(
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    meets_ppm: int,  # Any: rows of CollateralRoot
) -> bool:
    """Say whether a recorded root still tells what a table holds."""
    if before["root"] == now["root"]:
        return True
    alike = overlap(before["sketch"], now["sketch"]) >= meets_ppm
    return alike and 2 * before["rows"] >= now["rows"]
