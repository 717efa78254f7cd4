"""The state of an episode: one population that all share and nobody changes, and what this episode has changed of it.

A state is a value: a write gives another one, so that a tool is a function of (state, arguments) and a replay ends
where the first run did. It costs what was changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from pytest_medhelm.agents.hospital.elements import Resource, reference_of, values_at
from pytest_medhelm.agents.hospital.rules import rules

Key = tuple[str, str]
"""Resource type and id."""
Did = Literal["created", "changed", "deleted"]
STEP = dt.timedelta(minutes=1)
"""By which the hospital's clock goes on with each write."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the audit log."""

    did: Did
    key: Key
    patient: str
    """Id of the patient whose chart it is; empty for none."""
    by: str
    when: str
    before: Resource | None
    after: Resource | None


class Population:
    """Resources that all episodes share."""

    is_remote = False
    """They are read from a server when they are asked for."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_type: dict[str, dict[str, Resource]] = {}
        self._charts: dict[str, dict[str, list[str]]] = {}
        """By type and patient the ids; of a type when it is first asked for."""
        for resource in resources:
            self._by_type.setdefault(resource["resourceType"], {})[resource["id"]] = resource

    def get(self, key: Key) -> Resource | None:
        """A resource, or None."""
        return self._by_type.get(key[0], {}).get(key[1])

    def ids(self, kind: str, patient: str | None = None) -> Iterable[str]:
        """The ids of a type, in their order; of one patient's chart where one is named."""
        if patient is None:
            return self._by_type.get(kind, {})
        charts = self._charts.get(kind)
        if charts is None:
            charts = {}
            for identifier, resource in self._by_type.get(kind, {}).items():
                for owner in patients_of(resource):
                    charts.setdefault(owner, []).append(identifier)
            self._charts[kind] = charts  # Whole: another thread may look meanwhile.
        return charts.get(patient, ())

    def __len__(self) -> int:
        return sum(map(len, self._by_type.values()))


@dataclass(frozen=True, slots=True)
class Hospital:
    """What a chart looks like at one moment of an episode."""

    population: Population
    now: dt.datetime
    overlay: Mapping[Key, Resource | None] = field(default_factory=lambda: MappingProxyType({}))
    """What differs from the population; None: deleted."""
    changes: tuple[Change, ...] = ()
    """The audit log: all that was written in the episode, in order."""

    def get(self, key: Key) -> Resource | None:
        """A resource as it is now, or None."""
        return self.overlay[key] if key in self.overlay else self.population.get(key)

    def exists(self, reference: str) -> bool:
        """Whether there is a ``Type/id``."""
        kind, _, identifier = reference.partition("/")
        return self.get((kind, identifier)) is not None

    def all(self, kind: str, patient: str | None = None) -> Iterator[Resource]:
        """The resources of a type as they are now, in the order in which they came."""
        for identifier in self.population.ids(kind, patient):
            resource = self.get((kind, identifier))
            if resource is not None:
                yield resource
        for key, resource in self.overlay.items():
            known = self.population.get(key)
            if key[0] != kind or resource is None:
                continue
            if known is None:
                if patient is None or patient in patients_of(resource):
                    yield resource
            elif patient is not None and patient in patients_of(resource) and patient not in patients_of(known):
                yield resource

    def given(self, resources: Iterable[Resource]) -> Hospital:
        """With more resources, as if they had always been there."""
        added = {(resource["resourceType"], resource["id"]): resource for resource in resources}
        return replace(self, overlay=MappingProxyType({**self.overlay, **added}))

    def with_change(self, key: Key, after: Resource | None, by: str) -> Hospital:
        """The state after a resource was written, or deleted (None); the clock goes on."""
        before = self.get(key)
        now = self.now + STEP
        chart = next(iter(patients_of(after or before or {"resourceType": key[0]})), "")
        did: Did = "deleted" if after is None else "created" if before is None else "changed"
        change = Change(did, key, chart, by, self.now.isoformat(), before, after)
        return replace(
            self, now=now, overlay=MappingProxyType({**self.overlay, key: after}), changes=(*self.changes, change)
        )

    def new_id(self, kind: str) -> str:
        """An id that nothing has: the same in each replay."""
        number = len(self.changes) + 1
        while self.get((kind, f"{kind.lower()}-{number}")) is not None:
            number += 1
        return f"{kind.lower()}-{number}"


def patients_of(resource: Resource) -> list[str]:
    """The ids of the patients whose chart a resource belongs to."""
    rule = rules().get(resource["resourceType"])
    if rule is None or not rule.patient:
        return []
    if rule.patient == "id":
        return [resource["id"]] if "id" in resource else []
    references = map(reference_of, values_at(resource, rule.patient))
    return [reference.removeprefix("Patient/") for reference in references if reference.startswith("Patient/")]
