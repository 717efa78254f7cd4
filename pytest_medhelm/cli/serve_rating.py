"""medhelm serve --rate: a screen on which clinicians rate the answers of a suite, each with an address of their own."""

from __future__ import annotations

import argparse
import asyncio
import hmac
import re
import secrets
import shlex
import ssl
import sys
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from pytest_medhelm.cli.arguments import MOST_RATERS
from pytest_medhelm.cli.listening import PORT, listen, serve, shown
from pytest_medhelm.cli.report import write_again
from pytest_medhelm.cli.tls import require_tls
from pytest_medhelm.reports.serve.guard import Guard, own_names, start_of
from pytest_medhelm.reports.serve.rating_desk import ADJUDICATOR, Desk
from pytest_medhelm.reports.serve.rating_pages import OVERVIEW, RatingPages
from pytest_medhelm.reports.serve.site import Site
from pytest_medhelm.reports.serve.source import is_suite
from pytest_medhelm.results.store.opening import is_writable, open_responses, open_suite
from pytest_medhelm.results.store.rating_queue import items, pairs
from pytest_medhelm.util.errors import ConfigError

ANSWERS = 30
INTERRUPTED = 130
OWNER = "you"
_CODE = re.compile(r"\w[\w.-]*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What --rate takes."""
    group = parser.add_argument_group("clinicians rate")
    group.add_argument("--rate", action="store_true", help="let clinicians rate the candidates' answers, blinded")
    group.add_argument("--pairs", action="store_true", help="with --rate: which of two models' answers is better?")
    group.add_argument("--raters", metavar="N|NAMES", help="how many, or their codes: --raters=ann,bob (default: 2)")
    group.add_argument("--answers", type=int, metavar="N", help=f"answers a benchmark (default: {ANSWERS})")
    group.add_argument("--benchmark", action="append", default=[], metavar="NAME", help="only this; may be repeated")
    group.add_argument(
        "--order",
        choices=("sample", "disputed"),
        help="a fixed sample (default), or the answers that judges dispute most",
    )


def is_wanted(arguments: argparse.Namespace) -> bool:
    """Whether clinicians are to rate. Raises ConfigError where an option says so and --rate is missing."""
    for option in ("pairs", "raters", "answers", "benchmark", "order"):
        if getattr(arguments, option) and not arguments.rate:
            raise ConfigError(f"--{option} belongs to --rate: add it, or leave --{option} out")
    return bool(arguments.rate)


def run(arguments: argparse.Namespace, folder: Path, token: str, tls: ssl.SSLContext | None) -> int:
    """Serve the screens until Ctrl-C, then write the pages of the suite again. Raises ConfigError or DataError."""
    if not is_suite(folder):
        raise ConfigError(f"{folder} holds several suites, and answers of one are rated: name it")
    if not is_writable(folder):
        raise ConfigError(f"{folder} cannot be written, and ratings are stored in it: copy it first")
    if arguments.pairs and arguments.order:
        raise ConfigError("--order chooses answers by what judges say of them: leave it out with --pairs")
    answers = ANSWERS if arguments.answers is None else arguments.answers
    if answers < 1:
        raise ConfigError("--answers is at least 1")
    host, names = arguments.host, _raters("2" if arguments.raters is None else arguments.raters)
    require_tls(host, PORT, tls)
    secret = token or secrets.token_urlsafe()
    people = [*names, *([] if arguments.pairs else [ADJUDICATOR])]
    # Of the owner's token, so that the same token makes the same addresses again.
    tokens = {name: hmac.digest(secret.encode(), name.encode(), "sha256").hex()[:32] for name in people}
    with closing(open_suite(folder)) as suite, closing(open_responses(folder)) as store:
        queue = (
            pairs(suite, answers, arguments.benchmark)
            if arguments.pairs
            else items(suite, store, answers, arguments.benchmark, arguments.order or "sample")
        )
        with listen(host, arguments.port) as listener:
            port = listener.getsockname()[1]
            guard = Guard(port, own_names(host), secret, tokens, is_secure=tls is not None)
            desk = Desk(suite, queue, names)
            rating = RatingPages(desk, store, guard)
            site = Site(folder, guard, verbose=arguments.verbose, rating=rating)
            base = f"{'https' if tls else 'http'}://{shown(host)}:{port}"
            lines = [f"{name}: {base}{quote(start_of(name))}?token={tokens[name]}" for name in people]
            what = f"{len(queue)} {'pairs of answers' if arguments.pairs else 'answers'} of {folder}"
            lines.append(f"{OWNER}: {base}{OVERVIEW}?token={quote(secret)} (how far they are; to nobody else)")
            try:
                with suppress(KeyboardInterrupt):
                    asyncio.run(serve(site.application(), listener, lambda: _say(what, lines, arguments), tls))
            finally:
                write_again(suite, quiet=True)
            print(f"medhelm: {_stored(desk, arguments, folder)}")
    return INTERRUPTED


def _stored(desk: Desk, arguments: argparse.Namespace, folder: Path) -> str:
    """What is there when the server is ended."""
    far = {name: (desk.begun(name), sum(desk.is_done(name, item) for item in queue))
           for name in desk.raters for queue in [desk.queue(name)]}  # fmt: skip
    total, who = sum(begun for begun, _ in far.values()), [name for name, (begun, _) in far.items() if begun]
    words = ["medhelm", "serve", str(folder), "--rate"]
    for option in ("raters", "answers", "order"):
        if given := getattr(arguments, option):
            words.append(f"--{option}={given}")
    words += [f"--benchmark={name}" for name in arguments.benchmark] + ["--pairs"] * arguments.pairs
    each = ", ".join(f"{name} has done {done} of {len(desk.queue(name))}" for name, (_, done) in far.items())
    return (
        f"{total} rating{'s' if total != 1 else ''} by {len(who)} rater{'s' if len(who) != 1 else ''} "
        f"{'are' if total != 1 else 'is'} stored ({each}); type {shlex.join(words)!r} to go on"
    )


def _say(what: str, lines: list[str], arguments: argparse.Namespace) -> None:
    print(f"medhelm: {what} can be rated; Ctrl-C ends it and writes the pages again")
    for line in lines:
        print(f"  {line}")
    if arguments.order == "disputed":
        print("medhelm: the most disputed answers are no sample: agreement on them says little of the others")
    if not arguments.token:
        print("medhelm: each start makes new addresses; --token=SECRET keeps them (16 characters or more)")
    sys.stdout.flush()


def _raters(given: str) -> list[str]:
    """Their codes."""
    if given.isdecimal() and int(given[:9]) > MOST_RATERS:
        raise ConfigError(f"--raters={given[:9]}: at most {MOST_RATERS} can rate at a time")
    if given.isdecimal():
        names = [f"rater-{number}" for number in range(1, int(given) + 1)]
    else:
        names = [name.strip() for name in given.split(",")]
    if not names or len({name.casefold() for name in names}) < len(names) or not all(map(_CODE.fullmatch, names)):
        raise ConfigError(
            f"--raters={given} must be a number from 1, or different codes of letters and digits with commas: "
            "--raters=ann,bob"
        )
    for taken in (ADJUDICATOR, OWNER):
        if taken in names:
            raise ConfigError(f"--raters: {taken!r} has an address of their own; name the raters otherwise")
    if len(names) > MOST_RATERS:
        raise ConfigError(f"--raters names {len(names)}: at most {MOST_RATERS} can rate at a time")
    return names
