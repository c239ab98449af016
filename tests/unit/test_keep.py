"""`restore` says what a copy and the store it was made of must not share."""

from io import StringIO

from rich.console import Console

from flows.keep import show_restore


def test_who_restores_is_told_that_two_stores_must_not_share_their_signed_heads() -> (
    None
):
    """A run in a copy signs a head that the first store does not know."""
    said = StringIO()
    told = {"seq": 1, "rows": 9, "objects": 2, "made_at": "2026-06-30", "anchor": "a"}
    sound = {"examined": {}, "notes": [], "findings": [], "exit": 0}

    show_restore(Console(file=said, width=400), {**told, "verified": sound})

    assert "run here only with DATAFACTOR_ANCHOR set to another folder" in (
        said.getvalue()
    )
