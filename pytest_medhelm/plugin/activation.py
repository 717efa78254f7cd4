"""What a session consists of: a model is named, or stored responses are scored again.

Here alone is decided who asks, who collects the records and who answers (an endpoint or the store).
"""

from __future__ import annotations

import gc
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_medhelm.plugin.options import PLAN, REPLAY, SETTINGS, read_settings
from pytest_medhelm.plugin.plain_imports import import_plainly
from pytest_medhelm.util.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pytest_medhelm.gates.baseline import Baseline
    from pytest_medhelm.gates.gate_file import Gate
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.plugin.batch import Batch
    from pytest_medhelm.plugin.request_builder import StartEngine
    from pytest_medhelm.plugin.worker import Share
    from pytest_medhelm.results.store.rescore import Replay
    from pytest_medhelm.tasks.perturbations.perturbation import Perturbation
    from pytest_medhelm.tasks.perturbations.plan import Plan
    from pytest_medhelm.util.settings import Settings


def configure(config: pytest.Config) -> None:
    """Read the options, and register what the session takes. Raises UsageError with one sentence."""
    try:
        settings = read_settings(config)
        if settings.models:
            _collect_garbage_rarely(config)
        if settings.models and not settings.show_text:
            from pytest_medhelm.plugin.text_guard import TextGuard

            config.pluginmanager.register(TextGuard(), "medhelm-text-guard")
        replay = _from_controller(config).get("replay") or config.stash.get(REPLAY, None)
        if replay is not None or settings.models:
            import_plainly(config)
            config.stash[PLAN] = _plan(config, settings)
        if replay is not None:
            _replay(config, settings, replay)
        elif settings.models:
            _ask(config, settings)
        else:
            config.stash[SETTINGS] = settings
            if settings.gates:
                raise ConfigError(
                    "--medhelm-gate needs a model to judge: add one, e.g. --medhelm-gate=RULE --medhelm-model=vllm/NAME"
                )
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None


def _collect_garbage_rarely(config: pytest.Config) -> None:
    """Till the end of the session.

    Python's collector looks for circles after every 700 new objects, which an import or a record makes within a
    millisecond, and finds next to none: 5 % of the CPU time of a run of 1,000 instances and 10 % of one of a few.
    """
    before = gc.get_threshold()
    gc.set_threshold(50_000, *before[1:])
    config.add_cleanup(lambda: gc.set_threshold(*before))


def _plan(config: pytest.Config, settings: Settings) -> Plan:
    """In which ways instances are asked. Raises ConfigError for an unknown perturbation."""
    from pytest_medhelm.tasks.perturbations.plan import Plan

    perturbations: tuple[Perturbation, ...] = ()
    more = config.hook.pytest_medhelm_perturbations()
    if more or settings.perturb:
        from pytest_medhelm.tasks.perturbations.chosen import all_known, chosen_perturbations

        perturbations = chosen_perturbations(settings.perturb, all_known(more))
    return Plan(settings.repeats, perturbations, settings.perturb_limit, settings.noise_floor)


def _from_controller(config: pytest.Config) -> Mapping[str, Any]:
    """What the controller of xdist tells a worker; empty in all other processes."""
    sent: Mapping[str, Any] = getattr(config, "workerinput", {}).get("medhelm", {})
    return sent


def _is_xdist_controller(config: pytest.Config) -> bool:
    return bool(config.getoption("dist", "no") != "no") and not hasattr(config, "workerinput")


def _replay(config: pytest.Config, settings: Settings, replay: Replay) -> None:
    """Stored responses answer, and nobody else is there to be asked."""
    from pytest_medhelm.models.engine.replay import StoredResponses
    from pytest_medhelm.plugin.rescoring import StoredItems, restricted, stored_roster

    settings = restricted(settings, replay)
    roster = stored_roster(replay)
    config.pluginmanager.register(StoredItems(settings.folder, replay["cells"]), "medhelm-stored-items")
    # What is missing is counted by the command: no error of its own.
    tolerated = [(status, "*") for status in ("request_error", "judge_error")]
    start_engine = partial(StoredResponses, settings.folder / "responses.sqlite")
    if _is_xdist_controller(config):
        _distribute(config, settings, {"run": replay["run"], "replay": replay, "tolerated": tolerated})
        config.stash[SETTINGS] = settings
    else:
        _run_items(config, settings, roster, replay["run"], start_engine, tolerated)


def _ask(config: pytest.Config, settings: Settings) -> None:
    from pytest_medhelm.models.roster import apply, resolve_models

    if config.getoption("forked", False):
        raise ConfigError("--forked cannot work with models asked in the background: use -n N instead")
    sent = _from_controller(config)
    if sent:
        settings = _where_it_runs(config, settings, sent)
        roster = apply(resolve_models(config, settings), sent["resolved"])
        _run_items(config, settings, roster, sent["run"], None, sent["tolerated"])
    else:
        _control(config, settings)


def _where_it_runs(config: pytest.Config, settings: Settings, sent: Mapping[str, Any]) -> Settings:
    """The settings of a worker, with the folder of the suite, or one of its own where it does not see that."""
    if sent["luggage"] is None:
        return replace(settings, results=Path(sent["results"]))
    from pytest_medhelm.plugin.remote import RemoteWorker

    worker = RemoteWorker(config, sent["luggage"])
    config.pluginmanager.register(worker, "medhelm-remote-worker")
    return worker.settings(settings)


def _control(config: pytest.Config, settings: Settings) -> None:
    """The process of which there is one: it reports, and without xdist it asks as well."""
    from pytest_medhelm.models.roster import ROSTER, resolve_models
    from pytest_medhelm.plugin.controller import Controller

    gates = _gates(settings, config.stash[PLAN]) if settings.gates else []
    baseline = _baseline(settings, gates)
    roster = config.stash[ROSTER] = resolve_models(config, settings)
    _require_models(settings, roster)
    _check_rubrics(settings, roster)
    batch = _batch(config, settings, roster)
    controller = Controller(config, settings, gates, baseline)
    config.pluginmanager.register(controller, "medhelm-controller")
    config.pluginmanager.register(controller.connection, "medhelm-connection")
    if config.get_verbosity() <= 0 and config.getoption("capture") != "no":
        from pytest_medhelm.plugin.status_line import StatusLine

        config.pluginmanager.register(StatusLine(config), "medhelm-status-line")
    if page := config.getoption("htmlpath", None):
        from pytest_medhelm.plugin.pytest_html import PytestHtml

        config.pluginmanager.register(PytestHtml(settings, Path(page)), "medhelm-pytest-html")
    tolerated = _tolerated(gates)
    if _is_xdist_controller(config):
        config.stash[SETTINGS] = settings
        _distribute(config, settings, {"run": controller.run, "tolerated": tolerated})
    else:
        start_engine = batch.start if batch is not None else None
        _run_items(config, settings, roster, controller.run, start_engine, tolerated)


def _gates(settings: Settings, plan: Plan) -> Sequence[Gate]:
    """What is to be judged. Raises ConfigError, also for rules about what the run does not ask for."""
    from pytest_medhelm.gates.gate_file import read_gates, require_confidence, require_repeats, require_variants

    gates = read_gates(settings.gates)
    require_repeats(gates, plan.repeats)
    require_variants(gates, [perturbation.name for perturbation in plan.perturbations], plan.noise_floor)
    require_confidence(gates, settings.confidence, plan.repeats)
    return gates


def _batch(config: pytest.Config, settings: Settings, roster: Roster) -> Batch | None:
    """What takes the requests in place of the endpoints, where the user names a file for them."""
    if settings.batch is None:
        return None
    from pytest_medhelm.plugin.batch import Batch

    batch = Batch(config, settings, roster)
    config.pluginmanager.register(batch, "medhelm-batch")
    return batch


def _run_items(
    config: pytest.Config,
    settings: Settings,
    roster: Roster,
    run: str,
    start_engine: StartEngine | None,
    tolerated: Collection[tuple[str, str]],
) -> None:
    """This process runs items; ``start_engine``: None for an engine that asks."""
    from pytest_medhelm.models.roster import ROSTER
    from pytest_medhelm.plugin.left_out import LeftOut
    from pytest_medhelm.plugin.request_builder import start_asking
    from pytest_medhelm.plugin.worker import WorkerPlugin

    share = _share(config)
    config.stash[SETTINGS] = settings
    config.stash[ROSTER] = roster
    start_engine = start_engine or partial(start_asking, settings, run, share.processes, _voice(config))
    config.pluginmanager.register(LeftOut(config, settings), "medhelm-left-out")
    pairs = frozenset((status, benchmark) for status, benchmark in tolerated)
    config.pluginmanager.register(WorkerPlugin(config, run, share, start_engine, pairs), "medhelm-worker")


def _voice(config: pytest.Config) -> Callable[[str], None] | None:
    """Writes a line to the terminal at once; None where this process has none, as a worker of xdist."""
    if _from_controller(config):
        return None

    def say(line: str) -> None:
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            capture = config.pluginmanager.getplugin("capturemanager")
            # While a test is set up what is written is captured, and shown for a failed one only.
            with nullcontext() if capture is None else capture.global_and_fixture_disabled():
                reporter.ensure_newline()
                if config.get_terminal_writer().width_of_current_line:  # After the signs of -q and of xdist.
                    reporter.write_line("")
                reporter.write_line(f"medhelm: {line}", flush=True)

    return say


def _share(config: pytest.Config) -> Share:
    from pytest_medhelm.plugin.worker import Share

    sent = _from_controller(config)
    if not sent:
        return Share(0, 1)
    from pytest_medhelm.plugin.xdist import rank_of

    worker = config.workerinput  # type: ignore[attr-defined]
    return Share(rank_of(worker["workerid"]) if sent["static"] else None, worker["workercount"])


def _distribute(config: pytest.Config, settings: Settings, sent: dict[str, Any]) -> None:
    from pytest_medhelm.models.roster import ROSTER
    from pytest_medhelm.plugin.xdist import Distribution, check_distribution

    check_distribution(config, settings, config.stash.get(ROSTER, None) if "replay" not in sent else None)
    config.pluginmanager.register(Distribution(config, settings, sent), "medhelm-distribution")


def _require_models(settings: Settings, roster: Roster) -> None:
    """People answered once: nobody can ask them again. Raises ConfigError."""
    people = [model.name for model in roster.models if model.kind == "human"]
    option = "--medhelm-repeats" if settings.repeats > 1 else "--medhelm-perturb" if settings.perturb else ""
    if people and option:
        raise ConfigError(
            f"{people[0]} holds one answer to each question: leave out {option}, or score it in a run of its own"
        )


def _check_rubrics(settings: Settings, roster: Roster) -> None:
    """A rubric that nobody can read is found before anything is asked. Raises ConfigError."""
    if roster.judges and settings.config.rubrics:
        from pytest_medhelm.tasks.rubric_files import chosen_rubric

        for key in settings.config.rubrics:
            chosen_rubric(settings.config, key)


def _tolerated(gates: Sequence[Gate]) -> list[tuple[str, str]]:
    """(status, benchmark or "*") that a rule decides on."""
    return sorted({(rule.metric, rule.benchmark) for gate in gates for rule in gate.rules if rule.metric})


def _baseline(settings: Settings, gates: Sequence[Gate]) -> Baseline | None:
    """What to compare with. Raises ConfigError when it cannot be read, or a rule needs one and none is named."""
    if settings.baseline is not None:
        from pytest_medhelm.gates.baseline import read_baseline

        return read_baseline(settings.baseline, settings.baseline_model)
    needy = [rule.text for gate in gates for rule in gate.rules if rule.baseline]
    if needy:
        raise ConfigError(f"gate {needy[0]!r} needs a baseline: add --medhelm-baseline=SUITE, or its leaderboard.json")
    return None
