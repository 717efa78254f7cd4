"""An embedded model: llama.cpp's own OpenAI-compatible server in a process of our own.

A process, because a server inside this one does not stop while requests are under way, and because an abort in
native code would take the whole session along. The settings make temperature 0 repeatable: one slot, no prompt
cache, no flash attention (its sums depend on the number of threads) and no GPU. More slots were no faster.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO

from pytest_medhelm.models.embedded.weights import EMBEDDED_MODELS
from pytest_medhelm.util.errors import ModelError
from pytest_medhelm.util.installed import install_command

_MOST_THREADS = 4  # llama.cpp's own default
_START_SECONDS = 120
_PACKAGES = Path(__file__).parents[3]


class EmbeddedServer:
    """A server for one embedded model on a free loopback port; ends with ``stop``, the block, or this process.

    ``path`` is the weights file, ``alias`` a key of EMBEDDED_MODELS and the model id that the server reports,
    ``threads`` the number of compute threads (default: the CPUs that are free now, 1 to 4).
    """

    def __init__(self, path: Path, alias: str, threads: int | None = None) -> None:
        self._path = path
        self._alias = alias
        self._threads = threads or _free_cpus()
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server and wait until it can answer. Returns the base URL, e.g. http://127.0.0.1:4321/v1.

        Raises ModelError when the ``local`` extra is missing or the server does not come up.
        """
        if find_spec("xllamacpp") is None:
            raise ModelError(f"local/{self._alias} needs llama.cpp: type {install_command('local')}")
        self.stop()
        context = EMBEDDED_MODELS[self._alias].context
        paths = [str(_PACKAGES), os.environ.get("PYTHONPATH", "")]
        with TemporaryFile() as errors:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, self._path, self._alias, str(context), str(self._threads)],
                stdin=subprocess.PIPE,  # nothing is written to it: its end tells the child that we are gone
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
                start_new_session=True,  # Ctrl-C on the terminal is for us to handle
            )
            try:
                address = _first_line(self._child)
            except BaseException:
                self.stop()
                raise
            if not address:
                self.stop()
                raise ModelError(
                    f"the embedded server could not start with {self._path} ({_last_line(errors)}): check the free "
                    f"memory, and type {install_command('local', upgrade=True)}"
                )
        return f"{address}/v1"

    def stop(self) -> None:
        """End the server at once, whatever it is doing. Does nothing when it is not running."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _first_line(child: subprocess.Popen[bytes]) -> str:
    """What the child says when it is ready; empty if it ends, or is ended for taking too long."""
    assert child.stdout is not None
    limit = threading.Timer(_START_SECONDS, child.kill)
    limit.start()
    try:
        return child.stdout.readline().decode().strip()
    finally:
        limit.cancel()


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "without a message"


def _free_cpus() -> int:
    """CPUs of this process that nobody uses, 1 to _MOST_THREADS; the answers do not depend on it.

    llama.cpp's threads wait for each other by spinning: with one more thread than free CPUs, an answer took thirty
    times as long.
    """
    cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    busy = 0 if sys.platform == "win32" else round(os.getloadavg()[0])
    return max(1, min(_MOST_THREADS, cpus - busy))


def _serve(path: str, alias: str, context: int, threads: int) -> None:
    """The child's whole life: load, report the address on stdout, and serve until stdin ends."""
    ready = os.dup(1)
    os.dup2(2, 1)  # whatever native code prints must not be taken for the address

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {alias}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = context
    params.n_parallel = 1
    params.cache_prompt = False
    params.cache_ram_mib = 0
    params.ctx_shift = False
    params.fit_params = False
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.n_gpu_layers = 0
    params.no_op_offload = True
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.endpoint_slots = False
    params.ui = False
    params.verbosity = -1  # the log would repeat parts of prompts
    server = xllamacpp.Server(params)
    os.write(ready, f"{server.listening_address}\n".encode())
    os.close(ready)
    while os.read(0, 1):
        pass
    os._exit(0)  # an orderly shutdown waits for the requests under way


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
