"""The medhelm command: what is not a test run. Errors are one line and an exit status, never a traceback.

Only the chosen command is imported, so that --help is there at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

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
  medhelm promote medhelm-results/default --gate=gate.toml ...   record that it may be used, and until when
  medhelm annotate medhelm-results/default --ratings=ward.csv   what do clinicians say of these answers?
  medhelm merge part-*/default --to=whole --gate=gate.toml       unite the suites of several jobs
  medhelm rescore medhelm-results/may              score stored answers with the code as it is now
  medhelm compare medhelm-results/may medhelm-results/june       what became better, what worse?
  medhelm trend medhelm-results/* --html=trend.html              how did it go over time?
  medhelm import-helm benchmark_output/runs/my-suite             old results of HELM beside new ones
  medhelm export medhelm-results/default --to=scores.csv         every score as a table
  medhelm purge medhelm-results/default --texts   remove what a retention rule demands
  medhelm models http://localhost:8000/v1         what does this server serve?
  medhelm models pull local/smollm2-135m          fetch the embedded model for later, offline use

To evaluate a model, run pytest:  pytest benchmarks/ --medhelm-model=vllm/llama3
"""


_LEDGER = Path("medhelm-results/ledger.jsonl")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit status: 0 done, 1 failed, 2 wrong usage, 3 unforeseen, 130 interrupted."""
    arguments = _parser().parse_args(argv)
    try:
        run: Callable[[argparse.Namespace], int] = import_module(arguments.module).run
        status = run(arguments)
        sys.stdout.flush()
    except MedhelmError as error:
        from pytest_medhelm.util.escaping import inert

        # Names in it come from files and servers.
        print(f"medhelm: {inert(error)}", file=sys.stderr)
        return 1
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


def _unexpected(error: Exception) -> str:
    """A sentence about what no command foresaw. It quotes no text of the error, which may come from a record."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'} cannot be used: {error.strerror}"
    if type(error).__module__ == "sqlite3":
        return f"a database of the suite cannot be used ({error}): see that the disk has room, or take a backup"
    if isinstance(error, MemoryError):
        return "the memory of this machine is not enough for this"
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return (
        f"stopped by {type(error).__name__} at {place}: a file of the suite is damaged (take it from a backup), or "
        "medhelm has a fault"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="medhelm",
        description="Clinical language-model benchmarks: data, suites and models.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _tasks(_command(commands, "tasks", "list the benchmarks, or show some in full"))
    _fetch(_command(commands, "fetch", "fetch the data of public benchmarks into the cache folder"))
    _new(
        _command(
            commands,
            "new",
            "write a benchmark of your own to start from",
            "pytest_medhelm.plugin.yaml_benchmarks.starter",
        )
    )
    report = _command(commands, "report", "write leaderboard.html and leaderboard.json of a suite again")
    report.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    report.add_argument(
        "--published", action="store_true", help="show the MedHELM paper's figures beside it (docs/published.md)"
    )
    _serve(_command(commands, "serve", "show a suite in the browser, also while a run adds to it"))
    report.add_argument(
        "--html",
        choices=("pages", "single", "none"),
        default="pages",
        help="pages of all instances (default), one file with a sample of them for e-mail, or no page",
    )
    _jury_agreement(
        _command(
            commands,
            "jury-agreement",
            "compare judges and clinicians, from a table of ratings or a suite",
            "pytest_medhelm.cli.jury_agreement",
        )
    )
    _annotate(_command(commands, "annotate", "add clinicians' ratings and marks of wrong references to a suite"))
    _compare(_command(commands, "compare", "compare two models on the same instances; exit status 1 when B is worse"))
    _trend(_command(commands, "trend", "follow benchmarks through many suites, in order of time"))
    _gate(_command(commands, "gate", "check gate files, and apply them to stored results"))
    _promote(_command(commands, "promote", "record that a model may be used: who asked, who approved, until when"))
    _ledger(_command(commands, "ledger", "look at the record of all evaluations, and verify it"))
    _power(_command(commands, "power", "say how many instances a comparison with a baseline takes"))
    _export(_command(commands, "export", "write the results of a suite as a table: CSV, JSON Lines, Parquet"))
    _import_helm(
        _command(
            commands,
            "import-helm",
            "turn results that HELM or MedHELM wrote into a suite",
            "pytest_medhelm.cli.import_helm",
        )
    )
    _merge(_command(commands, "merge", "unite the suites of several jobs, and judge gates once"))
    _rescore(
        _command(commands, "rescore", "compute the scores of a suite again from its stored responses, asking nothing")
    )
    _purge(_command(commands, "purge", "remove the texts of a suite, or all of it, and say what is left"))
    models = _command(commands, "models", "list what a server serves, or fetch an embedded model")
    models.add_argument(
        "what", nargs="*", metavar="URL | pull NAME", help="address of a server, or: pull local/smollm2-135m"
    )
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, module: str = ""
) -> argparse.ArgumentParser:
    """A command whose module, pytest_medhelm.cli.NAME unless told, has a function run(arguments)."""
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.set_defaults(module=module or f"pytest_medhelm.cli.{name}")
    return parser


def _tasks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmark to show in full, its files checked")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with data files, as of --medhelm-data")
    parser.add_argument(
        "--benchmarks", type=Path, metavar="PATH", help="module of your own, or a folder with some, to list as well"
    )
    parser.add_argument("--access", choices=("public", "gated", "private"), help="only these")
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def _fetch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmark whose data to fetch")
    parser.add_argument("--all-public", action="store_true", help="fetch the data of every public benchmark")
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="fetch into DIR/NAME, for --medhelm-data=DIR (default: the cache folder)"
    )
    parser.add_argument(
        "--mirror",
        metavar="URL",
        help="take the files from URL/NAME/FILE, and from nowhere else (default: $MEDHELM_MIRROR)",
    )
    parser.add_argument(
        "--accept-licence", action="store_true", help="accept the terms that are shown, without being asked"
    )
    parser.add_argument(
        "--benchmarks", type=Path, metavar="PATH", help="module of your own, or a folder with some, to know as well"
    )


def _new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of the benchmark: small letters, digits and _")
    parser.add_argument("--python", action="store_true", help="a test module instead of a YAML file")
    parser.add_argument("--to", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: here)")


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "suite", nargs="?", type=Path, help="folder of a suite, or of several (default: medhelm-results/default)"
    )
    parser.add_argument("--port", type=int, metavar="N", help="default: 8000, or the next one that is free")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to bind (default: 127.0.0.1)")
    parser.add_argument(
        "--token",
        nargs="?",
        const="",
        metavar="TOKEN",
        help="let in only who has the address with this token (alone: one is made up); other --host need it",
    )
    parser.add_argument("--open", action="store_true", help="open the browser as well")
    parser.add_argument("--verbose", action="store_true", help="print every request: method, path, status")


def _jury_agreement(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", nargs="?", type=Path, help="folder of a suite: its judges and metrics are compared")
    parser.add_argument("--ratings", type=Path, metavar="FILE", help="CSV of clinicians' (and judges') ratings")
    parser.add_argument(
        "--benchmark", action="append", default=[], metavar="NAME", help="only this benchmark; may be repeated"
    )
    parser.add_argument("--zscore", action="store_true", help="turn each rater's scores into z-scores first")
    parser.add_argument(
        "--precision", type=float, metavar="W", help="say how many answers an interval of +-W takes, e.g. 0.1"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")


def _annotate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    parser.add_argument(
        "--ratings",
        type=Path,
        metavar="FILE",
        help="CSV: rater, benchmark, instance, model, a column for each criterion, perhaps severity and kinds of harm",
    )
    parser.add_argument(
        "--marks",
        type=Path,
        metavar="FILE",
        help="CSV of references that are wrong: benchmark, instance, reason [, by]; no reason takes a mark back",
    )


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    parser.add_argument(
        "--table",
        choices=("scores", "verdicts", "cells"),
        help="a row per score of each instance (default), per judge's verdict, or per value of the leaderboard",
    )
    parser.add_argument(
        "--format",
        choices=("csv", "jsonl", "parquet", "html"),
        help="default: as --to ends, else csv; html for --aggregate (docs/export.md)",
    )
    parser.add_argument(
        "--aggregate",
        action="store_true",
        help="only what may leave the house: no instance, no text, no count under 11",
    )
    parser.add_argument("--to", type=Path, metavar="FILE", help="file to write (default: TABLE.csv in the suite)")
    parser.add_argument("--text", action="store_true", help="add prompts, answers and references: CLINICAL TEXT")


def _import_helm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", type=Path, metavar="RUNS", help="benchmark_output/runs/SUITE of HELM, or one run folder in it"
    )
    parser.add_argument(
        "--suite",
        type=Path,
        default=Path("medhelm-results/helm"),
        metavar="DIR",
        help="suite to add them to; may hold results already (default: medhelm-results/helm)",
    )


def _merge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="folders of the suites")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder of the united suite")
    parser.add_argument("--gate", action="append", default=[], metavar="FILE|RULE", help="gate to judge; repeatable")
    _judging(parser)


def _rescore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="tests of its benchmarks (default: where its runs found them)"
    )
    parser.add_argument("--to", type=Path, metavar="DIR", help="write a new suite there, and leave this one as it is")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with the data (default: that of its runs)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="config file (default: that of its runs)")
    parser.add_argument("-n", dest="processes", metavar="N", help="processes, as pytest -n")


def _purge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--texts", action="store_true", help="prompts, answers, references, reasons; scores and the leaderboard stay"
    )
    what.add_argument("--all", action="store_true", help="the whole suite; the ledger keeps its hashes")


def _judging(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", action="append", metavar="NAME", help="candidate to judge (default: all); repeatable"
    )
    parser.add_argument("--baseline", type=Path, metavar="PATH", help="suite or leaderboard.json to compare with")
    parser.add_argument("--baseline-model", metavar="NAME", help="which model of the baseline")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="ledger (default: ledger.jsonl beside the suite)")
    parser.add_argument(
        "--junitxml", type=Path, metavar="FILE", help="write the verdicts as JUnit XML, for a CI system"
    )


def _promote(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    for name, metavar, text in (
        ("gate", "FILE", "gate file that must pass; lock it before the run with 'medhelm gate lock'"),
        ("requested-by", "NAME", "who asks for it"),
        ("approved-by", "NAME", "who approves it; somebody else"),
        ("intended-use", "TEXT", "what the model may be used for"),
        ("expires", "YYYY-MM-DD", "until when"),
        ("rollback", "MODEL", "the model to go back to"),
    ):
        parser.add_argument(f"--{name}", required=True, metavar=metavar, help=text)
    parser.add_argument("--model", metavar="NAME", help="candidate to promote (default: the suite's only one)")
    parser.add_argument("--baseline", type=Path, metavar="PATH", help="suite or leaderboard.json to compare with")
    parser.add_argument("--baseline-model", metavar="NAME", help="which model of the baseline")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="ledger (default: ledger.jsonl beside the suite)")
    parser.add_argument("--override", action="store_true", help="promote although the gate file was not fixed before")
    parser.add_argument("--reason", metavar="TEXT", help="why; stands in the ledger and on the model card")


def _ledger(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", dest="verb")
    for verb, text in (
        ("verify", "say which line is not as it was written; exit status 1 when there is one"),
        ("show", "list the entries"),
    ):
        parser = verbs.add_parser(verb, help=text)
        parser.add_argument("file", type=Path, nargs="?", default=_LEDGER, metavar="FILE")
        if verb == "verify":
            parser.add_argument("--hash", metavar="HASH", help="of an entry, kept elsewhere: it must still be there")


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", type=Path, metavar="A", help="suite or leaderboard.json")
    parser.add_argument("second", type=Path, metavar="B", help="suite or leaderboard.json; may be A again")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="model of both sides; or twice: A's, then B's (default: the only candidate of each)",
    )
    parser.add_argument("--benchmark", action="append", default=[], metavar="NAME", help="only this; may be repeated")
    parser.add_argument(
        "--margin", type=float, metavar="M", help="exit status 1 unless B is shown to be less than M worse everywhere"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")


def _trend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "suites", nargs="+", type=Path, metavar="SUITE", help="suites or leaderboard.json files, two or more"
    )
    parser.add_argument("--benchmark", action="append", default=[], metavar="NAME", help="only this; may be repeated")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")


def _power(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--margin", type=float, default=0.02, metavar="M", help="how much worse is acceptable (default: 0.02)"
    )
    parser.add_argument(
        "--discordance", type=float, metavar="D", help="share of instances on which two models differ (default: 0.2)"
    )
    parser.add_argument("--power", type=float, default=0.8, metavar="P", help="chance that is wanted (default: 0.8)")
    parser.add_argument("--alpha", type=float, default=0.025, metavar="A", help="one-sided (default: 0.025)")
    parser.add_argument("--n", type=int, metavar="N", help="say as well what N instances can show")
    parser.add_argument("--baseline", type=Path, metavar="PATH", help="suite of two models: measure how they differ")
    parser.add_argument("--benchmark", metavar="NAME", help="of the suite, e.g. pubmed_qa")


def _gate(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", dest="verb")
    check = verbs.add_parser("check", help="say what a gate file demands, without a run")
    check.add_argument("file", type=Path, metavar="FILE", help="gate file, e.g. gate.toml")
    check.add_argument("--baseline", type=Path, metavar="PATH", help="say as well what comparisons with it can show")
    check.add_argument("--baseline-model", metavar="NAME", help="which model of the baseline")
    apply = verbs.add_parser("apply", help="judge stored results; exit status 1 unless every rule passes")
    apply.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    apply.add_argument("gate", nargs="+", metavar="FILE|RULE", help="gate file, or a rule such as 'pubmed_qa >= 0.70'")
    _judging(apply)
    card = verbs.add_parser("card", help="print a model card's section on the evaluation, in Markdown")
    card.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    card.add_argument("--model", metavar="NAME", help="one model (default: all)")
    lock = verbs.add_parser("lock", help="write to the ledger, before the run, that a gate file is fixed")
    lock.add_argument("file", type=Path, metavar="FILE", help="gate file, e.g. gate.toml")
    lock.add_argument("--ledger", type=Path, default=_LEDGER, metavar="FILE", help=f"default: {_LEDGER}")
    new = verbs.add_parser("new", help="write a gate file for the evaluation set of a suite")
    new.add_argument("file", type=Path, metavar="FILE", help="file to write, e.g. gate.toml")
    new.add_argument("--suite", type=Path, required=True, metavar="DIR", help="suite whose evaluation set is stated")
