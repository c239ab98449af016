"""The contract pass: a Pandera schema inside the query that writes the artifact."""

from tasks.contract.compile import Contract, compile_contract
from tasks.contract.run import Verdict, contract_pass, fit

__all__ = ["Contract", "Verdict", "compile_contract", "contract_pass", "fit"]
