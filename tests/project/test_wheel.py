"""The wheel, in an environment of its own, without the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.support.benchmark_modules import MODULES
from tests.support.checks import some
from tests.support.paths import BENCHMARKS, CHECKOUT

CORE_MEGABYTES = 180
CORE_PACKAGES = 50


TASKS = [module.TASK for module in MODULES]
BINARY = (".xlsx", ".docx", ".arrow", ".parquet", ".feather")
"""Formats whose readers are in the extra "data"; CLEAR's folder holds workbooks too."""


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_the_wheel_takes_every_file_of_the_package() -> None:
    declared = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders, data_of = declared["package-dir"], declared["package-data"]
    patterns = [f"{folders[name]}/{pattern}" for name in data_of for pattern in data_of[name]]
    listed = subprocess.run(
        ["git", "ls-files", "pytest_medhelm", "benchmarks"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    files = [Path(name) for name in some(listed.stdout.splitlines())]
    packages = {
        ".".join(("pytest_medhelm" if file.parts[0] == "benchmarks" else "", *file.parent.parts)).strip(".")
        for file in files
        if file.suffix == ".py"
    }
    assert packages == set(declared["packages"])
    data = [file.as_posix() for file in files if file.suffix != ".py"]
    assert [name for name in data if not any(fnmatch(name, pattern) for pattern in patterns)] == []


@pytest.mark.nightly
def test_the_wheel_stands_alone_and_is_light(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, CHECKOUT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    bare = size_of(venv)  # pip and its like are there already
    subprocess.run([venv / "bin/pip", "install", "-q", wheel], check=True)

    packages = list(venv.glob("lib/python*/site-packages/*.dist-info"))
    assert len(packages) <= CORE_PACKAGES
    assert (size_of(venv) - bare) / 1e6 <= CORE_MEGABYTES

    (package,) = venv.glob("lib/python*/site-packages/pytest_medhelm/benchmarks")
    expected = [path for path in BENCHMARKS.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert all((package / path.relative_to(BENCHMARKS)).is_file() for path in some(expected))

    folder = tmp_path / "elsewhere"
    folder.mkdir()
    command = [venv / "bin/pytest", "--pyargs", "pytest_medhelm.benchmarks", "--medhelm-model=baseline/lexical"]
    command.append("--medhelm-suite=sample")
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "pip install 'pytest-medhelm[data] @ file:" in result.stdout, "the extra that is missing is named"
    board = json.loads((folder / "medhelm-results/sample/leaderboard.json").read_text())
    found = {entry["benchmark"] for entry in board["results"]["cells"]}
    plain = {task.name for task in TASKS if not any(file.name.endswith(BINARY) for file in task.files)}
    assert found == plain - {"clear"}
    assert (folder / "medhelm-results/sample/leaderboard.html").is_file()
    shown = subprocess.run([venv / "bin/medhelm", "--help"], capture_output=True, text=True, check=True)
    assert "medhelm report" in shown.stdout
