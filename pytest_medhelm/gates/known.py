"""What there is for rules to be about: benchmarks, the metrics of each, and their scales."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from pytest_medhelm.gates.rule import BESIDE_METRICS, COST, LATENCIES, Rule
from pytest_medhelm.results.leaderboard.confidence_column import RIGHT
from pytest_medhelm.results.leaderboard.confidence_measure import SCALES as CONFIDENCE_SCALES
from pytest_medhelm.results.leaderboard.robustness import DROP, OF_VARIANTS
from pytest_medhelm.results.leaderboard.steadiness import OF_K, OF_REPEATS, needed_repeats
from pytest_medhelm.results.stats.label_limits import METRICS as LABEL_METRICS
from pytest_medhelm.scoring.jury.harm import HARM
from pytest_medhelm.scoring.jury.harm import SCALE as HARM_SCALE
from pytest_medhelm.scoring.jury.jury import score_names
from pytest_medhelm.scoring.jury.points_record import LENGTH_ADJUSTED
from pytest_medhelm.scoring.metrics import METRICS, TEXT_METRICS
from pytest_medhelm.scoring.recorded_scores import DESCRIBING, RecordedScores, recorded_scores
from pytest_medhelm.scoring.response import STATUSES
from pytest_medhelm.tasks.metric import Metric
from pytest_medhelm.tasks.points import PointsRubric
from pytest_medhelm.tasks.rubric import Rubric
from pytest_medhelm.tasks.rubric_files import rubric_of_task
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.tasks.taxonomy import CATEGORY_OF, slug
from pytest_medhelm.util.config_file import ConfigFile

JURY = "jury"
OF_CRITERIA = ("jury_", "axis_", "level_", "cluster_", "fact_")
"""Metrics that are named after what a rubric or its examples hold."""
SCOPES = frozenset(map(slug, [*CATEGORY_OF, *CATEGORY_OF.values()]))
"""Slugs of categories and subcategories, which a rule may name in place of a benchmark."""
_SHARES = ("flip_rate", "perturbed_flip_rate")
_LOW_IS_GOOD = frozenset({*_SHARES, "within_variance", *OF_VARIANTS, *LATENCIES, COST, *STATUSES}) - {
    "ok",
    "worst_case_helm",
}
Scale = tuple[float, float]


class OfInstances(NamedTuple):
    """What the instances of a benchmark bring, of which its declaration says nothing."""

    tags: Collection[str] = ()
    """Metrics named after the tags of their criteria."""
    slices: Mapping[str, Collection[str]] = MappingProxyType({})
    """By name the values."""
    never_events: int = 0


@dataclass(frozen=True)
class Known:
    """What is known before a run."""

    tasks: Mapping[str, Task]
    """By name: of the package, and those that were collected."""
    tests: Mapping[str, Sequence[Callable[..., object]]] = field(default_factory=dict)
    """By benchmark its test functions, from which it follows what they record."""
    instances: Mapping[str, OfInstances] = field(default_factory=dict)
    """By benchmark, where they were collected."""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    """What the hook pytest_medhelm_metrics adds."""
    config: ConfigFile = field(default_factory=ConfigFile)
    scales: Mapping[str, Mapping[str, Scale]] = field(default_factory=dict)
    """By benchmark of a suite, the scale of each metric that it recorded."""
    judged: bool | None = None
    """Judges take part; None: nobody knows."""
    scope: frozenset[str] | None = None
    """The benchmarks that ``*`` and categories stand for; None: not known yet."""
    own: frozenset[str] = frozenset()
    """Benchmarks of somebody's own, of which no more than the name is known."""
    all_names: bool = True
    """A benchmark that is not here is nowhere; False where workers collect, unseen from here."""

    @property
    def names(self) -> set[str]:
        """Benchmarks, categories and subcategories."""
        return {*self.tasks, *self.scales, *self.own, *SCOPES}

    def in_scope(self, rule: Rule) -> list[str]:
        """The benchmarks that a rule is about, as far as they are known."""
        if rule.benchmark in self.tasks or rule.benchmark in self.scales:
            return [rule.benchmark]
        there = self.tasks.keys() if self.scope is None else self.scope & self.tasks.keys()
        return [
            name for name in sorted(there)
            if rule.benchmark in ("*", slug(self.tasks[name].category), slug(self.tasks[name].subcategory))
        ]  # fmt: skip

    def all_metrics(self) -> set[str]:
        """Of any benchmark."""
        names = {*STATUSES, *BESIDE_METRICS, *HARM, *LABEL_METRICS, *TEXT_METRICS, *OF_REPEATS, *OF_VARIANTS, JURY}
        names |= CONFIDENCE_SCALES.keys() | {LENGTH_ADJUSTED}
        names |= {name for metric in (*METRICS.values(), *self.metrics.values()) for name in metric.names}
        for task in self.tasks.values():
            of_task = (name for declared in task.metrics for name in Metric.of(declared).names)
            names |= {task.main_metric, *task.records, *of_task}
        for benchmark in self.tests:
            names |= self.metrics_of(benchmark) or set()
        for recorded in self.scales.values():
            names |= recorded.keys()
        return names

    def is_metric(self, name: str) -> bool:
        """Some benchmark may record it."""
        names = self.all_metrics()
        return name in names or name.removesuffix("_helm") in names or _is_open(name)

    def metrics_of(self, benchmark: str) -> set[str] | None:
        """The metrics of a benchmark that a user would name first: its scores, and what judges give; None: not known.

        Without those that every benchmark has.
        """
        recorded = self._recorded(benchmark)
        if recorded is None or recorded.any_name:
            return None
        of_hook = (name for metric in self.metrics.values() for name in metric.names)
        names = {*recorded.names, *of_hook, *self.scales.get(benchmark, {})} - {""}
        if recorded.has_labels:
            names |= LABEL_METRICS.keys()
        rubric = rubric_of_task(self.config, self.tasks[benchmark]) if recorded.asks_jury else None
        if rubric is not None:
            names |= {*score_names(rubric)} - {"jury_helm"}
            if isinstance(rubric, PointsRubric):
                names |= {LENGTH_ADJUSTED, *self.instances.get(benchmark, OfInstances()).tags}
        return names

    def has_metric(self, benchmark: str, metric: str) -> bool:
        """Whether a benchmark may have a metric; where that is not known, it may."""
        names = self.metrics_of(benchmark)
        if names is None or metric in (*STATUSES, *LATENCIES, COST, "must_pass", *OF_REPEATS, *OF_VARIANTS):
            return True
        if metric.startswith(DROP) or needed_repeats(metric) > 1 or {metric, metric.removesuffix("_helm")} & names:
            return True
        if metric == "jury_agreement":
            return JURY in names
        if metric in CONFIDENCE_SCALES:
            return RIGHT in names
        rubric = rubric_of_task(self.config, self.tasks[benchmark])
        is_tagged = isinstance(rubric, PointsRubric) and not rubric.criteria and benchmark not in self.instances
        return is_tagged and JURY in names and metric.startswith(OF_CRITERIA[1:])

    def _recorded(self, benchmark: str) -> RecordedScores | None:
        tests, task = self.tests.get(benchmark), self.tasks.get(benchmark)
        return recorded_scores(task, tests) if tests and task is not None else None

    def main_metric(self, benchmark: str) -> str:
        """What a rule without a metric is about."""
        task = self.tasks.get(benchmark)
        return task.main_metric if task is not None else ""

    def low_is_good(self, rule: Rule, benchmark: str) -> bool | None:
        """Whether lower values are the better ones; None where neither is known to be."""
        metric = rule.metric or self.main_metric(benchmark)
        if metric in DESCRIBING or metric == "must_pass":
            return None
        if metric in _LOW_IS_GOOD or metric.startswith(DROP):
            return True
        ways = {best < worst for worst, best in self.scales_of(rule, benchmark)}
        if not ways and metric.startswith((JURY, LENGTH_ADJUSTED, *OF_CRITERIA)):
            return False  # Points, or the values of classes.
        return ways.pop() if len(ways) == 1 else None

    def scales_of(self, rule: Rule, benchmark: str) -> list[Scale]:
        """Those that the metric of a rule may have on a benchmark; none where that is not known."""
        metric, task = rule.metric, self.tasks.get(benchmark)
        recorded = self.scales.get(benchmark, {})
        if metric in recorded:
            return [recorded[metric]]
        if metric in HARM:
            return [HARM_SCALE]
        if metric in CONFIDENCE_SCALES:
            return [CONFIDENCE_SCALES[metric]]
        of_k = OF_K.fullmatch(metric)
        is_share = metric in _SHARES or (of_k is not None and of_k[1].startswith("pass"))
        if metric in STATUSES or metric in LABEL_METRICS or metric == "jury_agreement" or is_share:
            return [(0.0, 1.0)]
        if metric in ("majority_vote", "worst_case_helm") or of_k is not None:
            metric = ""  # Made of the main one, and on its scale.
        return [] if task is None else self._scales_of_task(metric.removesuffix("_helm"), task)

    def _scales_of_task(self, metric: str, task: Task) -> list[Scale]:
        by_jury = [scale] if (scale := self._jury_scale(task)) and task.main_by_jury else []
        if not metric:
            if not by_jury or self.judged is False:
                return [task.scale]
            return by_jury if self.judged else [*by_jury, task.scale]
        if metric == JURY or metric.startswith("jury_"):
            return by_jury
        if metric == task.main_metric:
            return [task.scale]
        own = [declared for declared in map(Metric.of, task.metrics) if metric in declared.names]
        others = (*METRICS.values(), *TEXT_METRICS.values(), *self.metrics.values())
        return [declared.scale for declared in (*own, *(other for other in others if metric in other.names))][:1]

    def _jury_scale(self, task: Task) -> Scale | None:
        """Of a rubric whose criteria are rated; None without one."""
        rubric = rubric_of_task(self.config, task)
        if not isinstance(rubric, Rubric) or not rubric.criteria:
            return None
        return float(rubric.scale[0]), float(rubric.scale[1])


def _is_open(name: str) -> bool:
    """It is named after what somebody chooses: a criterion, a perturbation, a number of repeats."""
    return name.startswith((*OF_CRITERIA, DROP)) or needed_repeats(name) > 1
