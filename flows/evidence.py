"""Hash the evidence files that are at hand, for gates that compare what was named."""

from schemas.asset import AssetTerms
from schemas.errors import SourceError
from tasks import store


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
