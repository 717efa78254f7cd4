"""Asks models for tests, and turns what a test found into a record: in the only process, or in each xdist worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_medhelm.gates.gate_file import read_gates
from pytest_medhelm.gates.rule import Rule, parse_rule
from pytest_medhelm.models.human_answers import HumanAnswers
from pytest_medhelm.plugin import state
from pytest_medhelm.plugin.item_params import item_params
from pytest_medhelm.scoring.fingerprint import settings_facts, settings_hash
from pytest_medhelm.scoring.jury.judge_prompt import prompt_hash
from pytest_medhelm.scoring.jury.panel import Panel
from pytest_medhelm.scoring.jury.points_prompt import points_prompt_hash
from pytest_medhelm.scoring.metrics import METRICS, Metric
from pytest_medhelm.scoring.record import Record, RecordBuilder, text_hash
from pytest_medhelm.tasks.points import PointsRubric
from pytest_medhelm.tasks.rubric import Rubric
from pytest_medhelm.tasks.rubric_files import chosen_rubric, load_rubric, override
from pytest_medhelm.tasks.task import Instance, Task

if TYPE_CHECKING:
    from pytest_medhelm.models.engine.engine import Engine
    from pytest_medhelm.models.engine.request import Completion, Request
    from pytest_medhelm.models.engine.stored import StoredResponses
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.tasks.benchmark import Benchmark
    from pytest_medhelm.tasks.prompts import Message
    from pytest_medhelm.util.settings import Settings


class Asker:
    """What the fixtures stand on: requests, completions, drafts and records."""

    def __init__(self, config: pytest.Config, settings: Settings, lineup: Roster, run: str, processes: int = 1) -> None:
        """``processes`` ask at the same time and share the endpoints."""
        self.config = config
        self.settings = settings
        self.lineup = lineup
        self.run = run
        self.processes = processes
        self._engine: Engine | StoredResponses | None = None
        self._described: set[str] = set()
        self._hashes: dict[tuple[str, str], str] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        """By hash of the settings, until a record has carried them to the controller."""

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """All metrics by the name under which the ``score`` fixture offers them."""
        found = dict(METRICS)
        for more in self.config.hook.pytest_medhelm_metrics():
            found.update(more)
        return found

    @property
    def in_flight(self) -> int:
        """Requests at an endpoint; 0 on the controller of xdist, whose workers ask."""
        return 0 if self._engine is None else self._engine.in_flight

    @property
    def engine(self) -> Engine | StoredResponses:
        """The engine, started when it is first needed."""
        path = self.settings.folder / "responses.sqlite"
        if self._engine is None and self.settings.from_store is not None:
            from pytest_medhelm.models.engine.stored import StoredResponses

            self._engine = StoredResponses(path)
        elif self._engine is None:
            from pytest_medhelm.models.engine.engine import Engine

            self._engine = Engine(
                path,
                run=self.run,
                use_cache=self.settings.cache,
                processes=self.processes,
                max_cost=self.settings.max_cost,
            )
        return self._engine

    def tolerates(self, status: str, task: Task) -> bool:
        """A gate rule decides on this benchmark's items with this status, so they are not errors of their own.

        Nor are they where stored responses are scored again: what is missing there is counted by ``medhelm rescore``.
        """
        if self.settings.from_store is not None:
            return True
        rules = (*self._rules, *map(parse_rule, task.gates))
        return any(rule.metric == status and rule.benchmark in ("*", task.name) for rule in rules)

    @cached_property
    def _rules(self) -> Sequence[Rule]:
        return [rule for gate in read_gates(self.settings.gates) for rule in gate.rules]

    # Requests

    def request(
        self,
        model: Model,
        messages: Sequence[Message],
        instance: str = "",
        *,
        repeat: int = 0,
        form: Mapping[str, Any] | None = None,
        **sampling: Any,
    ) -> Request:
        """Build the request, the same for look-ahead and for the test; see ``make_request``."""
        from pytest_medhelm.models.engine.request import make_request

        self.config.hook.pytest_medhelm_update_request(body=sampling, messages=messages, model=model)
        return make_request(model, messages, instance=instance, repeat=repeat, form=form, **sampling)

    def complete(
        self,
        request: Request,
        messages: Sequence[Message],
        instance: Instance | None = None,
        benchmark: Benchmark | None = None,
    ) -> Completion:
        """Ask a model and wait."""
        if request.model.answer is None:
            return self.engine.ask(request)
        from pytest_medhelm.models.engine.request import Completion

        text = request.model.answer(messages, instance, benchmark)
        if text is None:
            completion = Completion("skipped", error=f"{request.model.name} has no answer to this")
        else:
            completion = Completion("ok", text, finish_reason="stop")
        self.engine.store.put([(request, completion)], run=self.run)
        return completion

    def answer(self, draft: RecordBuilder) -> tuple[Request, Completion]:
        """The completion for a benchmark's instance, usually under way by now."""
        messages = draft.benchmark.messages(draft.instance) if draft.model.answer or not draft.request else ()
        request = draft.request or self.request(draft.model, messages, draft.instance.id)
        return request, self.complete(request, messages, draft.instance, draft.benchmark)

    def draft(self, item: pytest.Item) -> RecordBuilder:
        """The record in the making of a benchmark's item."""
        if state.DRAFT not in item.stash:
            found = item_params(item)
            assert found is not None
            benchmark, packed, model = found
            jury = bool(self.lineup.judges and benchmark.task.rubric and benchmark.task.main_by_jury)
            item.stash[state.DRAFT] = RecordBuilder(
                benchmark=benchmark,
                instance=packed.unpack(),
                model=model,
                main_metric="jury" if jury else benchmark.task.main_metric,
                settings=self._settings(model, benchmark),
            )
        return item.stash[state.DRAFT]

    @cached_property
    def panel(self) -> Panel:
        """The judges, as the jury needs them."""
        settings = self.settings
        return Panel(
            self.lineup.judges, settings.judge_repeats, settings.judge_shuffle, self.request, settings.rubric_calls
        )

    def rubric(self, benchmark: Benchmark) -> Rubric | PointsRubric | None:
        """The rubric by which the jury rates this benchmark, or None without a jury."""
        if not self.lineup.judges or not benchmark.task.rubric:
            return None
        rubric = benchmark.task.rubric
        name = rubric if isinstance(rubric, str) else ""
        key = override(self.settings.config, benchmark.task.name, name)
        if key:
            return chosen_rubric(self.settings.config, key)
        return load_rubric(rubric) if isinstance(rubric, str) else rubric

    def record(self, draft: RecordBuilder) -> Record:
        """What a draft has become. The first record of a benchmark, and of its settings, says what these are."""
        self.engine.store.put_text(text_hash(draft.instance.answer), draft.instance.answer)
        if draft.criteria:
            self.engine.store.put_text(text_hash(draft.criteria_text), draft.criteria_text)
        record = draft.record()
        if isinstance(answers := draft.model.answer, HumanAnswers):
            record["unmatched"] = answers.unmatched(draft.benchmark)
        name = draft.benchmark.task.name
        if name not in self._described:
            self._described.add(name)
            record["benchmark_facts"] = draft.benchmark.facts()
        if draft.settings in self._facts:
            record["settings_facts"] = self._facts.pop(draft.settings)
        return record

    def close(self) -> None:
        """Stop asking; what is in flight is given up."""
        if self._engine is not None:
            self._engine.close()

    def _settings(self, model: Model, benchmark: Benchmark) -> str:
        key = (model.name, benchmark.task.name)
        if key not in self._hashes:
            facts = settings_facts(model, benchmark, self.metrics, self._score_options(), self._jury_facts(benchmark))
            self._hashes[key] = settings_hash(facts)
            self._facts[self._hashes[key]] = facts
        return self._hashes[key]

    def _score_options(self) -> dict[str, Any]:
        return {"bertscore": self.settings.bertscore} if self.settings.bertscore else {}

    def _jury_facts(self, benchmark: Benchmark) -> dict[str, Any] | None:
        rubric = self.rubric(benchmark)
        if rubric is None:
            return None
        facts = {
            "judges": {judge.name: judge.settings() for judge in self.lineup.judges},
            "rubric": rubric.digest,
            "repeats": self.settings.judge_repeats,
        }
        if isinstance(rubric, PointsRubric):
            calls = self.settings.rubric_calls
            return {**facts, "wording": points_prompt_hash(rubric, calls), "calls": calls}
        return {**facts, "wording": prompt_hash(rubric), "shuffle": self.settings.judge_shuffle}
