"""Rules that cannot mean what they say: a name that nothing has, a threshold that every value meets, or none can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from pytest_medhelm.gates.gate_file import Gate, misspelt
from pytest_medhelm.gates.rule import BESIDE_METRICS, COST, LATENCIES, Rule
from pytest_medhelm.results.leaderboard.confidence_measure import SCALES as CONFIDENCE_SCALES
from pytest_medhelm.results.leaderboard.robustness import DROP, OF_VARIANTS
from pytest_medhelm.results.leaderboard.steadiness import OF_K, OF_REPEATS, needed_repeats
from pytest_medhelm.results.stats.label_limits import METRICS as LABEL_METRICS
from pytest_medhelm.scoring.jury.harm import HARM
from pytest_medhelm.scoring.jury.harm import SCALE as HARM_SCALE
from pytest_medhelm.scoring.metrics import METRICS, TEXT_METRICS
from pytest_medhelm.scoring.response import STATUSES
from pytest_medhelm.tasks.metric import Metric
from pytest_medhelm.tasks.rubric import Rubric
from pytest_medhelm.tasks.rubric_files import load_rubric
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.tasks.taxonomy import CATEGORY_OF, slug
from pytest_medhelm.util.errors import ConfigError

JURY = "jury"
OF_CRITERIA = ("jury_", "axis_", "level_", "cluster_", "fact_")
"""Metrics that are named after what a rubric or its examples hold."""
SCOPES = frozenset(map(slug, [*CATEGORY_OF, *CATEGORY_OF.values()]))
"""Slugs of categories and subcategories, which a rule may name in place of a benchmark."""
Scale = tuple[float, float]


@dataclass(frozen=True)
class Known:
    """What there is for rules to be about."""

    tasks: Mapping[str, Task]
    """By name: of the package, and those that were collected."""
    scales: Mapping[str, Mapping[str, Scale]] = field(default_factory=dict)
    """By benchmark of a suite, the scale of each metric that it recorded."""
    judged: bool | None = None
    """Judges take part; None: nobody knows."""
    scope: frozenset[str] | None = None
    """The benchmarks that ``*`` and categories stand for; None: not known yet."""
    own: frozenset[str] = frozenset()
    """Benchmarks of somebody's own, of which no more than the name is known."""
    perturbations: frozenset[str] = frozenset()
    """Of somebody's own."""
    all_names: bool = True
    """A benchmark that is not here is nowhere; False where workers collect, unseen from here."""

    @property
    def names(self) -> set[str]:
        """Benchmarks, categories and subcategories."""
        return {*self.tasks, *self.scales, *self.own, *SCOPES}


def problems(gate: Gate, known: Known) -> Iterator[str]:
    """One sentence for each rule, or stated benchmark, that cannot mean what it says."""
    for rule in gate.rules:
        yield from (f"gate {rule.text!r}: {problem}" for problem in _of_rule(rule, known))
    for name, stated in gate.benchmarks.items():
        # What was written from a suite names its data; what somebody typed may be misspelt.
        if known.all_names and name not in known.names and not stated.keys() & {"data", "set"}:
            yield f"[benchmarks.{name}]: {_no_benchmark(name, known)}"


def require(gates: list[Gate], known: Known) -> None:
    """Raises ConfigError with the first problem of a rule."""
    for gate in gates:
        for problem in problems(gate, known):
            raise ConfigError(problem)


def _of_rule(rule: Rule, known: Known) -> Iterator[str]:
    name = rule.benchmark
    if name == COST:
        return
    if name != "*" and name not in known.names:
        if known.all_names:
            yield _no_benchmark(name, known)
        return
    if name in known.own and name not in known.tasks and name not in known.scales:
        return
    wrong = misspelt(rule.metric, known.perturbations)
    if wrong and rule.metric not in _metrics(known):
        yield wrong
        return
    if rule.metric and not _is_metric(rule.metric, known):
        near = get_close_matches(rule.metric, sorted(_metrics(known)), n=1, cutoff=0.6)
        yield f"no benchmark records a metric {rule.metric!r}{_meant(near)}: 'medhelm tasks NAME' shows those of one"
        return
    there = _in_scope(rule, known)
    problems = [_off_scale(rule, benchmark, _scales(rule, benchmark, known)) for benchmark in there]
    # Which benchmarks of a category will be run nobody knows before the run: one on which it decides is enough.
    if problems and (any(problems) if known.scope is not None else all(problems)):
        yield next(filter(None, problems))


def _no_benchmark(name: str, known: Known) -> str:
    near = get_close_matches(name, sorted(known.names), n=1, cutoff=0.6)
    return f"there is no benchmark, category or subcategory {name!r}{_meant(near)}: 'medhelm tasks' lists all"


def _meant(near: list[str]) -> str:
    return f" (did you mean {near[0]!r}?)" if near else ""


def _metrics(known: Known) -> set[str]:
    names = {*STATUSES, *BESIDE_METRICS, *HARM, *LABEL_METRICS, *TEXT_METRICS, *OF_REPEATS, *OF_VARIANTS, JURY}
    names |= CONFIDENCE_SCALES.keys()
    names |= {name for metric in METRICS.values() for name in metric.names}
    for task in known.tasks.values():
        names |= {
            task.main_metric,
            *task.records,
            *(name for declared in task.metrics for name in Metric.of(declared).names),
        }
    for recorded in known.scales.values():
        names |= recorded.keys()
    return names


def _is_metric(name: str, known: Known) -> bool:
    names = _metrics(known)
    base_name = name.removesuffix("_helm")
    return name in names or base_name in names or name.startswith((*OF_CRITERIA, DROP)) or needed_repeats(name) > 1


def _in_scope(rule: Rule, known: Known) -> list[str]:
    if rule.benchmark in known.tasks or rule.benchmark in known.scales:
        return [rule.benchmark]
    there = known.tasks.keys() if known.scope is None else known.scope & known.tasks.keys()
    return [
        name for name in sorted(there)
        if rule.benchmark in ("*", slug(known.tasks[name].category), slug(known.tasks[name].subcategory))
    ]  # fmt: skip


def _scales(rule: Rule, benchmark: str, known: Known) -> list[Scale]:
    """Those that the metric of a rule may have on a benchmark; none where that is not known."""
    metric, task = rule.metric, known.tasks.get(benchmark)
    recorded = known.scales.get(benchmark, {})
    if metric in recorded:
        return [recorded[metric]]
    if metric in HARM:
        return [HARM_SCALE]
    if metric in CONFIDENCE_SCALES:
        return [CONFIDENCE_SCALES[metric]]
    of_k = OF_K.fullmatch(metric)
    is_share = metric in ("flip_rate", "perturbed_flip_rate") or (of_k is not None and of_k[1].startswith("pass"))
    if metric in STATUSES or metric == "jury_agreement" or is_share:
        return [(0.0, 1.0)]
    if task is None:
        return []
    by_jury = [scale] if (scale := _jury_scale(task)) and task.main_by_jury else []
    if not metric:
        if not by_jury or known.judged is False:
            return [task.scale]
        return by_jury if known.judged else [*by_jury, task.scale]
    if metric == JURY or metric.startswith("jury_"):
        return by_jury
    if metric == task.main_metric:
        return [task.scale]
    metrics = [declared for declared in map(Metric.of, task.metrics) if metric in declared.names]
    builtin = [declared for declared in (*METRICS.values(), *TEXT_METRICS.values()) if metric in declared.names]
    return [declared.scale for declared in (*metrics, *builtin)][:1]


def _jury_scale(task: Task) -> Scale | None:
    """Of a rubric whose criteria are rated; None without one."""
    rubric = load_rubric(task.rubric) if isinstance(task.rubric, str) and task.rubric else task.rubric
    if not isinstance(rubric, Rubric) or not rubric.criteria:
        return None
    return float(rubric.scale[0]), float(rubric.scale[1])


def _off_scale(rule: Rule, benchmark: str, scales: list[Scale]) -> str:
    """Why a threshold decides nothing on any of these scales; empty where it does on one, or none is known."""
    if rule.metric in (*LATENCIES, "must_pass") or not scales or not all(_is_idle(rule, scale) for scale in scales):
        return ""
    low, high = sorted(scales[0])
    if rule.baseline:
        return f"{benchmark} has values from {low:g} to {high:g}: a margin of {abs(rule.threshold):g} is all of it"
    every = rule.threshold <= low if rule.comparison == ">=" else rule.threshold >= high
    what = "every value meets it" if every else "no value can meet it"
    return f"{benchmark} has values from {low:g} to {high:g}, so that {what}: write a number between them"


def _is_idle(rule: Rule, scale: Scale) -> bool:
    low, high = sorted(scale)
    if rule.baseline:
        return abs(rule.threshold) >= high - low
    # The share of a status may be let be: that is how a rule tolerates it.
    whole = rule.metric in STATUSES and rule.threshold == high
    if rule.comparison == ">=":
        return rule.threshold <= low or rule.threshold > high
    return (rule.threshold >= high and not whole) or rule.threshold < low
