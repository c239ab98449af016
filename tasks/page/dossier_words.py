"""Every word of a loan's dossier in Chinese and English."""

from tasks.page.words import Pair

DOSSIER_WORDS: dict[str, Pair] = {
    "title": ("贷款档案", "Dossier of a loan"),
}
