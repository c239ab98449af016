"""See that a frame has the columns and types of its contract before any row is read."""

import polars as pl

from schemas.errors import ContractError
from tasks.contract.compile import SET_ASIDE, Contract

# Every value of the left type is a value of the right ones. SQL's COUNT and pl.len()
# give UInt32; Int64 to Float64 is not here: it rounds above 2^53.
WIDER: dict[pl.DataType | type[pl.DataType], tuple[type[pl.DataType], ...]] = {
    pl.Int8: (pl.Int16, pl.Int32, pl.Int64, pl.Float32, pl.Float64),
    pl.Int16: (pl.Int32, pl.Int64, pl.Float32, pl.Float64),
    pl.Int32: (pl.Int64, pl.Float64),
    pl.UInt8: (pl.UInt16, pl.Int16, pl.UInt32, pl.Int32, pl.UInt64, pl.Int64),
    pl.UInt16: (pl.UInt32, pl.Int32, pl.UInt64, pl.Int64, pl.Float64),
    pl.UInt32: (pl.UInt64, pl.Int64, pl.Float64),
    pl.Float32: (pl.Float64,),
}


def fit(plan: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Select the contract's columns, widened where nothing can be lost.

    Args:
        plan: The frame a stage hands over.
        contract: Its contract.

    Returns:
        The columns in the contract's order and types; a UInt32 count becomes Int64;
        and the mark of rows that the stage sets aside.

    Raises:
        ContractError: Columns are missing, extra, or of a type that would lose values.
    """
    have, wanted = plan.collect_schema(), contract.dtypes
    wrong = [f"{name} is missing" for name in wanted if name not in have]
    if contract.schema.strict != "filter":
        wrong += [
            f"{name} is not in the contract"
            for name in have
            if name not in (*wanted, SET_ASIDE)
        ]
    wrong += [
        f"{name} is {have[name]}, not {dtype}"
        for name, dtype in wanted.items()
        if name in have and not widens(have[name], dtype)
    ]
    if wrong:
        raise ContractError(
            f"the frame does not fit its contract: {'; '.join(wrong[:8])}"
            f"{' and more' if len(wrong) > 8 else ''}; change the query or the columns"
        )
    return plan.select(
        *(pl.col(name).cast(dtype) for name, dtype in wanted.items()),
        *(name for name in have if name == SET_ASIDE),
    )


def widens(have: pl.DataType, wanted: pl.DataType) -> bool:
    """Say whether every value of one type is a value of the other."""
    if have == wanted or have == pl.Null:
        return True
    return any(wanted == wide for wide in WIDER.get(type(have), ()))
