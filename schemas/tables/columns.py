"""Base of all tables, and the two column types that keep money and ids exact."""

from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Dialect,
    LargeBinary,
    MetaData,
    Table,
)
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

from schemas.money import LARGEST_FEN


class Row(SQLModel):
    """A table of the store; constraints get stable names for migrations."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
        }
    )


def table_of(model: type[Row]) -> Table:
    """Find the table of a model."""
    return Row.metadata.tables[model.__name__.lower()]


class Fen(TypeDecorator[int]):
    """Integer fen of CNY: 12.30 yuan is 1230; never float, bool, text or Decimal."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """Refuse what is not whole fen before it reaches the database."""
        if value is not None and type(value) is not int:
            raise ValueError("money is stored as integer fen: convert it by exact_fen")
        if value is not None and abs(value) > LARGEST_FEN:
            raise ValueError("money must stay below 90 trillion yuan")
        return value


class Digest(TypeDecorator[str]):
    """A sha256: 64 hex characters outside, 32 bytes inside."""

    impl = LargeBinary(32)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Turn hex into bytes."""
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Turn bytes into hex; what a forger stored as text comes out as it is."""
        return value.hex() if isinstance(value, bytes) else value


def is_digest(*columns: str) -> list[CheckConstraint]:
    """Demand 32 bytes in every column."""
    return [CheckConstraint(f"length({c}) = 32", c) for c in columns]


def is_integer(column: str, rule: str) -> CheckConstraint:
    """Demand a whole number in range; SQLite would store 1.5 or 'x' in the column."""
    whole = f"CAST({column} AS BIGINT) = {column} AND abs({column}) <= {LARGEST_FEN}"
    return CheckConstraint(f"{whole} AND {rule}", column)


def is_flag(column: str) -> CheckConstraint:
    """Demand true or false; SQLite would store 2 or 'x' in the column."""
    return CheckConstraint(f'"{column}" = ("{column}" = TRUE)', column)


def is_one_of(column: str, values: list[str]) -> CheckConstraint:
    """Demand one of the words."""
    words = ", ".join(f"'{v}'" for v in values)
    return CheckConstraint(f"{column} IN ({words})", column.strip('"'))


def is_period(column: str) -> CheckConstraint:
    """Demand YYYY-MM; spelt out, since the databases share no pattern language."""
    digits = ", ".join(f"'{n}'" for n in range(10))
    months = ", ".join(f"'-{n:02}'" for n in range(1, 13))
    year = " AND ".join(f"substr({column}, {n}, 1) IN ({digits})" for n in (1, 2, 3, 4))
    rest = f"substr({column}, 5) IN ({months})"
    return CheckConstraint(f"{year} AND {rest}", column)


def is_hex(column: str) -> CheckConstraint:
    """Demand a sha256 as 64 signs, or an empty text; no sign but 0-9 and a-f."""
    bare = f"{column}"
    for sign in "0123456789abcdef":
        bare = f"replace({bare}, '{sign}', '')"
    return CheckConstraint(f"length({column}) IN (0, 64) AND {bare} = ''", column)
