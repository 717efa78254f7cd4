"""The wheel, in an environment of its own, without the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import BENCHMARKS, CHECKOUT

CORE_MEGABYTES = 180
CORE_PACKAGES = 50


def test_the_wheel_stands_alone_and_is_light(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, CHECKOUT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin/pip", "install", "-q", wheel], check=True)

    packages = list(venv.glob("lib/python*/site-packages/*.dist-info"))
    size = sum(path.stat().st_size for path in venv.rglob("*") if path.is_file() and not path.is_symlink())
    assert len(packages) <= CORE_PACKAGES
    assert size / 1e6 <= CORE_MEGABYTES

    (package,) = venv.glob("lib/python*/site-packages/pytest_medhelm/benchmarks")
    expected = [path for path in BENCHMARKS.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert all((package / path.relative_to(BENCHMARKS)).is_file() for path in expected)

    folder = tmp_path / "elsewhere"
    folder.mkdir()
    command = [venv / "bin/pytest", "--pyargs", "pytest_medhelm.benchmarks", "--medhelm-model=baseline/lexical"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "27 scored, 1 skipped" in result.stdout or "1 skipped, 27 scored" in result.stdout
    assert "pip install 'pytest-medhelm[data]'" in result.stdout, "the extra that is missing is named"
    assert (folder / "medhelm-results/default/leaderboard.html").is_file()
    shown = subprocess.run([venv / "bin/medhelm", "--help"], capture_output=True, text=True, check=True)
    assert "medhelm report" in shown.stdout
