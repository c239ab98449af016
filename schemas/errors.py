"""Say what went wrong, where, and how to mend it.

One tree::

    DatafactorError
    ├── FactorError     the document: a key, a value, a query, a contract as written
    ├── SourceError     raw files: missing, unreadable, over a limit
    ├── ContractError   rows or frames that break a contract
    ├── StoreError      publication, missing or altered bytes, tampering
    └── RegisterError   law and money: a register refuses a row

``Refused`` stands apart: a gate that says no is a published fact, not an error.
"""


class DatafactorError(Exception):
    """One sentence for a person: what, where, remedy; never a row's value."""


class FactorError(DatafactorError):
    """The document cannot be used as written."""


class SourceError(DatafactorError):
    """A raw file cannot be read as declared."""


class ContractError(DatafactorError):
    """A frame does not fit its contract, or a contract cannot be kept."""


class StoreError(DatafactorError):
    """The store cannot publish, or no longer holds what it published."""


class RegisterError(DatafactorError):
    """A register refuses a posting."""


class Refused(Exception):  # noqa: N818 - not an error: the published answer of a gate
    """A stage is forbidden by the facts; ``grounds`` says why, all at once."""

    def __init__(self, stage: str, grounds: tuple[str, ...]) -> None:
        super().__init__(f"{stage} refused: {'; '.join(grounds)}")
        self.stage = stage
        self.grounds = grounds
