"""What pages of tables share: words in both languages, each in its own tongue."""

from collections.abc import Callable, Mapping

from markupsafe import Markup

from tasks.page.words import Pair


def tongues(words: Mapping[str, Pair]) -> Callable[[str], Markup]:
    """Give the function by which a template says a word in Chinese and English."""

    def both(key: str) -> Markup:
        zh, en = words[key]
        said = '<span lang="zh">{}</span> <span lang="en">{}</span>'
        return Markup(said).format(zh, en)

    return both
