"""Digest the code a result depends on: the import closure, without words for people.

A comment or a docstring changes nothing; a helper two imports away changes the digest.
What only stores, shows or schedules a result is left out: it cannot change its bytes.
What a file means is worked out once for its bytes and kept in the home folder: reading
54 syntax trees took 0.7 s of every run.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock

from tasks import store

ENGINES = ("polars", "pandera", "sqlglot")
HOUSE = ("tasks", "schemas", "flows")
SEAM = ("tasks.stage.run", "tasks.contract", "tasks.source")
PYTHON = f"python {sys.version_info[:2]}"
# CPython 3.11 loses count of its recursion when two threads parse at once.
PARSING = Lock()
LEFT_OUT = (
    "tasks.store",
    "tasks.stage.task",
    "tasks.stage.show",
    "tasks.stage.code",
    "tasks.stage.log",
)
Meaning = tuple[str, tuple[str, ...]]  # digest without words, names it imports
KNOWN: dict[str, Meaning] = {}  # by the hash of a module's bytes


def code_digest(module: str) -> str:
    """Hash the sources that a stage function of ``module`` can depend on."""
    with PARSING:
        return digested(module)


@cache
def digested(module: str) -> str:
    """Hash every module of the closure, and the engines that compute."""
    kept = store.current().settings.home / "code.json"
    remember(kept)
    before = len(KNOWN)
    roots = {module.partition(".")[0], *HOUSE}
    state = hashlib.sha256(PYTHON.encode())
    for name in sorted(closure((module, *SEAM), roots)):
        state.update(f"\n{name}\n{meaning(name)[0]}".encode())
    for engine in (*ENGINES, *borrowed(module, roots)):
        state.update(f"{engine}=={importlib.metadata.version(engine)}".encode())
    if len(KNOWN) > before:
        keep(kept)
    return state.hexdigest()


def borrowed(module: str, roots: set[str]) -> list[str]:
    """Name the distributions that a package of one's own computes with.

    Their code is not read: their versions stand for it. Of one that is installed from a
    folder the version stays while the code changes; build it, or raise its version.
    """
    own = module.partition(".")[0]
    if own in HOUSE:
        return []
    named = {n for m in closure((module,), {own}) for n in meaning(m)[1]}
    tops = {n.partition(".")[0] for n in named} - roots
    offers = importlib.metadata.packages_distributions()
    return sorted({d for top in tops for d in offers.get(top, ())} - {*ENGINES})


def remember(kept: Path) -> None:
    """Take up what earlier processes worked out; a broken file is worked out anew."""
    with suppress(OSError, ValueError, TypeError):
        for sha256, (digest, names) in json.loads(kept.read_bytes()).items():
            KNOWN.setdefault(sha256, (str(digest), tuple(map(str, names))))


def keep(kept: Path) -> None:
    """Write down what is known, whole or not at all."""
    part = kept.with_name(f"{kept.name}.{os.getpid()}")
    with suppress(OSError):  # the next process works it out again
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.touch(0o600)
        part.write_text(json.dumps(KNOWN))
        part.replace(kept)


def closure(start: tuple[str, ...], roots: set[str]) -> set[str]:
    """Follow imports inside the project, into every package they pass through."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        left_out = any(name == x or name.startswith(f"{x}.") for x in LEFT_OUT)
        if name in found or left_out or name.partition(".")[0] not in roots:
            continue
        if source_file(name) is None:
            continue
        found.add(name)
        waiting += meaning(name)[1]
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    return found


@cache
def source_file(name: str) -> Path | None:
    """Find a module's source without running it."""
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__file__", None):
        return Path(str(loaded.__file__))
    above = sys.modules.get(name.rpartition(".")[0])
    if above is not None and not hasattr(above, "__path__"):
        return None  # a name imported from a module, not a module
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


@cache
def meaning(name: str) -> Meaning:
    """Say what a module's code is without its words, and which names it imports."""
    path = source_file(name)
    source = path.read_bytes() if path and path.suffix == ".py" else b""
    package = name if is_package(name) else name.rpartition(".")[0]
    sha256 = hashlib.sha256(f"{PYTHON} {package}\n".encode() + source).hexdigest()
    if sha256 not in KNOWN:
        tree = ast.parse(source)
        names = tuple(sorted(set(imported(tree, package))))
        bare = hashlib.sha256(bare_source(tree).encode()).hexdigest()
        KNOWN[sha256] = (bare, names)
    return KNOWN[sha256]


def is_package(name: str) -> bool:
    """Say whether a module is a package, from which relative imports count."""
    file = source_file(name)
    return file is not None and file.name == "__init__.py"


def imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Walk all import statements of a module, also those inside functions.

    A name too many does no harm.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            module = importlib.util.resolve_name(f"{dots}{node.module or ''}", package)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def bare_source(tree: ast.Module) -> str:
    """Dump a module's syntax tree without docstrings (comments are not in it)."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and is_text(body[0]):
            node.body = body[1:]  # type: ignore[attr-defined]  # it has one: see above
    return ast.dump(tree)


def is_text(statement: ast.AST) -> bool:
    """Say whether a statement is a bare string."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
