"""Agents of one's own in a session: so many at once, each with the hospital of its episode, ahead of the tests."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from pytest_medhelm.agents.hospital.server import HospitalServer
from pytest_medhelm.agents.outside import work

if TYPE_CHECKING:
    from pytest_medhelm.agents.episode import Environment
    from pytest_medhelm.models.engine.request import Completion, Request
    from pytest_medhelm.util.config_file import ConfigFile


class OutsideAgents:
    """Starts them. Belongs to the main thread; each agent has a thread that waits for it."""

    def __init__(self, config: ConfigFile) -> None:
        self._config = config
        self._server: HospitalServer | None = None
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._under_way: dict[str, Future[Completion]] = {}
        self._stopping = threading.Event()

    def start(
        self, request: Request, messages: Sequence[Mapping[str, Any]], environment: Environment
    ) -> Future[Completion]:
        """Have the agent of a request do its task, unless it is at it."""
        if request.key not in self._under_way:
            if self._server is None:
                self._server = HospitalServer().__enter__()
            model = request.model
            pool = self._pools.get(model.name)
            if pool is None:
                pool = self._pools[model.name] = ThreadPoolExecutor(self._slots(model.served))
            self._under_way[request.key] = pool.submit(
                work, model.body, messages, environment, self._server, self._stopping
            )
        return self._under_way[request.key]

    def take(self, request: Request) -> Completion:
        """What a started agent came to; waits for it."""
        future = self._under_way[request.key]
        completion = future.result()
        del self._under_way[request.key]
        return completion

    def close(self) -> None:
        """End all that are at work."""
        self._stopping.set()
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)
        if self._server is not None:
            self._server.__exit__()

    def _slots(self, name: str) -> int:
        # The workers of xdist divide them.
        workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        return max(1, int(self._config.agents[name].get("concurrency", 1)) // workers)
