"""What the newest leaderboard.json of a suite says that its records do not: verdicts, the attempt, published rows."""

from __future__ import annotations

from pathlib import Path

from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.results.leaderboard.gate_entry import GateEntry
from pytest_medhelm.util.settings import Pages

_JUDGED = ("benchmark", "n", "partial", "statuses", "instances", "scores", "provenance")
"""What verdicts are about, in a cell of leaderboard.json."""


def pages_there(folder: Path) -> Pages:
    """The pages that a suite has now; where none was written yet, those that a run writes by default."""
    if (folder / "instances.html").is_file() or not (folder / "leaderboard.json").is_file():
        return "pages"
    return "single" if (folder / "leaderboard.html").is_file() else "none"


def keep_verdicts(leaderboard: Leaderboard, before: Leaderboard | None) -> int:
    """Take verdicts, and the attempt they are of, over into a leaderboard that was made without judging.

    A verdict stands as long as the results of its model do, and where judges rated, what clinicians say of them.
    Returns how many do not stand any more.
    """
    if before is None:
        return 0
    gates = before["results"]["gates"]
    standing = [gate for gate in gates if _behind(before, gate) == _behind(leaderboard, gate)]
    leaderboard["results"]["gates"] = standing
    attempt = before["measurements"].get("attempt")
    if attempt is not None and len(standing) == len(gates):
        leaderboard["measurements"]["attempt"] = attempt
    return len(gates) - len(standing)


def _behind(leaderboard: Leaderboard, gate: GateEntry) -> tuple[object, ...]:
    """What a verdict rests on."""
    cells = [cell for cell in leaderboard["results"]["cells"] if cell["model"] == gate["model"]]
    benchmark = gate["benchmark"].partition("[")[0]
    is_rated = any(cell["benchmark"] == benchmark and "jury" in cell["metrics"] for cell in cells)
    validation = leaderboard["results"].get("agreement") if is_rated else None
    return [{key: cell.get(key) for key in _JUDGED} for cell in cells], validation
