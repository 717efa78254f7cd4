"""Where requests go: addresses, keys and limits, from providers, environment and config file."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.json_types import JsonObject
from pytest_medhelm.util.network import complete_address, host_of, is_loopback, shown_address
from pytest_medhelm.util.settings import Concurrency, Settings

SERVERS = ("vllm", "ollama", "openai")
"""Providers that are a server at an address."""
LONGEST_TIMEOUT = 86_400.0
MOST_SLOTS = 10_000
MOST_RETRIES = 100


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go, and how hard they may be pressed."""

    name: str
    base_url: str
    """Ends in the API version, without a trailing slash; a query (?api-version=...) goes with every request."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    concurrency: Concurrency = "auto"
    """Requests in flight, over all its addresses."""
    timeout: float = 300.0
    """Seconds for one attempt."""
    retries: int = 5
    """Attempts after the first."""
    key_source: str = "the key of the endpoint"
    """Where its key comes from, e.g. "$VLLM_API_KEY"; for sentences."""
    replicas: tuple[str, ...] = ()
    """Further addresses that serve the same models with the same key."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of its addresses."""
        return (self.base_url, *self.replicas)

    def url(self, operation: str) -> str:
        """The address of an operation, e.g. "chat/completions"."""
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(path=f"{parts.path}/{operation}"))

    @property
    def shown_url(self) -> str:
        """The addresses as they may be shown."""
        return ", ".join(map(shown_address, self.addresses))


def endpoint_of(provider: str, settings: Settings, shared_url: frozenset[str]) -> Endpoint | None:
    """The endpoint of a provider, or None when there is no such provider; see ``resolve_model``.

    Raises ConfigError.
    """
    if provider in settings.config.endpoints:
        endpoint = _configured(provider, settings.config, settings.concurrency)
    elif provider == "local":
        # The address is filled in when the controller has started the embedded server.
        # A prompt of thousands of tokens takes minutes on a CPU; to ask it again would take them again.
        endpoint = Endpoint(provider, "", concurrency=1, timeout=1800.0, retries=1)
    elif provider in SERVERS:
        # Ollama answers four at once and lets all others wait.
        slots = settings.concurrency or (4 if provider == "ollama" else "auto")
        given = settings.base_url if provider in shared_url else None
        endpoint = _hosted_openai(slots) if provider == "openai" and given is None else _server(provider, given, slots)
    else:
        return None
    _refuse_remote(endpoint, settings)
    return endpoint


def base_urls(given: str | Sequence[Any], option: str) -> tuple[str, ...]:
    """Check the addresses of an endpoint, divided by commas or a list. Raises ConfigError naming the option."""
    urls = given.split(",") if isinstance(given, str) else given
    if not urls or not all(isinstance(url, str) for url in urls):
        raise ConfigError(f"{option} is neither an address nor a list of addresses, each in quotes")
    addresses = tuple(base_url(url, option) for url in urls)
    twice = next((url for url in addresses if addresses.count(url) > 1), None)
    if twice is not None:
        raise ConfigError(f"{option} names {shown_address(twice)} twice")
    return addresses


def base_url(url: str, option: str) -> str:
    """Check an address and complete it with /v1. Raises ConfigError naming the option it came from."""
    try:
        return complete_address(url)
    except ValueError as problem:
        raise ConfigError(f"{option}: {url.rpartition('@')[2]!r} {problem}") from None


def ollama_url(host: str) -> str:
    """The address that Ollama's own client takes $OLLAMA_HOST for.

    Without a scheme the port is 11434 by default, with one its usual port; an address to listen at (0.0.0.0) is asked
    at this machine.
    """
    scheme, separator, rest = host.strip().rpartition("://")
    default = {"": "11434", "http": "80", "https": "443"}.get(scheme, "11434")
    address, slash, path = rest.partition("/")
    bracketed = re.fullmatch(r"(\[[^\]]*\])(?::(\d*))?", address)
    name, port = bracketed.groups() if bracketed else (address.partition(":")[0], address.partition(":")[2])
    if name in ("", "0.0.0.0", "[::]"):
        name = "127.0.0.1"
    return f"{scheme if separator else 'http'}://{name}:{port or default}{slash}{path}"


def clean_key(value: str, source: str) -> str:
    """A key as it can be sent: blanks around it are dropped. Raises ConfigError for any inside it."""
    key = value.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"the key in {source} holds a line break, a space or another character that no key has")
    return key


def _configured(name: str, config: ConfigFile, slots: Concurrency | None) -> Endpoint:
    table = config.endpoints[name]
    variable = table.get("api_key_env")
    headers = _auth(_key(variable, name)) if variable else {}
    for header, value in table.get("headers", {}).items():
        if not isinstance(value, str) or not value.isprintable() or not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", header):
            raise ConfigError(f"[endpoints.{name}] headers: {header!r} is no header with a text of one line")
        headers[header] = value
    first, *others = base_urls(table["base_url"], f"[endpoints.{name}] base_url")
    return Endpoint(
        name,
        first,
        headers,
        slots or _slots(table, name),
        _number(table, name, "timeout", 300.0, 0.001, LONGEST_TIMEOUT),
        int(_number(table, name, "retries", 5, 0, MOST_RETRIES)),
        f"${variable}" if variable else f"api_key_env under [endpoints.{name}]",
        tuple(others),
    )


def _slots(table: JsonObject, name: str) -> Concurrency:
    given = table.get("concurrency", "auto")
    if given == "auto":
        return "auto"
    if isinstance(given, str):
        raise ConfigError(f'[endpoints.{name}] concurrency = {given!r} is neither a number nor "auto"')
    return int(_number(table, name, "concurrency", 1, 1, MOST_SLOTS))


def _number(table: JsonObject, name: str, key: str, default: float, least: float, most: float) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"[endpoints.{name}] {key} = {value!r} is no number")
    if not least <= value <= most:
        raise ConfigError(f"[endpoints.{name}] {key} = {value!r} is not between {least:g} and {most:g}")
    return float(value)


def _server(provider: str, given: str | None, slots: Concurrency) -> Endpoint:
    option, variable = "--medhelm-base-url", f"{provider.upper()}_API_KEY"
    if given is None and provider == "ollama":
        option, given = "$OLLAMA_HOST", ollama_url(os.environ.get("OLLAMA_HOST", ""))
    first, *others = base_urls(given or "http://localhost:8000/v1", option)
    key = clean_key(os.environ.get(variable, ""), f"${variable}")
    return Endpoint(provider, first, _auth(key), slots, key_source=f"${variable}", replicas=tuple(others))


def _hosted_openai(slots: Concurrency) -> Endpoint:
    """The hosted API's settings as the openai package reads them: address, key, organisation, project.

    The package is imported here only: it costs more start-up time than a thousand requests on a lean transport.
    """
    import openai

    if "OPENAI_API_KEY" in os.environ:
        clean_key(os.environ["OPENAI_API_KEY"], "$OPENAI_API_KEY")
    try:
        client = openai.OpenAI()
    except openai.OpenAIError:
        raise ConfigError(
            "openai/...: set OPENAI_API_KEY, or name your own server with --medhelm-base-url=http://host:8000/v1"
        ) from None
    chosen = {
        **client.auth_headers,
        "OpenAI-Organization": client.organization,
        "OpenAI-Project": client.project,
    }
    headers = {name: value.strip() for name, value in chosen.items() if value}
    return Endpoint("openai", str(client.base_url).rstrip("/"), headers, slots, key_source="$OPENAI_API_KEY")


def _key(variable: str, endpoint: str) -> str:
    try:
        return clean_key(os.environ[variable], f"${variable}")
    except KeyError:
        raise ConfigError(
            f"[endpoints.{endpoint}] takes its key from ${variable}, which is not set: export {variable}=..."
        ) from None


def _auth(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _refuse_remote(endpoint: Endpoint, settings: Settings) -> None:
    for address in endpoint.addresses:
        host = host_of(address)
        if settings.offline and host and not is_loopback(host) and host not in settings.allow_hosts:
            raise ConfigError(
                f"--medhelm-offline refuses {shown_address(address)}: type --medhelm-allow-host={host} if it may be "
                "reached"
            )
