"""medhelm hospital: the embedded hospital over HTTP, for agents of any kind."""

from __future__ import annotations

import argparse
import ssl
import sys
import threading
from pathlib import Path

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
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain (PEM)")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key (PEM)")


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C. Raises ConfigError where it may not or cannot listen."""
    from pytest_medhelm.agents.hospital.population import hospital
    from pytest_medhelm.agents.hospital.server import HospitalServer

    tls = _tls(arguments.tls_cert, arguments.tls_key)
    _check(arguments.host, arguments.token, tls)
    server = HospitalServer(arguments.host, arguments.port, tls)
    try:
        with server:
            visit = server.admit(hospital(), path="hospital", token=arguments.token)
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


def _check(host: str, token: str, tls: ssl.SSLContext | None) -> None:
    if token and len(token) < LEAST_TOKEN:
        raise ConfigError(f"--token could be guessed: type {LEAST_TOKEN} characters or more")
    if is_loopback(host):
        return
    if not token:
        raise ConfigError(f"--host={host} lets other machines in, so it needs a token: add --token=TOKEN")
    if tls is None:
        raise ConfigError(
            f"--host={host} would send tokens unencrypted: add --tls-cert and --tls-key, or leave --host out and put a "
            f"reverse proxy with TLS in front, e.g. in nginx: location / {{ proxy_pass http://127.0.0.1:{PORT}; }}"
        )


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ConfigError("--tls-cert and --tls-key belong together: name both")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"{certificate} and {key} cannot be used for TLS ({type(error).__name__}): name PEM files"
        ) from None
    return context
