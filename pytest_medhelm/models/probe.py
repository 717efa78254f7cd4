"""One look at each endpoint before a session: is it there, may we ask, what does it serve?"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence

from pytest_medhelm.models.spec import Endpoint
from pytest_medhelm.util.errors import ModelError
from pytest_medhelm.util.escaping import visible
from pytest_medhelm.util.network import opener, shown_address

PROBE_TIMEOUT = 10.0
"""Seconds."""


def served_models(endpoint: Endpoint) -> list[str] | None:
    """The ids that ``GET <base_url>/models`` lists, or None where the server has no such list.

    Raises ModelError naming the address and what to check.
    """
    url = f"{endpoint.base_url}/models"
    shown = shown_address(url)
    try:
        request = urllib.request.Request(url, headers=dict(endpoint.headers))
        with opener(url).open(request, timeout=PROBE_TIMEOUT) as reply:
            listed = json.load(reply)
        return [str(entry["id"]) for entry in listed["data"]]
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise ModelError(
                f"{shown} refuses the key (HTTP {error.code}): check the API key of endpoint {endpoint.name!r}"
            ) from None
        if error.code in (404, 405, 501):
            return None
        raise ModelError(f"{shown} answers HTTP {error.code}: check the server's log") from None
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        raise ModelError(
            f"no server answers at {shown} ({reason}): start it, or name the right address with --medhelm-base-url "
            f"or in medhelm.toml"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{shown} is not an OpenAI-compatible server: it does not list models as JSON") from None


def match_served(name: str, served: Sequence[str]) -> str:
    """The served id that a short name stands for.

    Exact, then without regard to case, then the last path segment or the part before a tag
    (``llama3`` for ``org/llama3`` or ``llama3:latest``), then a part of exactly one id.
    Raises ModelError listing what is served.
    """
    wanted = name.lower()
    for same in (
        lambda model: model == name,
        lambda model: model.lower() == wanted,
        lambda model: wanted in (model.lower().rsplit("/", 1)[-1], model.lower().removesuffix(":latest")),
        lambda model: wanted in model.lower(),
    ):
        found = [model for model in served if same(model)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ModelError(
                f"{name!r} stands for several served models: {', '.join(map(visible, found))}; type one of them whole"
            )
    raise ModelError(f"{name!r} is not served; the server lists: {', '.join(map(visible, served)) or 'nothing'}")
