"""One look at each endpoint before a session: is it there, may we ask, what does it serve?

Nothing is followed to another host, and the look is bounded: in bytes, and in time as a whole.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.http_get import Reply, UnreachedError, get
from pytest_medhelm.util.errors import ModelError
from pytest_medhelm.util.escaping import visible

PROBE_TIMEOUT = 10.0
"""Seconds for the whole look: connection, headers and body."""
MOST_BYTES = 8 * 2**20
"""Of a list of models, after unpacking."""
LOOK_AGAIN = 2.0
"""Seconds between two looks at a server that is loading its model."""
LISTED = 20
"""Served models that a message names."""
_CONTEXTS = (
    "max_model_len",
    "loaded_context_length",
    "context_length",
    "max_context_length",
    "context_window",
    "n_ctx",
)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One entry of a server's list."""

    id: str
    root: str = ""
    """The model behind the id, where the server says it."""
    context: int | None = None
    """Tokens of its context, where the server says them."""


def served_models(
    endpoint: Endpoint, *, wait: float = 0.0, progress: Callable[[str], None] = lambda _: None
) -> list[ServedModel] | None:
    """What ``GET <base_url>/models`` lists, or None where the server has no such list.

    A server that is loading its model is waited for, at most ``wait`` seconds; ``progress`` gets a line then.
    Raises ModelError naming the address and what to check.
    """
    shown = f"{endpoint.shown_url}/models"
    until = time.monotonic() + wait
    is_announced = False
    while True:
        status, body = _get(endpoint, shown)
        if status != 503 or not _is_loading(body) or time.monotonic() + LOOK_AGAIN > until:
            break
        if not is_announced:
            progress(
                f"medhelm: the server at {shown} is loading its model; waited for up to {wait:g} s (--medhelm-wait)"
            )
            is_announced = True
        time.sleep(LOOK_AGAIN)
    if 200 <= status < 300:
        return _listed(body, shown)
    if status in (404, 405, 501):
        return None
    raise ModelError(_refused(status, shown, endpoint, body))


def listed_by_all(
    endpoint: Endpoint, *, wait: float, progress: Callable[[str], None], required: bool
) -> list[ServedModel] | None:
    """What all addresses of an endpoint that answer list, as ``served_models``; one of several may be away.

    ``needed``: one must answer; a batch can do without. Raises ModelError when none does, or they serve no model alike.
    """
    singles = [replace(endpoint, base_url=url, replicas=()) for url in endpoint.addresses]
    lists: dict[str, list[ServedModel]] = {}
    answering, problems = 0, []
    for replica in singles:
        try:
            listed = served_models(replica, wait=wait if len(singles) == 1 and required else 0.0, progress=progress)
        except ModelError as error:
            problems.append(error)
        else:
            answering += 1
            if listed is not None:
                lists[replica.shown_url] = listed
    if not answering and required:
        raise problems[0]
    instead = "the other addresses are asked" if answering else "a batch names models as you do"
    for problem in problems:
        progress(f"medhelm: {problem}; {instead}")
    return _alike(lists) if lists else None


def _alike(lists: Mapping[str, list[ServedModel]]) -> list[ServedModel]:
    """The models that all addresses list, each with its smallest context. Raises ModelError when there is none."""
    (first, models), *others = lists.items()
    for url, listed in others:
        contexts = {model.id: model.context for model in listed}
        alike = [
            replace(model, context=min(filter(None, (model.context, contexts[model.id])), default=None))
            for model in models
            if model.id in contexts
        ]
        if not alike:
            raise ModelError(
                f"{first} and {url} serve no model alike ({_names(models)}; {_names(listed)}): name addresses that "
                "serve the same model"
            )
        models = alike
    return models


def _is_loading(body: bytes) -> bool:
    from pytest_medhelm.models.engine.servers import read_refusal

    return read_refusal(503, body).means == "loading"


def _refused(status: int, shown: str, endpoint: Endpoint, body: bytes) -> str:
    if status in (401, 403):
        return f"{shown} refuses the key (HTTP {status}): check {endpoint.key_source} of endpoint {endpoint.name!r}"
    if 300 <= status < 400:
        return (
            f"{shown} redirects (HTTP {status}), which is never followed: name the address where it leads as base_url"
        )
    if status == 400 and b"http" in body.lower():
        return f"{shown} answers HTTP 400 to plain HTTP: write https:// if the server speaks TLS"
    return f"{shown} answers HTTP {status}: check the server's log"


def _get(endpoint: Endpoint, shown: str) -> Reply:
    try:
        return get(endpoint.url("models"), endpoint.headers, seconds=PROBE_TIMEOUT, most=MOST_BYTES)
    except TimeoutError:
        or_plain = ", and write http:// if it speaks no TLS" if shown.startswith("https") else ""
        sentence = f"{shown} did not answer within {PROBE_TIMEOUT:g} s: check the server's log{or_plain}"
        raise ModelError(sentence) from None
    except ssl.SSLCertVerificationError:
        raise ModelError(f"{shown} cannot be reached with TLS: check its certificate") from None
    except ssl.SSLError:
        raise ModelError(f"{shown} cannot be reached with TLS: write http:// if the server speaks no TLS") from None
    except UnreachedError as error:
        raise ModelError(
            f"no server answers at {shown} ({error.strerror}): start it, or name the right address with "
            "--medhelm-base-url or in medhelm.toml"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{shown} is not an OpenAI-compatible server ({type(error).__name__}): name the right address with "
            f"--medhelm-base-url or in medhelm.toml{', with https:// if it speaks TLS' * shown.startswith('http:')}"
        ) from None


def _listed(body: bytes, shown: str) -> list[ServedModel]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        document = next((document[name] for name in ("data", "models") if isinstance(document.get(name), list)), None)
    if not isinstance(document, list):
        raise ModelError(f"{shown} is not an OpenAI-compatible server: it does not list models as JSON")
    return [model for listed in document if (model := _model(listed)) is not None]


def _model(listed: object) -> ServedModel | None:
    if isinstance(listed, str):
        return ServedModel(listed)
    if not isinstance(listed, dict):
        return None
    name = next(
        (listed[key] for key in ("id", "name", "model") if isinstance(listed.get(key), str) and listed[key]), None
    )
    if name is None:
        return None
    root = listed.get("root")
    return ServedModel(name, root if isinstance(root, str) else "", _context(listed))


def _context(listed: Mapping[str, object]) -> int | None:
    inner = [value for key in ("meta", "top_provider") if isinstance(value := listed.get(key), dict)]
    for holder in (listed, *inner):
        for name in _CONTEXTS:
            value = holder.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9:
                return value
    return None


def match_served(name: str, served: Sequence[ServedModel]) -> ServedModel:
    """The served model that a short name stands for.

    Exact, then without regard to case, then the last path segment or the part before a tag
    (``llama3`` for ``org/llama3`` or ``llama3:latest``), then a part of its id, if no other model is served: of several
    models one would be taken that the user may not mean (a guard model for the model itself).
    Raises ModelError listing what is served.
    """
    wanted = name.lower()
    for same in (
        lambda model: model == name,
        lambda model: model.lower() == wanted,
        lambda model: wanted in (model.lower().rsplit("/", 1)[-1], model.lower().removesuffix(":latest")),
    ):
        matching = [model for model in served if same(model.id)]
        if len(matching) == 1:
            return matching[0]
        if matching:
            raise ModelError(f"{name!r} stands for several served models: {_names(matching)}; type one of them whole")
    matching = [model for model in served if wanted in model.id.lower()]
    if len(matching) > 1:
        raise ModelError(f"{name!r} stands for several served models: {_names(matching)}; type one of them whole")
    if matching and len({model.root or model.id for model in served}) > 1:
        raise ModelError(
            f"{name!r} is not served, and {visible(matching[0].id)} need not be what is meant; the server lists: "
            f"{_names(served)}; type one of them whole"
        )
    if matching:
        return matching[0]
    raise ModelError(f"{name!r} is not served; the server lists: {_names(served) or 'nothing'}")


def _names(served: Sequence[ServedModel]) -> str:
    more = f" and {len(served) - LISTED} more" if len(served) > LISTED else ""
    return ", ".join(visible(model.id[:200]) for model in served[:LISTED]) + more
