"""Command line, ini file and medhelm.toml become one frozen Settings.

Called once per process at configure. Command line over ini over file; a repeated option replaces the file's list.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from pytest_medhelm.util.config_file import read_config
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.settings import DEFAULT_LIMIT, EMBEDDED_LIMIT, Pages, Settings

if TYPE_CHECKING:
    from pytest_medhelm.util.settings import RubricCalls, Sampler, Shard


# name, metavar, help. Each has an ini twin medhelm_<name> and a key <name> in [run] of the config file.
SCALARS = (
    ("base-url", "URL", "Address of the OpenAI-compatible server, e.g. http://localhost:8000/v1"),
    (
        "data",
        "DIR",
        "Folder with upstream data files, as DIR/<benchmark>/<file>; else the sample data is used",
    ),
    (
        "limit",
        "N|all",
        f"Instances per benchmark, a seeded sample (default: {DEFAULT_LIMIT}, or {EMBEDDED_LIMIT} when an embedded "
        "model takes part)",
    ),
    (
        "sampler",
        "hash|helm",
        "How the limit draws: hash (default; a smaller limit is a subset, file order does not matter) or helm (as "
        "MedHELM: numpy seed 0 over the file's order)",
    ),
    ("judge-repeats", "K", "How often each judge rates each answer, to see how far it agrees with itself (default: 1)"),
    (
        "rubric-calls",
        "each|together",
        "Ask a judge about each criterion with points by itself (each, default), or about all criteria of an answer in "
        "one request (together)",
    ),
    (
        "sub-tasks",
        "NAME,...",
        "Only these sub-tasks of benchmarks that have them, e.g. 2k,512k of long_record (default: all but those that "
        "run only when named)",
    ),
    (
        "shots",
        "K",
        "Solved examples shown before each question, from the training or development split of benchmarks "
        "that have one (default: 0; mmlu_clinical_afr 5)",
    ),
    ("concurrency", "N", "Requests in flight per endpoint (default: 32; Ollama 4; embedded 1)"),
    ("prefetch", "N", "Requests asked ahead of the running test (default: twice the concurrency; 0: none)"),
    (
        "max-cost",
        "AMOUNT",
        "Stop before this run has paid more than this; needs prices in medhelm.toml (docs/costs.md)",
    ),
    (
        "baseline",
        "PATH",
        "Suite or leaderboard.json of the model in use, for rules such as 'pubmed_qa >= baseline - 0.02'",
    ),
    ("baseline-model", "NAME", "Which model of the baseline (default: its only candidate)"),
    ("shard", "K/N", "Ask part K of N only, for N jobs whose suites are united with 'medhelm merge' (docs/scale.md)"),
    ("results", "DIR", "Folder that holds the suites (default: medhelm-results)"),
    (
        "ledger",
        "FILE",
        "Where every evaluation is recorded (default: ledger.jsonl beside the suites; docs/promotion.md)",
    ),
    ("suite", "NAME", "Suite that the records are added to (default: default)"),
    (
        "html",
        "pages|single|none",
        "leaderboard.html and the pages of all instances (default: pages), one file with a sample of them for e-mail "
        "(single), or no page (none)",
    ),
    ("bertscore", "MODEL|DIR", "Model of BERTScore for free text: its name or a local folder (default: no BERTScore)"),
)

LISTS = (
    (
        "model",
        "PROVIDER/NAME",
        "Model to evaluate; repeatable. Providers: openai, vllm, ollama, local (embedded, e.g. local/smollm2-135m), "
        "baseline (random, majority, lexical), human (answers of people: human/FILE.csv), or a name defined in the "
        "config file",
    ),
    ("judge", "PROVIDER/NAME", "Judge of the jury that rates free text; repeatable, no default"),
    (
        "gate",
        "RULE|FILE",
        "Rule that decides the exit status, e.g. 'pubmed_qa.exact_match >= 0.70', or a gate file; repeatable",
    ),
    ("allow-host", "HOST", "Host that --medhelm-offline may reach, and that data agreements cover; repeatable"),
)

FLAGS = (
    ("judge-shuffle", "Put the rubric's criteria to each judge in an order of its own, seeded by instance and judge"),
    ("offline", "Reach only loopback addresses and the hosts named by --medhelm-allow-host"),
    ("no-cache", "Ask every request again, also where a stored response exists"),
    ("strict", "A wrong answer to a right-or-wrong metric fails its test"),
    (
        "published",
        "Show the MedHELM paper's figures of nine models beside this suite's, apart from it (docs/published.md)",
    ),
    ("show-text", "Show clinical text (prompts, answers) in the terminal and in CI reports"),
)


def add_options(parser: pytest.Parser) -> None:
    """Declare all --medhelm-* options and their ini twins."""
    group = parser.getgroup("medhelm", "clinical language-model benchmarks (medhelm)")
    for name, metavar, text in LISTS:
        group.addoption(f"--medhelm-{name}", action="append", metavar=metavar, help=text)
    for name, metavar, text in SCALARS:
        group.addoption(f"--medhelm-{name}", metavar=metavar, help=text)
    for name, text in FLAGS:
        group.addoption(f"--medhelm-{name}", action="store_true", default=None, help=text)
    group.addoption(
        "--medhelm-config",
        metavar="FILE",
        help="Endpoints, keys by environment variable, sampling (default: medhelm.toml if it exists)",
    )
    group.addoption("--medhelm-from-store", metavar="FILE", help=argparse.SUPPRESS)
    for name in [name for name, *_ in SCALARS] + [name for name, _ in FLAGS] + ["config"]:
        parser.addini(_ini(name), f"Default of --medhelm-{name}", type="string", default=None)


def read_settings(config: pytest.Config) -> Settings:
    """Collect and check the options of this session.

    Raises ConfigError with a sentence that says what to type instead.
    """
    root = config.invocation_params.dir
    file = read_config(_config_path(config, root))
    if file.models:
        from pytest_medhelm.models.price import check_prices

        check_prices(file)
    run = file.run

    def scalar(name: str) -> Any:
        value = config.getoption(_dest(name))
        if value is None:
            value = config.getini(_ini(name))
        return run.get(name.replace("-", "_")) if value is None else value

    def listed(name: str, key: str) -> tuple[str, ...]:
        value = config.getoption(_dest(name))
        return tuple(run.get(key, ()) if value is None else value)

    models = listed("model", "models")
    _names(models, "model")
    judges = listed("judge", "judges")
    _names(judges, "judge")
    limit = scalar("limit")
    data = scalar("data")
    settings = Settings(
        models=models,
        judges=judges,
        gates=_gates(root, listed("gate", "gates")),
        base_url=scalar("base-url"),
        data=None if data is None else _folder(root, data),
        limit=_limit(limit, models),
        limit_is_default=limit is None,
        shots=_count("shots", scalar("shots"), least=0),
        judge_repeats=_count("judge-repeats", scalar("judge-repeats"), least=1) or 1,
        judge_shuffle=_flag("judge-shuffle", scalar("judge-shuffle")),
        rubric_calls=_rubric_calls(scalar("rubric-calls") or "each"),
        sub_tasks=tuple(filter(None, map(str.strip, str(scalar("sub-tasks") or "").split(",")))),
        sampler=_sampler(scalar("sampler") or "hash"),
        concurrency=_count("concurrency", scalar("concurrency"), least=1),
        prefetch=_count("prefetch", scalar("prefetch"), least=0),
        results=root / (scalar("results") or "medhelm-results"),
        suite=_suite_name(scalar("suite") or "default"),
        offline=_flag("offline", scalar("offline")),
        allow_hosts=listed("allow-host", "allow_hosts"),
        cache=not _flag("no-cache", scalar("no-cache")),
        strict=_flag("strict", scalar("strict")),
        show_text=_flag("show-text", scalar("show-text")),
        published=_flag("published", scalar("published")),
        config=file,
        max_cost=_amount(scalar("max-cost")),
        currency=run.get("currency", "USD"),
        baseline=root / Path(scalar("baseline")).expanduser() if scalar("baseline") else None,
        baseline_model=scalar("baseline-model"),
        shard=_shard(scalar("shard")),
        ledger_file=root / Path(scalar("ledger")).expanduser() if scalar("ledger") else None,
        html=_pages(scalar("html") or "pages"),
        bertscore=_name_or_folder(root, scalar("bertscore")),
    )
    if plan := config.getoption("medhelm_from_store"):
        from pytest_medhelm.plugin.rescoring import restricted

        return restricted(settings, root / plan)
    return settings


def _dest(name: str) -> str:
    return "medhelm_" + name.replace("-", "_")


def _ini(name: str) -> str:
    return "medhelm_" + name.replace("-", "_")


def _config_path(config: pytest.Config, root: Path) -> Path | None:
    named = config.getoption("medhelm_config") or config.getini("medhelm_config")
    if named:
        path: Path = root / named
        if not path.is_file():
            raise ConfigError(f"--medhelm-config: there is no file {named!r}; name an existing TOML file")
        return path
    for folder in (root, config.rootpath):
        if (folder / "medhelm.toml").is_file():
            return folder / "medhelm.toml"
    return None


def _limit(value: Any, models: tuple[str, ...]) -> int | None:
    if value is None:
        embedded = any(name.startswith("local/") for name in models)
        return EMBEDDED_LIMIT if embedded else DEFAULT_LIMIT
    if value == "all":
        return None
    try:
        return _count("limit", value, least=1)
    except ConfigError:
        raise ConfigError(
            f"--medhelm-limit: {value!r} is neither a positive number nor 'all'; type e.g. --medhelm-limit=100"
        ) from None


def _sampler(value: Any) -> Sampler:
    if value == "hash" or value == "helm":
        return value  # type: ignore[no-any-return]
    raise ConfigError(f"--medhelm-sampler: {value!r} is neither 'hash' nor 'helm'")


def _rubric_calls(value: Any) -> RubricCalls:
    if value == "each" or value == "together":
        return value  # type: ignore[no-any-return]
    raise ConfigError(f"--medhelm-rubric-calls: {value!r} is neither 'each' nor 'together'")


def _pages(value: Any) -> Pages:
    for known in get_args(Pages):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise ConfigError(f"--medhelm-html: {value!r} is neither 'pages' nor 'single' nor 'none'")


def _count(name: str, value: Any, *, least: int) -> int | None:
    if value is None:
        return None
    try:
        number = int(str(value))
    except ValueError:
        number = least - 1
    if number < least:
        raise ConfigError(f"--medhelm-{name}: {value!r} is not a whole number of at least {least}")
    return number


def _amount(value: Any) -> float | None:
    if value is None:
        return None
    try:
        amount = float(value)
    except ValueError:
        amount = 0.0
    if not 0 < amount < math.inf:
        raise ConfigError(f"--medhelm-max-cost: {value!r} is not an amount above 0; type e.g. --medhelm-max-cost=5")
    return amount


def _flag(name: str, value: Any) -> bool:
    text = str(value).lower()
    if value is None or text in ("false", "no", "0", "off"):
        return False
    if text in ("true", "yes", "1", "on"):
        return True
    raise ConfigError(f"medhelm_{name.replace('-', '_')}: {value!r} is neither true nor false")


def _folder(root: Path, value: str) -> Path:
    folder: Path = (root / value).expanduser()
    if not folder.is_dir():
        raise ConfigError(f"--medhelm-data: there is no folder {value!r}; name the one that holds <benchmark>/<file>")
    return folder


def _name_or_folder(root: Path, value: Any) -> str | None:
    """A local folder as its whole path; anything else is the name of a model."""
    if not value:
        return None
    folder = root / Path(value).expanduser()
    return str(folder) if folder.is_dir() else str(value)


# What few sessions need is imported when it is named: other projects must not feel that the plugin is installed.


def _gates(root: Path, given: tuple[str, ...]) -> tuple[str, ...]:
    """Rules as they stand, gate files by their whole path."""
    if not given:
        return ()
    from pytest_medhelm.gates.gate_file import is_gate_file

    return tuple(str(root / text) if is_gate_file(text) else text for text in given)


def _shard(value: Any) -> Shard | None:
    if not value:
        return None
    from pytest_medhelm.util.settings import read_shard

    return read_shard(str(value))


def _suite_name(value: str) -> str:
    if not value or value in (".", "..") or any(sign in value for sign in "/\\\0"):
        raise ConfigError(f"--medhelm-suite: {value!r} is not a plain folder name; type e.g. --medhelm-suite=2026-11")
    return value


def _names(names: tuple[str, ...], what: str) -> None:
    for name in names:
        if not name.isprintable():
            raise ConfigError(f"--medhelm-{what}={name!r}: a name has no control characters and no direction marks")
        if names.count(name) > 1:
            raise ConfigError(f"--medhelm-{what}={name} is given twice; name each {what} once")
