"""medhelm.toml: endpoints, models, accepted data files, and defaults of a run.

[run]                          # defaults of the options; lists are replaced by the command line
models = ["ward/llama3"]
gates = ["pubmed_qa.exact_match >= 0.70"]

[endpoints.ward]               # makes --medhelm-model=ward/NAME possible
base_url = "http://gpu1:8000/v1"  # or a list of addresses that serve the same models
api_key_env = "WARD_KEY"       # the name of the environment variable, never the key itself
concurrency = 64               # or "auto"
timeout = 120                  # seconds for one attempt
retries = 5

[models."ward/llama3"]         # what belongs to one model
max_tokens = 4000
temperature = 0                # "default": let the server decide
system_prompt = "..."
logprobs = true
protocol = "auto"              # as an agent: "tools" (the API's tool calls), "text" (JSON in a fence), or "auto"
structured = "auto"            # as a judge: is it told the form of its reply as a JSON schema? true, false, or "auto"
extra_body = { chat_template_kwargs = { enable_thinking = true } }
price = { input = 0.15, output = 0.60, cached_input = 0.08, reasoning = 0.60 }  # per million tokens; last two optional

[models.candidate]             # a name of its own: --medhelm-model=candidate
endpoint = "ward"
model = "org/model-70b"

[models."human/ward"]          # answers of people: --medhelm-model=human/ward
answers = "answers/ward.csv"   # columns benchmark, instance, answer; relative to this file

[agents.ward]                  # an agent of your own: --medhelm-model=agent/ward (docs/agents.md)
command = ["python", "agent.py"]  # or url = "http://localhost:9000/task"
timeout = 600                  # seconds for one task
concurrency = 4

[data.pubmed_qa]
accept = ["ori_pqal.json"]     # take this file although its checksum is not the pinned one

[rubrics]                      # by what the jury rates: a benchmark, or a rubric wherever it is used, gets another one
dischargeme = "discharge"      # a packaged rubric by its name
accuracy_completeness_clarity = "rubrics/ours.yaml"  # a file, relative to this one
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.json_types import JsonObject

_ENDPOINT = {
    "base_url": (str, list),
    "api_key_env": str,
    "concurrency": (int, str),
    "timeout": (int, float),
    "retries": int,
    "headers": dict,
}
_MODEL = {
    "endpoint": str,
    "model": str,
    "max_tokens": int,
    "temperature": (int, float, str),
    "top_p": (int, float),
    "seed": int,
    "system_prompt": str,
    "logprobs": bool,
    "structured": (bool, str),
    "protocol": (str,),
    "extra_body": dict,
    "price": dict,
    "answers": str,
}
_KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}
_LEAST = {"concurrency": 1, "timeout": 0.001, "retries": 0, "max_tokens": 1}
_DATA = {"accept": list}
_AGENT = {"command": list, "url": str, "timeout": (int, float), "concurrency": int}
_TABLES = ("run", "endpoints", "models", "data", "rubrics", "agents")
"""In the order of ConfigFile's fields."""


@dataclass(frozen=True)
class ConfigFile:
    """The checked content of medhelm.toml; empty when there is none."""

    path: Path | None = None
    run: JsonObject = field(default_factory=dict)
    endpoints: Mapping[str, JsonObject] = field(default_factory=dict)
    models: Mapping[str, JsonObject] = field(default_factory=dict)
    data: Mapping[str, JsonObject] = field(default_factory=dict)
    rubrics: Mapping[str, str] = field(default_factory=dict)
    """Benchmark or rubric -> the rubric in its place: a packaged name, or a path relative to this file."""
    agents: Mapping[str, JsonObject] = field(default_factory=dict)


def read_config(path: Path | None) -> ConfigFile:
    """Read and check the file; [run] is checked where options are (util/options.py).

    Raises ConfigError naming the file, the table and the key.
    """
    if path is None:
        return ConfigFile()
    from pytest_medhelm.util.toml_text import parse_toml

    try:
        content = parse_toml(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path.name} cannot be read as TOML: {error}") from None
    _check_keys(path, "the top level", content, dict.fromkeys(_TABLES, dict))
    for table, allowed in (("endpoints", _ENDPOINT), ("models", _MODEL), ("data", _DATA), ("agents", _AGENT)):
        for name, section in content.get(table, {}).items():
            if not isinstance(section, dict):
                raise ConfigError(f"{path.name}: {table}.{name} must be a table: write [{table}.{name}]")
            _check_keys(path, f"[{table}.{name}]", section, allowed)
    for name, section in content.get("endpoints", {}).items():
        if "base_url" not in section:
            raise ConfigError(f"{path.name}: [endpoints.{name}] needs base_url, e.g. http://localhost:8000/v1")
    for name, value in content.get("rubrics", {}).items():
        if not isinstance(value, str) or not value:
            raise ConfigError(f'{path.name}: [rubrics] {name} is a text: a rubric\'s name or file, e.g. "discharge"')
    return ConfigFile(path, *(content.get(table, {}) for table in _TABLES))


def _check_keys(path: Path, where: str, table: JsonObject, allowed: JsonObject) -> None:
    for key, value in table.items():
        if key not in allowed:
            raise ConfigError(f"{path.name}: {where} has no key {key!r}; known are: {', '.join(allowed)}")
        kinds = allowed[key] if isinstance(allowed[key], tuple) else (allowed[key],)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            words = " or ".join(_KINDS[kind] for kind in kinds)
            raise ConfigError(f"{path.name}: {where} {key} = {value!r} is of the wrong type: it must be {words}")
        if key in _LEAST and not value >= _LEAST[key]:
            raise ConfigError(f"{path.name}: {where} {key} = {value!r} must be at least {_LEAST[key]}")
        if allowed[key] is list and not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{path.name}: {where} {key} must be a list of texts")
