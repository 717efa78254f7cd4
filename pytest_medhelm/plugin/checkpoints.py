"""``test_checkpoint_*`` functions of an agentic module: no items, but scores of the episode's one item."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from pytest_medhelm.scoring.record import RecordBuilder
from pytest_medhelm.tasks.loading import where
from pytest_medhelm.tasks.task import Task

PREFIX = "test_checkpoint_"


def is_checkpoint(module: object, name: str) -> bool:
    """Whether a function of a module is a checkpoint."""
    task = getattr(module, "TASK", None)
    return name.startswith(PREFIX) and isinstance(task, Task) and task.kind == "agentic"


def run_checkpoints(module: ModuleType, record: RecordBuilder) -> None:
    """Run the checkpoints of an episode's module and record each as a score, 1 or 0.

    A failed assert is 0; any other exception leaves the score missing, with its type and line as the reason.
    ``partial`` is the share that is met, ``success`` whether all are and the agent came to an answer, unless the test
    itself has recorded them.
    """
    checks = {
        name.removeprefix(PREFIX): function for name, function in vars(module).items() if is_checkpoint(module, name)
    }
    if not checks or record.episode is None:
        return
    offered = {"episode": record.episode, "instance": record.instance, "response": record.response}
    met: dict[str, bool | None] = {}
    for name, check in checks.items():
        met[name] = _outcome(name, check, offered, record)
        if met[name] is not None:
            record.add(name, float(bool(met[name])), (0.0, 1.0))
    if any(value is None for value in met.values()):
        reason = "a checkpoint ended with an error"
        record.absent.update({name: reason for name in ("success", "partial") if name not in record.scores})
        return
    share = sum(map(bool, met.values())) / len(met)
    if "partial" not in record.scores:
        record.add("partial", share, (0.0, 1.0))
    if "success" not in record.scores:
        record.add("success", float(share == 1 and record.episode.ending == "ok"), (0.0, 1.0))
        record.binary.add("success")


def _outcome(name: str, check: Callable[..., Any], offered: Mapping[str, Any], record: RecordBuilder) -> bool | None:
    wanted = list(inspect.signature(check).parameters)
    unknown = [parameter for parameter in wanted if parameter not in offered]
    if unknown:
        record.absent[name] = f"a checkpoint gets {', '.join(offered)}, and no {unknown[0]}"
        return None
    try:
        check(**{parameter: offered[parameter] for parameter in wanted})
    except AssertionError:
        return False
    except Exception as error:
        record.absent[name] = f"its check ended with {where(error, inspect.getsourcefile(check))}"
        return None
    return True
