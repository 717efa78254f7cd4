"""A benchmark as one session runs it: its Task, the data found here, the instances chosen from them."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import cleandoc
from pathlib import Path
from textwrap import wrap
from typing import Any

from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.tasks.data.limits import data_limit
from pytest_medhelm.tasks.data.readers import digest
from pytest_medhelm.tasks.data.sampling import Keeper, sample, spread
from pytest_medhelm.tasks.data.sources import Source, find_examples, find_source
from pytest_medhelm.tasks.metadata import BenchmarkMetadata
from pytest_medhelm.tasks.module_code import module_hash
from pytest_medhelm.tasks.prompts import Message, in_form, solved
from pytest_medhelm.tasks.public_ids import public_files, public_name, without_names
from pytest_medhelm.tasks.task import Examples, Excluded, Instance, Task
from pytest_medhelm.tasks.taxonomy import OPEN_ENDED
from pytest_medhelm.util.document import document_hash
from pytest_medhelm.util.errors import DataError, MedhelmError
from pytest_medhelm.util.settings import PromptForm, Settings

Prompt = Callable[[Instance], "str | Sequence[Message]"]

PACKAGED = [parent / "benchmarks" for parent in Path(__file__).parents[1:3]]
"""Where the package's own benchmarks are: inside it, or beside it in a checkout."""
LABELS_AT_MOST = 20
"""More different references than this are no labels."""


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
    examples: Mapping[str, Sequence[Instance]] = field(default_factory=dict, repr=False)
    """Solved examples to choose from, by the slice that they must share with the instance."""
    description: str = ""
    """What is asked, read and scored, from the module's docstring up to its sources."""
    known_sub_tasks: tuple[str, ...] = ()
    """Those of the data, whichever are evaluated."""
    never_events: int = 0
    """Instances in the data that name a floor (``must_pass``)."""

    @cached_property
    def eval_set_hash(self) -> str:
        """Hash of the evaluation set: benchmark, data files, instance ids, solved examples."""
        parts: list[Any] = [
            self.task.name,
            sorted(self.source.sha256.items()),
            sorted(entry.id for entry in self.instances),
        ]
        if self.shots:
            parts.append([self.shots, {key: [entry.id for entry in group] for key, group in self.examples.items()}])
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
        return [*messages[:-1], *turns, messages[-1]] if turns else messages

    def _asked(self, instance: Instance) -> Sequence[Message]:
        """The prompt of an instance; a closed question asks for its answer in the session's form and language."""
        messages = self._unformed(instance)
        if not instance.choices or not messages:
            return messages
        last = messages[-1]
        text = in_form(last["content"], instance.choices, self.prompt_form, self.task.language)
        return messages if text == last["content"] else [*messages[:-1], {**last, "content": text}]

    def _unformed(self, instance: Instance) -> Sequence[Message]:
        prompt = self.prompt(instance)
        return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt

    def _examples_for(self, instance: Instance) -> Sequence[Instance]:
        """Solved examples, never the instance itself, also where another split repeats it."""
        if not self.shots or self.task.examples is None:
            return ()
        group = self.examples.get(_group(self.task.examples, instance), ())
        own = content_key(instance)
        return [example for example in group if content_key(example) != own][: self.shots]

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
            "sub_tasks": sorted(set(task.sub_tasks) or {entry.stratum for entry in self.instances} - {""}),
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


def load_benchmark(module: Any, settings: Settings) -> Benchmark:
    """Read the data of a benchmark module and choose its instances.

    Raises DataError or DataMissing with a sentence for the user, whatever the loader does. Of data that are not public
    it shows neither content nor the name of a file.
    """
    task: Task = module.TASK
    try:
        with data_limit(settings.data_limit):
            return _load(module, settings)
    except DataError as error:
        raise type(error)(_without_names(str(error), task, Path(module.__file__))) from None
    except MedhelmError:
        raise
    except MemoryError:
        raise DataError(f"{task.name}: its data do not fit into the memory of this machine") from None
    except (Exception, SystemExit) as error:
        reason = f"{where(error, module.__file__)}{_told(error, settings)}"
        raise DataError(f"{task.name}: its loader ends with {reason}") from None


def _identity(task: Task, module: Any) -> str:
    path = Path(module.__file__)
    if any(map(path.is_relative_to, PACKAGED)):
        return f"v{task.version}"
    return f"v{task.version} {module_hash(module) if path.suffix == '.py' else document_hash(path)}"


def where(error: BaseException, file: str | None = None) -> str:
    """The type of an error and the line that it comes from, of ``file`` if it passed there; nothing of its text."""
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if frame.filename == file] or frames
    place = f" at {Path(mine[-1].filename).name}:{mine[-1].lineno}" if mine else ""
    return f"{type(error).__name__}{place}"


def _told(error: BaseException, settings: Settings) -> str:
    return f": {error}" if settings.show_text else "; type --medhelm-show-text to see its text"


def _without_names(text: str, task: Task, module: Path) -> str:
    """Names of upstream's files say what to get; those that a user chose may be a patient's."""
    if task.access == "public" or (task.folder is None and any(map(module.is_relative_to, PACKAGED))):
        return text
    names = [Path(file.name) for file in (*task.files, *(task.examples.files if task.examples else ()))]
    folder = task.folder or Path()
    return without_names(text, [*(folder / name for name in names), *names], shown=task.name)


def _load(module: Any, settings: Settings) -> Benchmark:
    task: Task = module.TASK
    path = Path(module.__file__)
    accept: Mapping[str, Any] = settings.config.data.get(task.name, {})
    source = find_source(task, data=settings.data, samples=samples_of(path, task), accept=accept.get("accept", ()))
    instances: list[CompressedInstance] = []
    answers, left_out = Counter[str](), Counter[str]()
    first_of: dict[str, int] = {}
    never_events = 0
    keeper = Keeper(_limit(task, settings), name=task.name, sampler=settings.sampler)
    for instance in task.load(*source.paths):
        if isinstance(instance, Excluded):
            left_out[instance.rule] += 1
            continue
        entry = CompressedInstance(instance, task)
        if not entry.has_whole_characters:
            number = len(instances) + 1
            raise DataError(f"{task.name}: instance {number} of its data holds half a character (a lone surrogate)")
        answers[instance.answer] += 1
        never_events += instance.must_pass is not None
        if not instance.cluster:
            # Exact duplicates stay, as upstream, but are not independent.
            key = content_key(instance)
            first = first_of.setdefault(key, len(instances))
            if first < len(instances):
                entry.replace(replace(instance, cluster=key))
                if not instances[first].is_dropped:
                    instances[first].replace(replace(instances[first].unpack(), cluster=key))
        instances.append(entry)
        keeper.add(len(instances), entry)
    del first_of
    if not instances:
        rules = "; ".join(f"{count} left out ({rule})" for rule, count in sorted(left_out.items()))
        raise DataError(f"{task.name}: {source.paths[0]} holds no instance{': ' if rules else ''}{rules}")
    repeated = [key for key, count in Counter(entry.id for entry in instances).items() if count > 1]
    if repeated:
        raise DataError(f"{task.name}: {source.paths[0]} has {len(repeated)} instance ids that occur more than once")
    shots = (task.shots if settings.shots is None else settings.shots) if task.examples else 0
    is_closed = task.kind not in OPEN_ENDED and len(answers) <= LABELS_AT_MOST
    return Benchmark(
        task=task,
        prompt=module.prompt,
        source=source,
        instances=_evaluation_set(instances, task, settings, source),
        total=len(instances),
        never_events=never_events,
        known_sub_tasks=tuple(dict.fromkeys(entry.stratum for entry in instances if entry.stratum)),
        left_out=dict(sorted(left_out.items())),
        majority=max(answers, key=lambda answer: (answers[answer], answer)),
        labels=tuple(sorted(answers)) if is_closed else (),
        code=_identity(task, module),
        shots=shots,
        prompt_form=settings.prompt_form,
        examples=_load_examples(task, source, shots) if shots else {},
        description=text_of(module).partition("\n\nSource:")[0],
    )


def _evaluation_set(
    instances: Sequence[CompressedInstance], task: Task, settings: Settings, source: Source
) -> Sequence[CompressedInstance]:
    """The instances that are asked, made small."""
    chosen = sample(
        _of_sub_tasks(instances, task, settings),
        _limit(task, settings),
        name=task.name,
        sampler=settings.sampler,
        validation=task.helm_validation if source.origin != "sample" else None,
    )
    for entry in chosen:
        entry.compress()
    return chosen


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
    beside = module.parent / "samples"
    return beside if (beside / task.name).is_dir() else module.parent.parent / "samples"


def _limit(task: Task, settings: Settings) -> int | None:
    if settings.limit is None or task.cap is None:
        return settings.limit
    return min(settings.limit, task.cap)


def _of_sub_tasks(
    instances: Sequence[CompressedInstance], task: Task, settings: Settings
) -> Sequence[CompressedInstance]:
    """The instances of the sub-tasks that are evaluated: those named, else what the benchmark says."""
    there = {entry.stratum for entry in instances}
    named = there.intersection(settings.sub_tasks)
    if not named and settings.embedded:
        named = there.intersection(task.embedded_only)
    return [entry for entry in instances if entry.stratum in (named or there.difference(task.named_only))]


def _load_examples(task: Task, source: Source, shots: int) -> dict[str, list[Instance]]:
    """The examples that can be shown, by group: one more than asked for, in case one is the instance itself."""
    assert task.examples is not None
    groups: dict[str, list[Instance]] = defaultdict(list)
    for example in task.examples.load(*find_examples(task, source)):
        if isinstance(example, Instance):
            groups[_group(task.examples, example)].append(example)
    if not groups:
        raise DataError(f"{task.name}: {task.examples.files[0].name} holds no solved example")
    return {key: spread(group, name=task.name)[: shots + 1] for key, group in sorted(groups.items())}


def _group(examples: Examples, instance: Instance) -> str:
    return instance.slices.get(examples.within, "") if examples.within else ""
