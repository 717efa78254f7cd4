"""leaderboard.json: the document that docs/leaderboard.schema.json describes."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.results.agreement.preference_entries import PreferenceSection
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry
from pytest_medhelm.results.leaderboard.gate_entry import GateEntry
from pytest_medhelm.results.leaderboard.jury_entries import JurySection
from pytest_medhelm.results.store.run_manifest import RunManifest
from pytest_medhelm.tasks.metadata import BenchmarkMetadata
from pytest_medhelm.util.json_types import Count, Ends, Limits, Share


class MacroAverage(TypedDict):
    """Of one model over the same benchmarks, each on 0 (worst) to 1 (best), as in the table of the MedHELM paper."""

    mean: Share
    """The plain mean."""
    sd: float | None
    """Sample standard deviation over the benchmarks, which measure unlike things; null for one benchmark."""


class WinRates(TypedDict):
    """Mean win rate of the candidates over the benchmarks that are complete for all of them; empty under three
    candidates."""

    pool: list[str]
    """The candidates."""
    benchmarks: list[str]
    """The benchmarks that enter."""
    rates: dict[str, float]
    """Share of the other models that a model beats, 0 to 1."""
    helm_style: dict[str, float]
    """As HELM computes it, for comparison: over every benchmark that any two candidates have, each model over its
    own. Models with other benchmarks are compared with other models; it orders nothing."""
    stability: dict[str, Ends]
    """2.5 and 97.5 percentile of it under resampling of the benchmarks; empty under two benchmarks."""
    macro: dict[str, MacroAverage]
    """The macro average over the same benchmarks, by model."""


class CategoryAverage(TypedDict):
    """One category."""

    category: str
    """Its name."""
    benchmarks: list[str]
    """Those that are complete for all candidates, on one evaluation set and by one main metric."""
    averages: dict[str, Share]
    """By model: the mean over these benchmarks of the main value, put on 0 (worst of its scale) to 1 (best)."""


class PairedRow(TypedDict):
    """One benchmark."""

    benchmark: str
    """Name of the benchmark."""
    models: Annotated[list[str], Limits(length=2)]
    """The two; the difference is the first minus the second."""
    difference: float
    """Mean difference of the main score."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    """Upper end of its 95 % interval."""
    n: Count
    """Instances that both have measured."""
    p: Share
    """Two-sided, corrected by Holm over the pairs of the benchmark."""
    differ: bool
    """They are shown to differ: p is below 0.05 and the interval leaves 0 out."""


class Coverage(TypedDict):
    """One subcategory."""

    category: str
    """Its category."""
    subcategory: str
    """Its name."""
    benchmarks: list[str]
    """The benchmarks of this suite in it."""


class Results(TypedDict):
    """What the records say."""

    models: list[ModelMetadata]
    """The models that have records."""
    benchmarks: list[BenchmarkMetadata]
    """The benchmarks that have records, by name."""
    cells: list[CellEntry]
    """One per benchmark x model that has records."""
    win_rate: WinRates
    """Mean win rate of the candidates over the benchmarks that are complete for all of them; empty under three
    candidates."""
    categories: list[CategoryAverage]
    """The average of each of the five categories, in the order of the taxonomy. It orders nothing: no gate takes
    it."""
    paired: list[PairedRow]
    """With two candidates: their mean difference on the instances that both have measured."""
    letters: dict[str, dict[str, str]]
    """By benchmark and candidate: candidates that share a letter are not shown to differ; a is a group of the best."""
    above_baseline: list[PairedRow]
    """Each candidate minus the best baseline of the benchmark, where both ran; differ: the candidate is shown to be
    better."""
    several_names: list[list[str]]
    """The names of each served model that has several, with the same settings: it is ranked and compared once, by the
    first of them."""
    jury: JurySection
    """The judges, each beside the others."""
    gates: list[GateEntry]
    """Each rule, judged for each model and benchmark that it names."""
    coverage: list[Coverage]
    """The 22 subcategories of the taxonomy in their order."""
    published: Published | None
    """Published figures, where they were asked for."""
    agreement: dict[str, Any] | None
    """How far judges and metrics agree with clinicians: the document of medhelm jury-agreement --json
    (docs/agreement.md); null without clinicians' ratings."""
    preferences: NotRequired[PreferenceSection | None]
    """What clinicians say who named the better one of two answers; null where nobody did, absent from older suites."""


class CellMeasurements(TypedDict):
    """One cell."""

    started: str | None
    """When the newest run that wrote its records started."""
    asked: Count
    """Answers asked for by the run that wrote the record."""
    cached: Count
    """Answers that an earlier run had stored."""
    retries: Count
    """Attempts after the first."""
    latency_p50: float | None
    """Median of the answering attempts' seconds, from sending to the last byte: while other requests are in flight, the
    wait in the server's queue is part of it."""
    latency_p95: float | None
    """95th percentile of the same."""
    tokens: dict[str, Count]
    """Token counts of the model by kind."""
    model: Spent
    """What the model used."""
    judges: Spent
    """What the judges used."""


class PartiesSpent(TypedDict):
    """What each model and each judge used."""

    models: dict[str, Spent]
    """Each model by name; those that ask nobody are left out."""
    judges: dict[str, Spent]
    """Each judge by name."""


class SuiteSpending(PartiesSpent):
    """Of the whole suite."""

    models: dict[str, Spent]
    """Each model by name; those that ask nobody are left out."""
    judges: dict[str, Spent]
    """Each judge by name."""
    currency: str
    """Name of the currency of all amounts; nothing is converted."""
    paid_now: float | None
    """What the newest run paid, answers for tests that did not end included; null without prices."""


class AttemptStanding(TypedDict):
    """Where this evaluation stands in the ledger; absent where none is kept."""

    number: Annotated[int, Limits(minimum=1)]
    """Attempts on this evaluation set, this one included."""
    models: Count
    """By how many models."""
    since: str
    """Date of the first."""
    gates: dict[str, str]
    """By gate file since when it is fixed, in words."""
    post_hoc: bool
    """A gate file was written or changed after results on its data were there."""


class Measurements(TypedDict):
    """What differs from run to run: times, retries, tokens, money."""

    cells: dict[str, CellMeasurements]
    """By "<benchmark> <model>"."""
    spending: SuiteSpending
    """Of the whole suite."""
    attempt: NotRequired[AttemptStanding]
    """Where this evaluation stands in the ledger; absent where none is kept."""
    runs: list[RunManifest]
    """The manifests of all runs, oldest first."""


class Leaderboard(TypedDict):
    """The results of a suite, and what was measured on the way. Floats in results are rounded to six decimals; the
    same records give the same bytes. Holds no text of prompts, answers or verdicts."""

    schema: Literal["medhelm-leaderboard/1"]
    """Version of this shape, apart from the package's: its number changes when a field is removed, renamed or
    changes its meaning. New fields come under the same number."""
    suite: str
    """Name of the suite's folder."""
    results: Results
    """What the records say."""
    measurements: Measurements
    """What differs from run to run: times, retries, tokens, money."""


class Spent(TypedDict):
    """What a model or a judge has used. A request that several records share counts once."""

    requests: Count
    """Requests answered."""
    tokens: dict[str, Count]
    """Token counts by kind."""
    cost: float | None
    """What they cost; null where nothing is known; a lower bound where unknown is not 0."""
    paid_now: float | None
    """The part of it that the newest run paid."""
    stored: float | None
    """The part that earlier runs paid."""
    unknown: Count
    """Requests whose cost is not known."""


class Published(TypedDict):
    """What the MedHELM paper reports, beside the benchmarks of this suite that ran on the same data
    (docs/published.md). Never in cells, win rates, paired differences or gates."""

    source: str
    """Where the figures were published."""
    note: str
    """What they are, in a sentence."""
    models: list[str]
    """The published models, in the paper's order."""
    win_rates: dict[str, float]
    """Their mean win rates as published, over 37 benchmarks and nine models."""
    published_as: dict[str, str]
    """Benchmark -> its column in the paper's table."""
    metrics: dict[str, str]
    """Benchmark -> the metric of ours that is the same quantity."""
    scales: dict[str, Ends]
    """Benchmark -> worst and best value of it."""
    cells: dict[str, dict[str, float]]
    """Benchmark -> published model -> value."""
    local: dict[str, dict[str, float | None]]
    """Benchmark -> model of this suite on the same data -> our value of the same quantity, null where not
    measured."""
    left_out: dict[str, list[str]]
    """Reason -> benchmarks of this suite that no published figure stands beside."""
