"""medhelm tasks: all benchmarks and which of their data is here; or some of them in full, their files checked."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

from pytest_medhelm.tasks.catalogue import Catalogue, CatalogueEntry, catalogue
from pytest_medhelm.tasks.data.fetch import wanted
from pytest_medhelm.tasks.data.licences import terms
from pytest_medhelm.tasks.data.outline import outline
from pytest_medhelm.tasks.data.sources import checksum, how_to_get, locate
from pytest_medhelm.tasks.task import DataFile, DataFolder
from pytest_medhelm.tasks.taxonomy import CATEGORY_OF
from pytest_medhelm.util.cache_dir import cache_dir
from pytest_medhelm.util.errors import ConfigError, DataError

WIDTH = 100
"""Columns."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Which data of a benchmark a session with the same --medhelm-data would find here."""

    origin: str
    """``given``, ``cache``, ``sample`` or empty, as datasets.sources.Source has it."""
    folder: Path | None
    missing: tuple[str, ...] = ()
    """Evaluated files that the folder lacks, so that the benchmark is skipped."""

    def __str__(self) -> str:
        if self.missing:
            return f"{self.origin}, in part"
        return {"": "not here", "sample": "sample only"}.get(self.origin, self.origin)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmark to show in full, its files checked")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with data files, as of --medhelm-data")
    parser.add_argument(
        "--benchmarks", type=Path, metavar="PATH", help="module of your own, or a folder with some, to list as well"
    )
    parser.add_argument("--access", choices=("public", "gated", "private"), help="only these")
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the list; returns 1 when a module or, of a benchmark shown in full, a file cannot be used.

    Raises ConfigError for an unknown name or a folder that is not there.
    """
    data: Path | None = arguments.data
    if data is not None and not data.is_dir():
        raise ConfigError(f"--data: there is no folder {data}")
    everything = catalogue(arguments.benchmarks)
    entries = everything.named(arguments.names) if arguments.names else everything.entries
    entries = [entry for entry in entries if arguments.access in (None, entry.task.access)]
    checked = [_Checked(entry, data) for entry in entries] if arguments.names else []
    problems = [problem for one in checked for problem in one.problems()] if checked else everything.problems
    if arguments.json:
        shown = [one.facts() for one in checked] if checked else [_facts(entry, data) for entry in entries]
        print(json.dumps({"tasks": shown, "problems": problems}, indent=2, ensure_ascii=False))
    elif arguments.names:
        print("\n\n\n".join("\n".join(one.lines()) for one in checked))
    else:
        print("\n".join(_overview(Catalogue(entries), data)))
    for problem in problems:
        print(f"medhelm: {problem}", file=sys.stderr)
    return 1 if problems else 0


def presence(entry: CatalogueEntry, data: Path | None) -> Presence:
    """By the names of the files alone; their checksums are not looked at."""
    task = entry.task
    folders = [("given", data / task.name)] if data else []
    folders.append(("cache", cache_dir() / "data" / task.name))
    if task.folder is not None:
        folders = [("its own", task.folder)]
    elif not data:
        folders.append(("sample", entry.samples))
    for origin, folder in folders:
        missing = tuple(file.name for file in task.files if locate(folder, file) is None)
        if len(missing) < len(task.files):
            return Presence(origin, folder, missing)
    return Presence("", None)


# The list


_BELOW: Any = {"initial_indent": " " * 6, "subsequent_indent": " " * 8, "break_on_hyphens": False}


def _overview(shown: Catalogue, data: Path | None) -> Iterator[str]:
    wide = max((len(entry.task.name) for entry in shown.entries), default=0) + 1
    metric = max((len(entry.task.main_metric) for entry in shown.entries), default=0)
    yield f"    {'benchmark':<{wide}}  access   instances  {'main metric':<{metric}}  data here"
    for category, below in groupby(shown.entries, lambda entry: entry.task.category):
        yield f"\n{category}"
        for subcategory, entries in groupby(below, lambda entry: entry.task.subcategory):
            yield f"  {subcategory}"
            for entry in entries:
                task = entry.task
                name = f"{task.name}{'*' if task.category_assigned_here else ''}"
                size = "?" if task.size is None else f"{task.size:,}"
                line = f"    {name:<{wide}}  {task.access:<7}  {size:>9}  {task.main_metric:<{metric}}  "
                here = presence(entry, data)
                yield line + str(here)
                if here.missing:
                    yield from wrap(f"{here.folder} lacks {', '.join(here.missing)}", WIDTH, **_BELOW)
    covered = {entry.task.subcategory for entry in shown.entries}
    access = Counter(entry.task.access for entry in shown.entries)
    counts = ", ".join(f"{access[name]} {name}" for name in ("public", "gated", "private") if access[name])
    yield ""
    yield f"{len(shown.entries)} benchmarks ({counts or 'none'}) in {len(covered)} of {len(CATEGORY_OF)} subcategories"
    yield "instances: those of the leaderboard's split, before its cap of 1,000; ?: not published"
    if any(entry.task.category_assigned_here for entry in shown.entries):
        yield "* its subcategory is chosen here, since MedHELM publishes none for it"
    outside = [entry.task.name for entry in shown.entries if entry.task.outside_medhelm]
    if outside:
        yield from wrap(f"no benchmarks of MedHELM, and outside of win rates and averages: {', '.join(outside)}", WIDTH)
    yield "medhelm tasks NAME shows one in full; medhelm fetch NAME fetches public data"


# One benchmark


class _Checked:
    """One benchmark in full. Its files are read once, to check them."""

    def __init__(self, entry: CatalogueEntry, data: Path | None) -> None:
        self._entry = entry
        self._data = data
        self._here = presence(entry, data)
        self._states = {file: _state(file, self._here) for file in wanted(entry.task)}

    def lines(self) -> Iterator[str]:
        """For the terminal."""
        task, here = self._entry.task, self._here
        yield f"{task.title} ({task.name})"
        yield f"{task.category} > {task.subcategory}"
        yield ""
        yield self._entry.text
        yield ""
        low, high = task.scale
        rows = {
            "instances": "not published" if task.size is None else f"{task.size:,} in the leaderboard's split",
            "kind": task.kind.replace("_", " "),
            "main metric": f"{task.main_metric}, from {low:g} (worst) to {high:g}"
            + (f"; guessing gives {task.chance:.2f}" if task.chance is not None else ""),
            "metrics": _metrics(self._entry),
            "language": {"mul": "several"}.get(task.language, task.language),
            "subcategory": "chosen here; MedHELM publishes none"
            if task.category_assigned_here
            else "as MedHELM publishes it",
            "place": "outside of MedHELM, its win rates and averages" if task.outside_medhelm else "MedHELM",
            "access": task.access,
            **terms(task),
            "source": task.source,
            "how to get it": how_to_get(task, self._data),
            "module": str(self._entry.path),
            "data here": str(here) + (f" in {here.folder}" if here.folder else ""),
        }
        for label, text in rows.items():
            yield from _row(label, text)
        yield "files"
        for file, state in self._states.items():
            yield f"  {_name(file)}{'' if file in task.files else '  (solved examples)'}"
            yield f"    sha256  {file.sha256 or 'not pinned: any file is taken'}"
            content = outline(self._entry.samples, file).replace("`", "")
            if content:
                yield from wrap(f"    holds   {content}", WIDTH, subsequent_indent=" " * 12)
            yield f"    here    {state.text}"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        facts = _facts(self._entry, self._data)
        for entry, state in zip(facts["files"], self._states.values(), strict=True):
            entry["here"] = state.text
        return {**facts, "text": self._entry.text}

    def problems(self) -> Iterator[str]:
        """Why a session would not take the data that is here."""
        name, here = self._entry.task.name, self._here
        if here.missing:
            yield f"{name}: {here.folder} lacks {', '.join(here.missing)}"
        for file, state in self._states.items():
            if not state.is_usable:
                yield f"{name}: {file.name} in {here.folder} {state.text}"


def _metrics(entry: CatalogueEntry) -> str:
    """The scores that a gate rule may name."""
    from pytest_medhelm.gates.known import Known

    name = entry.task.name
    names = Known({name: entry.task}, tests={name: entry.tests}).metrics_of(name)
    return "those that its test names" if names is None else ", ".join(sorted(names))


def _row(label: str, text: str) -> Iterator[str]:
    first, *others = wrap(text, WIDTH - 22, break_long_words=False, break_on_hyphens=False) or [""]
    yield f"{label:<22}{first}"
    yield from (f"{'':<22}{other}" for other in others)


def _name(file: DataFile | DataFolder) -> str:
    return f"{file.name}/{file.pattern}" if isinstance(file, DataFolder) else file.name


class FileState(NamedTuple):
    """Whether a file is here and is the pinned one."""

    text: str
    is_usable: bool = True
    """A session takes it, or takes sample data in its place."""


def _state(file: DataFile | DataFolder, here: Presence) -> FileState:
    path = locate(here.folder, file) if here.folder else None
    if path is None:
        return FileState("no")
    if here.origin == "sample":
        return FileState("sample data")
    if not file.sha256:
        return FileState("yes")
    try:
        digest = checksum(file, path)
    except DataError as error:
        return FileState(f"cannot be used: {error}", is_usable=False)
    if digest == file.sha256:
        return FileState("yes, the pinned one")
    return FileState(f"is not the pinned file (sha256 {digest})", is_usable=False)


# JSON


def _facts(entry: CatalogueEntry, data: Path | None) -> dict[str, Any]:
    task, here = entry.task, presence(entry, data)
    return {
        "name": task.name,
        "title": task.title,
        "category": task.category,
        "subcategory": task.subcategory,
        "category_assigned_here": task.category_assigned_here,
        "access": task.access,
        "kind": task.kind,
        "language": task.language,
        "instances": task.size,
        "main_metric": task.main_metric,
        "licence": task.licence,
        "attribution": task.attribution,
        "redistribution": task.redistribution,
        "may_use_hosted_api": task.may_use_hosted_api,
        "source": task.source,
        "how_to_get": how_to_get(task, data),
        "data": {
            "origin": here.origin or None,
            "folder": str(here.folder) if here.folder else None,
            "missing": list(here.missing),
        },
        "files": [
            {
                "name": _name(file),
                "sha256": file.sha256 or None,
                "url": file.url or None,
                "solved_examples": file not in task.files,
                "holds": outline(entry.samples, file) or None,
            }
            for file in wanted(task)
        ],
    }
