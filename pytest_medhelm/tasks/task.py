"""What a benchmark declares: a Task, its data files, and the Instances read from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pytest_medhelm.tasks.taxonomy import CATEGORY_OF, Access, Kind
from pytest_medhelm.util.errors import ConfigError

if TYPE_CHECKING:
    from pytest_medhelm.tasks.metric import Metric
    from pytest_medhelm.tasks.points import PointsCriterion, PointsRubric
    from pytest_medhelm.tasks.rubric import Rubric


@dataclass(frozen=True, slots=True)
class Instance:
    """One dataset item. Its repr shows the id only: an assertion error must not print a patient's record."""

    id: str
    """Stable and unique within the benchmark; survives a reordering of the file."""
    question: str
    """What is asked, without the options."""
    answer: str
    """The reference: the letter of the right choice, or the text, number or date as the dataset writes it."""
    context: str = ""
    """The note, abstract or dialogue that the question is about."""
    choices: tuple[str, ...] = ()
    """The texts of the options in the order A, B, C, ..."""
    cluster: str = ""
    """Instances that share it come from one source (a patient, a note) and are not independent."""
    slices: Mapping[str, str] = field(default_factory=dict)
    """Named groups that results can be broken down by, e.g. {"category": "lab"}."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What only this benchmark's metric needs, e.g. an accepted range."""
    must_pass: float | None = None
    """A never-event: the test fails when the main metric falls below this value."""
    characters: int = 0
    """How long the prompt is, where ``prompt`` adds what is not in question and context; 0: it adds little."""
    criteria: tuple[PointsCriterion, ...] = ()
    """What a jury grades the answer by, where each instance brings criteria with points of its own."""
    form: str = ""
    """How a perturbation has the prompt written: "paraphrase", or "options 1" and "options a" for how they are named;
    empty for the prompt as it is."""

    def __repr__(self) -> str:
        return f"Instance({self.id!r})"


@dataclass(frozen=True, slots=True)
class Excluded:
    """What a loader yields for a record that its stated rule leaves out: it is counted and shown, never just gone."""

    rule: str
    """Why, in a few words and without content of the record, e.g. "no answer"."""


Instances = Iterator[Instance | Excluded]
"""What a benchmark's ``load`` gives: instances, and what its rule leaves out."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """One upstream file."""

    name: str
    """Path below the benchmark's folder, as upstream names the file."""
    sha256: str = ""
    """Of the unpacked file, 64 hexadecimal digits. Empty where upstream pins no version (gated, private and own
    data): any file is taken, and the manifest says which."""
    url: str = ""
    """Pinned address from which ``medhelm fetch`` takes it; empty when it cannot be fetched."""
    member: str = ""
    """Path inside the zip file at ``url``; empty when the address is that of the file itself."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder of upstream files; a zip file of that name plus ".zip" is as good."""

    name: str
    """Path below the benchmark's folder; "." is that folder itself."""
    pattern: str = "*"
    """Which files in it belong to the data, e.g. "*.txt"."""
    sha256: str = ""
    """Of its listing as ``sha256sum`` writes it, sorted by name (data.folders.listing); empty: not pinned."""
    url: str = ""
    """Pinned address of a zip file that holds it; empty when it cannot be fetched."""
    member: str = ""
    """Path of the folder inside that zip file."""


@dataclass(frozen=True, slots=True)
class Examples:
    """The training or development split from which --medhelm-shots takes solved examples."""

    files: tuple[DataFile | DataFolder, ...]
    load: Callable[..., Iterable[Instance | Excluded]]
    """As Task.load."""
    answer: Callable[[Instance], str] = attrgetter("answer")
    """What the assistant is shown to have replied to an example."""
    within: str = ""
    """Name of a slice (a subject, a language) that an example must share with the instance; empty for none."""

    def group_of(self, instance: Instance) -> str:
        """What examples and the instance that they are shown with share."""
        return instance.slices.get(self.within, "") if self.within else ""


KEEPS_GOLD = ("surface",)
"""What leaves right answers right where a benchmark says nothing of that."""


@dataclass(frozen=True, slots=True)
class Task:
    """The declaration of one benchmark.

    Raises ConfigError when a field has a value outside its closed list.
    """

    name: str
    """Identifier, as MedHELM spells it; also a pytest mark."""
    title: str
    subcategory: str
    """One of the 22 of taxonomy.CATEGORIES."""
    access: Access
    kind: Kind
    files: tuple[DataFile | DataFolder, ...]
    load: Callable[..., Iterable[Instance | Excluded]]
    """Called with one Path per data file; yields instances; raises DataError naming file and row."""
    main_metric: str
    licence: str
    """As stated upstream, or that none is."""
    source: str
    """Where the data comes from: repository or paper."""
    attribution: str = ""
    """Whom to name: authors and year, or the institution."""
    redistribution: bool | None = None
    """The licence lets the data be passed on; None: not stated."""
    may_use_hosted_api: bool | None = None
    """The data may be sent to services of third parties; None: not stated. False is enforced for real data."""
    how_to_obtain: str = ""
    """Gated and private data: what to request, and from where. One sentence."""
    size: int | None = None
    """Instances in the split that the MedHELM leaderboard evaluates, before its cap of 1,000; None: not known."""
    scale: tuple[float, float] = (0.0, 1.0)
    """Worst and best value of the main metric."""
    chance: float | None = None
    """Expected main value of guessing, where it is known."""
    language: str = "en"
    """BCP 47 code ("mul": several): decides how words, numbers and refusals are read."""
    sub_tasks_by: str = ""
    """Name of a slice whose groups are fixed sub-tasks, averaged with equal weight; empty for none."""
    sub_tasks: tuple[str, ...] = ()
    """The sub-tasks that must all be there for the benchmark to have a value; empty: those found in the data."""
    limit_by: str = ""
    """Name of a slice for each group of which the limit holds; empty: as ``sub_tasks_by``."""
    helm_validation: Mapping[str, int] = field(default_factory=dict)
    """Under --medhelm-sampler=helm: by group of ``limit_by`` ("" without one), the size of the validation split, from
    which MedHELM draws together with these instances. It is not read: what is drawn of the test split remains."""
    cap: int | None = None
    """The benchmark's own limit per sub-task, lower than the usual 1,000; --medhelm-limit=all lifts it."""
    positive: str = ""
    """Classification: the label whose precision and recall are reported; empty for none."""
    rubric: str | Rubric | PointsRubric = ""
    """What a jury grades by: the name of a file in tasks/rubrics, or a rubric of one's own; empty for none."""
    examples: Examples | None = None
    """Where solved examples come from; None: the benchmark is always asked without any."""
    shots: int = 0
    """Solved examples per question where --medhelm-shots is not given."""
    category_assigned_here: bool = False
    """MedHELM publishes no subcategory for this benchmark; the one above is this project's choice."""
    main_by_jury: bool = True
    """Where judges are named, theirs is the main score."""
    outside_medhelm: bool = False
    """No benchmark of MedHELM: it never enters the mean win rate or an average over a category."""
    named_only: tuple[str, ...] = ()
    """Sub-tasks that are evaluated only when --medhelm-sub-tasks names them."""
    embedded_only: tuple[str, ...] = ()
    """The sub-tasks of a run in which an embedded model takes part, unless others are named; empty: all."""
    map_by: tuple[str, str] | tuple[()] = ()
    """Names of two slices: the main value in each pair of their groups is shown as a map, the first one downwards."""
    metrics: tuple[Metric | Callable[..., float | Mapping[str, float]], ...] = ()
    """Metrics of the benchmark's own, each called by ``score.metric(function, ...)``."""
    keeps_gold: tuple[str, ...] = KEEPS_GOLD
    """Families of perturbations, or single ones, that leave the right answer right: surface (spelling, spaces),
    options (their order and names), wording, clinical (abbreviations, units), invariance (who the patient is)."""
    perturbed_fields: tuple[str, ...] = ("question", "context")
    """The fields of an instance in which perturbations of texts change words."""
    paraphrase: Callable[[Instance], str | Sequence[Mapping[str, str]]] | None = None
    """Another ``prompt`` of the same meaning, for the perturbation of this name."""
    records: tuple[str, ...] = ()
    """Names of further scores that the test computes itself and records by ``score.record``."""
    gates: tuple[str, ...] = ()
    """Rules that the benchmark brings along, judged whenever it is run."""
    folder: Path | None = None
    """Own data: the folder of its files, which are real data; None: they are looked for in the usual places."""
    notes: str = ""
    """What holds of a whole family of benchmarks, shown below what the module itself says."""
    quick: bool = False
    """It is one of the dozen that ``-m quick`` takes for a first look: short questions, some of each category."""
    version: int = 1
    """Raised when prompt, reading or scoring change so that scores may differ from before."""

    def __post_init__(self) -> None:
        if self.subcategory not in CATEGORY_OF:
            raise ConfigError(
                f"Task {self.name!r}: subcategory {self.subcategory!r} is not one of: {', '.join(CATEGORY_OF)}"
            )
        for name, value, allowed in (
            ("access", self.access, get_args(Access)),
            ("kind", self.kind, get_args(Kind)),
        ):
            if value not in allowed:
                raise ConfigError(f"Task {self.name!r}: {name} {value!r} is not one of: {', '.join(allowed)}")

    @property
    def category(self) -> str:
        """The MedHELM category that the subcategory belongs to."""
        return CATEGORY_OF[self.subcategory]
