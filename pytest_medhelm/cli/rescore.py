"""medhelm rescore: compute the scores of a suite again from its stored responses, asking nothing.

The benchmarks' own tests run over the stored responses, in a pytest session for each run that the suite's results are
of (plugin/rescoring.py). Their records go to a folder aside, and take the old ones' place when all of them are there.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, closing, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from pytest_medhelm.cli.report import write_again
from pytest_medhelm.plugin.rescoring import Rescoring
from pytest_medhelm.results.leaderboard.aggregate import read_cells
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.results.store.rescore import CellName, Change, Group, adopt, groups, plan
from pytest_medhelm.results.store.run_manifest import StoredManifest
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.sqlite import reason

_OPTIONS = (
    "limit", "shots", "sampler", "bertscore", "repeats", "judge_repeats", "prompt_form", "answer_form", "confidence",
)  # fmt: skip
"""Settings of a run that shape its set of instances and its scores."""

Values = Mapping[CellName, float | None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="tests of its benchmarks (default: where its runs found them)"
    )
    parser.add_argument("--to", type=Path, metavar="DIR", help="write a new suite there, and leave this one as it is")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with the data (default: that of its runs)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="config file (default: that of its runs)")
    parser.add_argument("-n", dest="processes", metavar="N", help="processes, as pytest -n")


def run(arguments: argparse.Namespace) -> int:
    """Score again and say what changed; 1 when answers that were there are none any more, or a benchmark was left out.

    Raises ConfigError, with the suite as it was, when it cannot be scored again.
    """
    source: Path = arguments.suite
    if arguments.processes and not (arguments.processes.isdigit() or arguments.processes in ("auto", "logical")):
        raise ConfigError(f"-n {arguments.processes}: type a number of processes, e.g. -n 2, or -n auto")
    with closing(open_suite(source)):
        if not (source / "responses.sqlite").is_file():
            raise ConfigError(f"{source} holds no responses.sqlite: there is nothing to score again")
    try:
        if arguments.to is None:
            return _rescored(source.resolve(), source, arguments)
        return _into_copy(source, arguments.to, arguments)
    except BrokenPipeError:  # Whoever reads what is printed has seen enough: no fault of the suite.
        raise
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(
            f"{source} cannot be rescored ({reason(error)}); it needs a disk with room, and a folder that you may "
            "write: name one with --to"
        ) from None


def _into_copy(source: Path, target: Path, arguments: argparse.Namespace) -> int:
    """Score a copy again, which appears whole or not at all."""
    if target.exists():
        raise ConfigError(f"{target} is there already: name another folder with --to")
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    copy = target.absolute().with_name(f".{target.name}.rescoring")
    shutil.rmtree(copy, ignore_errors=True)
    try:
        _copy(source, copy)
        return _rescored(copy, target, arguments)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _rescored(folder: Path, shown: Path, arguments: argparse.Namespace) -> int:
    """Score a suite again where it is, move it to where it is to be ``shown``, and write its pages."""
    with closing(open_suite(folder)) as suite:
        known, unknown = groups(suite)
        if unknown and not known:
            raise ConfigError(
                f"{shown} was made by an import, or by a version that did not note where its tests are: run its models "
                "again with the command that made it, which asks nothing that is stored"
            )
        before = _values(suite)
        everything = suite.cells()
    with tempfile.TemporaryDirectory(prefix=".rescoring-", dir=folder) as name:
        staging = Path(name)
        reasons = sorted(set().union(*(_run_tests(folder, staging, group, arguments) for group in known)))
        if not (staging / "suite.sqlite").is_file():
            raise ConfigError(_nothing(shown, everything, reasons))
        with closing(Suite(staging)) as staged:
            done = [cell for cell in staged.cells() if cell in everything]
            changes = adopt(folder, staged, done)
    if folder != shown.resolve():
        folder.rename(shown.absolute())
    with closing(open_suite(shown)) as suite:
        write_again(suite)
        after = _values(suite)
    left = [cell for cell in everything if cell not in done]
    for line in _report(shown, changes, left, before, after, reasons):
        print(line)
    return int(bool(left and not arguments.paths) or any(change.lost for change in changes))


def _copy(source: Path, target: Path) -> None:
    """A copy of a suite's databases, also while somebody writes to them."""
    Suite(target).close()
    for name in ("suite.sqlite", "responses.sqlite"):
        with closing(sqlite3.connect(source / name)) as original, closing(sqlite3.connect(target / name)) as new:
            original.backup(new)
        (target / name).chmod(0o600)


def _values(suite: Suite) -> Values:
    cells = read_cells(suite)[0]
    return {(cell.benchmark, cell.model): cell.value for cell in cells}


def _run_tests(folder: Path, staging: Path, group: Group, arguments: argparse.Namespace) -> set[str]:
    """Why benchmarks of the group could not be run.

    Raises ConfigError with pytest's own sentence when the session did not come to its end.
    """
    found_in = group.manifest["place"]["folder"]
    home = Path.cwd() if arguments.paths or not Path(found_in).is_dir() else Path(found_in)
    options = [*_options(folder, group.manifest, arguments)]
    print(f"scoring {', '.join(sorted({name for name, _ in group.cells}))} again ...", file=sys.stderr, flush=True)
    rescoring, shown = Rescoring(plan(group), staging), io.StringIO()
    with _fresh_imports(home), chdir(home), redirect_stdout(shown), redirect_stderr(shown):
        status = pytest.main(options, plugins=[rescoring])
    if rescoring.interrupted:
        raise KeyboardInterrupt
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        problem = next(iter(rescoring.problems), None) or _said(shown.getvalue())
        raise ConfigError(f"the tests cannot be run again: {_visible(problem)}")
    return set(map(_visible, rescoring.not_run))


@contextmanager
def _fresh_imports(home: Path) -> Iterator[None]:
    """Tests and what they import are read anew by each session, as they are now."""
    modules, path = {*sys.modules}, [*sys.path]
    try:
        yield
    finally:
        folders = [home, *map(Path, sys.path[: -len(path)])]
        sys.path[:] = path
        for name in {*sys.modules} - modules:
            if _is_of_project(name, getattr(sys.modules[name], "__file__", None), folders):
                del sys.modules[name]


def _is_of_project(name: str, file: str | None, folders: Sequence[Path]) -> bool:
    """A module of the tests: below their folders, and neither of an installed package nor of this one."""
    if file is None or "site-packages" in Path(file).parts:
        return False
    packaged = name.startswith("pytest_medhelm") and not name.startswith("pytest_medhelm.benchmarks")
    return not packaged and any(Path(file).is_relative_to(folder) for folder in folders)


def _options(folder: Path, manifest: StoredManifest, arguments: argparse.Namespace) -> Iterator[str]:
    invocation, settings = manifest["place"], manifest["settings"]
    # A test of these sessions that fails says nothing of the project's own tests: its cache is left alone.
    yield from ("-p", "no:cacheprovider", "-q", "--tb=short")
    if arguments.paths:
        yield from map(str, arguments.paths)
    else:
        yield from invocation["paths"]
        if invocation["pyargs"]:
            yield "--pyargs"
    yield from (f"--medhelm-results={folder.parent}", f"--medhelm-suite={folder.name}")
    for name in _OPTIONS:
        value = "all" if name == "limit" and settings[name] is None else settings.get(name)
        if value is not None:
            yield f"--medhelm-{name.replace('_', '-')}={value}"
    if settings.get("perturbations"):
        yield f"--medhelm-perturb={','.join(settings['perturbations'])}"
        floor = settings["noise_floor"]
        yield from [f"--medhelm-perturb-limit={settings['perturb_limit']}"] if settings["perturb_limit"] else []
        yield from [f"--medhelm-noise-floor={floor or 'off'}"] if floor is not None else []
    if settings.get("shuffle_criteria"):
        yield "--medhelm-shuffle-criteria"
    for name, known in (("data", invocation["data"]), ("config", invocation["config"])):
        value = getattr(arguments, name) or known
        if value is not None:
            yield f"--medhelm-{name}={Path(value).absolute()}"
    if arguments.processes is not None:
        yield from ("-n", arguments.processes)


def _said(text: str) -> str:
    """What pytest says to a wrong option or a conftest that cannot be imported, for which it has no hook."""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E  ", "ERROR"))] or lines or ["pytest said nothing"]
    return errors[0].removeprefix("ERROR:").removeprefix("E  ").strip()


def _visible(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:300]


def _nothing(shown: Path, cells: Sequence[CellName], reasons: Sequence[str]) -> str:
    if reasons:
        return f"nothing of {shown} was scored again: {'; '.join(reasons)}"
    names = ", ".join(sorted({benchmark for benchmark, _ in cells})) or "none"
    return (
        f"nothing of {shown} was scored again: no test of its benchmarks ({names}) was found; type medhelm rescore "
        "SUITE benchmarks/ --data=DIR with the folders of its tests and data"
    )


def _report(
    shown: Path,
    changes: Sequence[Change],
    left: Sequence[CellName],
    before: Values,
    after: Values,
    reasons: Sequence[str],
) -> Iterator[str]:
    yield ""
    yield f"{shown}: {sum(change.records for change in changes)} records scored again from stored responses"
    for change in changes:
        cell = (change.benchmark, change.model)
        others = "".join(f", {name} on {count}" for name, count in sorted(change.others.items()))
        yield (
            f"  {change.benchmark}  {change.model}  {change.metric} {_shown(before.get(cell))} -> "
            f"{_shown(after.get(cell))}: {change.changed} of {change.records} records changed{others}"
        )
        if change.lost:
            yield (
                f"    {change.lost} have no stored response to the prompt as it is now: they are unmeasured; run the "
                "model again to measure them"
            )
    for benchmark, model in left:
        yield f"  {benchmark}  {model}  left as it was: no test of it was run"
    yield from (f"    {reason}" for reason in reasons)


def _shown(value: float | None) -> str:
    return "no value" if value is None else f"{value:.3f}"
