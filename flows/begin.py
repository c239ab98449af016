"""Begin a stage task or a factor of one's own: commented files that pass at once.

Nothing that is there is ever overwritten.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.console import Console

from schemas.errors import FactorError

Facts = dict[str, Any]  # JSON
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
ENTITY, POLICY = "own-company", "cn-2025"
TASK = {
    "{slug}/pyproject.toml": "pyproject.toml.j2",
    "{slug}/{name}.py": "module.py.j2",
    "{slug}/test_{name}.py": "test_task.py.j2",
}
FACTOR = {
    "factors/{slug}.yaml": "factor.yaml.j2",
    "data/{slug}.csv": "readings.csv.j2",
    "test_{name}.py": "test_factor.py.j2",
}


def new_task(slug: str, folder: Path) -> Facts:
    """Write a package with one stage task, its test and its entry point.

    Raises:
        FactorError: The name is none, another module has it, or a file is there
            already.
    """
    refuse_taken(words_of(slug)["name"])
    written = write(folder, dict(rendered(TASK, slug)))
    return {
        "written": written,
        "next": [
            f"cd {slug} && python -m pytest",
            f"pip install ./{slug}",
            f"in a factor: product: {{task: {words_of(slug)['name']}, …}}",
        ],
    }


def refuse_taken(name: str) -> None:
    """Refuse the name of a module that could not be imported, or would hide another.

    Raises:
        FactorError: It is a word of Python's, or a module that is installed.
    """
    if iskeyword(name) or find_spec(name) is not None:
        raise FactorError(
            f"{name} is a word or a module of Python already: choose another name, such"
            f" as {name.replace('_', '-')}-task"
        )


def new_factor(slug: str, folder: Path) -> Facts:
    """Write a factor document with rows to try it on, and its test.

    An entity and a policy are put beside it where there are none yet.

    Raises:
        FactorError: The name is none, or a file is there already.
    """
    made = dict(rendered(FACTOR, slug))
    entity, policy = f"entities/{ENTITY}.yaml", f"policies/{POLICY}.yaml"
    if not (folder / entity).exists():
        made |= dict(rendered({entity: "entity.yaml.j2"}, slug))
    if not (folder / policy).exists():
        house = files("deployments") / "policies" / f"{POLICY}.yaml"
        made[policy] = house.read_text("utf-8")
    return {
        "written": write(folder, made),
        "next": [
            f"export DATAFACTOR_FACTORS={folder.resolve() / 'factors'}",
            f"export DATAFACTOR_DATA={folder.resolve() / 'data'}",
            f"datafactor check {slug} && datafactor run {slug}",
            f"python -m pytest test_{words_of(slug)['name']}.py",
        ],
    }


def rendered(templates: Mapping[str, str], slug: str) -> Iterator[tuple[str, str]]:
    """Fill in templates: where each file goes, and what it says."""
    words = words_of(slug)
    environment = Environment(
        loader=PackageLoader("flows"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701,RUF100 - code and YAML, never a page
    )
    for where, template in templates.items():
        said = environment.get_template(template).render(words)
        yield where.format(**words), said


def words_of(slug: str) -> dict[str, str]:
    """Give a name as files, modules, classes and people write it.

    ``route-risk`` -> ``route_risk``, ``RouteRisk``, ``Route risk``.

    Raises:
        FactorError: It is no name.
    """
    if not SLUG.fullmatch(slug) or len(slug) > 40:
        raise FactorError(
            f"{slug!a} is no name: write small letters and digits, words joined by -,"
            " such as route-risk"
        )
    parts = slug.split("-")
    return {
        "slug": slug,
        "name": "_".join(parts),
        "class": "".join(part.capitalize() for part in parts),
        "title": " ".join(parts).capitalize(),
        "entity": ENTITY,
    }


def write(folder: Path, made: Mapping[str, str]) -> list[str]:
    """Write files that are not there yet; if one is, none is written."""
    there = [where for where in made if (folder / where).exists()]
    if there:
        raise FactorError(
            f"{folder / there[0]} is there already: choose another name, or move it"
        )
    for where, said in made.items():
        file = folder / where
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(said, "utf-8")
    return sorted(str(folder / where) for where in made)


def show(console: Console, data: Facts) -> None:
    """Say what was written, and what to do next."""
    for file in data["written"]:
        console.print(file, markup=False)
    console.print("\nnext:")
    for command in data["next"]:
        console.print(f"  {command}", markup=False)
