"""`restore` says what a copy and the store it was made of must not share."""

import os
import time
from io import StringIO
from pathlib import Path

from rich.console import Console

from flows.keep import freed, show_restore, sound
from tasks import store
from tasks.store.backup import Saved
from tests.builders import temporary_store
from tests.store.build import made, sha


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


def test_a_backup_that_lacks_bytes_or_whose_bytes_changed_is_not_sound() -> None:
    nothing = dict.fromkeys(("runs", "rows", "objects", "fresh", "linked"), 0)
    counts = {**nothing, "removed": 0, "by_reference": 0}
    whole = Saved(folder=Path("/backup"), missing=(), damaged=(), **counts)

    assert sound(whole)
    for lack in ("missing", "damaged"):
        assert not sound(whole.model_copy(update={lack: (sha("a file"),)}))


def test_the_grace_of_what_nobody_names_counts_hours(tmp_path: Path) -> None:
    with temporary_store(tmp_path) as s:
        file = store.path(s, made(s, "orphan", b"left by a crash").ref.sha256)
        os.utime(file, (time.time() - 2 * 3600,) * 2)

        assert [freed(hours)["orphans"] for hours in (3.0, 1.0)] == [0, 1]
