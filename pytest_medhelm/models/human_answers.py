"""Human answers: what a clinician wrote to a benchmark's questions, scored by the benchmark's own test.

    --medhelm-model=human/answers/ward.csv      the model's name then is human/ward

    [models."human/ward"]                       in medhelm.toml: --medhelm-model=human/ward
    answers = "answers/ward.csv"                a file, relative to this one

The table has the columns benchmark, instance (id or public id) and answer; other columns are not read. An instance
without an answer is missing data, never a wrong answer.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_medhelm.tasks.data.readers import read_bytes, read_csv
from pytest_medhelm.tasks.prompts import Message
from pytest_medhelm.tasks.public_ids import public_id
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.util.errors import ConfigError, DataError

if TYPE_CHECKING:
    from pytest_medhelm.tasks.benchmark import Benchmark

COLUMNS = ("benchmark", "instance", "answer")
_NAME = re.compile(r"[a-z][a-z0-9_]{,39}")
LISTED = 6
"""Benchmarks that the header names."""


@dataclass(frozen=True)
class HumanAnswers:
    """The answers of one file; called like any model that is a function."""

    file: str
    """Name of the file, without its folder."""
    sha256: str
    """Of its content: other answers are other settings of the model."""
    texts: Mapping[tuple[str, str], str] = field(repr=False)
    """(benchmark, instance id or public id) -> answer."""
    _unmatched: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    def __call__(
        self, messages: Sequence[Message], instance: Instance | None, benchmark: Benchmark | None
    ) -> str | None:
        """The answer to an instance; None where there is none.

        Raises DataError when an instance is answered twice, by its id and by its public id.
        """
        if instance is None or benchmark is None:
            return None
        shown = public_id(benchmark.task, instance.id)
        names = {(benchmark.task.name, instance.id), (benchmark.task.name, shown)} & self.texts.keys()
        if len(names) > 1:
            raise DataError(f"{self.file} answers the instance {shown} twice, by its id and by its public id: keep one")
        return self.texts[names.pop()] if names else None

    def __str__(self) -> str:
        """How many answers to which benchmarks, e.g. "answers: 12 to med_qa, 8 to pubmed_qa"."""
        # A cell that cannot be a benchmark's name may be anything, a patient's record too: it is not shown.
        counts = Counter(name if _NAME.fullmatch(name) else "what is no benchmark" for name, _ in self.texts)
        listed = [f"{count} to {name}" for name, count in sorted(counts.items())]
        more = f" and {len(listed) - LISTED} more benchmarks" if len(listed) > LISTED else ""
        return f"answers: {', '.join(listed[:LISTED])}{more}"

    def unmatched(self, benchmark: Benchmark) -> int:
        """How many answers to a benchmark fit no instance of its evaluation set."""
        task = benchmark.task
        if task.name not in self._unmatched:
            known = {name for instance in benchmark.instances for name in (instance.id, public_id(task, instance.id))}
            unfit = [instance for name, instance in self.texts if name == task.name and instance not in known]
            self._unmatched[task.name] = len(unfit)
        return self._unmatched[task.name]


def read_answers(path: Path, model: str) -> HumanAnswers:
    """The answers in a file. An empty cell is no answer.

    Raises ConfigError naming the model, the file, row and column, and quoting no cell.
    """
    texts: dict[tuple[str, str], str] = {}
    first: dict[tuple[str, str], int] = {}
    try:
        content = read_bytes(path)
        for row in read_csv(path):
            key = (row.text("benchmark"), row.text("instance"))
            answer = row.take("answer", str).strip()
            if first.setdefault(key, row.number) != row.number:
                raise row.error(f"the same instance was answered in row {first[key]} already")
            if answer:
                texts[key] = answer
        if not texts:
            raise DataError(f"{path.name} holds no answer")
    except DataError as error:
        raise ConfigError(
            f"--medhelm-model={model}: {error}; human answers are a CSV file with the columns {', '.join(COLUMNS)}"
        ) from None
    return HumanAnswers(path.name, hashlib.sha256(content).hexdigest(), texts)
