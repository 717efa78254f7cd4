"""Instances at rest: thousands of patient records are held compressed until their test is near."""

from __future__ import annotations

import pickle
import zlib

from pytest_medhelm.task import Instance


class Packed:
    """An instance of which only the id is at hand."""

    __slots__ = ("_content", "id", "stratum")

    def __init__(self, instance: Instance, strata: str) -> None:
        self.id = instance.id
        self.stratum = instance.slices.get(strata, "") if strata else ""
        """The sub-run that it belongs to; empty where the benchmark has none."""
        self._content = zlib.compress(pickle.dumps(instance, pickle.HIGHEST_PROTOCOL))

    def __repr__(self) -> str:
        return f"Packed({self.id!r})"

    def unpack(self) -> Instance:
        """The whole instance."""
        instance: Instance = pickle.loads(zlib.decompress(self._content))
        return instance
