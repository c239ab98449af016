"""Hash the evidence files that are at hand, for gates that compare what was named."""

from schemas.asset import AssetTerms
from schemas.errors import SourceError
from schemas.factor import Factor
from tasks import store


def with_evidence(factor: Factor) -> Factor:
    """Fill in the digests of the evidence files of a factor's asset, if it has one.

    Call it before any task: Prefect knows results by their address, and a later object
    may take the address of one that is gone, which draws an edge that is none.
    """
    if factor.asset is None:
        return factor
    return factor.model_copy(update={"asset": evidenced(factor.asset)})


def evidenced(terms: AssetTerms) -> AssetTerms:
    """Fill in the digest of each evidence file, by the document it is called after.

    ``evidence/INV-11.pdf`` -> ``INV-11``. Without a folder no file is at hand.

    Raises:
        SourceError: The folder is empty, or two of its files are called alike.
    """
    if not terms.evidence_files:
        return terms
    s = store.current()
    found: dict[str, str] = {}
    for file in store.locate_all(s, f"{terms.evidence_files}/*"):
        if file.stem in found:
            raise SourceError(
                f"{terms.evidence_files} holds two files called {file.stem}: keep the"
                " one that was signed"
            )
        found[file.stem] = store.digest(file)
    return terms.model_copy(update={"at_hand": found})
