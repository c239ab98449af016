"""Name many parts as one: what follows reads a resource, not its partitions."""

from schemas.artifact import Manifests, Parts
from schemas.resource import ResourceTerms


def gather(parts: Parts, terms: ResourceTerms) -> Manifests:
    """List the parts of each frame in the order of their values.

    ``{"resource": {"2024-05-02": b, "2024-05-01": a}}`` -> the same, a before b; a
    frame without parts is left out. ``terms`` say whose resource it is.
    """
    return {
        frame: dict(sorted(members.items()))
        for frame, members in parts.items()
        if members
    }
