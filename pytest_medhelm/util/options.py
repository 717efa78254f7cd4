"""The options of a run, each declared once.

The command line (``--medhelm-NAME``), the ini file (``medhelm_KEY``), ``[run]`` of medhelm.toml (``KEY``), Settings
and docs/options.md follow from this table. Command line over ini file over medhelm.toml; a list replaces the whole list
of the weaker place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.option import Given, Option, read_option
from pytest_medhelm.util.option_values import (
    count,
    one_of,
    read_address,
    read_amount,
    read_comma_list,
    read_concurrency,
    read_data_limit,
    read_file,
    read_flag,
    read_folder,
    read_limit,
    read_name_or_folder,
    read_names,
    read_noise_floor,
    read_path,
    read_rules,
    read_seconds,
    read_server,
    read_shard,
    read_suite,
    read_text,
    read_texts,
)
from pytest_medhelm.util.settings import DEFAULT_LIMIT, EMBEDDED_LIMIT, Settings


def _switch(name: str, text: str) -> Option:
    return Option(name, "", read_flag, False, text, shape="flag")


CONFIG = Option(
    "config",
    "FILE",
    read_file,
    None,
    "Endpoints, keys by environment variable, sampling (default: medhelm.toml if it exists)",
)
"""The one option that medhelm.toml itself cannot hold."""

OPTIONS = (
    Option(
        "model",
        "PROVIDER/NAME",
        read_names,
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
        read_names,
        (),
        "Judge of the jury that rates free text; repeatable (default: none)",
        "list",
        "judges",
    ),
    Option(
        "gate",
        "RULE|FILE",
        read_rules,
        (),
        "Rule that decides the exit status, e.g. 'pubmed_qa.exact_match >= 0.70', or a gate file; repeatable",
        "list",
        "gates",
    ),
    Option(
        "allow-host",
        "HOST",
        read_texts,
        (),
        "Host that --medhelm-offline may reach, and that data agreements cover; repeatable",
        "list",
        "allow_hosts",
    ),
    Option(
        "allow-program",
        "NAME",
        read_texts,
        (),
        "Program that may be started under --medhelm-offline, which cannot see what it reaches; repeatable",
        "list",
        "allow_programs",
    ),
    Option(
        "base-url",
        "URL[,URL...]",
        read_address,
        None,
        "Address of the OpenAI-compatible server, e.g. http://localhost:8000/v1; several that serve the same models, "
        "divided by commas, share the requests",
    ),
    Option(
        "fhir",
        "URL",
        read_server,
        None,
        "FHIR server of your own whose record takes the place of the hospital where a benchmark allows it; only GET is "
        "sent to it (docs/agents.md), e.g. http://localhost:8080/fhir",
    ),
    Option(
        "data",
        "DIR",
        read_folder,
        None,
        "Folder with upstream data files, as DIR/<benchmark>/<file>; else the sample data is used",
    ),
    Option(
        "data-limit",
        "SIZE",
        read_data_limit,
        None,
        "What a compressed data file may unpack to, e.g. 8GB, or none (default: 1GB, and 200 times its size)",
    ),
    Option(
        "limit",
        "N|all",
        read_limit,
        None,
        f"Instances per benchmark, a seeded sample (default: {DEFAULT_LIMIT}, or {EMBEDDED_LIMIT} when an embedded "
        "model takes part)",
    ),
    Option(
        "sampler",
        "hash|helm",
        one_of("hash", "helm"),
        "hash",
        "How the limit draws: hash (default; a smaller limit is a subset, file order does not matter) or helm (as "
        "MedHELM: numpy seed 0 over the file's order)",
    ),
    Option(
        "prompt-form",
        "line|helm",
        one_of("line", "helm"),
        "line",
        "How closed questions ask: for one last line 'Answer: X' in the benchmark's language (line, default), or for a "
        "letter and nothing else, as MedHELM does (helm)",
    ),
    Option(
        "answer-form",
        "any|strict",
        one_of("any", "strict"),
        "any",
        "With strict, a second value (exact_match_strict) counts only closed answers in the form that the prompt asks "
        "for (default: any)",
    ),
    Option(
        "repeats",
        "K",
        count(1),
        1,
        "How often each request is asked, to see how steady the answers are (default: 1; docs/robustness.md)",
    ),
    Option(
        "perturb",
        "NAME,...",
        read_comma_list,
        (),
        "Ask instances in other words too: perturbations, or the sets robustness, clinical, invariance, helm "
        "(docs/robustness.md)",
    ),
    Option(
        "perturb-limit",
        "N",
        count(1),
        None,
        "Instances per benchmark that --medhelm-perturb changes, a seeded sample (default: all)",
    ),
    Option(
        "noise-floor",
        "N|off",
        read_noise_floor,
        None,
        "How often an instance that was changed is asked again unchanged, to see what chance alone does (default: as "
        "often as it was changed)",
    ),
    Option(
        "confidence",
        "logprobs|stated|none",
        one_of("logprobs", "stated", "none"),
        "none",
        "How sure the model is of the option that it chooses: from the probabilities of its tokens (logprobs), as it "
        "says itself in one more line of its answer (stated), or not asked (none, default; docs/calibration.md)",
    ),
    Option(
        "judge-repeats",
        "K",
        count(1),
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
        one_of("each", "together"),
        "each",
        "Ask a judge about each criterion with points by itself (each, default), or about all criteria of an answer in "
        "one request (together)",
    ),
    Option(
        "sub-tasks",
        "NAME,...",
        read_comma_list,
        (),
        "Only these sub-tasks of benchmarks that have them, e.g. 2k,512k of long_record (default: all but those that "
        "run only when named)",
    ),
    Option(
        "shots",
        "K",
        count(0),
        None,
        "Solved examples shown before each question, from the training or development split of benchmarks that have "
        "one (default: 0; mmlu_clinical_afr 5)",
    ),
    Option(
        "concurrency",
        "N|auto",
        read_concurrency,
        None,
        "Requests in flight per endpoint; auto starts at 16 and finds out how many it takes best, up to 512 (default: "
        "auto; Ollama 4; embedded 1)",
    ),
    Option(
        "prefetch",
        "N",
        count(0),
        None,
        "Requests asked ahead of the running test (default: twice the concurrency; 0: none)",
    ),
    Option(
        "wait",
        "SECONDS",
        read_seconds,
        300.0,
        "How long to wait for a server that went away or is loading its model (default: 300; 0: not at all)",
    ),
    Option(
        "max-cost",
        "AMOUNT",
        read_amount,
        None,
        "Stop before this run has paid more than this; needs prices in medhelm.toml (docs/costs.md)",
    ),
    Option("currency", "CODE", read_text, "USD", "Currency of prices and of --medhelm-max-cost (default: USD)"),
    Option(
        "baseline",
        "PATH",
        read_path,
        None,
        "Suite or leaderboard.json of the model in use, for rules such as 'pubmed_qa >= baseline - 0.02'",
    ),
    Option("baseline-model", "NAME", read_text, None, "Which model of the baseline (default: its only candidate)"),
    Option(
        "batch",
        "FILE",
        read_path,
        None,
        "Ask nobody: write each request that has no stored answer to this file (.jsonl), as OpenAI's Batch API and "
        "'vllm run-batch' take it; 'medhelm batch collect' stores the answers (docs/batch.md)",
    ),
    Option(
        "shard",
        "K/N",
        read_shard,
        None,
        "Ask part K of N only, for N jobs whose suites are united with 'medhelm merge' (docs/scale.md)",
    ),
    Option("results", "DIR", read_path, "medhelm-results", "Folder that holds the suites (default: medhelm-results)"),
    Option("suite", "NAME", read_suite, "default", "Suite that the records are added to (default: default)"),
    Option(
        "ledger",
        "FILE",
        read_path,
        None,
        "Where every evaluation is recorded (default: ledger.jsonl next to the suites; docs/promotion.md)",
    ),
    Option(
        "html",
        "pages|single|none",
        one_of("pages", "single", "none"),
        "pages",
        "leaderboard.html and the pages of all instances (default: pages), one file with a sample of them for e-mail "
        "(single), or no page (none)",
    ),
    Option(
        "bertscore",
        "MODEL|DIR",
        read_name_or_folder,
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
