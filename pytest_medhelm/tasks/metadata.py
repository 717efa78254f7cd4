"""What describes a benchmark as it was evaluated, as suites and leaderboard.json have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

from pytest_medhelm.util.json_types import Count, Ends


class DataMetadata(TypedDict):
    """The data it ran on."""

    origin: Literal["given", "cache", "sample", "own", "imported"]
    """given by --medhelm-data, from the cache folder, sample data of the package, the benchmark's own folder, or
    imported from HELM."""
    sha256: dict[str, str]
    """Checksum of each file, by upstream name."""
    accepted: list[str]
    """Files taken although their checksum is not the pinned one."""
    instances: Count
    """Instances in the data, before the limit."""
    never_events: NotRequired[Count]
    """Instances in the data that name a floor (must_pass), before the limit; absent from older suites."""
    left_out: dict[str, Count]
    """Records that are no instances: how many, by the benchmark's rule."""


class BenchmarkMetadata(TypedDict):
    """What describes a benchmark as it was evaluated."""

    name: str
    """Identifier, e.g. pubmed_qa."""
    title: str
    """Name for people."""
    description: NotRequired[str]
    """What is asked, read and scored; may be empty."""
    category: str
    """One of MedHELM's five categories."""
    subcategory: str
    """One of MedHELM's 22 subcategories."""
    category_assigned_here: bool
    """MedHELM publishes no subcategory for it; this is this project's choice."""
    outside_medhelm: NotRequired[bool]
    """It is none of MedHELM's benchmarks: it stands outside of win rates and category averages."""
    map_by: NotRequired[list[str]]
    """Slices by which its results are shown as a map."""
    access: Literal["public", "gated", "private"]
    """Who may have the data."""
    kind: str
    """How it is answered, e.g. multiple_choice, generation, jury, calculation."""
    language: str
    """BCP 47 code; mul: several."""
    licence: str
    """Of the data, as stated upstream, or that none is."""
    attribution: str
    """Whom to name; may be empty."""
    redistribution: bool | None
    """The licence lets the data be passed on; null: not stated."""
    may_use_hosted_api: bool | None
    """The data may be sent to services of third parties; null: not stated."""
    source: str
    """Where the data comes from."""
    main_metric: str
    """The metric that stands for the benchmark without a jury."""
    scale: Ends
    """Worst and best value of the main metric."""
    chance: float | None
    """Expected main value of guessing; null: not known."""
    positive: str
    """The label whose precision and recall are reported; empty for none."""
    label_count: NotRequired[Count]
    """How many labels the references of the data are; absent or 0 where they are none."""
    shots: Count
    """Solved examples before each question."""
    sub_tasks: list[str]
    """Its fixed sub-tasks, averaged with equal weight; empty for none."""
    gates: list[str]
    """Rules that the benchmark brings along."""
    data: DataMetadata
    """The data it ran on."""
    code: str
    """Hash of the benchmark's module: prompt, reading and scoring."""


METADATA_DEFAULTS: Mapping[str, object] = {"description": "", "outside_medhelm": False, "map_by": []}
"""What a suite of an earlier version does not say of a benchmark."""
