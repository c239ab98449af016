"""Digest the code a result depends on: the import closure, without words for people.

A comment or a docstring changes nothing; a helper two imports away changes the digest.
What only stores, shows or schedules a result is left out: it cannot change its bytes.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Lock

ENGINES = ("polars", "pandera", "sqlglot")
SEAM = ("tasks.stage.run", "tasks.contract", "tasks.source")
# CPython 3.11 loses count of its recursion when two threads parse at once.
PARSING = Lock()
LEFT_OUT = (
    "tasks.store",
    "tasks.stage.task",
    "tasks.stage.show",
    "tasks.stage.code",
    "tasks.stage.log",
)


def code_digest(module: str) -> str:
    """Hash the sources that a stage function of ``module`` can depend on."""
    with PARSING:
        return digested(module)


@cache
def digested(module: str) -> str:
    """Hash every module of the closure, and the engines that compute."""
    roots = {module.partition(".")[0], "tasks", "schemas", "flows"}
    state = hashlib.sha256(f"python {sys.version_info[:2]}".encode())
    for name in sorted(closure((module, *SEAM), roots)):
        state.update(f"\n{name}\n{bare_source(name)}".encode())
    for engine in ENGINES:
        state.update(f"{engine}=={importlib.metadata.version(engine)}".encode())
    return state.hexdigest()


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
        waiting += imports_of(name)
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    return found


@cache
def source_file(name: str) -> Path | None:
    """Find a module's source without running it."""
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__file__", None):
        return Path(str(loaded.__file__))
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # a name imported from a module, not a module
        return None
    return Path(spec.origin) if spec and spec.origin else None


@cache
def tree_of(name: str) -> ast.Module:
    """Parse a module."""
    path = source_file(name)
    return ast.parse(path.read_bytes() if path and path.suffix == ".py" else b"")


@cache
def imports_of(name: str) -> tuple[str, ...]:
    """Name every module that ``name`` may import; a name too many does no harm."""
    package = name if is_package(name) else name.rpartition(".")[0]
    return tuple(imported(tree_of(name), package))


def is_package(name: str) -> bool:
    """Say whether a module is a package, from which relative imports count."""
    file = source_file(name)
    return file is not None and file.name == "__init__.py"


def imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Walk all import statements of a module, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            module = importlib.util.resolve_name(f"{dots}{node.module or ''}", package)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


@cache
def bare_source(name: str) -> str:
    """Dump a module's syntax tree without docstrings (comments are not in it)."""
    tree = tree_of(name)
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
