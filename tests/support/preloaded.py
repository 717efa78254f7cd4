"""What a process of the tests imports and compiles once: this package, its benchmarks, templates, expressions.

``pytester`` forgets at the end of a test what was first imported in it, and gives each test a home, and so a cache
folder, of its own: every command and session would import and compile all of it again, longer than the rest takes.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module, metadata
from pkgutil import walk_packages


def keep_metadata() -> None:
    """Read the metadata of installed packages once: pytest parses those of all of them anew for each session."""
    for name in ("metadata", "entry_points", "files"):
        setattr(metadata.Distribution, name, property(cache(getattr(metadata.Distribution, name).fget)))
    metadata.PathDistribution = cache(metadata.PathDistribution)  # type: ignore[assignment, misc]
    for package in metadata.distributions():
        assert package.metadata
        assert package.entry_points is not None


def load_package() -> None:
    """Import all modules of the package, and what some of them import when they need it."""
    import pytest_medhelm
    from pytest_medhelm.scoring.metrics.rouge import rouge_english

    for module in walk_packages(pytest_medhelm.__path__, "pytest_medhelm."):
        # The guard's modules are found by the folder that it puts into the path of a subprocess.
        if not module.name.endswith("__main__") and ".util.guard." not in module.name:
            import_module(module.name)
    with suppress(ImportError):
        import_module("openpyxl")
    rouge_english("fevers", "fever")
    load_templates()
    load_patterns()


def load_templates() -> None:
    """Compile the templates of the pages."""
    from pytest_medhelm.reports.html.templating import template

    environment = template("leaderboard.html").environment
    for name in environment.list_templates(extensions=["html"]):
        template(name)


def load_patterns() -> None:
    """Compile the expressions that read closed answers."""
    from pytest_medhelm.scoring.answers.choice import find_choice

    find_choice("A is wrong. The most likely diagnosis is B. Fever. So the answer is (C).", ("Pain", "Fever", "Rash"))


def load_benchmarks() -> None:
    """Import the benchmarks, as the commands do."""
    from pytest_medhelm.tasks.catalogue import catalogue

    assert not catalogue().problems
