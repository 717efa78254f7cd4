"""The medhelm command: what is not a test run. Errors are one line and an exit status, never a traceback."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_medhelm.errors import ConfigError, MedhelmError

_EXAMPLES = """\
examples:
  medhelm report medhelm-results/default          write the pages of a suite again
  medhelm models http://localhost:8000/v1         what does this server serve?
  medhelm models pull local/smollm2-135m          fetch the embedded model for later, offline use

To evaluate a model, run pytest:  pytest benchmarks/ --medhelm-model=vllm/llama3
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit status: 0 done, 1 failed, 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except MedhelmError as error:
        print(f"medhelm: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("medhelm: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="medhelm",
        description="Clinical language-model benchmarks: suites and models.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    report = commands.add_parser("report", help="write leaderboard.html and leaderboard.json of a suite again")
    report.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    report.set_defaults(run=_report)
    models = commands.add_parser("models", help="list what a server serves, or fetch an embedded model")
    models.add_argument(
        "what", nargs="*", metavar="URL | pull NAME", help="address of a server, or: pull local/smollm2-135m"
    )
    models.set_defaults(run=_models)
    return parser


def _report(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.suite
    if not (folder / "suite.sqlite").is_file():
        raise ConfigError(f"{folder} is no suite: it holds no suite.sqlite; name e.g. medhelm-results/default")
    from pytest_medhelm.reports.terminal import closing, table
    from pytest_medhelm.reports.write import conclude
    from pytest_medhelm.results.suite import Suite

    suite = Suite(folder)
    try:
        outcome = conclude(suite, (), (), ())
    finally:
        suite.close()
    print("\n".join([*table(outcome.leaderboard), *closing(outcome)]))


def _models(arguments: argparse.Namespace) -> None:
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


def _pull(names: Sequence[str]) -> None:
    from pytest_medhelm.models.weights import weights

    if not names:
        raise ConfigError("name what to fetch: medhelm models pull local/smollm2-135m")
    for name in names:
        print(weights(name.removeprefix("local/"), progress=lambda line: print(line, file=sys.stderr)))


def _list(url: str) -> None:
    from pytest_medhelm.models.probe import served_models
    from pytest_medhelm.models.spec import Endpoint, base_url

    endpoint = Endpoint("named", base_url(url, "medhelm models"))
    listed = served_models(endpoint)
    if listed is None:
        raise ConfigError(f"{endpoint.base_url} does not list its models")
    print("\n".join(listed))
