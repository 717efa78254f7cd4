"""What the user chose, checked: one frozen value for a session, whoever read it from options or a stored suite."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.network import shown_address


@dataclass(frozen=True)
class Shard:
    """Part ``number`` (from 1) of ``count``."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


DataLimit = int | Literal["none"]
"""Bytes to which a compressed data file may unpack."""
_UNITS = {"TB": 1 << 40, "GB": 1 << 30, "MB": 1 << 20, "KB": 1 << 10, "B": 1, "": 1}


def data_limit_of(text: str) -> DataLimit:
    """The bytes that "8GB", "500 MB" or a plain number of bytes say, or "none". Raises ValueError."""
    typed = text.strip().upper().replace(" ", "")
    if typed == "NONE":
        return "none"
    matched = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?)(TB|GB|MB|KB|B|)", typed)
    size = int(float(matched[1]) * _UNITS[matched[2]]) if matched else 0
    if not 0 < size < 1 << 60:
        raise ValueError("is no size; type e.g. 8GB, or none for no limit")
    return size


def shard_of(text: str) -> Shard:
    """The shard that "3/10" names. Raises ValueError."""
    number, slash, count = text.strip().partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return Shard(int(number), int(count))
    raise ValueError("names no part; type e.g. 3/10 for the third of ten")


Concurrency = int | Literal["auto"]
"""Requests in flight at an endpoint; "auto": as many as it takes best (models/engine/adaptive.py)."""
Sampler = Literal["hash", "helm"]
"""How a limit draws its sample."""
Pages = Literal["pages", "single", "none"]
"""Which pages a run writes."""
RubricCalls = Literal["each", "together"]
"""Whether a judge is asked about the criteria of an answer one by one, or about all in one request."""
PromptForm = Literal["line", "helm"]
"""How closed questions ask for their answer: with a last line "Answer: X", or as MedHELM for a letter alone."""
ConfidenceSource = Literal["logprobs", "stated", "none"]
"""Where a model's confidence in the option that it chooses is taken from."""
AnswerForm = Literal["any", "strict"]
"""Whether a second value counts only answers in the form that the prompt asks for."""
DEFAULT_LIMIT = 1000
EMBEDDED_LIMIT = 2
"""Default limit as soon as an embedded model takes part: a first run ends within minutes on two cores."""


@dataclass(frozen=True)
class Settings:
    """Everything that the user chose, checked: a field for each option of util/options.py, by its key."""

    models: tuple[str, ...]
    judges: tuple[str, ...]
    gates: tuple[str, ...]
    allow_hosts: tuple[str, ...]
    base_url: str | None
    allow_programs: tuple[str, ...]
    """Programs that may be started under --medhelm-offline."""
    fhir: str | None
    """Base URL of a FHIR server that takes the hospital's place where a benchmark allows it."""
    data: Path | None
    data_limit: DataLimit | None
    """Bytes to which a compressed data file may unpack; None: see tasks/data/limits.py."""
    limit: int | None
    """Instances per benchmark; None means all."""
    sampler: Sampler
    repeats: int
    """How often each request is asked."""
    perturb: tuple[str, ...]
    """Perturbations, and sets of them, in which instances are asked too."""
    perturb_limit: int | None
    """Instances of a benchmark that are changed; None: all."""
    noise_floor: int | None
    """How often a changed instance is asked again unchanged; None: as often as changed, 0: not at all."""
    judge_repeats: int
    """How often each judge rates each answer."""
    shuffle_criteria: bool
    allow_self_judging: bool
    shots: int | None
    """Solved examples per question; None: what each benchmark says."""
    concurrency: Concurrency | None
    prefetch: int | None
    max_cost: float | None
    """What this run may pay; None: no bound."""
    currency: str
    baseline: Path | None
    """Suite or leaderboard.json to compare with."""
    baseline_model: str | None
    batch: Path | None
    """Where requests are written instead of being asked; None: they are asked."""
    shard: Shard | None
    """The part of each evaluation set that this run asks; None: all of it."""
    results: Path
    suite: str
    ledger: Path
    """Where evaluations are recorded."""
    html: Pages
    bertscore: str | None
    """Model name, or the whole path of a local folder; None: no BERTScore."""
    offline: bool
    no_cache: bool
    strict: bool
    show_published: bool
    show_text: bool
    config: ConfigFile
    wait: float
    """Seconds for which a server is waited for that went away, or is loading its model."""
    rubric_calls: RubricCalls
    prompt_form: PromptForm
    answer_form: AnswerForm
    confidence: ConfidenceSource
    sub_tasks: tuple[str, ...]
    """The only sub-tasks of benchmarks that have some of this name; empty: what each benchmark says."""
    limit_is_default: bool = False

    @property
    def embedded(self) -> bool:
        """An embedded model takes part: the run is to end within minutes on two cores."""
        return any(name.startswith("local/") for name in self.models)

    @property
    def folder(self) -> Path:
        """The folder of the suite."""
        return self.results / self.suite


def as_mapping(settings: Settings) -> Mapping[str, object]:
    """The settings that shape the results, as plain values for the manifest."""
    return {
        "models": list(settings.models),
        "judges": list(settings.judges),
        "repeats": settings.repeats,
        "perturbations": list(settings.perturb),
        "perturb_limit": settings.perturb_limit,
        "noise_floor": settings.noise_floor,
        "judge_repeats": settings.judge_repeats,
        "shuffle_criteria": settings.shuffle_criteria,
        "gates": list(settings.gates),
        "fhir": shown_address(settings.fhir) if settings.fhir else None,
        "limit": settings.limit,
        "shots": settings.shots,
        "sampler": settings.sampler,
        "prompt_form": settings.prompt_form,
        "answer_form": settings.answer_form,
        "confidence": settings.confidence,
        "concurrency": settings.concurrency,
        "prefetch": settings.prefetch,
        "offline": settings.offline,
        "bertscore": settings.bertscore,
        "baseline": str(settings.baseline) if settings.baseline else None,
        "baseline_model": settings.baseline_model,
        "no_cache": settings.no_cache,
        "max_cost": settings.max_cost,
        "currency": settings.currency,
        "strict": settings.strict,
        "shard": str(settings.shard) if settings.shard else None,
        "show_published": settings.show_published,
    }
