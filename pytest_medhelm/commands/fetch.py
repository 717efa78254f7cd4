"""medhelm fetch: the data of public benchmarks, after their terms were shown and accepted."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pytest_medhelm.cachedir import cache_dir
from pytest_medhelm.catalogue import Entry, catalogue
from pytest_medhelm.commands.progress import Shown
from pytest_medhelm.datasets.fetch import Fetched, can_be_fetched, fetch, lacking
from pytest_medhelm.datasets.licences import accept, accepted, terms
from pytest_medhelm.datasets.sources import how_to_get
from pytest_medhelm.errors import ConfigError, DataError
from pytest_medhelm.task import Task

MIRROR = "MEDHELM_MIRROR"
"""Environment variable: what --mirror is when it is not given."""


def run(arguments: argparse.Namespace) -> int:
    """Fetch; returns 1 when something that was named is not here afterwards.

    Raises ConfigError for an unknown name, a mirror that is no address, and terms that nobody accepted.
    """
    mirror = _mirror(arguments.mirror or os.environ.get(MIRROR, ""))
    base: Path = (arguments.to or cache_dir() / "data").expanduser().absolute()
    named = _chosen(arguments)
    by_hand = [task for task in named if not can_be_fetched(task, mirror)]
    todo = [
        task
        for task in named
        if task not in by_hand and any(file.url or mirror for file in lacking(task, base / task.name))
    ]
    here = [task for task in named if task not in by_hand and task not in todo]
    for task in here:
        print(f"{task.name}: already here")
    if todo:
        _agree(todo, given=arguments.accept_licence)
    failed, done = 0, []
    for task in todo:
        brought = _one(task, base, mirror, replace=arguments.to is None)
        failed += brought is None
        done += [brought] if brought else []
    for task in by_hand:
        print(f"{task.name}: not to be fetched; {how_to_get(task, arguments.to)}")
    files, size = sum(len(one.files) for one in done), sum(one.size for one in done)
    print(
        f"{len(here) + len(done)} of {len(named)} benchmarks are in {base}; fetched now: {files} "
        f"file{'' if files == 1 else 's'}, {size / 1e6:.1f} MB"
    )
    if arguments.to and done:
        print(f"name the folder to use them: --medhelm-data={arguments.to}")
    return 1 if failed or (by_hand and not arguments.all_public) else 0


def _chosen(arguments: argparse.Namespace) -> list[Task]:
    everything = catalogue(arguments.benchmarks)
    entries: Sequence[Entry] = everything.named(arguments.names)
    if arguments.all_public:
        for problem in everything.problems:
            print(f"medhelm: {problem}", file=sys.stderr)
        entries = [*entries, *(e for e in everything.entries if e.task.access == "public" and e not in entries)]
    if not entries:
        raise ConfigError("name what to fetch: medhelm fetch med_qa, or --all-public; 'medhelm tasks' lists all")
    return [entry.task for entry in entries]


def _mirror(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ConfigError(f"the mirror {url!r} is no address: name e.g. https://mirror.example.org/medhelm")
    if parts.username or parts.password:
        raise ConfigError(
            "a mirror that wants a login is not supported: download from it by hand, and use --medhelm-data"
        )
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
    shown = Shown(task.name)
    try:
        brought = fetch(task, base, mirror=mirror, replace=replace, progress=shown)
    except DataError as error:
        shown.clear()
        print(f"medhelm: {error}", file=sys.stderr)
        return None
    except KeyboardInterrupt:
        shown.note(f"What has come of {task.name} is kept: the same command goes on from there.")
        raise
    shown.clear()
    count = len(brought.files)
    what = f"fetched {count} file{'' if count == 1 else 's'}, {brought.size / 1e6:.1f} MB" if count else "already here"
    print(f"{task.name}: {what}", flush=True)
    if brought.without:
        print(f"  not there, so no solved examples (--medhelm-shots): {', '.join(brought.without)}", flush=True)
    if brought.unpinned:
        print(f"  taken as it came, since no checksum is pinned: {', '.join(brought.unpinned)}", flush=True)
    return brought
