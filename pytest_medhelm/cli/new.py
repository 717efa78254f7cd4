"""medhelm new: write a benchmark of one's own to start from."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_medhelm.plugin.yaml_benchmarks.starter import starter
from pytest_medhelm.tasks.benchmark import PACKAGED
from pytest_medhelm.util.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("name", metavar="NAME", help="of the benchmark: small letters, digits and _")
    parser.add_argument("--python", action="store_true", help="a test module instead of a YAML file")
    parser.add_argument("--to", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: here)")


def run(arguments: argparse.Namespace) -> int:
    """Write the starter and say what to type next. Raises ConfigError and writes nothing when it cannot."""
    if any(path.stem == f"test_{arguments.name}" for home in PACKAGED for path in home.glob("*/test_*.py")):
        raise ConfigError(
            f"{arguments.name} is a benchmark of the package, from which yours could not be told apart: choose another "
            f"name, e.g. own_{arguments.name}"
        )
    files = starter(arguments.name, python=arguments.python)
    folder: Path = arguments.to
    there = [path for path in files if (folder / path).exists()]
    if there:
        raise ConfigError(f"{folder / there[0]} is there already and stays as it is; choose another name or --to DIR")
    try:
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("x", encoding="utf-8") as file:
                file.write(content)
    except OSError as error:
        raise ConfigError(
            f"{folder / path} cannot be written ({error.strerror}); name another folder with --to DIR"
        ) from None
    first = next(iter(files))
    print("\n".join(f"wrote {folder / path}" for path in files))
    print(f"next: pytest {folder / first} --medhelm-model=baseline/lexical")
    return 0
