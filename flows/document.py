"""Find factor documents where the settings say they lie."""

from schemas.factor import Factor, load_factor
from tasks import store


def factor_named(name: str) -> Factor:
    """Load a factor with its entity and policy.

    Raises:
        FactorError: No such factor, or a document that breaks its schema.
    """
    return load_factor(name, store.current().settings.factors)
