"""Find factor documents where the settings say they lie."""

from pathlib import Path

from schemas.document import load
from schemas.factor import Factor, load_factor, named
from schemas.policy import Policy
from tasks import store


def factor_named(name: str) -> Factor:
    """Load a factor with its entity and policy.

    Raises:
        FactorError: No such factor, or a document that breaks its schema.
    """
    return load_factor(name, store.current().settings.factors)


def document_of(name: str) -> Path:
    """Give the file of a factor that is there."""
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    return store.current().settings.factors / f"{name}.yaml"


def policy_named(name: str, folder: Path | None = None) -> Policy:
    """Load a policy by its name, or the file of one.

    Args:
        folder: Where named ones lie; beside the factor documents if not said.

    Raises:
        FactorError: No such policy, or a document that breaks its schema.
    """
    if name.endswith((".yaml", ".yml")):
        return load(Path(name), Policy)
    beside = store.current().settings.factors.parent / "policies"
    return load(named(folder or beside, name), Policy)
