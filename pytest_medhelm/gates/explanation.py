"""What a verdict rests on, line by line: the numbers from which anybody can compute it again."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_medhelm.gates.meaning import figure
from pytest_medhelm.results.agreement.estimate import counted
from pytest_medhelm.results.leaderboard.gate_entry import Basis, GateEntry


def explained(entry: GateEntry) -> Iterator[str]:
    """The lines below a verdict; none where nothing was measured."""
    basis = entry["basis"]
    if basis is None:
        return
    yield from _counts(basis, against=entry["baseline"])
    if entry["value"] is not None:
        what = f"difference from {entry['baseline']}" if entry["baseline"] else "value"
        yield f"{what} {figure(entry['value'], entry['threshold'], 4)}, held against {entry['threshold']:.10g}"
    yield from _limits(basis, entry["threshold"])
    if basis["power"] is not None:
        yield f"chance that a model which is truly as measured passes: {100 * basis['power']:.0f} %"
    if basis["judges"]:
        yield f"made of the verdicts of {', '.join(basis['judges'])}"


def _counts(basis: Basis, against: str) -> Iterator[str]:
    whole = counted(basis["n"], "pair" if against else "instance")
    if basis["right"] is not None and basis["wrong"] is not None:
        whole += f": {basis['right']:g} right, {basis['wrong']:g} wrong"
    yield whole
    missing = basis["missing"]
    if missing:
        # The instance itself was answered: it lacks another of the answers that the metric is of.
        names = {name: "with another answer lost" if name == "ok" else name for name in missing}
        yield f"missing {sum(missing.values())}: {', '.join(f'{missing[name]} {names[name]}' for name in missing)}"
    if basis["not_paired"]:
        yield f"further {basis['not_paired']} without a pair: {against} has no score, or no judge rated both"
    if basis["sub_tasks"]:
        parts = ", ".join(f"{name or 'without a name'} {count}" for name, count in basis["sub_tasks"].items())
        yield f"sub-tasks, which weigh the same: {parts}"
    if basis["shared_sources"]:
        yield f"sources (patients, notes): {basis['sources']}; instances of one source are not independent"


def _limits(basis: Basis, threshold: float) -> Iterator[str]:
    def shown(*ends: float) -> list[str]:
        return [figure(end, threshold, 4) for end in ends]

    if basis["low"] is None or basis["high"] is None:
        yield "no limits"
    elif basis["limit"]:
        low, high = shown(basis["low"], basis["high"])
        yield f"limits {low} to {high}, each at the one-sided level {basis['alpha']:g}"
        yield f"formula: {basis['limit']} ({basis['source']})"
    if basis["missing"] or basis["not_paired"]:
        if basis["worst"] is not None and basis["best"] is not None:
            worst, best = shown(basis["worst"], basis["best"])
            yield f"value with the missing at their worst {worst}, at their best {best}"
        if basis["limit"] and basis["low_with_missing"] is not None and basis["high_with_missing"] is not None:
            low, high = shown(basis["low_with_missing"], basis["high_with_missing"])
            yield f"limits with the missing filled in: down to {low}, up to {high}"
