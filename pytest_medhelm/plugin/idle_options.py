"""Options that change nothing: each is named once, before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_medhelm.models.spec import CANDIDATE
from pytest_medhelm.tasks.taxonomy import OPEN_ENDED

if TYPE_CHECKING:
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.tasks.benchmark import Benchmark
    from pytest_medhelm.tasks.perturbations.plan import Plan
    from pytest_medhelm.util.settings import Settings


def idle_options(settings: Settings, roster: Roster) -> Iterator[str]:
    """Those that change nothing whatever is selected: they need another option, or another model."""
    of_variants = {"noise-floor": settings.noise_floor is not None, "perturb-limit": settings.perturb_limit is not None}
    if not settings.perturb:
        nothing = "nothing is asked in other words (--medhelm-perturb=NAME,...)"
        yield from (f"--medhelm-{name} has no effect here: {nothing}" for name, given in of_variants.items() if given)
    of_judges = {
        "judge-repeats": settings.judge_repeats > 1,
        "shuffle-criteria": settings.shuffle_criteria,
        "rubric-calls": settings.rubric_calls != "each",
        "allow-self-judging": settings.allow_self_judging,
    }
    if not roster.judges:
        nobody = "nobody judges (--medhelm-judge=PROVIDER/NAME)"
        yield from (f"--medhelm-{name} has no effect here: {nobody}" for name, given in of_judges.items() if given)
    if settings.baseline_model and not settings.baseline:
        yield "--medhelm-baseline-model has no effect here: there is no baseline (--medhelm-baseline=SUITE)"
    unsure = [model.name for model in roster.models if _gives_no_confidence(model.kind, model.answer, settings)]
    if unsure:
        yield f"--medhelm-confidence has no effect on {', '.join(unsure)}, of which no confidence is known"


def _gives_no_confidence(kind: str, function: object, settings: Settings) -> bool:
    """Functions have no tokens; those of somebody's own may state how sure they are."""
    if settings.confidence == "logprobs":
        return function is not None
    return settings.confidence == "stated" and kind != CANDIDATE


def idle_here(collected: Sequence[Benchmark], settings: Settings, plan: Plan) -> Iterator[str]:
    """Those that change nothing for what was selected."""
    tasks = [benchmark.task for benchmark in collected]
    if not tasks:
        return
    if plan.perturbations and all(len(plan.left_out(task)) == len(plan.perturbations) for task in tasks):
        yield "--medhelm-perturb has no effect here: no selected benchmark allows what it names"
    if settings.confidence != "none" and not any(_has_options(benchmark) for benchmark in collected):
        yield "--medhelm-confidence has no effect here: no selected benchmark asks to choose an option"
    if settings.bertscore and not any(task.kind in OPEN_ENDED for task in tasks):
        yield "--medhelm-bertscore has no effect here: no selected benchmark is answered in free text"
    if settings.shots and not any(task.examples for task in tasks):
        yield "--medhelm-shots has no effect here: no selected benchmark has solved examples"
    if settings.fhir and not any(getattr(benchmark.first_environment, "own_server", False) for benchmark in collected):
        yield "--medhelm-fhir has no effect here: no selected benchmark takes its record from a server of your own"
    if settings.judges and not any(task.rubric for task in tasks):
        yield "--medhelm-judge has no effect here: no selected benchmark is rated by a jury"


def _has_options(benchmark: Benchmark) -> bool:
    return any(packed.unpack().choices for packed in benchmark.instances[:1])
