"""Licences as permissions, prohibitions and duties, in the actions of ODRL and CC REL.

A source writes ``ID (whom to credit; a note)``. ``ID`` is one of the catalogue,
``deployments/licences/ID.yaml``; the words up to the semicolon are the credit that a
licence with the duty to attribute asks for.

Source: ODRL 2.2 Vocabulary; Creative Commons Rights Expression Language.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from schemas.document import load
from schemas.terms import Terms, Text

Permission = Literal[
    "use", "reproduce", "present", "derive", "distribute", "sell", "commercialize"
]
Duty = Literal["attribute", "share-alike", "include-notice", "state-changes"]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
DUTIES: tuple[Duty, ...] = get_args(Duty)
WRITTEN = re.compile(r"^([^()]+?)\s*(?:\((.*)\))?\s*$", re.DOTALL)
FILE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 .+-]*$")


class Licence(Terms):
    """On what terms something is offered.

    What is not permitted is not offered; a prohibition says so to an input that would
    permit it.
    """

    name: Text = Field(description="Name or SPDX identifier")
    permissions: tuple[Permission, ...] = Field(description="What a customer may do")
    prohibitions: tuple[Permission, ...] = Field(
        (), description="What a customer may not do"
    )
    duties: tuple[Duty, ...] = Field((), description="What a customer must do")
    attribution: str = Field("", description="The words of the attribution")
    clauses: tuple[Text, ...] = Field((), description="Further terms, in words")
    territory: str = Field("", description="Where it may be used; empty: anywhere")
    evidence: str = Field("", description="Agreement or page where the terms stand")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if both := sorted({*self.permissions} & {*self.prohibitions}):
            raise ValueError(
                f"{', '.join(both)} is permitted and prohibited; keep one of the two"
            )
        return self


class Listed(Terms):
    """One licence of the catalogue: what it says, and what follows for data."""

    id: Text = Field(description="SPDX identifier where there is one")
    title: Text = Field(description="Its name in full")
    permissions: tuple[Permission, ...] = Field(description="What a licensee may do")
    prohibitions: tuple[Permission, ...] = Field((), description="What one may not do")
    duties: tuple[Duty, ...] = Field((), description="What one must do")
    accepts: tuple[Text, ...] = Field(
        (), description="Other licences under which its share-alike lets one hand on"
    )
    follows: Text = Field(description="What follows for data and tables made of them")
    source: Text = Field(description="Where the terms stand, with the section")


class Grant(Terms):
    """What one input, or the licence that a product names, grants."""

    licence: Text = Field(description="Name or identifier")
    permissions: tuple[Permission, ...] = Field(description="What it lets one do")
    prohibitions: tuple[Permission, ...] = Field((), description="What it forbids")
    duties: tuple[Duty, ...] = Field((), description="What it asks to be done")
    accepts: tuple[Text, ...] = Field((), description="Further share-alike licences")
    credit: str = Field("", description="Whom to name, in the words of the source")


class Unlisted(Terms):
    """A licence that the catalogue does not hold."""

    licence: str = Field(description="As it was written")
    nearest: tuple[str, ...] = Field((), description="Known identifiers like it")


def parts_of(text: str) -> tuple[str, str]:
    """Take identifier and credit apart.

    ``CC-BY-4.0 (Song Chen; mirrored)`` -> (``CC-BY-4.0``, ``Song Chen``).
    """
    found = WRITTEN.match(text.strip())
    if found is None:
        return text.strip(), ""
    return found[1], (found[2] or "").partition(";")[0].strip()


def looked_up(text: str, folders: Sequence[Path]) -> Grant | Unlisted:
    """Find what a licence grants, in the first folder of the catalogue that knows it.

    Raises:
        FactorError: A document of the catalogue breaks its schema.
    """
    name, credit = parts_of(text)
    listed = read_listed(name, folders)
    if listed is None:
        known = {p.stem: p for folder in folders for p in folder.glob("*.yaml")}
        near = get_close_matches(name.replace(" ", "-"), known, n=3, cutoff=0.5)
        return Unlisted(licence=name, nearest=tuple(near or sorted(known)))
    return Grant(
        licence=listed.id,
        permissions=listed.permissions,
        prohibitions=listed.prohibitions,
        duties=listed.duties,
        accepts=listed.accepts,
        credit=credit,
    )


def read_listed(name: str, folders: Sequence[Path]) -> Listed | None:
    """Read one licence of the catalogue, if it is there."""
    if not FILE.match(name):
        return None
    paths = (folder / f"{name.replace(' ', '-')}.yaml" for folder in folders)
    path = next((p for p in paths if p.is_file()), None)
    if path is None:
        return None
    listed = load(path, Listed)
    return listed if listed.id == name else None


def catalogues(*beside: Path) -> tuple[Path, ...]:
    """List the folders to look in: those beside the document, then the house's own."""
    spec = find_spec("deployments")
    roots = list(spec.submodule_search_locations or ()) if spec else []
    folders = [folder / "licences" for folder in (*beside, *map(Path, roots))]
    return tuple(dict.fromkeys(f for f in folders if f.is_dir()))
