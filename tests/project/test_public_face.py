"""The public face: one list of names, which docs, type checkers and importers agree on; what stands behind it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

import pytest_medhelm
from tests.support.paths import BENCHMARKS, CHECKOUT

SHARED = [path for path in (BENCHMARKS / "shared").glob("*.py") if path.stem != "__init__"]


def loaded(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_name_is_there_and_in_the_reference() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (CHECKOUT / "docs" / "reference.md").read_text("utf-8"), re.M)
    assert sorted(listed) == sorted(pytest_medhelm.__all__)
    assert all(getattr(pytest_medhelm, name) is not None for name in pytest_medhelm.__all__)
    assert set(pytest_medhelm.__all__) <= set(dir(pytest_medhelm))
    with pytest.raises(AttributeError, match="'Instanc'"):
        pytest_medhelm.Instanc  # type: ignore[attr-defined]  # noqa: B018


def test_a_type_checker_sees_the_same_names() -> None:
    """What is imported for type checkers comes from the very modules that it is loaded from."""
    tree = ast.parse(Path(pytest_medhelm.__file__).read_text("utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    seen = {
        alias.name: (node.module or "").removeprefix("pytest_medhelm.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    home = {name: module.removesuffix(".answers") if name == "answers" else module for name, module in HOME.items()}
    assert seen == home
    assert {*seen, "__version__"} == set(pytest_medhelm.__all__)


HOME: dict[str, str] = pytest_medhelm._HOME


def test_importing_the_face_imports_nothing_else() -> None:
    code = "import sys, pytest_medhelm; print([name for name in sys.modules if name.startswith('pytest_medhelm.')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CHECKOUT, check=True)
    assert found.stdout.strip() == "[]"


def test_benchmarks_import_the_face_alone() -> None:
    modules = [*BENCHMARKS.glob("*/test_*.py"), *SHARED]
    assert len(modules) > 60
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert not (node.module or "").startswith(("pytest_medhelm.", "benchmarks")), path.name
            if isinstance(node, ast.ImportFrom) and node.level == 2:
                assert (node.module or "").startswith("shared"), path.name


def test_the_core_names_no_benchmark() -> None:
    """But for data about benchmarks: published figures, words for metrics, rubrics."""
    names = {path.stem.removeprefix("test_") for path in BENCHMARKS.glob("*/test_*.py")}
    names -= {"clear", "medec"} | {path.stem for path in (CHECKOUT / "pytest_medhelm").rglob("*.toml")}
    assert len(names) > 50
    for path in (CHECKOUT / "pytest_medhelm").rglob("*.py"):
        texts = (node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant))
        assert not names.intersection(text for text in texts if isinstance(text, str)), path.name


def test_the_page_of_metrics_follows_the_code() -> None:
    path = CHECKOUT / "docs" / "metrics_table.py"
    assert (path.parent / "metrics.md").read_text("utf-8") == loaded(path).page(), "type: python docs/metrics_table.py"
