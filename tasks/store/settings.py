"""Say where things lie on this machine; what is computed stands in the document.

All from the environment, ``DATAFACTOR_HOME`` … ``DATAFACTOR_USER``. Secrets are
named here too (a key's path, a database URL) and never enter a body.
"""

import getpass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DRIVERS = ("sqlite:///", "postgresql+psycopg://")


def _factors() -> Path:
    spec = find_spec("deployments")
    roots = list(spec.submodule_search_locations or ()) if spec else []
    return Path(roots[0] if roots else "deployments") / "factors"


class Settings(BaseSettings):
    """Where the store, its objects, the factors and the data are."""

    model_config = SettingsConfigDict(
        env_prefix="DATAFACTOR_", frozen=True, env_ignore_empty=True
    )

    home: Path = Field(Path("~/.datafactor"), description="Folder of this store")
    database: str = Field(description="URL; default: store.db in home")
    objects: Path = Field(
        description="Artifact bytes; default: home/objects. s3://BUCKET/PREFIX keeps"
        " them in object storage and copies of what is read in home/cache"
    )
    bucket: str = Field("", description="Filled in from objects, where that is one")
    factors: Path = Field(default_factory=_factors, description="Factor documents")
    data: Path = Field(description="Raw files; default: home/data")
    anchor: Path = Field(
        Path("~/.datafactor-anchor"), description="Signed heads, outside home"
    )
    key: Path = Field(
        Path("~/.config/datafactor/signing.key"),
        description="Private Ed25519 key; apart from home and anchor, since who holds"
        " either must not be able to sign",
    )
    reach: str = Field(
        "", description="Buckets that sources may be read from, divided by commas"
    )
    user: str = Field(default_factory=getpass.getuser, description="Who acts")
    approval_wait: int = Field(
        7 * 24 * 3600,
        ge=1,
        description="Seconds in which somebody decides on entries above the threshold;"
        " after them they count as rejected",
    )
    runner: str = Field(
        "threads:4", description="Where tasks run: threads:N, dask:N, dask:tcp://HOST"
    )
    alarm_url: SecretStr | None = Field(
        None, description="Where `deploy` lets alarms be sent: the URL of a webhook"
    )

    @model_validator(mode="before")
    @classmethod
    def _follow_home(cls, given: dict[str, Any]) -> dict[str, Any]:  # raw settings
        home = Path(given.get("home", cls.model_fields["home"].default))
        home = home.expanduser().absolute()
        defaults = {
            "database": f"sqlite:///{home / 'store.db'}",
            "objects": home / "objects",
            "data": home / "data",
        }
        known = {**defaults, **given, "home": home}
        if str(known["objects"]).startswith("s3://"):
            known |= {"bucket": str(known["objects"]), "objects": home / "cache"}
        return known

    @model_validator(mode="after")
    def _be_plain(self) -> Self:
        for name in ("objects", "factors", "data", "anchor", "key"):
            # Frozen for callers; a path means the same wherever the process stands.
            path = getattr(self, name).expanduser().absolute()
            object.__setattr__(self, name, path)
        scheme = self.database.partition("://")[0]
        if scheme in ("postgres", "postgresql"):
            raise ValueError(
                f"database: {scheme}:// names no driver: write postgresql+psycopg://…"
            )
        if not self.database.startswith(DRIVERS):
            raise ValueError(f"database: start the URL with {' or '.join(DRIVERS)}")
        return self
