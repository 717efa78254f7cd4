"""The side of the plugin that asks models and scores answers: in the only process, or in each xdist worker."""

from __future__ import annotations

import gc
from collections.abc import Generator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_medhelm import state
from pytest_medhelm.datasets.packing import Packed
from pytest_medhelm.errors import BudgetReached
from pytest_medhelm.gates.gate_file import read_gates
from pytest_medhelm.gates.rule import Rule, parse_rule
from pytest_medhelm.jury.calls import judge_calls
from pytest_medhelm.jury.jury import is_judged
from pytest_medhelm.jury.rubric import Rubric, load_rubric, prompt_hash
from pytest_medhelm.jury.rubric_files import chosen_rubric, override
from pytest_medhelm.metrics import METRICS, Metric
from pytest_medhelm.models.human import HumanAnswers
from pytest_medhelm.outcomes import BUDGET_OF, Shortfall, add_text, hide_text
from pytest_medhelm.results.provenance import settings_facts, settings_hash
from pytest_medhelm.results.record import Draft, Record, text_hash
from pytest_medhelm.task import Instance, Task
from pytest_medhelm.window import Window

if TYPE_CHECKING:
    from pytest_medhelm.benchmark import Benchmark
    from pytest_medhelm.engine.engine import Engine
    from pytest_medhelm.engine.job import Follow, Next
    from pytest_medhelm.engine.request import Completion, Request
    from pytest_medhelm.engine.stored import StoredResponses
    from pytest_medhelm.gates.curtail import Told
    from pytest_medhelm.lineup import Lineup
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.options import Settings
    from pytest_medhelm.prompts import Message


class Asker:
    """Builds requests, keeps the look-ahead window, and turns finished tests into records."""

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        lineup: Lineup,
        run: str,
        rank: int | None,
        processes: int = 1,
    ) -> None:
        """``rank`` of ``processes``: this process runs the items rank, rank + processes, ...; None: not known."""
        self.config = config
        self.settings = settings
        self.lineup = lineup
        self.run = run
        self._rank = rank
        self._processes = processes
        self._engine: Engine | StoredResponses | None = None
        self._window = Window((), 0)
        self._described: set[str] = set()
        self._hashes: dict[tuple[str, str], str] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        """By hash of the settings, until a record has carried them to the controller."""
        self._wanted = 0
        """Requests that the session asks for; counted with a budget only."""
        self._brought: Sequence[str] = ()
        """Rules that the session's benchmarks bring along; collected with --medhelm-curtail only."""
        self._keywords: dict[str, Literal[1]] = {"medhelm": 1}

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
            from pytest_medhelm.engine.stored import StoredResponses

            self._engine = StoredResponses(path)
        elif self._engine is None:
            from pytest_medhelm.engine.engine import Engine

            self._engine = Engine(
                path,
                run=self.run,
                use_cache=self.settings.cache,
                processes=self._processes,
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
        from pytest_medhelm.engine.request import make_request

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
        from pytest_medhelm.engine.request import Completion

        text = request.model.answer(messages, instance, benchmark)
        if text is None:
            completion = Completion("skipped", error=f"{request.model.name} has no answer to this")
        else:
            completion = Completion("ok", text, finish_reason="stop")
        self.engine.store.put([(request, completion)], run=self.run)
        return completion

    def answer(self, draft: Draft) -> tuple[Request, Completion]:
        """The completion for a benchmark's instance, usually under way by now."""
        messages = draft.benchmark.messages(draft.instance) if draft.model.answer or not draft.request else ()
        request = draft.request or self.request(draft.model, messages, draft.instance.id)
        return request, self.complete(request, messages, draft.instance, draft.benchmark)

    def draft(self, item: pytest.Item) -> Draft:
        """The record in the making of a benchmark's item."""
        if state.DRAFT not in item.stash:
            benchmark, instance, model = self._subject(item)
            jury = bool(self.lineup.judges and benchmark.task.rubric)
            item.stash[state.DRAFT] = Draft(
                benchmark=benchmark,
                instance=instance,
                model=model,
                main_metric="jury" if jury else benchmark.task.main_metric,
                settings=self._settings(model, benchmark),
            )
        return item.stash[state.DRAFT]

    def rubric(self, benchmark: Benchmark) -> Rubric | None:
        """The rubric by which the jury rates this benchmark, or None without a jury."""
        if not self.lineup.judges or not benchmark.task.rubric:
            return None
        rubric = benchmark.task.rubric
        name = rubric if isinstance(rubric, str) else ""
        key = override(self.settings.config, benchmark.task.name, name)
        if key:
            return chosen_rubric(self.settings.config, key)
        return rubric if isinstance(rubric, Rubric) else load_rubric(rubric)

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
        return {
            "judges": {judge.name: judge.settings() for judge in self.lineup.judges},
            "rubric": rubric.digest,
            "wording": prompt_hash(rubric),
            "repeats": self.settings.judge_repeats,
            "shuffle": self.settings.judge_shuffle,
        }

    @staticmethod
    def _subject(item: pytest.Item) -> tuple[Benchmark, Instance, Model]:
        module = item.getparent(pytest.Module)
        assert module is not None
        params = item.callspec.params  # type: ignore[attr-defined]
        return module.stash[state.BENCHMARK], params["instance"].unpack(), params["model"]

    # Look-ahead

    def look_ahead(self, item: pytest.Item) -> None:
        """Ask for an item's response before its test runs: a hint, without effect on any result."""
        if "response" not in getattr(item, "fixturenames", ()) or not _is_measured(item) or _skips(item):
            return
        if item.callspec.params["model"].answer is not None or self._is_curtailed(item):  # type: ignore[attr-defined]
            return
        draft = self.draft(item)
        try:
            draft.request = self.request(draft.model, draft.benchmark.messages(draft.instance), draft.instance.id)
        except Exception:
            return  # The test itself will meet the same error, and report it.
        self.engine.submit(draft.request, self._then_judges(item, draft.benchmark, draft.instance, draft.request))

    def _then_judges(
        self, item: pytest.Item, benchmark: Benchmark, instance: Instance, request: Request
    ) -> Follow | None:
        rubric = self.rubric(benchmark)
        if rubric is None or "jury" not in getattr(item, "fixturenames", ()):
            return None
        from pytest_medhelm.response import Response

        def follow(completion: Completion) -> Sequence[Next]:
            response = Response(completion, key=request.key, instance=instance, language=benchmark.task.language)
            if not is_judged(rubric, response):
                return ()
            calls = judge_calls(self, rubric, instance, response.text, instance.answer)
            return [call.next for call in calls]

        return follow

    # pytest's hooks

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        # The share of a replacement worker, or under another scheduler, is not known: it asks on demand.
        known = self._rank is not None and self._rank < self._processes
        share = session.items[self._rank :: self._processes] if known else ()
        self._window = Window(share, self._ahead())
        if self.settings.curtail:
            modules = {module for item in session.items if (module := item.getparent(pytest.Module))}
            found = [module.stash[state.BENCHMARK] for module in modules if state.BENCHMARK in module.stash]
            self._brought = sorted({text for entry in found for text in entry.task.gates})
        if self.settings.max_cost is not None:
            self._wanted = sum(map(self._requests, session.items))
        # Tens of thousands of items live until the end: the garbage collector need not look at them each time.
        gc.freeze()
        try:
            return (yield)
        finally:
            if self._engine is not None:
                self._engine.close()

    @cached_property
    def _told(self) -> Told:
        """The (benchmark, model) pairs that need not be asked any further."""
        from pytest_medhelm.gates.curtail import Told, curtail_file

        return Told(curtail_file(self.settings.folder, self.run))

    def _is_curtailed(self, item: pytest.Item) -> bool:
        if not self.settings.curtail or not _is_measured(item):
            return False
        module = item.getparent(pytest.Module)
        assert module is not None
        return (module.stash[state.BENCHMARK].task.name, item.callspec.params["model"].name) in self._told  # type: ignore[attr-defined]

    def _plan(self, benchmark: Benchmark) -> dict[str, Any]:
        from pytest_medhelm.gates.curtail import plan_of

        binary = [name for metric in self.metrics.values() if metric.binary for name in metric.names]
        return plan_of(benchmark, binary, self._brought)

    def _ahead(self) -> int:
        if self.settings.prefetch is not None:
            return self.settings.prefetch
        slots = [model.endpoint.concurrency for model in self.lineup if model.endpoint]
        return max(2, 2 * max(slots, default=1) // self._processes)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self._is_curtailed(item):
            if state.DRAFT in item.stash:
                del item.stash[state.DRAFT]  # What was asked ahead is no record.
            pytest.skip("curtailed: no answer to it can change a verdict of the gates")
        # Within setup, so that what a prompt function prints is captured like a test's own output.
        for later in self._window.advance(item):
            self.look_ahead(later)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        result = yield
        draft = item.stash.get(state.DRAFT, None)
        shortfall = draft.shortfall(strict=self.settings.strict) if draft else None
        if shortfall:
            raise Shortfall(shortfall, pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        stopped = call.excinfo is not None and isinstance(call.excinfo.value, BudgetReached)
        if stopped:
            self._stop(item, report, call)
        if not _is_measured(item):
            return report
        draft = item.stash.get(state.DRAFT, None)
        if (
            draft is not None
            and not stopped
            and (report.when == "call" or (report.when == "setup" and not report.passed))
        ):
            report.medhelm = self._record(draft)  # type: ignore[attr-defined]
        if not self.settings.show_text:
            hide_text(report, call, draft)
        elif report.when == "call" and draft is not None:
            add_text(report, draft)
        # pytest keeps items and reports until the end of the session: they must hold no texts, and little else.
        report.keywords = self._keywords
        if draft is not None and report.when == "teardown":
            del item.stash[state.DRAFT]
        return report

    def _stop(self, item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
        """The budget does not reach for this item: it has no record, and the session ends with it."""
        assert call.excinfo is not None
        reached = call.excinfo.value
        assert isinstance(reached, BudgetReached)
        report.outcome = "skipped"
        report.longrepr = (str(item.path), (item.location[1] or 0) + 1, f"Skipped: {reached}")
        amount = f"{self.settings.max_cost:.10g} {self.settings.currency}"
        item.session.shouldstop = (
            f"{BUDGET_OF} {amount} reached after {reached.answered} of {self._wanted} requests; "
            "raise --medhelm-max-cost and run the same command to go on"
        )

    def _requests(self, item: pytest.Item) -> int:
        """How many requests an item asks for: the model's, and one for each judge and repeat."""
        names = getattr(item, "fixturenames", ())
        if "response" not in names or not _is_measured(item) or _skips(item):
            return 0
        module = item.getparent(pytest.Module)
        assert module is not None
        judged = "jury" in names and self.rubric(module.stash[state.BENCHMARK]) is not None
        asked = item.callspec.params["model"].answer is None  # type: ignore[attr-defined]
        return asked + (len(self.lineup.judges) * self.settings.judge_repeats if judged else 0)

    def _record(self, draft: Draft) -> Record:
        self.engine.store.put_text(text_hash(draft.instance.answer), draft.instance.answer)
        record = draft.record()
        if isinstance(answers := draft.model.answer, HumanAnswers):
            record["unmatched"] = answers.unmatched(draft.benchmark)
        name = draft.benchmark.task.name
        if name not in self._described:
            self._described.add(name)
            record["benchmark_facts"] = draft.benchmark.facts()
            if self.settings.curtail:
                record["plan"] = self._plan(draft.benchmark)
        if draft.settings in self._facts:
            record["settings_facts"] = self._facts.pop(draft.settings)
        return record


def _is_measured(item: pytest.Item) -> bool:
    """The item belongs to a benchmark and stands for one instance."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and isinstance(callspec.params.get("instance"), Packed)


def _skips(item: pytest.Item) -> bool:
    from _pytest.skipping import evaluate_skip_marks

    return evaluate_skip_marks(item) is not None
