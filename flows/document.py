"""Find factor documents where the settings say they lie."""

from pathlib import Path

from schemas.factor import Factor, load_factor
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
