"""What the user chose, checked: one frozen value for a session, whoever read it from options or a stored suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Shard:
    """Part ``number`` (from 1) of ``count``."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def read_shard(text: str) -> Shard:
    """The shard that "3/10" names. Raises ConfigError."""
    number, slash, count = text.strip().partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return Shard(int(number), int(count))
    raise ConfigError(f"--medhelm-shard: {text!r} names no part; type e.g. --medhelm-shard=3/10 for the third of ten")


Sampler = Literal["hash", "helm"]
"""How a limit draws its sample."""
Pages = Literal["pages", "single", "none"]
"""Which pages a run writes."""
RubricCalls = Literal["each", "together"]
"""Whether a judge is asked about the criteria of an answer one by one, or about all in one request."""
DEFAULT_LIMIT = 1000
EMBEDDED_LIMIT = 2
"""Default limit as soon as an embedded model takes part: a first run ends within minutes on two cores."""


@dataclass(frozen=True)
class Settings:
    """Everything that the user chose, checked."""

    models: tuple[str, ...]
    judges: tuple[str, ...]
    gates: tuple[str, ...]
    base_url: str | None
    data: Path | None
    limit: int | None
    """Instances per benchmark; None means all."""
    limit_is_default: bool
    shots: int | None
    """Solved examples per question; None: what each benchmark says."""
    judge_repeats: int
    """How often each judge rates each answer."""
    judge_shuffle: bool
    sampler: Sampler
    concurrency: int | None
    prefetch: int | None
    results: Path
    suite: str
    offline: bool
    allow_hosts: tuple[str, ...]
    cache: bool
    strict: bool
    show_text: bool
    config: ConfigFile
    published: bool = False
    max_cost: float | None = None
    """What this run may pay; None: no bound."""
    currency: str = "USD"
    baseline: Path | None = None
    """Suite or leaderboard.json to compare with."""
    baseline_model: str | None = None
    html: Pages = "pages"
    shard: Shard | None = None
    """The part of each evaluation set that this run asks; None: all of it."""
    ledger_file: Path | None = None
    wait: float = 300.0
    """Seconds for which a server is waited for that went away, or is loading its model."""
    bertscore: str | None = None
    """Model name, or the whole path of a local folder; None: no BERTScore."""
    rubric_calls: RubricCalls = "each"
    sub_tasks: tuple[str, ...] = ()
    """The only sub-tasks of benchmarks that have some of this name; empty: what each benchmark says."""
    from_store: Path | None = None
    """What ``medhelm rescore`` wants scored again from stored responses (from_store.py); None: models are asked."""

    @property
    def embedded(self) -> bool:
        """An embedded model takes part: the run is to end within minutes on two cores."""
        return any(name.startswith("local/") for name in self.models)

    @property
    def folder(self) -> Path:
        """The folder of the suite."""
        return self.results / self.suite

    @property
    def ledger(self) -> Path:
        """Where evaluations are recorded."""
        return self.ledger_file or self.results / "ledger.jsonl"


def as_mapping(settings: Settings) -> Mapping[str, Any]:
    """The settings that shape the results, as plain values for the manifest."""
    return {
        "models": list(settings.models),
        "judges": list(settings.judges),
        "judge_repeats": settings.judge_repeats,
        "judge_shuffle": settings.judge_shuffle,
        "gates": list(settings.gates),
        "limit": settings.limit,
        "shots": settings.shots,
        "sampler": settings.sampler,
        "concurrency": settings.concurrency,
        "prefetch": settings.prefetch,
        "offline": settings.offline,
        "bertscore": settings.bertscore,
        "baseline": str(settings.baseline) if settings.baseline else None,
        "baseline_model": settings.baseline_model,
        "cache": settings.cache,
        "max_cost": settings.max_cost,
        "currency": settings.currency,
        "strict": settings.strict,
        "shard": str(settings.shard) if settings.shard else None,
        "published": settings.published,
    }
