"""Trips of a fleet: rows that chance makes, under keys that other tables share."""

import random
from datetime import date, timedelta

import polars as pl

FIRST = date(2024, 1, 1)


def trips(seed: int, rows: int = 3_000) -> pl.DataFrame:
    """Make a trip for each hour; another seed makes others for the same hours."""
    chance = random.Random(seed)
    days = [FIRST + timedelta(days=n // 24 % 90) for n in range(rows)]
    return pl.DataFrame(
        {
            "day": days,
            "hour": [n % 24 for n in range(rows)],
            "month": [day.month for day in days],
            "plate": [f"P{chance.randrange(400):03}" for _ in range(rows)],
            "metres": [chance.randrange(100, 90_000) for _ in range(rows)],
            "litres": [chance.randrange(1, 9_000) / 100 for _ in range(rows)],
            "seconds": [chance.randrange(60, 9_000) for _ in range(rows)],
            "kind": [chance.choice("abc") for _ in range(rows)],
        }
    )
