"""Know the same rows again in another dress, by a small sample of what they say.

What is sampled are facts of one row: two of its values together, three, all, all but
one. Values are hashed by what they say and added up, so neither the names of columns
nor the order of columns or rows matters; the facts with the lowest sums are kept, which
are the same in every table that holds them (bottom-k sampling: Cohen, Kaplan 2007).

Only a fact that a table of the same values, dealt out at random, would hardly hold is
evidence: how many bits it is less likely than one row in the table is its level.
2,013 in a column of years and 2 in one of months stand together everywhere; a tail
number and the minute it left do not. So neither shared keys nor small numbers join.

Not caught, unless the bytes are the same: a table of one column, of a few dozen rows,
or cut down until no values in a row tell it from chance (flights without 12 of their 19
columns: two of six times); a copy that had a third of its columns changed or replaced,
one of four in a narrow table; rows hidden among more than a hundred times as many; what
was added up or otherwise derived. Joined though they are two: tables that consist of
keys but for one column in five or more.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, reduce
from itertools import combinations
from math import log2
from operator import add
from typing import NamedTuple

import polars as pl

from schemas.quality import WHOLE
from tasks.capital.hashes import hashes

VERSION = "01"  # what is written here is read for ever
DIGITS = 12  # of a sum: its 48 highest bits
CELLS = 1 << 23  # values held at once: 64 MB of hashes
BUCKETS = 1 << 44  # values are counted by their 20 highest bits: 16 MB at most
HITS, MOST = 1 << 14, 1 << 18  # facts looked at, at first and at most
ALL = (1 << 64) - 1
ANCHORED = 1 << 58  # of three values two must sum up to less: one pair in 64
PARTS = 64  # of a bit: whole numbers add up alike in any order
STORED, TELLING = 2, 5  # level of a fact that is kept, and of one that must be found
FEW = 6  # fewer telling facts show nothing


class Kind(NamedTuple):
    """A kind of facts: how many are kept, and how many a table of a size may have."""

    keep: int
    facts: Callable[[pl.DataFrame, int], Iterator[pl.DataFrame]]
    many: Callable[[int, int], int]


def sketch(frame: pl.LazyFrame) -> str:
    """Take the sample of a table: at most 15 KB of hexadecimal digits.

    Memory is bounded; the frame is read two times, more often where little tells.
    336,776 rows of 19 columns -> 1,152 facts.
    """
    width = len(frame.collect_schema())
    rows = int(frame.select(pl.len()).collect().item())
    counts = counted(frame, rows)
    limits = {n: limit(HITS, k.many(rows, width)) for n, k in enumerate(KINDS)}
    made: dict[int, str] = {}
    while limits:
        facts = sampled(frame, rows, limits, counts)
        for n, below in list(limits.items()):
            kind = KINDS[n]
            most = limit(MOST, kind.many(rows, width))
            if facts[n].height < kind.keep and below < most:
                limits[n] = min(ALL, below * 16)
            else:
                made[n] = written(facts[n], below, kind.keep)
                del limits[n]
    return VERSION + "".join(made[n] for n in sorted(made))


def limit(hits: int, many: int) -> int:
    """Say below which sum about so many of the facts lie."""
    return ALL if many <= hits else (1 << 64) * hits // many


def batches(frame: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    """Hash the values, so many rows at a time as memory holds."""
    size = max(1, CELLS // max(1, len(frame.collect_schema())))
    for at in range(0, rows, size):
        some = frame.slice(at, size).collect(engine="streaming")
        yield pl.DataFrame([hashes(c).alias(str(n)) for n, c in enumerate(some)])


def counted(frame: pl.LazyFrame, rows: int) -> pl.DataFrame:
    """Count how often each value stands in the table, or those of one bucket."""
    counts = pl.DataFrame(schema={"bucket": pl.UInt64, "times": pl.UInt64})
    for batch in batches(frame, rows):
        found = [
            (column // BUCKETS).alias("bucket").value_counts(name="times")
            for column in batch
        ]
        both = pl.concat([counts, *found], how="vertical_relaxed")
        counts = both.group_by("bucket").agg(pl.col("times").cast(pl.UInt64).sum())
    return counts.drop_nulls()


def sampled(
    frame: pl.LazyFrame, rows: int, limits: Mapping[int, int], counts: pl.DataFrame
) -> dict[int, pl.DataFrame]:
    """Find the telling facts of some kinds whose sums are below a limit."""
    found: dict[int, list[pl.DataFrame]] = {n: [NOTHING] for n in limits}
    for batch in batches(frame, rows):
        for n, below in limits.items():
            hits = [h.unique("sum") for h in KINDS[n].facts(batch, below) if len(h)]
            if hits:
                facts = pl.concat(hits, how="diagonal")
                found[n].append(evident(facts, counts, rows))
    return {n: pl.concat(f).unique("sum").sort("sum") for n, f in found.items()}


NOTHING = pl.DataFrame(schema={"sum": pl.UInt64, "level": pl.Int64})


def evident(facts: pl.DataFrame, counts: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Keep what chance would hardly make: of values in f, g of N rows f·g/N ≤ 1/4.

    Values in 83 and 48 of 336,776 rows meet in 0.012 rows by chance: level 6.
    """
    seldom = (rows / pl.col("times")).log(2) * PARTS
    cells = facts.with_row_index("fact").unpivot(
        [n for n in facts.columns if n != "sum"], index="fact", value_name="hash"
    )
    bits = (
        cells.drop_nulls("hash")
        .with_columns(bucket=pl.col("hash") // BUCKETS)
        .join(counts, on="bucket")
        .group_by("fact")
        .agg(bits=seldom.round().cast(pl.Int64).clip(0).sum())
    )
    level = (pl.col("bits") - round(log2(rows) * PARTS)) // PARTS
    made = facts.with_row_index("fact").join(bits, on="fact")
    return made.select("sum", level=level.clip(upper_bound=15)).filter(
        pl.col("level") >= STORED
    )


def twos(table: pl.DataFrame, below: int) -> Iterator[pl.DataFrame]:
    """Add up any two values of a row."""
    for one, other in combinations(table.get_columns(), 2):
        sums = one + other
        at = (sums < below).arg_true()
        yield fact(sums, at, [one, other])


def threes(table: pl.DataFrame, below: int) -> Iterator[pl.DataFrame]:
    """Add up three values of a row, where two of them have a low sum already."""
    for one, other in combinations(table.columns, 2):
        sums = table[one] + table[other]
        rows = table[(sums < ANCHORED).arg_true()]
        if rows.is_empty() or table.width < 3:
            continue
        pair = rows[one] + rows[other]
        # All thirds in one column, one after another: far fewer calls of the engine.
        sums = (rows.drop(one, other) + pair).unpivot()["value"]
        at = (sums < below).arg_true()
        row = at % len(rows)
        sums, pair = sums.gather(at), pair.gather(row)
        yield pl.DataFrame(
            {
                "sum": sums,
                "c0": rows[one].gather(row),
                "c1": rows[other].gather(row),
                "c2": sums - pair,
            }
        )


def wholes(table: pl.DataFrame, below: int) -> Iterator[pl.DataFrame]:
    """Add up all values of a row."""
    sums = summed(table)
    yield fact(sums, (sums < below).arg_true(), table.get_columns())


def lesses(table: pl.DataFrame, below: int) -> Iterator[pl.DataFrame]:
    """Add up all values of a row but one."""
    total = summed(table)
    for left in table.get_columns() if table.width > 1 else ():
        sums = total - left
        rest = table.drop(left.name).get_columns()
        yield fact(sums, (sums < below).arg_true(), rest)


def summed(table: pl.DataFrame) -> pl.Series:
    """Add up each row; what is missing adds nothing."""
    return reduce(add, (c.fill_null(0) for c in table.get_columns()))


def fact(sums: pl.Series, at: pl.Series, cells: list[pl.Series]) -> pl.DataFrame:
    """Take the sums at some rows with the values that they are made of."""
    kept = [c.gather(at).alias(f"c{n}") for n, c in enumerate(cells)]
    return pl.DataFrame([sums.gather(at).alias("sum"), *kept])


KINDS = (
    Kind(256, twos, lambda rows, width: rows * width * (width - 1) // 2),
    Kind(512, threes, lambda rows, width: rows * width**3 // 128),
    Kind(128, wholes, lambda rows, width: rows),
    Kind(256, lesses, lambda rows, width: rows * width),
)


def written(found: pl.DataFrame, below: int, keep: int) -> str:
    """Write a kind: how many facts, the limit below which all are there, each fact."""
    if found.height > keep:
        below = int(found["sum"][keep])
    rows = found[:keep].iter_rows()
    facts = "".join(f"{total >> 16:0{DIGITS}x}{level:x}" for total, level in rows)
    return f"{min(keep, found.height):04x}{below >> 16:0{DIGITS}x}{facts}"


class Sample(NamedTuple):
    """Facts of one kind by level, complete below a limit."""

    below: int
    levels: Mapping[int, int]

    def telling(self, below: int) -> list[int]:
        """List the facts below a limit that chance would not make."""
        found = self.levels.items()
        return [f for f, level in found if f < below and level >= TELLING]


@lru_cache(maxsize=512)
def read(text: str) -> tuple[Sample, ...]:
    """Read a sketch; of another version there is nothing to compare."""
    samples, at = [], len(VERSION)
    if not text.startswith(VERSION):
        return ()
    while at < len(text):
        many, below = int(text[at : at + 4], 16), int(text[at + 4 : at + 16], 16)
        at += 16
        step = DIGITS + 1
        ends = range(at, at + many * step, step)
        levels = {
            int(text[n : n + DIGITS], 16): int(text[n + DIGITS], 16) for n in ends
        }
        samples.append(Sample(below, levels))
        at += many * step
    return tuple(samples)


def overlap(a: str, b: str) -> int:
    """Say which share of the smaller table stands in the other, in millionths.

    Args:
        a: A sketch.
        b: Another; the order of the two does not matter.

    A table and nine tenths of its rows, without two of its columns -> 1,000,000; two
    tables that share their keys alone -> about 0.
    """
    one, other = read(a), read(b)
    if not one or not other:
        return 0
    return max(contained(one, other), contained(other, one))


def contained(mine: tuple[Sample, ...], theirs: tuple[Sample, ...]) -> int:
    """Say which share of one table stands in the other.

    Three values of a row tell more than two, which tables that share their keys have
    in common; two count where threes are few. Rows that are the same as a whole, or as
    the whole but one value, need no other proof.
    """
    two, three, whole, less = range(len(KINDS))
    threes = tally(mine[three], theirs[three])
    pairs = [threes] if threes[1] >= FEW else [threes, tally(mine[two], theirs[two])]
    ways = [pairs, [tally(mine[whole], theirs[whole])]]
    ways += [[tally(mine[whole], theirs[less])], [tally(mine[less], theirs[whole])]]
    return max(share(way) for way in ways)


def tally(mine: Sample, theirs: Sample) -> tuple[int, int]:
    """Count the telling facts of one sample that the other holds, and all of them."""
    facts = mine.telling(min(mine.below, theirs.below))
    return sum(one in theirs.levels for one in facts), len(facts)


def share(counts: list[tuple[int, int]]) -> int:
    """Divide what was found by what was looked for: 0 where that is too little."""
    held, known = (sum(numbers) for numbers in zip(*counts, strict=True))
    return held * WHOLE // known if known >= FEW else 0
