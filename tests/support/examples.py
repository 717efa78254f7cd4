"""How many examples a property of hostile input is tried with."""

from __future__ import annotations

from tests.support.nightly import NIGHTLY

EXAMPLES = 100_000 if NIGHTLY else 2000
