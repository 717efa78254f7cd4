"""How many examples a property is tried with."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("MEDHELM_EXAMPLES", "2000"))
"""The nightly environment asks for 100,000."""
