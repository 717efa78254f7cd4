"""The models and judges of a session, from names to endpoints that were seen to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, cast

import pytest

from pytest_medhelm.models.metadata import ModelKind, ModelMetadata
from pytest_medhelm.models.spec import Model, gated_of, resolve_model
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible
from pytest_medhelm.util.json_types import JsonObject
from pytest_medhelm.util.settings import Settings

if TYPE_CHECKING:
    from pytest_medhelm.models.probe import ServedModel

Resolved = Mapping[str, JsonObject]
"""Model name -> served id, address, context and root: what the controller found out, as plain values."""


@dataclass(frozen=True)
class Roster:
    """Who is evaluated and who judges."""

    models: tuple[Model, ...]
    judges: tuple[Model, ...]

    def __iter__(self) -> Iterator[Model]:
        yield from (*self.models, *self.judges)

    def gated(self) -> list[str]:
        """The names that gate rules are judged for."""
        return gated_of({model.name: model.kind for model in self.models})

    def resolved(self) -> Resolved:
        """What workers need to know."""
        return {
            model.name: {
                "served": model.served,
                "base_url": model.endpoint.base_url,
                "body": dict(model.body),
                "context": model.context,
                "root": model.root,
            }
            for model in self
            if model.endpoint
        }


ROSTER: pytest.StashKey[Roster] = pytest.StashKey()
"""On config: the models and judges of the session."""


def _served(names: Sequence[str]) -> frozenset[str]:
    """The providers among these that are a server at an address."""
    return frozenset(name.partition("/")[0] for name in names) & {"openai", "vllm", "ollama"}


def resolve_models(config: pytest.Config, settings: Settings) -> Roster:
    """Give the names of the session a meaning; no request is made. Raises ConfigError."""
    # The address is that of the models; where these need none, of the judges.
    shared = _served(settings.models) or _served(settings.judges)
    if settings.base_url and not shared:
        raise ConfigError("--medhelm-base-url needs a model at that address: add e.g. --medhelm-model=vllm/NAME")

    def model(name: str) -> Model:
        made = config.hook.pytest_medhelm_make_model(name=name, config=config)
        return made or resolve_model(name, settings, shared if settings.base_url else frozenset())

    roster = Roster(tuple(map(model, settings.models)), tuple(map(model, settings.judges)))
    _refuse_namesakes(roster)
    for judge in roster.judges:
        if judge.answer is not None:
            raise ConfigError(
                f"--medhelm-judge={judge.name}: a judge must be a language model, not a baseline or human answers"
            )
    if settings.gates and not roster.gated():
        raise ConfigError(
            "--medhelm-gate needs a model to judge, and human answers are not gated: name a model as well"
        )
    if settings.max_cost is not None:
        _require_prices(roster, settings)
    return roster


def _refuse_namesakes(roster: Roster) -> None:
    """Records are told apart by the model's name. Raises ConfigError."""
    names = [model.name for model in roster.models]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two of the models named are called {name}: rename a file of answers, or its entry")


def _require_prices(roster: Roster, settings: Settings) -> None:
    """A budget counts only what has a price; an embedded model costs no money. Raises ConfigError."""
    for model in roster:
        if model.endpoint is not None and model.price is None and model.provider != "local":
            raise ConfigError(
                f'--medhelm-max-cost needs the price of {model.name}: write [models."{model.name}"] and below it '
                f"price = {{ input = 0.15, output = 0.60 }} in medhelm.toml ({settings.currency} per million tokens; 0 "
                "for a server of your own)"
            )


def refuse_self_judging(roster: Roster, settings: Settings) -> None:
    """A model must not grade its own answers. Raises ConfigError."""
    if settings.allow_self_judging:
        return
    # One model may be served under two names.
    seen = {
        (address, served): model.name
        for model in roster.models
        if model.endpoint
        for address in model.endpoint.addresses
        for served in {model.served, model.root or model.served}
    }
    for judge in roster.judges:
        names = (judge.served, judge.root or judge.served)
        addresses = judge.endpoint.addresses if judge.endpoint else ()
        judged = next((seen[asked_as] for asked_as in product(addresses, names) if asked_as in seen), None)
        if judged:
            raise ConfigError(
                f"--medhelm-judge={judge.name} is also the model under test ({judged}): name another judge, or type "
                "--medhelm-allow-self-judging"
            )


def connect(
    roster: Roster,
    settings: Settings,
    stack: ExitStack,
    progress: Callable[[str], None],
    only: Callable[[Model], bool] = lambda model: True,
) -> Roster:
    """Start embedded models and look at each endpoint once (controller only); ``only``: of these models.

    Raises ModelError naming the address and what to check. What was started ends with ``stack``.
    """
    from pytest_medhelm.models.probe import listed_by_all, match_served

    listings: dict[tuple[str, tuple[str, ...]], list[ServedModel] | None] = {}
    embedded: dict[str, str] = {}

    def connected(model: Model) -> Model:
        endpoint = model.endpoint
        if endpoint is None or not only(model):
            return model
        if model.provider == "local":
            if model.served not in embedded:
                embedded[model.served] = _embedded(model, settings, stack, progress)
            return replace(model, endpoint=replace(endpoint, base_url=embedded[model.served]))
        address = (endpoint.name, endpoint.addresses)
        if address not in listings:
            listings[address] = listed_by_all(
                endpoint, wait=settings.wait, progress=progress, required=settings.batch is None
            )
        listed = listings[address]
        if listed is None:
            return model
        matching = match_served(model.served, listed)
        if model.served.lower() not in (matching.id.lower(), matching.id.lower().rpartition("/")[2].partition(":")[0]):
            progress(f"medhelm: {model.name} is asked as {visible(matching.id)}, all that is served there")
        return _within_context(
            replace(model, served=matching.id, root=matching.root, context=matching.context), settings
        )

    connected_roster = Roster(tuple(map(connected, roster.models)), tuple(map(connected, roster.judges)))
    refuse_self_judging(connected_roster, settings)
    return connected_roster


def _within_context(model: Model, settings: Settings) -> Model:
    """The model with a budget of tokens that its context has room for.

    Raises ConfigError where the user set a larger one: no prompt would fit.
    """
    for name in ("max_tokens", "max_completion_tokens"):
        asked = model.body.get(name)
        if not isinstance(asked, int) or model.context is None or asked <= model.context:
            continue
        section = settings.config.models.get(model.name, {})
        if name not in section and name not in section.get("extra_body", {}):
            return replace(model, body={**model.body, name: model.context})
        where = model.endpoint.shown_url if model.endpoint else ""
        raise ConfigError(
            f"{name} = {asked} of {model.name} is more than its context of {model.context} tokens at {where}: lower "
            f'{name} to at most {model.context} under [models."{model.name}"] in medhelm.toml'
        )
    return model


def apply(roster: Roster, resolved: Resolved) -> Roster:
    """The roster of a worker: names as given, endpoints as the controller found them."""

    def as_resolved(model: Model) -> Model:
        if model.endpoint is None or model.name not in resolved:
            return model
        resolution = resolved[model.name]
        endpoint = replace(model.endpoint, base_url=resolution["base_url"])
        known = {name: resolution[name] for name in ("served", "body", "context", "root")}
        return replace(model, endpoint=endpoint, **known)

    return Roster(tuple(map(as_resolved, roster.models)), tuple(map(as_resolved, roster.judges)))


def _embedded(model: Model, settings: Settings, stack: ExitStack, progress: Callable[[str], None]) -> str:
    from pytest_medhelm.models.embedded.server import EmbeddedServer
    from pytest_medhelm.models.embedded.weights import weights

    path = weights(model.served, offline=settings.offline, progress=progress)
    server = EmbeddedServer(path, model.served)
    stack.callback(server.stop)
    progress(f"Starting {model.name} ...")
    return server.start()


def describe(model: Model) -> ModelMetadata:
    """A model as the reports and the manifest show it."""
    return {**model.settings(), "name": model.name, "kind": cast(ModelKind, model.kind)}
