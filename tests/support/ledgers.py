"""What several test files share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LEDGER = Path("medhelm-results/ledger.jsonl")


GATE = """
[benchmarks.letters]
n = "all"
[[rule]]
rule = "letters.exact_match >= {least}"
why = "agreed on"
"""


def entries(path: Path = LEDGER) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def gate(least: float = 0.5) -> str:
    Path("gate.toml").write_text(GATE.format(least=least))
    return "--medhelm-gate=gate.toml"
