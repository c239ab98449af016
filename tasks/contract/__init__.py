"""Check every row of a frame against its contract in one pass over the data."""

from tasks.contract.compile import Contract, compile_contract
from tasks.contract.fit import fit
from tasks.contract.sets import SetVerdict, judge_set
from tasks.contract.verdict import SUPPRESSED, Verdict, contract_pass

__all__ = [
    "SUPPRESSED",
    "Contract",
    "SetVerdict",
    "Verdict",
    "compile_contract",
    "contract_pass",
    "fit",
    "judge_set",
]
