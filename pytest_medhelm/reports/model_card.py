"""A section of a model card, in Markdown: what was evaluated, with what result, decided by which rules, and its limits.

The parts follow Mitchell et al. 2019 (Model Cards for Model Reporting): model, intended use, evaluation data, metrics,
quantitative results, caveats. It holds no text of a prompt or answer and no instance.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_medhelm.gates.ledger.attempts import sentences
from pytest_medhelm.gates.ledger.facts import Promotion
from pytest_medhelm.reports.calibration_words import NAMES, figures, verdict
from pytest_medhelm.reports.html.metric_words import words_of
from pytest_medhelm.reports.markdown import plain
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry
from pytest_medhelm.results.leaderboard.document import Leaderboard, Results
from pytest_medhelm.results.leaderboard.gate_entry import GateEntry
from pytest_medhelm.tasks.metadata import BenchmarkMetadata


def card(leaderboard: Leaderboard, model: str, promotion: Promotion | None = None) -> str:
    """The section for one model of a leaderboard; ``promotion``: the facts of its entry in the ledger, if any."""
    return "\n".join(_lines(leaderboard, model, promotion)) + "\n"


def _lines(leaderboard: Leaderboard, model: str, promotion: Promotion | None) -> Iterator[str]:
    results = leaderboard["results"]
    facts = next(metadata for metadata in results["models"] if metadata["name"] == model)
    cells = [cell for cell in results["cells"] if cell["model"] == model]
    benchmarks = {benchmark["name"]: benchmark for benchmark in results["benchmarks"]}
    yield f"## Clinical evaluation of {plain(model)}"
    yield ""
    settings = ", ".join(f"{key} {value}" for key, value in sorted(facts["body"].items()))
    yield f"- Model: served as {plain(facts['served'])}{f', {plain(settings)}' if settings else ''}"
    versions = sorted({version for cell in cells for version in cell["provenance"]["versions"]})
    yield f"- Evaluated with pytest-medhelm {plain(', '.join(versions))}, suite {plain(leaderboard['suite'])}"
    if promotion:
        yield f"- Intended use: {plain(promotion['intended_use'])}"
        yield f"- Asked for by {plain(promotion['requested_by'])}, approved by {plain(promotion['approved_by'])}"
        yield f"- In force until {promotion['expires']}; to go back to: {plain(promotion['rollback'])}"
        if promotion["override"]:
            yield f"- **Overridden**: {plain('; '.join(promotion['overridden']))}. Reason: {plain(promotion['reason'])}"
    yield ""
    yield "### Results"
    yield ""
    yield "| benchmark | metric | value | 95 % interval | instances | data |"
    yield "|---|---|---:|---|---:|---|"
    for cell in cells:
        yield _row(cell, benchmarks[cell["benchmark"]])
    yield ""
    for metric in sorted({cell["main_metric"] for cell in cells}):
        if words_of(metric):
            yield f"- {plain(metric)}: {plain(words_of(metric))}"
    yield ""
    yield from _confidence(cells)
    yield from _gates([gate for gate in results["gates"] if gate["model"] == model], leaderboard)
    yield "### Limits"
    yield ""
    for sentence in _limits(cells, results):
        yield f"- {sentence}"


def _row(cell: CellEntry, facts: BenchmarkMetadata) -> str:
    main = cell["metrics"].get(cell["main_metric"])
    value = "no value" if main is None or main["value"] is None else f"{main['value']:.3f}"
    ends = "" if main is None or main["low"] is None else f"{main['low']:.3f} to {main['high']:.3f}"
    data = ", ".join(f"{name} {digest[:12]}" for name, digest in sorted(facts["data"]["sha256"].items()))
    shown = "sample data" if cell["sample"] else data
    return (
        f"| {plain(facts['title'])} | {plain(cell['main_metric'])} | {value} | {ends} | {cell['n']} | {plain(shown)} |"
    )


def _confidence(cells: list[CellEntry]) -> Iterator[str]:
    sure = [(cell, calibration) for cell in cells for calibration in cell["calibration"]]
    if not sure:
        return
    yield "### How sure it is, and how rightly"
    yield ""
    for cell, calibration in sure:
        yield (
            f"- {plain(cell['benchmark'])}, {plain(NAMES[calibration['kind']])}: {plain(figures(cell, calibration))}; "
            + plain(verdict(cell, calibration))
        )
    yield ""


def _gates(gates: list[GateEntry], leaderboard: Leaderboard) -> Iterator[str]:
    if not gates:
        return
    yield "### Rules that were agreed on"
    yield ""
    for gate in gates:
        why = f" Reason for the rule: {plain(gate['why'])}." if gate["why"] else ""
        yield f"- {plain(gate['sentence'])}.{why}"
    attempt = leaderboard["measurements"].get("attempt")
    if attempt:
        yield f"- {'**Post hoc.** ' * attempt['post_hoc']}{'; '.join(map(plain, sentences(attempt)))}."
    yield ""


def _limits(cells: list[CellEntry], results: Results) -> Iterator[str]:
    covered = sorted({row["subcategory"] for row in results["coverage"] if row["benchmarks"]})
    yield f"Covers {len(covered)} of {len(results['coverage'])} kinds of clinical work: {plain(', '.join(covered))}."
    sample = [cell["benchmark"] for cell in cells if cell["sample"]]
    if sample:
        yield f"Sample data, which says nothing about quality: {plain(', '.join(sample))}."
    partial = [cell["benchmark"] for cell in cells if cell["partial"]]
    if partial:
        yield f"Incomplete: {plain(', '.join(partial))}."
    for cell in cells:
        main = cell["metrics"].get(cell["main_metric"])
        missing = main["missing"] if main else 0
        if missing:
            yield f"{plain(cell['benchmark'])}: {missing} of {cell['n']} instances without a score."
    judged = [cell["benchmark"] for cell in cells if cell["main_metric"].startswith("jury")]
    if judged:
        known = results["agreement"]["benchmarks"] if results["agreement"] else []
        unproven = [name for name in judged if name not in known]
        yield f"Rated by language models: {plain(', '.join(judged))}" + (
            f"; not compared with clinicians here: {plain(', '.join(unproven))}." if unproven else "."
        )
    yield "Benchmarks are no trial: nothing here says what use of the model does to patients."
