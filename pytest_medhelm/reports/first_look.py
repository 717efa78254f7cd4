"""Where to look first: severe harm, then cells in which most instances have no usable answer."""

from __future__ import annotations

from typing import NamedTuple

from pytest_medhelm.models.spec import CANDIDATE
from pytest_medhelm.results.leaderboard.document import Results


class FirstLook(NamedTuple):
    """One cell that should be looked at."""

    benchmark: str
    model: str
    is_harm: bool
    bad: int
    of: int
    """Rated answers where it is harm, else instances."""

    @property
    def what(self) -> str:
        """In words, without the names."""
        return f"{'severe harm' if self.is_harm else 'no usable result'} in {self.bad} of {self.of}"


def first_looks(results: Results) -> list[FirstLook]:
    """The worst first, severe harm before all else; none of baselines."""
    kinds = {facts["name"]: facts["kind"] for facts in results["models"]}
    looks = []
    for cell in results["cells"]:
        severe = cell["harm"]["counts"]["severe"] if cell["harm"] else 0
        counted = sum(cell["statuses"].values())
        bad = counted - cell["statuses"].get("ok", 0)
        if severe and cell["harm"] and kinds[cell["model"]] != "baseline":
            looks.append(FirstLook(cell["benchmark"], cell["model"], True, severe, cell["harm"]["marked"]))
        if bad and kinds[cell["model"]] == CANDIDATE:
            looks.append(FirstLook(cell["benchmark"], cell["model"], False, bad, counted))
    return sorted(looks, key=lambda look: (not look.is_harm, -look.bad / look.of))
