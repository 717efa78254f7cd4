"""TLS of the commands that serve: its options, and no token over a line that anybody can read."""

from __future__ import annotations

import argparse
import ssl
from pathlib import Path

from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.network import is_loopback


def add_tls(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain (PEM)")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key (PEM)")


def tls_context(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    """What the options name; None without. Raises ConfigError for files that cannot be used."""
    certificate, key = arguments.tls_cert, arguments.tls_key
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


def require_tls(host: str, port: int, tls: ssl.SSLContext | None) -> None:
    """Raise ConfigError where tokens would travel unencrypted to other machines."""
    if tls is None and not is_loopback(host):
        raise ConfigError(
            f"--host={host} would send tokens unencrypted: add --tls-cert and --tls-key, or leave --host out and put a "
            f"reverse proxy with TLS in front, e.g. in nginx: location / {{ proxy_pass http://127.0.0.1:{port}; }}"
        )
