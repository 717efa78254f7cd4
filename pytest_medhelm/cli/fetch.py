"""medhelm fetch: the data of public benchmarks, after their terms were shown and accepted."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pytest_medhelm.cli.progress import ProgressLine
from pytest_medhelm.tasks.catalogue import CatalogueEntry, catalogue
from pytest_medhelm.tasks.data.fetch import Fetched, fetch, has_address, lacking, wanted
from pytest_medhelm.tasks.data.licences import accept, accepted, terms
from pytest_medhelm.tasks.data.sources import how_to_get
from pytest_medhelm.tasks.task import DataFile, DataFolder, Task
from pytest_medhelm.util.cache_dir import cache_dir
from pytest_medhelm.util.errors import ConfigError, DataError

MIRROR = "MEDHELM_MIRROR"
"""Environment variable: what --mirror is when it is not given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
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


def run(arguments: argparse.Namespace) -> int:
    """Fetch; returns 1 when something that was named is not here afterwards.

    Raises ConfigError for an unknown name, a mirror that is no address, and terms that nobody accepted.
    """
    mirror = _mirror(arguments.mirror or os.environ.get(MIRROR, ""))
    base: Path = (arguments.to or cache_dir() / "data").expanduser().absolute()
    named = _chosen(arguments)
    todo = [task for task in named if any(has_address(task, file, mirror) for file in lacking(task, base / task.name))]
    if todo:
        _agree(todo, given=arguments.accept_licence)
    results = {task.name: _one(task, base, mirror, replace=arguments.to is None) for task in todo}
    failed = {name for name, one in results.items() if one is None}
    done = {name: one for name, one in results.items() if one is not None and one.files}
    incomplete = set(failed)
    for task in named:
        rest = [file for file in lacking(task, base / task.name) if file in task.files]
        if rest and task.name not in failed:
            incomplete.add(task.name)
            print(f"{task.name}: {_instruction(task, rest, base, arguments.to)}")
        elif not rest and task.name not in done:
            print(f"{task.name}: already here")
    files, size = sum(len(one.files) for one in done.values()), sum(one.size for one in done.values())
    print(
        f"{len(named) - len(incomplete)} of {len(named)} benchmarks are in {base}; fetched now: {_amount(files, size)}"
    )
    if arguments.to and done:
        print(f"name the folder to use them: --medhelm-data={arguments.to}")
    # Of what --all-public finds, some has no address; who names it wants it.
    return 1 if failed or incomplete & set(arguments.names) else 0


def _instruction(task: Task, rest: Sequence[DataFile | DataFolder], base: Path, to: Path | None) -> str:
    """What to do for files that cannot be fetched."""
    if len(rest) == len(task.files):
        return f"not to be fetched; {how_to_get(task, to)}"
    names = ", ".join(file.name for file in rest)
    origin = task.how_to_obtain or f"get it from {task.source}"
    return f"{names} is not to be fetched; {origin}; put it into {base / task.name}"


def _chosen(arguments: argparse.Namespace) -> list[Task]:
    everything = catalogue(arguments.benchmarks)
    entries: Sequence[CatalogueEntry] = everything.named(arguments.names)
    if arguments.all_public:
        for problem in everything.problems:
            print(f"medhelm: {problem}", file=sys.stderr)
        entries = [*entries, *(e for e in everything.entries if e.task.access == "public" and e not in entries)]
    if not entries:
        raise ConfigError("name what to fetch: medhelm fetch med_qa, or --all-public; 'medhelm tasks' lists all")
    return [entry.task for entry in entries]


def _mirror(url: str) -> str:
    if "@" in url:  # not shown: it may hold a password
        raise ConfigError(
            "a mirror that wants a login is not supported: download from it by hand, and use --medhelm-data"
        )
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ConfigError(f"the mirror {url!r} is no address: name e.g. https://mirror.example.org/medhelm")
    return url


def _agree(tasks: Sequence[Task], *, given: bool) -> None:
    """Show the terms of what will be fetched; go on when they are accepted. Raises ConfigError when they are not."""
    new = []
    for task in tasks:
        day = accepted(task)
        if day:
            print(f"{task.name}: its terms were accepted on {day}")
            continue
        new.append(task)
        print(f"{task.title} ({task.name})")
        for label, text in terms(task).items():
            print(f"  {label + ':':<22}{text}")
    if not new:
        return
    subject = "these terms" if len(new) == 1 else f"the terms of these {len(new)} benchmarks"
    if not given:
        if not sys.stdin.isatty():
            raise ConfigError(f"nobody is there to accept {subject}: add --accept-licence if you do")
        try:
            reply = input(f"Accept {subject}? [y/N] ")
        except EOFError:
            reply = ""
        if reply.strip().lower() not in ("y", "yes"):
            raise ConfigError("nothing was fetched, since the terms were not accepted")
    accept(new)


def _one(task: Task, base: Path, mirror: str, *, replace: bool) -> Fetched | None:
    """Fetch one benchmark and say so; None when that failed."""
    shown = ProgressLine(task.name)
    try:
        fetched = fetch(task, base, mirror=mirror, replace=replace, progress=shown)
    except DataError as error:
        shown.clear()
        print(f"medhelm: {error}", file=sys.stderr)
        return None
    except KeyboardInterrupt:
        shown.note(f"What has come of {task.name} is kept: the same command goes on from there.")
        raise
    shown.clear()
    if fetched.files:
        print(f"{task.name}: fetched {_amount(len(fetched.files), fetched.size)}", flush=True)
    examples = [file.name for file in wanted(task) if file not in task.files and file.name in fetched.without]
    if examples:
        print(f"  not there, so no solved examples (--medhelm-shots): {', '.join(examples)}", flush=True)
    if fetched.unpinned:
        print(f"  taken as it came, since no checksum is pinned: {', '.join(fetched.unpinned)}", flush=True)
    return fetched


def _amount(files: int, size: int) -> str:
    return f"{files} file{'' if files == 1 else 's'}, {size / 1e6:.1f} MB"
