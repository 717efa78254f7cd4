"""medhelm models: what a server serves, and fetching an embedded model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pytest_medhelm.models.embedded.weights import weights
from pytest_medhelm.models.endpoint import Endpoint, base_url
from pytest_medhelm.models.probe import served_models
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible
from pytest_medhelm.util.guard.medhelm_offline_guard import is_on


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "what", nargs="*", metavar="URL | pull NAME", help="address of a server, or: pull local/smollm2-135m"
    )


def run(arguments: argparse.Namespace) -> int:
    """List or fetch. Raises ConfigError for wrong words, ModelError when a server or a file is not to be had."""
    what: list[str] = arguments.what
    if what[:1] == ["pull"]:
        _pull(what[1:])
    elif len(what) == 1 and "://" in what[0]:
        _list(what[0])
    else:
        raise ConfigError(
            "type 'medhelm models http://localhost:8000/v1' to list a server's models, or "
            "'medhelm models pull local/smollm2-135m' to fetch the embedded one"
        )
    return 0


def _pull(names: Sequence[str]) -> None:
    if not names:
        raise ConfigError("name what to fetch: medhelm models pull local/smollm2-135m")
    for name in names:
        print(weights(name.removeprefix("local/"), offline=is_on(), progress=lambda line: print(line, file=sys.stderr)))


def _list(url: str) -> None:
    endpoint = Endpoint("named", base_url(url, "medhelm models"))
    listed = served_models(endpoint)
    if listed is None:
        raise ConfigError(
            f"{endpoint.shown_url} lists no models: name one as its server does, e.g. --medhelm-model=vllm/NAME"
        )
    print("\n".join(visible(model.id) for model in listed))
