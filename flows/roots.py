"""Find the sources that a product rests on, its own and those of factors it takes in.

What lineage leads back to is counted: rows that were cleaned, of the files they were
read from. So another factor over the same files has the same roots, and so has one that
only takes in what another factor made of them.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from flows.stages import fingerprint_task
from schemas.artifact import NO_CONTRACT, ArtifactRef
from schemas.collateral import FingerprintTerms
from schemas.errors import StoreError
from schemas.factor import Factor
from tasks import store
from tasks.store import Node

CLEANED = ("clean", "redrive")
Tables = dict[str, list[Node]]  # by factor/source


def roots_of(
    terms: Factor, product: Mapping[str, ArtifactRef]
) -> dict[str, ArtifactRef]:
    """Give ``capitalize`` its argument ``roots``; nothing where nothing is pledged."""
    if terms.loan is None or not terms.loan.pledged:
        return {}
    return {"roots": fingerprint_of(terms.factor, product["product"])}


def fingerprint_of(factor: str, product: ArtifactRef) -> ArtifactRef:
    """Take the fingerprint of all source tables that a product was made of.

    Returns:
        A frame of contract Fingerprint.

    Raises:
        StoreError: No source is known, or not which files it was read from.
    """
    nodes = store.trace(store.current(), product.id)
    members, rows = raw_tables(nodes), clean_tables(nodes)
    if not rows or rows.keys() - members.keys():
        raise StoreError(
            f"{factor}: lineage does not lead from its product back to the files of its"
            " sources; run it anew, and the factors that it takes in"
        )
    held = {name: refs_of(members[name]) for name in rows}
    read = {name: refs_of(parts) for name, parts in rows.items()}
    least = min([product.rows, *(n.rows for n in nodes if n.frame == "resource")])
    asked = FingerprintTerms(factor=factor, product=product, rows=least)
    # Prefect looks into a dict, and takes a new text for a result that is gone: it drew
    # clean[airlines] -> fingerprint. The edge is drawn by the product.
    return fingerprint_task(MappingProxyType(held), MappingProxyType(read), asked)


def raw_tables(nodes: Sequence[Node]) -> Tables:
    """Gather the raw pieces of each source; what a person mended is none."""
    found: Tables = {}
    for node in nodes:
        if node.kind == "raw" and node.task == "collect":
            found.setdefault(source_of(node), []).append(node)
    return found


def clean_tables(nodes: Sequence[Node]) -> Tables:
    """Gather the cleaned rows of each source; of those re-driven, the newest."""
    made = [n for n in nodes if n.task in CLEANED and n.kind == "frame"]
    whole = [n for n in made if not n.frame.endswith(".rejects")]
    before = {parent for node in whole for parent in node.parents}
    found: Tables = {}
    for node in whole:
        if node.id not in before:
            found.setdefault(source_of(node), []).append(node)
    return found


def source_of(node: Node) -> str:
    """Name the table of a part: ``levels@2024-05-01`` of ``river`` -> river/levels."""
    return f"{node.factor}/{node.frame.partition('@')[0]}"


def refs_of(nodes: Sequence[Node]) -> tuple[ArtifactRef, ...]:
    """Refer to artifacts, in an order that does not change."""
    return tuple(
        ArtifactRef(
            id=node.id,
            sha256=node.sha256,
            name=node.frame,
            rows=node.rows,
            contract=NO_CONTRACT,
            kind=node.kind,
        )
        for node in sorted(nodes, key=lambda node: (node.frame, node.id))
    )
