"""pytest's side of the options: declare them, and read them into one frozen Settings, once per process at configure."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_medhelm.util.config_file import ConfigFile, read_config
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.option import Given, Option, read_option
from pytest_medhelm.util.options import CONFIG, OPTIONS, make_settings
from pytest_medhelm.util.settings import Settings

if TYPE_CHECKING:
    from pytest_medhelm.results.store.rescore import Replay
    from pytest_medhelm.tasks.perturbations.plan import Plan

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
"""On config: the user's options."""


PLAN: pytest.StashKey[Plan] = pytest.StashKey()
"""On config, where models are asked: in which ways."""

CONFIG_FILE = "medhelm.toml"


def add_options(parser: pytest.Parser) -> None:
    """Declare all --medhelm-* options and their ini twins."""
    group = parser.getgroup("medhelm", "clinical language-model benchmarks (medhelm)")
    for option in (*OPTIONS, CONFIG):
        if option.shape == "flag":
            group.addoption(option.flag, action="store_true", default=None, help=option.help)
        else:
            action = "append" if option.shape == "list" else "store"
            group.addoption(option.flag, action=action, metavar=option.metavar, help=option.help)
        kind = "linelist" if option.shape == "list" else "string"
        parser.addini(option.ini, f"Default of {option.flag}", type=kind, default=None)  # type: ignore[arg-type]


def guard_early(config: pytest.Config) -> None:
    """Put the offline guard in place if any place asks for it; what is wrong with an option is said at configure."""
    typed = config.known_args_namespace
    named = getattr(typed, "medhelm_offline", None) or getattr(typed, CONFIG.dest, None)
    in_ini = config.getini("medhelm_offline") or config.getini(CONFIG.ini)
    if not (named or in_ini or any((folder / CONFIG_FILE).is_file() for folder in _folders(config))):
        return
    from pytest_medhelm.util.guard.medhelm_offline_guard import forbid

    try:
        file = read_config(_config_path(config, typed))
        chosen = {
            option.key: read_option(option, given, config.invocation_params.dir)
            for option in OPTIONS
            if option.key in ("offline", "allow_hosts", "allow_programs")
            for given in _given_values(option, config, file, typed)
        }
    except ConfigError:
        forbid()
    else:
        if chosen.get("offline"):
            forbid(chosen.get("allow_hosts", ()), chosen.get("allow_programs", ()))


def lift_guard() -> None:
    """At the end of the session."""
    guard = sys.modules.get("pytest_medhelm.util.guard.medhelm_offline_guard")
    if guard is not None:
        guard.lift()


def read_settings(config: pytest.Config) -> Settings:
    """Collect and check the options of this session. Raises ConfigError with a sentence that says what to type."""
    root = config.invocation_params.dir
    file = read_config(_config_path(config, config.option))
    if file.models:
        from pytest_medhelm.models.price import check_prices

        check_prices(file)
    _check_run(file)
    given = {option.key: value for option in OPTIONS for value in _given_values(option, config, file, config.option)}
    settings = make_settings(given, root, config=file)
    return settings if "suite" in given or not _is_sample_run(config, settings) else replace(settings, suite="sample")


def _is_sample_run(config: pytest.Config, settings: Settings) -> bool:
    """Nothing but the package's own benchmarks is named, and of none are real data here: what comes of it shows that
    everything works, and must not stand among results.

    Decided before anything is collected, alike in every process.
    """
    if not settings.models or settings.data is not None or not config.args:
        return False
    from pytest_medhelm.tasks.benchmark import PACKAGED
    from pytest_medhelm.tasks.own_names import has_own_data
    from pytest_medhelm.util.cache_dir import cache_dir

    fetched = cache_dir() / "data"
    if fetched.is_dir() and any(fetched.iterdir()):
        return False
    for argument in config.args:
        path = (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        if path.is_file() and has_own_data(path):
            return False
        if not argument.startswith("pytest_medhelm.benchmarks") and not any(map(path.is_relative_to, PACKAGED)):
            return False
    return True


def _given_values(option: Option, config: pytest.Config, file: ConfigFile, typed: Any) -> Iterator[Given]:
    """What an option is set to, the weakest place first."""
    if file.path is not None and option.key in file.run:
        yield Given(file.run[option.key], f"{file.path.name}: [run] {option.key}")
    yield from _outside_file(option, config, typed)


def _outside_file(option: Option, config: pytest.Config, typed: Any) -> Iterator[Given]:
    try:
        value = config.getini(option.ini)
    except (TypeError, ValueError) as error:  # A TOML value that pytest before 9.2 does not take.
        raise ConfigError(str(error)) from None
    if value is not None:
        yield Given(value, f"{config.inipath.name if config.inipath else 'the option -o'}: {option.ini}")
    value = getattr(typed, option.dest, None)
    if value is not None:
        yield Given(value, option.flag)


def _check_run(file: ConfigFile) -> None:
    known = [option.key for option in OPTIONS]
    unknown = [key for key in file.run if key not in known]
    if unknown and file.path is not None:
        raise ConfigError(f"{file.path.name}: [run] has no key {unknown[0]!r}; known are: {', '.join(known)}")


def _folders(config: pytest.Config) -> tuple[Path, Path]:
    """Where medhelm.toml may be."""
    return config.invocation_params.dir, config.rootpath


def _config_path(config: pytest.Config, typed: Any) -> Path | None:
    root = config.invocation_params.dir
    named = [read_option(CONFIG, given, root) for given in _outside_file(CONFIG, config, typed)]
    if named and named[-1]:
        path: Path = named[-1]
        return path
    for folder in _folders(config):
        if (folder / CONFIG_FILE).is_file():
            return folder / CONFIG_FILE
    return None


REPLAY: pytest.StashKey[Replay] = pytest.StashKey()
"""On config: what ``medhelm rescore`` scores again (plugin/rescoring.py), as plain values; absent in other sessions."""
