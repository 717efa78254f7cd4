"""The options of a run, each declared once.

The command line (``--medhelm-NAME``), the ini file (``medhelm_KEY``), ``[run]`` of medhelm.toml (``KEY``), Settings
and docs/options.md follow from this table. Command line over ini file over medhelm.toml; a list replaces the whole list
of the weaker place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.network import complete_address
from pytest_medhelm.util.settings import DEFAULT_LIMIT, EMBEDDED_LIMIT, Settings, read_data_limit, read_shard

Read = Callable[[Any, Path], Any]
"""(value, folder that paths are relative to) -> the checked value; ValueError says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option, in all places where it can be set."""

    name: str
    """On the command line, behind ``--medhelm-``."""
    metavar: str
    """What its value looks like; empty for a flag."""
    read: Read
    default: Any
    help: str
    shape: Literal["one", "list", "flag"] = "one"
    plural: str = ""
    """Its key where that is not its name: a list is named by the plural in a file."""

    @property
    def flag(self) -> str:
        """As typed."""
        return f"--medhelm-{self.name}"

    @property
    def key(self) -> str:
        """In ``[run]`` of medhelm.toml, and the field of Settings."""
        return self.plural or self.name.replace("-", "_")

    @property
    def ini(self) -> str:
        """In the ini file."""
        return f"medhelm_{self.key}"

    @property
    def dest(self) -> str:
        """Where the parser of the command line keeps it."""
        return "medhelm_" + self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Given:
    """A value as the user gave it, and where."""

    value: Any
    source: str
    """What an error calls it, e.g. "--medhelm-limit"."""


def _text(value: Any, root: Path) -> str | None:
    """Any text; an empty one is as good as none, as where a variable of a CI job is not set."""
    if not isinstance(value, str):
        raise ValueError("is not a text: write it in quotes")
    return value or None


def _one_of(*known: str) -> Read:
    def read(value: Any, root: Path) -> str | None:
        if value not in (*known, ""):
            raise ValueError(f"is neither {' nor '.join(map(repr, known))}")
        return value or None

    return read


def _count(least: int) -> Read:
    def read(value: Any, root: Path) -> int:
        try:
            number = int(str(value))
        except ValueError:
            number = least - 1
        if number < least:
            raise ValueError(f"is not a whole number of at least {least}")
        return number

    return read


def _limit(value: Any, root: Path) -> int | Literal["all"]:
    if value == "all":
        return "all"
    try:
        return int(_count(1)(value, root))
    except ValueError:
        raise ValueError("is neither a positive number nor 'all'; type e.g. 100") from None


def _amount(value: Any, root: Path) -> float:
    try:
        amount = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        amount = math.nan
    if not 0 < amount < math.inf:
        raise ValueError("is not an amount above 0; type e.g. 5")
    return amount


def _seconds(value: Any, root: Path) -> float:
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError("is not a number of seconds, 0 or more; type e.g. 300")
    return seconds


def _flag(value: Any, root: Path) -> bool:
    text = str(value).lower()
    if text in ("false", "no", "0", "off"):
        return False
    if text in ("true", "yes", "1", "on"):
        return True
    raise ValueError("is neither true nor false")


def _address(value: Any, root: Path) -> str | None:
    text = _text(value, root)
    if text:
        complete_address(text)
    return text


def _path(value: Any, root: Path) -> Path | None:
    text = _text(value, root)
    return root / Path(text).expanduser() if text else None


def _folder(value: Any, root: Path) -> Path | None:
    path = _path(value, root)
    if path is not None and not path.is_dir():
        raise ValueError("is no folder that is there; name the one that holds <benchmark>/<file>")
    return path


def _file(value: Any, root: Path) -> Path | None:
    path = _path(value, root)
    if path is not None and not path.is_file():
        raise ValueError("is no file that is there; name an existing TOML file")
    return path


def _name_or_folder(value: Any, root: Path) -> str | None:
    """A local folder as its whole path; anything else is the name of a model."""
    path = _path(value, root)
    return str(path) if path is not None and path.is_dir() else _text(value, root)


def _shard(value: Any, root: Path) -> Any:
    text = _text(value, root)
    return read_shard(text) if text else None


def _data_limit(value: Any, root: Path) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value, root)
    return read_data_limit(text) if text else None


def _suite(value: Any, root: Path) -> str | None:
    text = _text(value, root)
    if text and (text in (".", "..") or any(character in text for character in "/\\\0")):
        raise ValueError("is not a plain folder name; type e.g. 2026-11")
    return text


def _texts(value: Any, root: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
        raise ValueError('is not a list of texts; write e.g. ["one", "two"]')
    return tuple(value)


def _comma_list(value: Any, root: Path) -> tuple[str, ...]:
    texts = value.split(",") if isinstance(value, str) else _texts(value, root)
    return tuple(filter(None, map(str.strip, texts)))


def _names(value: Any, root: Path) -> tuple[str, ...]:
    names = _texts(value, root)
    for name in names:
        if not name.isprintable():
            raise ValueError(f"names {name!r}: a name has no control characters and no direction marks")
        if names.count(name) > 1:
            raise ValueError(f"names {name!r} twice; name each once")
    return names


def _rules(value: Any, root: Path) -> tuple[str, ...]:
    """Rules as they stand, gate files by their whole path."""
    return tuple(str(root / text) if text.endswith(".toml") else text for text in _texts(value, root))


def _switch(name: str, text: str) -> Option:
    return Option(name, "", _flag, False, text, shape="flag")


CONFIG = Option(
    "config",
    "FILE",
    _file,
    None,
    "Endpoints, keys by environment variable, sampling (default: medhelm.toml if it exists)",
)
"""The one option that medhelm.toml itself cannot hold."""

OPTIONS = (
    Option(
        "model",
        "PROVIDER/NAME",
        _names,
        (),
        "Model to evaluate; repeatable. Providers: openai, vllm, ollama, local (embedded, e.g. local/smollm2-135m), "
        "baseline (random, majority, lexical), human (answers of people: human/FILE.csv), or a name defined in the "
        "config file",
        "list",
        "models",
    ),
    Option(
        "judge",
        "PROVIDER/NAME",
        _names,
        (),
        "Judge of the jury that rates free text; repeatable (default: none)",
        "list",
        "judges",
    ),
    Option(
        "gate",
        "RULE|FILE",
        _rules,
        (),
        "Rule that decides the exit status, e.g. 'pubmed_qa.exact_match >= 0.70', or a gate file; repeatable",
        "list",
        "gates",
    ),
    Option(
        "allow-host",
        "HOST",
        _texts,
        (),
        "Host that --medhelm-offline may reach, and that data agreements cover; repeatable",
        "list",
        "allow_hosts",
    ),
    Option(
        "allow-program",
        "NAME",
        _texts,
        (),
        "Program that may be started under --medhelm-offline, which cannot see what it reaches; repeatable",
        "list",
        "allow_programs",
    ),
    Option("base-url", "URL", _address, None, "Address of the OpenAI-compatible server, e.g. http://localhost:8000/v1"),
    Option(
        "data",
        "DIR",
        _folder,
        None,
        "Folder with upstream data files, as DIR/<benchmark>/<file>; else the sample data is used",
    ),
    Option(
        "data-limit",
        "SIZE",
        _data_limit,
        None,
        "What a compressed data file may unpack to, e.g. 8GB, or none (default: 1GB, and 200 times its size)",
    ),
    Option(
        "limit",
        "N|all",
        _limit,
        None,
        f"Instances per benchmark, a seeded sample (default: {DEFAULT_LIMIT}, or {EMBEDDED_LIMIT} when an embedded "
        "model takes part)",
    ),
    Option(
        "sampler",
        "hash|helm",
        _one_of("hash", "helm"),
        "hash",
        "How the limit draws: hash (default; a smaller limit is a subset, file order does not matter) or helm (as "
        "MedHELM: numpy seed 0 over the file's order)",
    ),
    Option(
        "judge-repeats",
        "K",
        _count(1),
        1,
        "How often each judge rates each answer, to see how far it agrees with itself (default: 1)",
    ),
    _switch(
        "shuffle-criteria",
        "Put the rubric's criteria to each judge in an order of its own, seeded by instance and judge",
    ),
    _switch("allow-self-judging", "Let a model that is evaluated be a judge too, which favours it"),
    Option(
        "rubric-calls",
        "each|together",
        _one_of("each", "together"),
        "each",
        "Ask a judge about each criterion with points by itself (each, default), or about all criteria of an answer in "
        "one request (together)",
    ),
    Option(
        "sub-tasks",
        "NAME,...",
        _comma_list,
        (),
        "Only these sub-tasks of benchmarks that have them, e.g. 2k,512k of long_record (default: all but those that "
        "run only when named)",
    ),
    Option(
        "shots",
        "K",
        _count(0),
        None,
        "Solved examples shown before each question, from the training or development split of benchmarks that have "
        "one (default: 0; mmlu_clinical_afr 5)",
    ),
    Option(
        "concurrency",
        "N",
        _count(1),
        None,
        "Requests in flight per endpoint (default: 32; Ollama 4; embedded 1)",
    ),
    Option(
        "prefetch",
        "N",
        _count(0),
        None,
        "Requests asked ahead of the running test (default: twice the concurrency; 0: none)",
    ),
    Option(
        "wait",
        "SECONDS",
        _seconds,
        300.0,
        "How long to wait for a server that went away or is loading its model (default: 300; 0: not at all)",
    ),
    Option(
        "max-cost",
        "AMOUNT",
        _amount,
        None,
        "Stop before this run has paid more than this; needs prices in medhelm.toml (docs/costs.md)",
    ),
    Option("currency", "CODE", _text, "USD", "Currency of prices and of --medhelm-max-cost (default: USD)"),
    Option(
        "baseline",
        "PATH",
        _path,
        None,
        "Suite or leaderboard.json of the model in use, for rules such as 'pubmed_qa >= baseline - 0.02'",
    ),
    Option("baseline-model", "NAME", _text, None, "Which model of the baseline (default: its only candidate)"),
    Option(
        "shard",
        "K/N",
        _shard,
        None,
        "Ask part K of N only, for N jobs whose suites are united with 'medhelm merge' (docs/scale.md)",
    ),
    Option("results", "DIR", _path, "medhelm-results", "Folder that holds the suites (default: medhelm-results)"),
    Option("suite", "NAME", _suite, "default", "Suite that the records are added to (default: default)"),
    Option(
        "ledger",
        "FILE",
        _path,
        None,
        "Where every evaluation is recorded (default: ledger.jsonl beside the suites; docs/promotion.md)",
    ),
    Option(
        "html",
        "pages|single|none",
        _one_of("pages", "single", "none"),
        "pages",
        "leaderboard.html and the pages of all instances (default: pages), one file with a sample of them for e-mail "
        "(single), or no page (none)",
    ),
    Option(
        "bertscore",
        "MODEL|DIR",
        _name_or_folder,
        None,
        "Model of BERTScore for free text: its name or a local folder (default: no BERTScore)",
    ),
    _switch("offline", "Reach only loopback addresses and the hosts named by --medhelm-allow-host"),
    _switch("no-cache", "Ask every request again, also where a stored response exists"),
    _switch("strict", "A wrong answer to a right-or-wrong metric fails its test"),
    _switch(
        "show-published",
        "Show the MedHELM paper's figures of nine models next to this suite's, apart from it (docs/published.md)",
    ),
    _switch("show-text", "Show clinical text (prompts, answers) in the terminal and in CI reports"),
)


def read_option(option: Option, given: Given, root: Path) -> Any:
    """The checked value; ``root`` is what relative paths are relative to. Raises ConfigError naming the source."""
    try:
        return option.read(given.value, root)
    except ValueError as problem:
        # A password in an address is not shown.
        shown = (
            given.value.rpartition("@")[2] if option.read is _address and isinstance(given.value, str) else given.value
        )
        raise ConfigError(f"{given.source}: {shown!r} {problem}") from None


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
    if settings.limit is None:
        return replace(settings, limit=EMBEDDED_LIMIT if settings.embedded else DEFAULT_LIMIT, limit_is_default=True)
    return replace(settings, limit=None) if values["limit"] == "all" else settings
