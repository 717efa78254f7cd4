"""What is known of an item becomes its record: in the only process, or in each xdist worker."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.plugin.item_params import ItemParams, item_params
from pytest_medhelm.scoring.confidence import CONFIDENCE_VERSION, Confidence, confidence_of
from pytest_medhelm.scoring.fingerprint import fingerprint_inputs, fingerprint_of
from pytest_medhelm.scoring.metrics import METRICS
from pytest_medhelm.scoring.record import Record, RecordBuilder, moved_options, text_hash
from pytest_medhelm.scoring.record_types import FingerprintInputs
from pytest_medhelm.tasks.metric import Metric
from pytest_medhelm.tasks.task import Task

if TYPE_CHECKING:
    from pluggy import HookRelay

    from pytest_medhelm.models.engine.store import ResponseStore
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.tasks.benchmark import Benchmark
    from pytest_medhelm.tasks.perturbations.plan import Plan
    from pytest_medhelm.tasks.points import PointsRubric
    from pytest_medhelm.tasks.rubric import Rubric
    from pytest_medhelm.util.settings import Settings

BUILDER: pytest.StashKey[RecordBuilder] = pytest.StashKey()
"""On an item: its record in the making."""


class Recorder:
    """Makes the records of a process."""

    def __init__(
        self, hook: HookRelay, settings: Settings, roster: Roster, tolerated: frozenset[tuple[str, str]], plan: Plan
    ) -> None:
        """``tolerated``: (status, benchmark or "*") that gate rules decide on."""
        self.settings = settings
        self._plan = plan
        self._hook = hook
        self._roster = roster
        self._tolerated = tolerated
        self._described: set[str] = set()
        self._has_rubric: set[str] = set()
        """Tasks whose rubric is kept."""
        self._hashes: dict[tuple[str, str], str] = {}
        self._facts: dict[str, FingerprintInputs] = {}
        """By hash of the settings, until a record has carried them to the controller."""

    def connected(self, roster: Roster) -> None:
        """From now on these are the models and judges: more is known of who answers where."""
        self._roster = roster

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """All metrics by the name under which the ``score`` fixture offers them."""
        metrics = dict(METRICS)
        for more in self._hook.pytest_medhelm_metrics():
            metrics.update(more)
        return metrics

    def tolerates(self, status: str, task: Task) -> bool:
        """A gate rule decides on this benchmark's items with this status, so they are not errors of their own."""
        if self._tolerated & {(status, "*"), (status, task.name)}:
            return True
        if not task.gates:
            return False
        from pytest_medhelm.gates.rule import parse_rule

        return any(rule.metric == status and rule.benchmark in ("*", task.name) for rule in map(parse_rule, task.gates))

    def builder(self, item: pytest.Item, params: ItemParams | None = None) -> RecordBuilder:
        """The record in the making of a benchmark's item; ``params``: its own, where they are at hand."""
        builder = item.stash.get(BUILDER, None)
        if builder is None:
            params = params or item_params(item)
            assert params is not None
            benchmark, packed, model, variant, refused = params
            whole = packed.unpack()
            instance = self._plan.instance(variant, whole, benchmark.task)
            judged = bool(self._roster.judges and benchmark.task.rubric and benchmark.task.main_by_jury)
            builder = item.stash[BUILDER] = RecordBuilder(
                benchmark=benchmark,
                instance=instance,
                model=model,
                main_metric="jury" if judged else benchmark.task.main_metric,
                fingerprint=self._fingerprint_of(model, benchmark),
                variant=variant,
                repeats=self.settings.repeats,
                refused=refused,
                moved=moved_options(whole, instance),
            )
        return builder

    def record(self, builder: RecordBuilder, store: ResponseStore) -> Record:
        """The whole record. The first one of a benchmark, and of its settings, says what these are."""
        store.put_text(text_hash(builder.instance.answer), builder.instance.answer)
        if builder.episode is not None:
            store.put_text(text_hash(builder.episode_text), builder.episode_text)
        if builder.criteria:
            store.put_text(text_hash(builder.criteria_text), builder.criteria_text)
        if builder.verdicts:
            self._keep_rubric(builder.benchmark, store)
        builder.confidence = self._confidence(builder)
        record = builder.record()
        if builder.model.answer is not None:
            from pytest_medhelm.models.human_answers import HumanAnswers

            if isinstance(builder.model.answer, HumanAnswers):
                record["unmatched"] = builder.model.answer.unmatched(builder.benchmark)
        name = builder.benchmark.task.name
        if name not in self._described:
            self._described.add(name)
            record["benchmark_metadata"] = builder.benchmark.facts()
        if builder.fingerprint in self._facts:
            record["fingerprint_inputs"] = self._facts.pop(builder.fingerprint)
        return record

    def _keep_rubric(self, benchmark: Benchmark, store: ResponseStore) -> None:
        """The rubric that judges rated by: clinicians rate by the same words."""
        if benchmark.task.name in self._has_rubric:
            return
        self._has_rubric.add(benchmark.task.name)
        # Here: only what judges rated needs it.
        from pytest_medhelm.tasks.rubric import Rubric
        from pytest_medhelm.tasks.rubric_files import rubric_identity

        if isinstance(rubric := self.rubric(benchmark), Rubric):
            store.put_text(text_hash(rubric_identity(rubric)), rubric.as_text())

    def _confidence(self, builder: RecordBuilder) -> Confidence | None:
        """How sure the model was of its option; None where there are none, or where it was not asked for."""
        kind, response, choices = self.settings.confidence, builder.response, builder.instance.choices
        if kind == "none" or response is None or not choices or builder.model.answer is not None:
            return None
        if builder.variant.perturbation:
            return None  # What an instance comes to is what the unchanged one does.
        return confidence_of(response, choices, kind)

    def rubric(self, benchmark: Benchmark) -> Rubric | PointsRubric | None:
        """The rubric by which the jury rates this benchmark, or None without a jury."""
        if not self._roster.judges:
            return None
        from pytest_medhelm.tasks.rubric_files import rubric_of_task

        return rubric_of_task(self.settings.config, benchmark.task)

    def _fingerprint_of(self, model: Model, benchmark: Benchmark) -> str:
        key = (model.name, benchmark.task.name)
        if key not in self._hashes:
            facts = fingerprint_inputs(
                model, benchmark, self.metrics, self._score_options(), self._jury_facts(benchmark)
            )
            facts.update(self._plan.facts())  # type: ignore[typeddict-item]
            self._hashes[key] = fingerprint_of(facts)
            self._facts[self._hashes[key]] = facts
        return self._hashes[key]

    def _score_options(self) -> dict[str, str]:
        options = {"bertscore": self.settings.bertscore} if self.settings.bertscore else {}
        if self.settings.confidence == "stated":
            options["confidence"] = f"stated, v{CONFIDENCE_VERSION}"
        return options

    def _jury_facts(self, benchmark: Benchmark) -> dict[str, object] | None:
        rubric = self.rubric(benchmark)
        if rubric is None:
            return None
        from pytest_medhelm.scoring.jury.judge_prompt import JURY_VERSION
        from pytest_medhelm.tasks.points import PointsRubric
        from pytest_medhelm.tasks.rubric_files import rubric_identity

        facts = {
            "judges": {judge.name: judge.settings() for judge in self._roster.judges},
            "rubric": rubric_identity(rubric),
            "wording": f"v{JURY_VERSION}",
            "repeats": self.settings.judge_repeats,
        }
        if isinstance(rubric, PointsRubric):
            return {**facts, "calls": self.settings.rubric_calls}
        return {**facts, "shuffle": self.settings.shuffle_criteria}


RECORDER: pytest.StashKey[Recorder] = pytest.StashKey()
"""On config, where items run."""
