"""All benchmarks there are: those of the package, and those of modules that the user names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import isfunction
from pathlib import Path
from types import ModuleType

from pytest_medhelm.tasks.benchmark import samples_of, text_of
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.tasks.taxonomy import CATEGORY_OF
from pytest_medhelm.util.errors import ConfigError

_PACKAGE = "pytest_medhelm.benchmarks"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One benchmark as its module declares it."""

    task: Task
    text: str
    """What is asked, read and scored (``text_of``)."""
    path: Path
    """Of the module."""
    tests: tuple[Callable[..., object], ...] = ()
    """Its test functions."""

    @property
    def samples(self) -> Path:
        """The folder of its sample data; need not be there."""
        return samples_of(self.path, self.task) / self.task.name


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The benchmarks in the order of MedHELM's taxonomy, and what kept others out."""

    entries: Sequence[CatalogueEntry]
    problems: Sequence[str] = field(default=())
    """One sentence for each module that cannot be used."""

    def named(self, names: Sequence[str]) -> list[CatalogueEntry]:
        """The entries with these names, in their order, each once.

        Raises ConfigError for an unknown name, listing the nearest ones, or saying why its module cannot be used.
        """
        known = {entry.task.name: entry for entry in self.entries}
        for name in names:
            broken = next((problem for problem in self.problems if f"test_{name}.py" in problem), None)
            if name not in known and broken:
                raise ConfigError(broken)
            if name not in known:
                near = get_close_matches(name.lower().replace("-", "_"), known, n=3, cutoff=0.5)
                hint = f"did you mean {' or '.join(near)}? " if near else ""
                raise ConfigError(f"there is no benchmark {name!r}: {hint}'medhelm tasks' lists all")
        return [known[name] for name in dict.fromkeys(names)]


def catalogue(extra: Path | None = None) -> Catalogue:
    """Import all benchmark modules: of the package, then those that ``extra``, a module or a folder, holds.

    Raises ConfigError when ``extra`` is not there. A module that fails is a sentence in ``problems``.
    """
    entries: dict[str, CatalogueEntry] = {}
    problems: list[str] = []
    home = _home()
    for path in [*sorted(home.glob("*/test_*.py")), *_modules(extra)]:
        try:
            module = _imported(path, home)
        except Exception as error:  # whatever a module does while it is imported
            reason = str(error).partition("\n")[0]
            problems.append(f"{path} cannot be imported ({type(error).__name__}: {reason})")
            continue
        task = getattr(module, "TASK", None)
        if not isinstance(task, Task):
            problems.append(f"{path} declares no TASK")
        elif task.name not in entries:
            entries[task.name] = CatalogueEntry(task, text_of(module), path, _tests(module))
        elif not path.samefile(entries[task.name].path):
            problems.append(f"{path} is left out: {entries[task.name].path} is called {task.name} too")
    rank = {subcategory: number for number, subcategory in enumerate(CATEGORY_OF)}
    return Catalogue(
        sorted(entries.values(), key=lambda entry: (rank[entry.task.subcategory], entry.task.name)), problems
    )


def _tests(module: ModuleType) -> tuple[Callable[..., object], ...]:
    named = (value for name, value in vars(module).items() if name.startswith("test_"))
    return tuple(value for value in named if isfunction(value))


def _home() -> Path:
    """The folder of the benchmarks: in the package, or beside it in a checkout that is used without being installed."""
    try:
        return Path(str(import_module(_PACKAGE).__file__)).parent
    except ModuleNotFoundError:
        return Path(__file__).parents[2] / "benchmarks"


def _modules(extra: Path | None) -> Iterator[Path]:
    if extra is None:
        return
    if not extra.is_dir() and not (extra.is_file() and extra.suffix == ".py"):
        raise ConfigError(f"there is no {extra}: name a benchmark module, or a folder that holds some")
    if extra.is_dir():
        # A project's other tests declare no TASK and are none of our business.
        yield from (path for path in sorted(extra.rglob("test_*.py")) if "TASK" in path.read_text("utf-8", "replace"))
    else:
        yield extra


def _imported(path: Path, home: Path) -> ModuleType:
    if path.is_relative_to(home) and _PACKAGE in sys.modules:
        return import_module(".".join([_PACKAGE, *path.relative_to(home).with_suffix("").parts]))
    name = f"_medhelm_{path.stem}_{abs(hash(path))}"
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
