"""The options of a run, each declared once.

The command line (``--medhelm-NAME``), the ini file (``medhelm_KEY``), ``[run]`` of medhelm.toml (``KEY``), Settings
and docs/options.md follow from this table, whose halves are ``evaluation_options`` and ``run_options``. Command line
over ini file over medhelm.toml; a list replaces the whole list of the weaker place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.evaluation_options import EVALUATION_OPTIONS
from pytest_medhelm.util.option import Given, Option, read_option
from pytest_medhelm.util.option_values import (
    read_file,
)
from pytest_medhelm.util.run_options import RUN_OPTIONS
from pytest_medhelm.util.settings import DEFAULT_LIMIT, EMBEDDED_LIMIT, Settings

CONFIG = Option(
    "config",
    "FILE",
    read_file,
    None,
    "Endpoints, keys by environment variable, sampling (default: medhelm.toml if it exists)",
)
"""The one option that medhelm.toml itself cannot hold."""

OPTIONS = (*EVALUATION_OPTIONS, *RUN_OPTIONS)


def _refuse_remote(address: str, settings: Settings) -> None:
    from pytest_medhelm.util.network import host_of, is_loopback, shown_address

    host = host_of(address)
    if settings.offline and not is_loopback(host) and host not in settings.allow_hosts:
        raise ConfigError(
            f"--medhelm-offline refuses {shown_address(address)}: type --medhelm-allow-host={host} if it may be reached"
        )


def make_settings(given: Mapping[str, Given], root: Path, **others: Any) -> Settings:
    """Settings from what was given, by key; ``others`` are fields that are no option.

    Raises ConfigError with one sentence that names where a bad value came from.
    """
    values: dict[str, Any] = {}
    for option in OPTIONS:
        value = read_option(option, given[option.key], root) if option.key in given else None
        values[option.key] = option.default if value is None else value
    values["results"] = root / values["results"]
    values["ledger"] = values["ledger"] or values["results"] / "ledger.jsonl"
    settings = Settings(**values, **others)
    if settings.fhir:
        _refuse_remote(settings.fhir, settings)
    if settings.confidence == "stated" and settings.prompt_form == "helm":
        raise ConfigError(
            "--medhelm-confidence=stated asks for one more line, and --medhelm-prompt-form=helm for a letter and "
            "nothing else: leave out one of them"
        )
    if settings.limit is None:
        return replace(settings, limit=EMBEDDED_LIMIT if settings.embedded else DEFAULT_LIMIT, limit_is_default=True)
    return replace(settings, limit=None) if values["limit"] == "all" else settings
