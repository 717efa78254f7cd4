"""medhelm hospital: the embedded hospital over HTTP, for agents of any kind."""

from __future__ import annotations

import argparse
import sys
import threading

from pytest_medhelm.cli.tls import add_tls, require_tls, tls_context
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.network import is_loopback

PORT = 8090
LEAST_TOKEN = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help=f"default: {PORT}; 0 for any that is free")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to bind (default: 127.0.0.1)")
    parser.add_argument(
        "--token", default="", metavar="TOKEN", help="let in only who sends Authorization: Bearer TOKEN"
    )
    add_tls(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C. Raises ConfigError where it may not or cannot listen."""
    from pytest_medhelm.agents.hospital.population import hospital
    from pytest_medhelm.agents.hospital.server import HospitalServer

    tls = tls_context(arguments)
    _check_token(arguments.host, arguments.token)
    require_tls(arguments.host, PORT, tls)
    server = HospitalServer(arguments.host, arguments.port, tls)
    try:
        with server:
            visit = server.admit(hospital(), path="hospital", token=arguments.token, recorded=False)
            count = len(visit.state.population)
            print(f"medhelm: FHIR R4 at {server.base_url(visit)} with {count:,} resources of invented patients")
            print("medhelm: what is written lasts until Ctrl-C ends it")
            sys.stdout.flush()
            threading.Event().wait()
    except OSError as error:
        raise ConfigError(
            f"--host={arguments.host} --port={arguments.port} cannot be bound ({error.strerror}): type --port=0 for "
            "any port that is free"
        ) from None
    return 0


def _check_token(host: str, token: str) -> None:
    if token and len(token) < LEAST_TOKEN:
        raise ConfigError(f"--token could be guessed: type {LEAST_TOKEN} characters or more")
    if not token and not is_loopback(host):
        raise ConfigError(f"--host={host} lets other machines in, so it needs a token: add --token=TOKEN")
