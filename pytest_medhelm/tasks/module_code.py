"""The code of a module, with that of the modules which it imports: what a benchmark or a metric is made of."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Callable, Iterator
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType

from pytest_medhelm.util.hashing import code_hash

Belongs = Callable[[str, Path], bool]
"""(name, file) of an imported module -> whether its code counts."""


def is_of_project(name: str, file: Path) -> bool:
    """Neither of Python, nor of an installed package, nor of this one."""
    if name.partition(".")[0] == "pytest_medhelm" or {"site-packages", "dist-packages"} & {*file.parts}:
        return False
    return not any(file.is_relative_to(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib"))


def module_hash(module: ModuleType, belongs: Belongs = is_of_project) -> str:
    """Hash of what a module and those that it imports do; comments and formatting do not count."""
    assert module.__file__ is not None
    sources = {"": Path(module.__file__).read_text("utf-8", "replace")}
    waiting = [*_imported(sources[""], module)]
    while waiting:
        other = waiting.pop()
        file = getattr(other, "__file__", None)
        if other.__name__ in sources or file is None or not file.endswith(".py"):
            continue
        if belongs(other.__name__, Path(file)):
            source = sources[other.__name__] = Path(file).read_text("utf-8", "replace")
            waiting += _imported(source, other)
    return code_hash(*(sources[name] for name in sorted(sources)))


def _imported(source: str, module: ModuleType) -> Iterator[ModuleType]:
    """The modules that a module's code names in its imports, as far as they are loaded."""
    try:
        nodes = [*ast.walk(ast.parse(source))]
    except (SyntaxError, ValueError):
        return
    for node in nodes:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = resolve_name("." * node.level + base, module.__package__ or "")
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        yield from (sys.modules[name] for name in names if name in sys.modules)
