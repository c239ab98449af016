"""A database and its folder of artifacts belong together from the first run on."""

from pathlib import Path

import pytest

from schemas.errors import StoreError
from tasks import store
from tests.store.build import chain
from tests.store.conftest import settings_in


def test_a_new_database_does_not_take_over_artifacts_that_it_would_call_orphans(
    tmp_path: Path,
) -> None:
    old = settings_in(tmp_path)
    s = store.opened(old)
    chain(s, tmp_path)
    s.engine.dispose()
    other = settings_in(tmp_path, database=f"sqlite:///{tmp_path / 'other.db'}")

    for _ in range(2):
        with pytest.raises(StoreError, match="holds artifacts of another database"):
            store.opened(other)
    assert store.verify(s, s.settings.anchor).exit == 0


def test_a_name_that_a_crash_left_without_artifacts_is_kept(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    settings.objects.mkdir(parents=True)
    (settings.objects / "STORE").write_text("a" * 64 + "\n")

    assert store.opened(settings).id == "a" * 64
