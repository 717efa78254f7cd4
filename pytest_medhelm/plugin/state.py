"""Typed keys under which a session keeps its state (pytest's stash): no globals, nothing set on config."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.plugin.asking import Asker
    from pytest_medhelm.scoring.record import RecordBuilder
    from pytest_medhelm.tasks.benchmark import Benchmark
    from pytest_medhelm.util.settings import Settings

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
"""On config: the user's options."""
LINEUP: pytest.StashKey[Roster] = pytest.StashKey()
"""On config: the models and judges of the session."""
ASKER: pytest.StashKey[Asker] = pytest.StashKey()
"""On config: asks models; absent on an xdist controller."""
BENCHMARK: pytest.StashKey[Benchmark] = pytest.StashKey()
"""On a module node."""
MARKED: pytest.StashKey[bool] = pytest.StashKey()
"""On a module node: its marks are set."""
DRAFT: pytest.StashKey[RecordBuilder] = pytest.StashKey()
"""On an item: the record in the making."""
