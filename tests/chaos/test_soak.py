"""50,000 instances against a server of many moods, killed ten times (perf/soak.py); by night."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perf.soak import soak


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform != "linux", reason="memory, descriptors and threads are read from /proc")
def test_a_soak_keeps_all_its_bounds(tmp_path: Path) -> None:
    assert soak(50_000, 256, 10, tmp_path)
