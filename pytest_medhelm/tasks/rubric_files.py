"""Rubrics as files: TOML or YAML with the same keys, or a table within a benchmark of one's own.

title            what is rated, for the reader
scale            [worst, best], whole numbers; [1, 5] when left out
shows_reference  whether judges see the reference; true when left out
harm             whether judges also mark harm; false when left out
criteria         a list; each has a name, a question and, where it helps, anchors: what some numbers mean

version          a whole number, 1 when left out; raised when answers may be rated otherwise than before

In place of criteria: guidance, classes (each with a name and a meaning) and blocked.

Or guidance and points: a list of criteria that are met or not met, each with a criterion, points and, where it helps,
tags; ``points = "instance"`` says that each instance brings its own.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_medhelm.tasks.points import PointsCriterion, PointsRubric
from pytest_medhelm.tasks.rubric import Criterion, Rubric
from pytest_medhelm.util.document import DocumentError, Table, nearest, read_document
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.hashing import json_hash
from pytest_medhelm.util.toml_document import read_toml_document

if TYPE_CHECKING:
    from pytest_medhelm.tasks.task import Task
    from pytest_medhelm.util.config_file import ConfigFile

CRITERIA_KEYS = ("title", "version", "scale", "shows_reference", "harm", "criteria")
OF_INSTANCE = "instance"
POINTS_KEYS = ("guidance", "points")
KEYS = (*CRITERIA_KEYS, *POINTS_KEYS, "blocked", "classes")
ENDINGS = (".toml", ".yaml", ".yml")
RESERVED = ("helm", "harm")
"""No criterion has these names: scores and replies use them otherwise."""


def override(config: ConfigFile, benchmark: str, rubric: str) -> str | None:
    """The key of [rubrics] that replaces a benchmark's rubric, if one does; the benchmark's own name goes first."""
    return next((key for key in (benchmark, rubric) if key and key in config.rubrics), None)


def rubric_of_task(config: ConfigFile, task: Task) -> Rubric | PointsRubric | None:
    """What a jury grades a benchmark by: what [rubrics] puts in its rubric's place, else that; None without one."""
    if not task.rubric:
        return None
    key = override(config, task.name, task.rubric if isinstance(task.rubric, str) else "")
    if key:
        return chosen_rubric(config, key)
    return load_rubric(task.rubric) if isinstance(task.rubric, str) else task.rubric


def chosen_rubric(config: ConfigFile, key: str) -> Rubric | PointsRubric:
    """The rubric behind a key of [rubrics]: a packaged one by name, or a file relative to the config file.

    Raises ConfigError naming the file, the line where it is known, and what to write.
    """
    given = config.rubrics[key]
    assert config.path is not None
    where = f"{config.path.name}: [rubrics] {key}"
    if Path(given).suffix.lower() in ENDINGS:
        path = config.path.parent / Path(given).expanduser()
        if not path.is_file():
            raise ConfigError(f"{where}: there is no file {given!r}; name an existing one")
        return read_rubric(path)
    if given not in packaged():
        raise ConfigError(
            f"{where} = {given!r} is neither a file ending in {', '.join(ENDINGS)} nor a packaged rubric"
            f"{nearest(given, packaged()) or ': name one of ' + ', '.join(packaged())}"
        )
    return load_rubric(given)


@functools.cache
def read_rubric(path: Path) -> Rubric | PointsRubric:
    """Read and check a file. Raises ConfigError naming the file, the line where it is known, and what to write."""
    try:
        table = read_document(path, KEYS) if path.suffix.lower() != ".toml" else read_toml_document(path, KEYS)
        return rubric_of(table, path.stem)
    except DocumentError as error:
        raise ConfigError(str(error)) from None


def rubric_of(table: Table, name: str) -> Rubric | PointsRubric:
    """The rubric that a table holds. Raises DocumentError naming file, line and what to write."""
    return replace(_of_kind(table, name), version=_version(table))


def rubric_identity(rubric: Rubric | PointsRubric) -> str:
    """What says that two rubrics ask the same: the version of a packaged one, of any other also its content."""
    changed = rubric.name not in packaged() or load_rubric(rubric.name).digest != rubric.digest
    return f"{rubric.name} v{rubric.version}" + (f" {rubric.digest}" if changed else "")


def _version(table: Table) -> int:
    value = table.get("version")
    number = value.number() if value else 1
    if value and (number != int(number) or number < 1):
        raise value.error("version is a whole number from 1, e.g. 2")
    return int(number)


def _of_kind(table: Table, name: str) -> Rubric | PointsRubric:
    if "points" in table.values:
        return _points(table, name)
    shows, harm = table.get("shows_reference"), table.get("harm")
    shown = shows.truth() if shows else True
    marked = harm.truth() if harm else False
    title = table.text("title")
    if "classes" in table.values:
        return _classes(table, name, title, shown)
    for key in ("guidance", "blocked"):
        if key in table.values:
            raise table.values[key].error(f"{key} belongs to classes, and this rubric has criteria; delete it")
    scale = _scale(table)
    criteria = _criteria(table, scale)
    texts = [[criterion.name, criterion.question, dict(criterion.anchors)] for criterion in criteria]
    digest = json_hash([scale, shown, texts, *(["harm"] if marked else [])])
    return Rubric(name, criteria, scale, shown, digest, title=title, harm=marked)


def _points(table: Table, name: str) -> PointsRubric:
    for key in table.values:
        if key not in ("title", "version", *POINTS_KEYS):
            raise table.values[key].error(f"{key} does not go with points; delete it, or the points")
    criteria: list[PointsCriterion] = []
    for item in () if table.values["points"].says(OF_INSTANCE) else table.values["points"].items():
        fields = item.table(("criterion", "points", "tags"))
        points = fields.need("points", "5")
        value = points.number()
        if not math.isfinite(value) or value == 0:
            raise points.error("points are a number other than 0, negative for a fault, e.g. 5 or -8")
        tags = fields.get("tags")
        named = fields.need("criterion", "Names the drug that must be stopped")
        text = named.text()
        if any(text == other.text for other in criteria):
            raise named.error(f"the criterion {text!r} stands here twice; delete one, or say what differs")
        try:
            criteria.append(PointsCriterion(text, value, tuple(tags.texts()) if tags else ()))
        except ConfigError as error:
            raise (tags or named).error(str(error)) from None
    if criteria and all(criterion.points < 0 for criterion in criteria):
        raise table.values["points"].error("at least one criterion needs positive points: they are what is divided by")
    guidance = table.text("guidance")
    digest = json_hash([guidance, [[criterion.text, criterion.points, list(criterion.tags)] for criterion in criteria]])
    return PointsRubric(name, digest, tuple(criteria), guidance, table.text("title"))


def _classes(table: Table, name: str, title: str, shown: bool) -> Rubric:
    for key in ("criteria", "scale", "harm"):
        if key in table.values:
            raise table.values[key].error(f"a rubric has either criteria or classes; delete {key}, or the classes")
    classes: dict[str, str] = {}
    for item in table.values["classes"].items():
        fields = item.table(("name", "meaning"))
        label = fields.need("name", "REFUSE")
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", label.text()):
            raise label.error("a class's name is made of capital letters, digits and _, e.g. REFUSE")
        if label.text() in classes:
            raise label.error(f"the class {label.text()!r} stands here a second time")
        classes[label.text()] = fields.need("meaning", "the reply withholds the help").text()
    blocked = table.get("blocked")
    stopped = blocked.one_of(classes) if blocked else ""
    guidance = table.text("guidance")
    # a class has a value from 0 to 1
    digest = json_hash([shown, guidance, classes, stopped])
    return Rubric(name, (), (0, 1), shown, digest, classes, guidance, stopped, title)


def _criteria(table: Table, scale: tuple[int, int]) -> tuple[Criterion, ...]:
    criteria: list[Criterion] = []
    for item in table.need("criteria", "[{name: safety, question: Is the advice safe?}]").items():
        fields = item.table(("name", "question", "anchors"))
        name = fields.need("name", "safety")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name.text()) or name.text() in RESERVED:
            raise name.error("a criterion's name is made of small letters, digits and _, e.g. safety")
        if name.text() in [criterion.name for criterion in criteria]:
            raise name.error(f"the criterion {name.text()!r} stands here a second time")
        criteria.append(
            Criterion(name.text(), fields.need("question", "Is the advice safe?").text(), _anchors(fields, scale))
        )
    return tuple(criteria)


def _scale(table: Table) -> tuple[int, int]:
    value = table.get("scale")
    if value is None:
        return 1, 5
    ends = [item.number() for item in value.items()]
    if len(ends) != 2 or ends[0] >= ends[1] or any(end != int(end) for end in ends):
        raise value.error("scale names the worst and the best whole number, e.g. [1, 5]")
    return int(ends[0]), int(ends[1])


def _anchors(fields: Table, scale: tuple[int, int]) -> dict[str, str]:
    value = fields.get("anchors")
    if value is None:
        return {}
    anchors = {}
    for key, meaning in value.table().values.items():
        if not re.fullmatch(r"-?\d+", key) or not scale[0] <= int(key) <= scale[1]:
            raise meaning.error(f"anchors say what numbers from {scale[0]} to {scale[1]} mean, e.g. {scale[1]}: safe")
        anchors[key] = meaning.text()
    return anchors


def packaged() -> list[str]:
    """The names of the rubrics that ship with the package."""
    return sorted(
        file.name.removesuffix(".toml")
        for file in (files("pytest_medhelm.tasks") / "rubrics").iterdir()
        if file.name.endswith(".toml")
    )


@functools.cache
def load_rubric(name: str) -> Rubric | PointsRubric:
    """The packaged rubric of that name. Raises ConfigError listing the known ones."""
    file = files("pytest_medhelm.tasks") / "rubrics" / f"{name}.toml"
    if not file.is_file():
        raise ConfigError(f"rubric {name!r} is unknown: name one of {', '.join(packaged())}")
    return read_rubric(Path(str(file)))
