"""From a benchmark's module to its evaluation set: the data that are found here, read, checked and sampled."""

from __future__ import annotations

import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pytest_medhelm.tasks.benchmark import PACKAGED, Benchmark, content_key, is_packaged, samples_of, text_of
from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.tasks.data.limits import data_limit
from pytest_medhelm.tasks.data.sampling import Keeper, sample, spread
from pytest_medhelm.tasks.data.sources import Source, find_examples, find_source
from pytest_medhelm.tasks.public_ids import without_names
from pytest_medhelm.tasks.read_cache import ReadData, copy_of
from pytest_medhelm.tasks.task import Excluded, Instance, Task
from pytest_medhelm.tasks.taxonomy import OPEN_ENDED
from pytest_medhelm.util.errors import DataError, MedhelmError
from pytest_medhelm.util.settings import Settings

LABELS_AT_MOST = 20
"""More different references than this are no labels."""


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
        reason = f"{where(error, module.__file__)}{_sentence(error, settings)}"
        raise DataError(f"{task.name}: its loader ends with {reason}") from None


def _identity(task: Task, module: Any) -> str:
    path = Path(module.__file__)
    if is_packaged(path):
        return f"v{task.version}"
    if path.suffix == ".py":
        from pytest_medhelm.tasks.module_code import module_hash

        return f"v{task.version} {module_hash(module)}"
    from pytest_medhelm.util.document import document_hash

    return f"v{task.version} {document_hash(path)}"


def where(error: BaseException, file: str | None = None) -> str:
    """The type of an error and the line that it comes from, of ``file`` if it passed there; nothing of its text."""
    frames = traceback.extract_tb(error.__traceback__)
    frames_of_file = [frame for frame in frames if frame.filename == file] or [
        frame for frame in frames if is_source(frame.filename)
    ]
    position = f" at {Path(frames_of_file[-1].filename).name}:{frames_of_file[-1].lineno}" if frames_of_file else ""
    return f"{shown_class(type(error)).__name__}{position}"


def shown_class(kind: type) -> type:
    """A class, or its nearest base, that stands in a module: one made in passing may be named by a text."""
    named: type = next(
        known for known in kind.__mro__ if getattr(sys.modules.get(known.__module__), known.__name__, None) is known
    )
    return named


def is_source(filename: str) -> bool:
    """Whether code stands in a file of this name; what is compiled in passing may be named by a text."""
    return filename.endswith(".py") and Path(filename).is_file()


def _sentence(error: BaseException, settings: Settings) -> str:
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
    find = partial(
        find_source, task, data=settings.data, samples=samples_of(path, task), accept=accept.get("accept", ())
    )
    source = find()
    read = _read_or_copied(task, path, settings, source, find)
    shots = (task.shots if settings.shots is None else settings.shots) if task.examples else 0
    return Benchmark(
        task=task,
        prompt=module.prompt,
        source=source,
        instances=_evaluation_set(read.instances, task, settings, source),
        total=read.total,
        never_events=read.never_events,
        known_sub_tasks=read.known_sub_tasks,
        left_out=read.left_out,
        majority=read.majority,
        labels=read.labels if task.kind not in OPEN_ENDED else (),
        code=_identity(task, module),
        shots=shots,
        environment=_environment(task, module),
        prompt_form=settings.prompt_form,
        states_confidence=settings.confidence == "stated",
        examples=_load_examples(task, source, shots) if shots else {},
        description=text_of(module).partition("\n\nSource:")[0],
    )


def _environment(task: Task, module: Any) -> Any:
    environment = getattr(module, "environment", None)
    if task.kind == "agentic" and not callable(environment):
        raise DataError(f"{task.name}: a module of kind agentic needs a function environment(instance)")
    return environment if task.kind == "agentic" else None


def _read_or_copied(
    task: Task, module: Path, settings: Settings, source: Source, find: Callable[[], Source]
) -> ReadData:
    """What the data hold, from the copy of an earlier session where there is one."""
    limit, sampler = _limit(task, settings), settings.sampler
    copy = copy_of(task, module, source, (limit, sampler, settings.data_limit))
    read = copy.take() if copy else None
    if read is None:
        read = _read(task, source, Keeper(limit, name=task.name, sampler=sampler))
        if copy and find() == source:  # The files are still those whose checksums the copy goes by.
            copy.keep(read)
    return read


def _read(task: Task, source: Source, keeper: Keeper) -> ReadData:
    """Read all instances; texts that ``keeper`` does not keep are dropped at once."""
    instances: list[CompressedInstance] = []
    answers, left_out = Counter[str](), Counter[str]()
    never_events = 0
    first_of: dict[str, int] = {}
    for instance in task.load(*source.paths):
        if isinstance(instance, Excluded):
            left_out[instance.rule] += 1
            continue
        compressed = CompressedInstance(instance, task)
        if not compressed.has_whole_characters:
            number = len(instances) + 1
            raise DataError(f"{task.name}: instance {number} of its data holds half a character (a lone surrogate)")
        answers[instance.answer] += 1
        never_events += instance.must_pass is not None
        if not instance.cluster:
            # Exact duplicates stay, as upstream, but are not independent.
            key = content_key(instance)
            first = first_of.setdefault(key, len(instances))
            if first < len(instances):
                compressed.replace(replace(instance, cluster=key))
                if not instances[first].is_dropped:
                    instances[first].replace(replace(instances[first].unpack(), cluster=key))
        instances.append(compressed)
        keeper.add(len(instances), compressed)
    if not instances:
        rules = "; ".join(f"{count} left out ({rule})" for rule, count in sorted(left_out.items()))
        raise DataError(f"{task.name}: {source.paths[0]} holds no instance{': ' if rules else ''}{rules}")
    repeated = [key for key, count in Counter(compressed.id for compressed in instances).items() if count > 1]
    if repeated:
        raise DataError(f"{task.name}: {source.paths[0]} has {len(repeated)} instance ids that occur more than once")
    return ReadData(
        instances=[instance for instance in instances if not instance.is_dropped],
        total=len(instances),
        majority=max(answers, key=lambda answer: (answers[answer], answer)),
        labels=tuple(sorted(answers)) if len(answers) <= LABELS_AT_MOST else (),
        known_sub_tasks=tuple(dict.fromkeys(instance.sub_task for instance in instances if instance.sub_task)),
        left_out=dict(sorted(left_out.items())),
        never_events=never_events,
    )


def _evaluation_set(
    instances: Sequence[CompressedInstance], task: Task, settings: Settings, source: Source
) -> Sequence[CompressedInstance]:
    """The instances that are asked."""
    return sample(
        _of_sub_tasks(instances, task, settings),
        _limit(task, settings),
        name=task.name,
        sampler=settings.sampler,
        validation=task.helm_validation if source.origin != "sample" else None,
    )


def _limit(task: Task, settings: Settings) -> int | None:
    if settings.limit is None or task.cap is None:
        return settings.limit
    return min(settings.limit, task.cap)


def _of_sub_tasks(
    instances: Sequence[CompressedInstance], task: Task, settings: Settings
) -> Sequence[CompressedInstance]:
    """The instances of the sub-tasks that are evaluated: those named, else what the benchmark says."""
    there = {instance.sub_task for instance in instances}
    named = there.intersection(settings.sub_tasks)
    if not named and settings.embedded:
        named = there.intersection(task.embedded_only)
    return [instance for instance in instances if instance.sub_task in (named or there.difference(task.named_only))]


def _load_examples(task: Task, source: Source, shots: int) -> dict[str, list[Instance]]:
    """The examples that can be shown, by group: one more than asked for, in case one is the instance itself."""
    assert task.examples is not None
    groups: dict[str, list[Instance]] = defaultdict(list)
    for example in task.examples.load(*find_examples(task, source)):
        if isinstance(example, Instance):
            groups[task.examples.group_of(example)].append(example)
    if not groups:
        raise DataError(f"{task.name}: {task.examples.files[0].name} holds no solved example")
    return {key: spread(group, name=task.name)[: shots + 1] for key, group in sorted(groups.items())}
