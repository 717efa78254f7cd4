"""pytest-xdist: what workers are sent, and a scheduler under which each worker knows its share beforehand.

Item i goes to worker i modulo n, on both sides by the same rule, so that a worker looks ahead only at what it will
run itself. A worker that replaces a crashed one gets what is left and asks on demand.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Generator, Mapping
from typing import Any

import pytest
from xdist.scheduler import LoadScheduling

from pytest_medhelm.models.roster import ROSTER, Roster
from pytest_medhelm.plugin.remote import luggage, refuse_remote, shares_disk
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.settings import Settings

AT_HAND = 8
"""Items that a worker has been sent and not yet run; at least two, since a worker holds its last one back."""


def check_distribution(config: pytest.Config, settings: Settings, roster: Roster | None) -> None:
    """Refuse what cannot work; ``roster``: None where nobody is asked. Raises ConfigError."""
    if config.getoption("dist", "no") == "each":
        raise ConfigError("--dist=each would ask every request once per worker: use --dist=load, or -n alone")
    remote = [spec for spec in config.getoption("tx", None) or () if "popen" not in spec]
    if remote and roster is None:
        raise ConfigError(f"--tx={remote[0]}: stored answers are scored where they are stored: use -n N")
    if remote and roster is not None:
        refuse_remote(settings, roster, remote[0])


class Distribution:
    """Hooks of the controller that exist only when xdist runs."""

    def __init__(self, config: pytest.Config, settings: Settings, sent: Mapping[str, object]) -> None:
        """``sent``: what workers must know besides who answers where, as plain values."""
        self._config = config
        self._settings = settings
        self._sent = sent
        self._lost = 0
        """Tests that took a worker down with them, and are not run again."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self) -> None:
        self._lost += 1

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        result = yield
        scheduler = getattr(self._config.pluginmanager.getplugin("dsession"), "sched", None)
        left = scheduler.left if isinstance(scheduler, StaticScheduling) else 0
        if self._lost or left:
            raise _incomplete(self._lost + left)
        return result

    def pytest_configure_node(self, node: Any) -> None:
        roster = self._config.stash.get(ROSTER, None)
        node.workerinput["medhelm"] = {
            **self._sent,
            "resolved": roster.resolved() if roster else {},
            "static": self._config.getoption("dist") == "load",
            # A worker may run in another folder.
            "results": str(self._settings.results.resolve()),
            "luggage": self._luggage(node, roster),
        }

    def _luggage(self, node: Any, roster: Roster | None) -> dict[str, object] | None:
        """What a worker is sent that does not see the suite; None for one that does."""
        file = self._settings.folder / "responses.sqlite"
        if roster is None or not file.is_file() or shares_disk(node.gateway, file):
            return None
        try:
            refuse_remote(self._settings, roster, str(node.gateway.spec))
        except ConfigError as error:
            raise pytest.UsageError(str(error)) from None
        return luggage(self._settings)

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> LoadScheduling | None:
        return StaticScheduling(config, log) if config.getoption("dist") == "load" else None


class StaticScheduling(LoadScheduling):  # type: ignore[misc]
    """Item i belongs to worker i modulo n and is sent when its turn is near, so that -x stops soon.

    What a crashed worker leaves behind goes to whoever has room: its replacement, or a worker that is not done. So does
    the item on which it crashed, once: workers are killed for want of memory, too.
    """

    collection: list[str] | None

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self._shares: dict[Any, deque[int]] = {}
        self._crashed: set[str] = set()

    @property
    def left(self) -> int:
        """Items that nobody has run."""
        return len(self.pending) + sum(map(len, (*self._shares.values(), *self.node2pending.values())))

    @property
    def tests_finished(self) -> bool:
        """Nothing is left to be sent."""
        return not any(self._shares.values()) and bool(super().tests_finished)

    @property
    def has_pending(self) -> bool:
        """Something is under way or left to be sent."""
        return any(self._shares.values()) or bool(super().has_pending)

    def schedule(self) -> None:
        """Divide the collection, once all workers have reported the same one."""
        if self.collection is None:
            if not self._check_nodes_have_same_collection():
                return
            collection = self.collection = next(iter(self.node2collection.values()))
            nodes = sorted(self.nodes, key=lambda node: rank_of(node.gateway.id))
            for rank, node in enumerate(nodes):
                self._shares[node] = deque(range(rank, len(collection), len(nodes)))
        for node in self.nodes:
            self.check_schedule(node)

    def check_schedule(self, node: Any, duration: float = 0) -> None:
        """Top up what a worker has at hand; let it end when nothing is left for it."""
        if node.shutting_down:
            return
        at_hand = self.node2pending[node]
        share = self._shares.get(node, deque())
        batch: list[int] = []
        while len(at_hand) + len(batch) < AT_HAND and (share or self.pending):
            batch.append(share.popleft() if share else self.pending.pop(0))
        if batch:
            at_hand.extend(batch)
            # A worker that has just crashed takes nothing; what is at its hand is given to others when xdist notices.
            with contextlib.suppress(OSError):
                node.send_runtest_some(batch)
        if not share and not self.pending:
            node.shutdown()

    def remove_node(self, node: Any) -> str | None:
        """Take back what a worker has not run; returns the item that it crashed on, if that was the second time."""
        self.pending.extend(self._shares.pop(node, ()))
        at_hand = self.node2pending[node]
        if at_hand and self.collection is not None and (item := self.collection[at_hand[0]]) not in self._crashed:
            self._crashed.add(item)
            # The first at hand counts as the one on which it crashed: there is none, then.
            self.pending.extend(at_hand)
            at_hand.clear()
        crashed: str | None = super().remove_node(node)
        for other in self.node2pending:
            self.check_schedule(other)
        return crashed


def _incomplete(count: int) -> BaseException:
    """Workers ended and left so many tests without a result: exit status 2, and no gate is judged."""
    reason = (
        f"medhelm: {count} test{'s have' if count > 1 else ' has'} no result, because a worker ended without a word: "
        "type the same command again, which asks only for what is missing, or with -n 0 to see why"
    )
    stop = pytest.Session.Interrupted(reason)
    stop.medhelm_stopped = reason  # type: ignore[attr-defined]
    return stop


def rank_of(worker: str) -> int:
    """The number in a worker's id, e.g. 3 for "gw3"; replacements get numbers beyond the first workers'."""
    return int(worker.removeprefix("gw"))
