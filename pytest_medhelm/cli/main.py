"""The medhelm command: what is not a test run. Errors are one line and an exit status, never a traceback.

Only the chosen command is imported, so that --help is there at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType

from pytest_medhelm.cli.parser import Parser, WrongUsage
from pytest_medhelm.util.errors import MedhelmError

_EXAMPLES = """\
examples:
  medhelm tasks                                   which benchmarks are there, and which data is here?
  medhelm tasks med_qa                            one benchmark in full, its files checked
  medhelm fetch med_qa pubmed_qa                  fetch the data of public benchmarks
  medhelm new ward_triage                         write a benchmark of your own to start from
  medhelm report medhelm-results/default          write the pages of a suite again
  medhelm serve                                   look at a suite in the browser, also during a run
  medhelm jury-agreement --ratings=ratings.csv    how far do judges agree with clinicians?
  medhelm gate apply medhelm-results/default gate.toml   may this model be promoted?
  medhelm gate explain medhelm-results/default 'pubmed_qa.lower >= 0.7'   what does that verdict rest on?
  medhelm promote medhelm-results/default --gate=gate.toml ...   record that it may be used, and until when
  medhelm serve medhelm-results/default --rate    let two clinicians rate answers on a screen, blinded
  medhelm annotate medhelm-results/default --ratings=ward.csv   what do clinicians say of these answers?
  medhelm merge part-*/default --to=whole --gate=gate.toml       unite the suites of several jobs
  medhelm batch collect results.jsonl             store the answers to a file of --medhelm-batch
  medhelm rescore medhelm-results/may              score stored answers with the code as it is now
  medhelm compare medhelm-results/may medhelm-results/june       what became better, what worse?
  medhelm trend medhelm-results/* --html=trend.html              how did it go over time?
  medhelm import-helm benchmark_output/runs/my-suite             old results of HELM next to new ones
  medhelm export medhelm-results/default --to=scores.csv         every score as a table
  medhelm purge medhelm-results/default --texts   remove what a retention rule demands
  medhelm hospital                                the embedded hospital as a FHIR server
  medhelm models http://localhost:8000/v1         what does this server serve?
  medhelm models pull local/smollm2-135m          fetch the embedded model for later, offline use

To evaluate a model, run pytest:  pytest benchmarks/ --medhelm-model=vllm/llama3
"""


COMMANDS = {
    "tasks": "list the benchmarks, or show some in full",
    "fetch": "fetch the data of public benchmarks into the cache folder",
    "new": "write a benchmark of your own to start from",
    "report": "write leaderboard.html and leaderboard.json of a suite again",
    "serve": "show a suite in the browser, also while a run adds to it",
    "jury-agreement": "compare judges and clinicians, from a table of ratings or a suite",
    "annotate": "add clinicians' ratings and marks of wrong references to a suite",
    "compare": "compare two models on the same instances; exit status 1 when B is worse",
    "trend": "follow benchmarks through many suites, in order of time",
    "gate": "check gate files, and apply them to stored results",
    "promote": "record that a model may be used: who asked, who approved, until when",
    "ledger": "look at the record of all evaluations, and verify it",
    "power": "say how many instances a comparison with a baseline takes",
    "export": "write the results of a suite as a table: CSV, JSON Lines, Parquet",
    "rating-sheet": "write answers for clinicians to rate on paper, and read their ratings",
    "convert": "say what a MedHELM run entry is as a pytest command",
    "import-helm": "turn results that HELM or MedHELM wrote into a suite",
    "merge": "unite the suites of several jobs, and judge gates once",
    "batch": "store the answers of a batch file, so that the next run finds them",
    "rescore": "compute the scores of a suite again from its stored responses, asking nothing",
    "purge": "remove the texts of a suite, or all of it, and say what is left",
    "hospital": "serve the embedded hospital (FHIR R4) for agents of your own",
    "models": "list what a server serves, or fetch an embedded model",
}
"""By name what each does; its module in this folder has add_arguments(parser) and run(arguments)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit status: 0 done, 1 failed, 2 wrong usage, 3 unforeseen, 130 interrupted."""
    typed = [*(sys.argv[1:] if argv is None else argv)]
    chosen = next((word for word in typed if word in COMMANDS), None)
    if not typed:
        _parser(None, None).print_help()
        return 2
    first = next((word for word in typed if not word.startswith("-")), None)
    if chosen is None and first is not None:
        near = get_close_matches(first, COMMANDS, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}? " if near else ""
        print(f"medhelm: there is no command {first!r}: {hint}'medhelm --help' lists all", file=sys.stderr)
        return 2
    try:
        command = import_module(f"pytest_medhelm.cli.{chosen.replace('-', '_')}") if chosen else None
        arguments = _parser(chosen, command).parse_args(typed)
        assert command is not None  # Without one the parser has ended it.
        _guard(arguments.offline)
        status: int = command.run(arguments)
        sys.stdout.flush()
    except MedhelmError as error:
        from pytest_medhelm.util.escaping import inert

        # Names in it come from files and servers.
        print(f"medhelm: {inert(error)}", file=sys.stderr)
        return 1
    except WrongUsage as error:
        from pytest_medhelm.util.escaping import visible

        print(visible(error), file=sys.stderr)
        return 2
    except BrokenPipeError:  # e.g. medhelm tasks | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("medhelm: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        print(f"medhelm: {_unexpected(error)}", file=sys.stderr)
        return 3
    return status


def _guard(offline: bool) -> None:
    """Nothing leaves this machine where --offline, or [run] of medhelm.toml here, says so. Raises ConfigError."""
    file = Path("medhelm.toml")
    if not offline and not file.is_file():
        return
    from pytest_medhelm.util.config_file import read_config
    from pytest_medhelm.util.guard.medhelm_offline_guard import forbid

    run = read_config(file if file.is_file() else None).run
    if offline or run.get("offline") is True:
        forbid(run.get("allow_hosts", ()), run.get("allow_programs", ()))


def _unexpected(error: Exception) -> str:
    """A sentence about what no command foresaw. It quotes no text of the error, which may come from a record."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'} cannot be used: {error.strerror}"
    if type(error).__module__ == "sqlite3":
        from pytest_medhelm.util.sqlite import reason

        return f"a database of the suite cannot be used ({reason(error)}): see that the disk has room, or take a backup"
    if isinstance(error, MemoryError):
        return "the memory of this machine is not enough for this"
    last = traceback.extract_tb(error.__traceback__)[-1]
    position = f"{Path(last.filename).name}:{last.lineno}"
    return (
        f"stopped by {type(error).__name__} at {position}: a file of the suite is damaged (take it from a backup), or "
        "medhelm has a fault"
    )


def _parser(chosen: str | None, command: ModuleType | None) -> argparse.ArgumentParser:
    """Of all commands by name; only the chosen one says what it takes."""
    Parser.made.clear()
    parser = Parser(
        prog="medhelm",
        description="Clinical language-model benchmarks: data, suites and models.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--offline", action="store_true", help="reach only this machine (also: offline = true in [run] of medhelm.toml)"
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        of_command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name == chosen and command is not None:
            command.add_arguments(of_command)
    return parser
