"""summary.md: the leaderboard in short, for a merge request or a wiki.

It holds no text of a prompt or answer and no instance. Names come from files and servers and are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pytest_medhelm.gates.ledger.attempts import sentences
from pytest_medhelm.reports.calibration_words import NAMES, figures
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry
from pytest_medhelm.results.leaderboard.document import Leaderboard, Results
from pytest_medhelm.results.leaderboard.gate_entry import GateEntry
from pytest_medhelm.results.leaderboard.win_rates import win_rate_sentences
from pytest_medhelm.util.files import write_private

_SIGNS = re.compile(r"([\\`*_{}\[\]()#+!|~>-])")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


@pytest.hookimpl
def pytest_medhelm_report(leaderboard: Leaderboard, folder: Path) -> None:
    """Write summary.md."""
    write_private(folder / "summary.md", document(leaderboard))


def document(leaderboard: Leaderboard) -> str:
    """The whole text."""
    return "\n".join(lines(leaderboard)) + "\n"


def lines(leaderboard: Leaderboard) -> Iterator[str]:
    """The document, line by line."""
    results = leaderboard["results"]
    yield f"## Leaderboard of suite {plain(leaderboard['suite'])}"
    yield ""
    yield from _gates(results["gates"])
    attempt = leaderboard["measurements"].get("attempt")
    if attempt and results["gates"]:
        yield f"{'**Post hoc.** ' * attempt['post_hoc']}{'; '.join(map(plain, sentences(attempt)))}."
        yield ""
    sample = sorted({cell["benchmark"] for cell in results["cells"] if cell["sample"]})
    if sample:
        yield f"**Sample data** in {', '.join(map(plain, sample))}: these values show that it works, no more."
        yield ""
    yield from _table(results)
    for sentence in win_rate_sentences(results["win_rate"], plain):
        yield f"{sentence[0].upper()}{sentence[1:]}."
        yield ""
    sure = [(cell, calibration) for cell in results["cells"] for calibration in cell["calibration"]]
    for cell, calibration in sure:
        about = f"{plain(cell['benchmark'])}, {plain(cell['model'])}, confidence ({plain(NAMES[calibration['kind']])})"
        yield f"- {about}: {plain(figures(cell, calibration))}"
    if sure:
        yield ""
    covered = sum(bool(row["benchmarks"]) for row in results["coverage"])
    yield f"{covered} of {len(results['coverage'])} subcategories have a benchmark here."


def _gates(gates: Sequence[GateEntry]) -> Iterator[str]:
    if not gates:
        return
    good = sum(gate["verdict"] == "pass" for gate in gates)
    yield f"**{good} of {len(gates)} gates pass.**"
    yield ""
    for gate in sorted(gates, key=lambda gate: gate["verdict"] == "pass"):
        sign = "✅" if gate["verdict"] == "pass" else "❌"
        why = f" ({plain(gate['why'])})" if gate["why"] else ""
        yield f"- {sign} {plain(gate['sentence'])}{why}"
    yield ""


def _table(results: Results) -> Iterator[str]:
    """Benchmarks down, models across."""
    cells = {(cell["benchmark"], cell["model"]): cell for cell in results["cells"]}
    models = [facts["name"] for facts in sorted(results["models"], key=lambda model: model["kind"] != "candidate")]
    kinds = {facts["name"]: facts["kind"] for facts in results["models"]}
    heads = [plain(name) + ("" if kinds[name] == "candidate" else f" ({kinds[name]})") for name in models]
    yield f"| benchmark | {' | '.join(heads)} |"
    yield f"|---|{'---:|' * len(models)}"
    for facts in results["benchmarks"]:
        row = [_cell(cells.get((facts["name"], model))) for model in models]
        yield f"| {plain(facts['name'])} | {' | '.join(row)} |"
    yield ""


def _cell(cell: CellEntry | None) -> str:
    if cell is None:
        return ""
    summary = cell["metrics"].get(cell["main_metric"])
    others = [f"{count} {plain(name)}" for name, count in sorted(cell["statuses"].items()) if name != "ok"]
    mark = f", {', '.join(others)}" * bool(others) + " *incomplete*" * bool(cell["partial"])
    if summary is None or summary["value"] is None:
        return f"no value{mark}"
    low, high = summary["low"], summary["high"]
    ends = "" if low is None or high is None else f"{low:.2f} to {high:.2f}, "
    return f"{summary['value']:.3f} ({ends}n {cell['n']}){mark}"


def plain(text: str) -> str:
    """Any text as Markdown that shows it and does nothing: one line, no markup, no HTML, no hidden direction marks."""
    line = _UNSEEN.sub(" ", str(text)).replace("&", "&amp;").replace("<", "&lt;")
    return _SIGNS.sub(r"\\\1", line).replace("\\>", "&gt;").replace("://", ":\u200b//").replace("@", "@\u200b")
