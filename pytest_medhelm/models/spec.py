"""What a model name means: provider, endpoint, and the settings that belong to the model.

vllm/llama3       a vLLM server (default http://localhost:8000/v1)
ollama/llama3     an Ollama server (default $OLLAMA_HOST or http://localhost:11434/v1)
openai/gpt-4o     the hosted API, or any OpenAI-compatible server named by --medhelm-base-url
local/NAME        an embedded model (llama.cpp)
baseline/NAME     random, majority or lexical: the floor that a clinical model must beat
agent/NAME        [agents.NAME] of the config file: an agent of one's own, for benchmarks of kind agentic
human/FILE.csv    answers that people gave (models/human.py)
ward/llama3       [endpoints.ward] of the config file
candidate         [models.candidate] of the config file
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_medhelm.models.endpoint import Endpoint, endpoint_of
from pytest_medhelm.models.metadata import ModelSettings
from pytest_medhelm.models.price import Price, read_price
from pytest_medhelm.tasks.prompts import Message
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.json_types import JsonObject
from pytest_medhelm.util.network import host_of, is_loopback
from pytest_medhelm.util.settings import Settings

if TYPE_CHECKING:
    from pytest_medhelm.tasks.benchmark import Benchmark

PROVIDERS = ("openai", "vllm", "ollama", "local", "baseline", "human", "agent")

# Small on purpose: an embedded model is there to try things out within minutes.
EMBEDDED_MAX_TOKENS = 160
# Ollama and vLLM generate without end when they are given no bound.
SERVER_MAX_TOKENS = 4096

Answer = Callable[[Sequence[Message], "Instance | None", "Benchmark | None"], "str | None"]
"""(messages, instance, benchmark) -> text, or None for no answer, which is missing data; the last two are None
outside a benchmark."""

CANDIDATE = "candidate"
"""The kind of a model that may be promoted: it is ranked, compared and gated. All other kinds are shown alongside."""


def gated_of(kinds: Mapping[str, str]) -> list[str]:
    """Those that gate rules are judged for, of models with their kinds: candidates; baselines where they are alone."""
    candidates = [name for name, kind in kinds.items() if kind == CANDIDATE]
    return candidates or [name for name, kind in kinds.items() if kind == "baseline"]


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked. ``name`` is as the user wrote it and identifies it in records."""

    name: str
    provider: str
    served: str
    """The id that the server knows it by."""
    endpoint: Endpoint | None = None
    body: JsonObject = field(default_factory=dict)
    """Sampling, token budget and extra_body: sent with every request."""
    system_prompt: str = ""
    structured: bool | Literal["auto"] = "auto"
    """Whether a judge is told the form of its reply as a JSON schema; "auto": where its server accepts one."""
    protocol: Literal["tools", "text", "auto"] = "auto"
    """How it calls tools as an agent: by the API's tool calls, or as JSON in its text; "auto": as its provider can."""
    answer: Answer | None = None
    """A model that is a plain function (baselines, human answers, models of third-party providers) instead of an
    endpoint."""
    price: Price | None = None
    """What its tokens cost; None: not known."""
    context: int | None = None
    """Tokens of its context, where its server lists them."""
    root: str = ""
    """The model behind the served id, where its server says it: one model may have several ids."""

    @property
    def kind(self) -> str:
        """``baseline``, ``human``, or ``candidate``: only candidates are ranked, compared and gated."""
        return self.provider if self.provider in ("baseline", "human") else CANDIDATE

    @property
    def is_outside(self) -> bool:
        """An agent of one's own, which works on the hospital by HTTP."""
        return self.provider == "agent"

    @property
    def calls_by_text(self) -> bool:
        """It writes its tool calls as JSON in its text."""
        return self.protocol == "text" or (self.protocol == "auto" and self.provider in ("baseline", "human", "local"))

    def settings(self) -> ModelSettings:
        """What belongs to the model and may change its answers."""
        given: ModelSettings = {"served": self.served, "body": dict(self.body), "system_prompt": self.system_prompt}
        if self.structured != "auto":
            given["structured"] = self.structured
        if self.protocol != "auto":
            given["protocol"] = self.protocol
        return given


def resolve_model(name: str, settings: Settings, shared_url: frozenset[str]) -> Model:
    """The model behind a name; no request is made.

    ``shared_url`` holds the providers that --medhelm-base-url stands for.
    Raises ConfigError when the name has no meaning.
    """
    section = settings.config.models.get(name, {})
    if name.startswith("human/"):
        return _human(name, settings.config)
    if "answers" in section:
        raise ConfigError(f'[models."{name}"] has answers: call it [models."human/{name.rpartition("/")[2]}"]')
    if "endpoint" in section:
        provider, served = section["endpoint"], section.get("model", "")
    else:
        provider, _, served = name.partition("/")
        served = section.get("model", served)
    if not served:
        raise ConfigError(_unknown(name, settings.config))
    if provider == "agent":
        return _agent(name, served, settings.config)
    if provider == "baseline":
        from pytest_medhelm.models.baselines import baseline

        return Model(name, provider, served, answer=baseline(served))
    endpoint = endpoint_of(provider, settings, shared_url)
    if endpoint is None:
        raise ConfigError(_unknown(name, settings.config))
    return Model(
        name,
        provider,
        served,
        endpoint=endpoint,
        price=read_price(section["price"], f'[models."{name}"]') if "price" in section else None,
        body=_body(section, provider, name),
        system_prompt=section.get("system_prompt", ""),
        structured=_structured(section),
        protocol=_protocol(section, name),
    )


def _agent(name: str, given: str, config: ConfigFile) -> Model:
    """An agent of one's own: a command or an address."""
    section = config.agents.get(given)
    if section is None:
        raise ConfigError(
            f'model {name!r}: write [agents.{given}] and below it command = ["python", "agent.py"] in medhelm.toml'
        )
    if ("command" in section) == ("url" in section) or not (section.get("command") or section.get("url")):
        raise ConfigError(f"[agents.{given}] needs a command, as a list of texts, or a url, and not both")
    body = {"timeout": 600.0, **{key: value for key, value in section.items() if key != "concurrency"}}
    return Model(name, "agent", given, body=body, answer=lambda messages, instance, benchmark: None)


def _human(name: str, config: ConfigFile) -> Model:
    """The answers of people, from the file that the name or its entry in the config file says."""
    from pytest_medhelm.models.human_answers import read_answers

    section = config.models.get(name, {})
    given = name.removeprefix("human/")
    if "answers" in section and config.path is not None:
        path = config.path.parent / Path(section["answers"]).expanduser()
    elif given.lower().endswith(".csv"):
        path = Path(given).expanduser()
        given = path.stem
    else:
        raise ConfigError(
            f"model {name!r} names no answers: type --medhelm-model=human/FILE.csv, or write "
            f'[models."{name}"] and below it answers = "FILE.csv" in medhelm.toml'
        )
    idle = sorted(section.keys() - {"answers"})
    if idle:
        raise ConfigError(f'[models."{name}"] {idle[0]} means nothing for human answers: delete it')
    answers = read_answers(path, name)
    return Model(f"human/{given}", "human", given, body={"answers": answers.sha256}, answer=answers)


def _body(section: JsonObject, provider: str, name: str) -> dict[str, Any]:
    body: dict[str, Any] = {"temperature": section.get("temperature", 0)}
    if body["temperature"] == "default":
        del body["temperature"]
    elif isinstance(body["temperature"], str):
        raise ConfigError(f'temperature = {body["temperature"]!r} is neither a number nor "default"')
    budget = {"local": EMBEDDED_MAX_TOKENS, "ollama": SERVER_MAX_TOKENS, "vllm": SERVER_MAX_TOKENS}.get(provider)
    if "max_completion_tokens" in section.get("extra_body", {}):
        budget = None
    if "max_tokens" in section or budget:
        body["max_tokens"] = section.get("max_tokens", budget)
    for key in ("top_p", "seed"):
        if key in section:
            body[key] = section[key]
    if section.get("logprobs", provider == "local"):
        body["logprobs"] = True
    body |= section.get("extra_body", {})
    for key, value in body.items():
        try:
            json.dumps(value, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError):  # a date, inf, half a character, 5,000 digits, lists in lists
            raise ConfigError(f'[models."{name}"] {key} cannot be sent as JSON: write a number or a text') from None
    return body


def _structured(section: JsonObject) -> bool | Literal["auto"]:
    given = section.get("structured", "auto")
    if given is True or given is False or given == "auto":
        return given  # type: ignore[no-any-return]
    raise ConfigError(f'structured = {given!r} is neither true nor false nor "auto"')


def _protocol(section: JsonObject, name: str) -> Literal["tools", "text", "auto"]:
    given = section.get("protocol", "auto")
    if given in ("tools", "text", "auto"):
        return given  # type: ignore[no-any-return]
    raise ConfigError(f'[models."{name}"] protocol = {given!r} is neither "tools" nor "text" nor "auto"')


def foreign_host(model: Model, settings: Settings) -> str | None:
    """The host that the model is asked at, unless it is this machine or an agreement covers it (--medhelm-allow-host).

    A private address is somebody's host too.
    """
    covered = {name.strip("[]").rstrip(".").lower() for name in settings.allow_hosts}
    hosts = map(host_of, model.endpoint.addresses if model.endpoint else ())
    return next((host for host in hosts if host and not is_loopback(host) and host not in covered), None)


def _unknown(name: str, config: ConfigFile) -> str:
    known = [f"{provider}/NAME" for provider in (*PROVIDERS, *config.endpoints)] + list(config.models)
    provider, _, served = name.partition("/")
    providers = [*PROVIDERS, *config.endpoints] if served else []
    others = {f"{each}/{served}": each for each in providers} | {each: each for each in config.models}
    near = get_close_matches(provider if served else name, others.values(), n=1, cutoff=0.6)
    meant = next((f" (did you mean {whole}?)" for whole, part in others.items() if part in near), "")
    return f"model {name!r} is unknown{meant}: type one of {', '.join(known)}"
