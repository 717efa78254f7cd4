"""--medhelm-show-text of commands: text of gated and private data leaves the suite's folder only with it."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path

from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ConfigError


def add_show_text(parser: argparse.ArgumentParser, text: str) -> None:
    """Declare the option, spelled as pytest's; ``text``: what it does here."""
    parser.add_argument("--medhelm-show-text", "--show-text", dest="show_text", action="store_true", help=text)


def require_show_text(suite: Suite, file: Path, benchmarks: Collection[str] | None, show_text: bool) -> None:
    """Raise ConfigError where texts of data that are not public would be written outside the suite's folder.

    ``benchmarks``: whose texts; None for all of the suite.
    """
    if show_text or file.resolve().is_relative_to(suite.folder.resolve()):
        return
    access = {name: suite.benchmark(name, suite.newest(name, model)[0])["access"] for name, model in suite.cells()}
    left = sorted(
        name for name, kind in access.items() if kind != "public" and (benchmarks is None or name in benchmarks)
    )
    if left:
        raise ConfigError(
            f"{file} lies outside of the suite, and the data of {', '.join(left)} are not public: type "
            "--medhelm-show-text if their texts may stand there, or leave --to out"
        )
