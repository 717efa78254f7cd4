"""A benchmark as one session runs it: its Task, the data found here, the instances chosen from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from inspect import cleandoc
from pathlib import Path
from textwrap import wrap
from typing import Any

from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.tasks.data.rows import digest
from pytest_medhelm.tasks.data.sources import Source
from pytest_medhelm.tasks.metadata import BenchmarkMetadata
from pytest_medhelm.tasks.prompts import OPTION_NAMES, Message, confidence_line, in_form, renamed, solved
from pytest_medhelm.tasks.public_ids import public_files, public_name
from pytest_medhelm.tasks.task import Instance, Task
from pytest_medhelm.util.settings import PromptForm

Prompt = Callable[[Instance], "str | Sequence[Message]"]

PACKAGED = [parent / "benchmarks" for parent in Path(__file__).parents[1:3]]
"""Where the package's own benchmarks are: inside it, or beside it in a checkout."""


def is_packaged(file: Path) -> bool:
    """Whether a file is of the package's own benchmarks, or of a copy that differs in nothing but other benchmarks: a
    worker on another host is sent one, and what it measures is the same."""
    if any(map(file.is_relative_to, PACKAGED)):
        return True
    homes = [home for home in PACKAGED if home.is_dir()]
    return any(_is_copy(file, root, home) for root in file.parents[1:3] for home in homes)


def _is_copy(file: Path, root: Path, home: Path) -> bool:
    own = home / file.relative_to(root)
    return own.is_file() and own.read_bytes() == file.read_bytes() and _common(root) == _common(home)


@cache
def _common(root: Path) -> Mapping[Path, bytes]:
    """All code below a folder of benchmarks but the benchmarks themselves."""
    files = (file for file in root.rglob("*.py") if not file.name.startswith("test_"))
    return {file.relative_to(root): file.read_bytes() for file in files}


@dataclass(frozen=True)
class Benchmark:
    """What one module evaluates in this session."""

    task: Task
    prompt: Prompt
    source: Source
    instances: Sequence[CompressedInstance]
    """The evaluation set: what the limit asks for, before -k, -m and --lf."""
    total: int
    """Instances in the data."""
    left_out: Mapping[str, int]
    """Records that are no instances, by the benchmark's rule."""
    majority: str
    """The most frequent reference of the data."""
    labels: tuple[str, ...]
    """All references of the data where they are labels; empty where they are numbers or texts."""
    code: str
    """The version of the Task; for a module that is not of the package also a hash of what its code does."""
    shots: int = 0
    """Solved examples per question."""
    prompt_form: PromptForm = "line"
    """How closed questions ask for their answers."""
    states_confidence: bool = False
    """A closed question also asks how probable it is that the answer is right."""
    examples: Mapping[str, Sequence[Instance]] = field(default_factory=dict, repr=False)
    """Solved examples to choose from, by the slice that they must share with the instance."""
    description: str = ""
    """What is asked, read and scored, from the module's docstring up to its sources."""
    known_sub_tasks: tuple[str, ...] = ()
    """Those of the data, whichever are evaluated."""
    environment: Callable[[Instance], Any] | None = None
    """Of kind agentic: what an episode takes place in (agents.episode.Environment)."""
    never_events: int = 0
    """Instances in the data that name a floor (``must_pass``)."""

    @cached_property
    def first_environment(self) -> Any:
        """Of kind agentic: what the first instance's episode takes place in; None where that cannot be said."""
        if self.environment is None:
            return None
        try:
            return self.environment(self.instances[0].unpack())
        except Exception:
            return None  # The tests themselves will meet the same error, and report it.

    @cached_property
    def eval_set_hash(self) -> str:
        """Hash of the evaluation set: benchmark, data files, instance ids, solved examples."""
        parts: list[Any] = [
            self.task.name,
            sorted(self.source.sha256.items()),
            sorted(instance.id for instance in self.instances),
        ]
        if self.shots:
            parts.append(
                [self.shots, {key: [instance.id for instance in group] for key, group in self.examples.items()}]
            )
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def messages(self, instance: Instance) -> Sequence[Message]:
        """The chat messages of an instance: solved examples as earlier turns, then the question."""
        messages = self._asked(instance)
        turns: list[Message] = []
        for example in self._examples_for(instance):
            assert self.task.examples is not None
            asked, answer = self._asked(example)[-1], self.task.examples.answer(example)
            if example.choices and answer == example.answer and asked != self._unformed(example)[-1]:
                answer = solved(answer, self.prompt_form, self.task.language)
            turns += [asked, {"role": "assistant", "content": answer}]
        if self.states_confidence and instance.choices and messages:
            text = f"{messages[-1]['content']}\n{confidence_line(self.task.language)}"
            messages = [*messages[:-1], {**messages[-1], "content": text}]
        return [*messages[:-1], *turns, messages[-1]] if turns else messages

    def _asked(self, instance: Instance) -> Sequence[Message]:
        """The prompt of an instance; a closed question asks for its answer in the session's form and language."""
        messages = self._unformed(instance)
        if not instance.choices or not messages:
            return messages
        last = messages[-1]
        text = in_form(last["content"], instance.choices, self.prompt_form, self.task.language)
        if instance.form in OPTION_NAMES:
            text = renamed(text, instance.choices, OPTION_NAMES[instance.form])
        return messages if text == last["content"] else [*messages[:-1], {**last, "content": text}]

    def _unformed(self, instance: Instance) -> Sequence[Message]:
        other = self.task.paraphrase if instance.form == "paraphrase" else None
        prompt = (other or self.prompt)(instance)
        return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt

    def _examples_for(self, instance: Instance) -> Sequence[Instance]:
        """Solved examples, never the instance itself, also where another split repeats it."""
        if not self.shots or self.task.examples is None:
            return ()
        group = self.examples.get(self.task.examples.group_of(instance), ())
        key = content_key(instance)
        return [example for example in group if content_key(example) != key][: self.shots]

    def facts(self) -> BenchmarkMetadata:
        """What the reports say of the benchmark, as plain values."""
        task = self.task
        return {
            "name": task.name,
            "title": task.title,
            "description": self.description,
            "category": task.category,
            "subcategory": task.subcategory,
            "category_assigned_here": task.category_assigned_here,
            "outside_medhelm": task.outside_medhelm,
            "map_by": list(task.map_by),
            "access": task.access,
            "kind": task.kind,
            "language": task.language,
            "licence": task.licence,
            "attribution": task.attribution,
            "redistribution": task.redistribution,
            "may_use_hosted_api": task.may_use_hosted_api,
            "source": task.source,
            "main_metric": task.main_metric,
            "scale": list(task.scale),
            "chance": task.chance,
            "positive": task.positive,
            "label_count": len(self.labels),
            "shots": self.shots,
            "sub_tasks": sorted(set(task.sub_tasks) or {instance.sub_task for instance in self.instances} - {""}),
            "gates": list(task.gates),
            "data": {
                "origin": self.source.origin,
                "sha256": public_files(task, self.source.sha256),
                "accepted": [public_name(task.access, task.name, name) for name in self.source.accepted],
                "instances": self.total,
                "never_events": self.never_events,
                "left_out": dict(self.left_out),
            },
            "code": self.code,
        }


def text_of(module: Any) -> str:
    """What a module says of its benchmark: its docstring, with what holds of the whole family above the sources."""
    text, mark, source = cleandoc(module.__doc__ or "").partition("\n\nSource:")
    notes = "\n".join(wrap(module.TASK.notes, 119))
    return "\n\n".join(filter(None, (text, notes))) + mark + source


def content_key(instance: Instance) -> str:
    """The same for two instances that ask the very same thing."""
    return digest(instance.question, instance.context, *instance.choices)


def samples_of(module: Path, task: Task) -> Path:
    """The folder of sample data: beside the module, or beside its category folder."""
    folder = module.parent / "samples"
    return folder if (folder / task.name).is_dir() else module.parent.parent / "samples"
