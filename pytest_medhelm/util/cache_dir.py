"""Where files that can be fetched again are kept."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.files import make_private_folder


def folder_of_ours(name: str) -> Path | None:
    """A folder of the cache for code; None where it cannot be made, or others could put code of theirs there."""
    try:
        folder = cache_dir() / name
        make_private_folder(folder)
        state = folder.lstat()
    except (ConfigError, OSError):
        return None
    is_ours = os.name == "nt" or (state.st_uid == os.getuid() and not state.st_mode & 0o077)
    return folder if is_ours and not folder.is_symlink() else None


def cache_dir() -> Path:
    """The cache folder: $MEDHELM_CACHE, else $XDG_CACHE_HOME/pytest-medhelm, else ~/.cache/pytest-medhelm.

    Absolute; made with mode 0700 when it is not there yet. Raises ConfigError when that is impossible.
    """
    named = os.environ.get("MEDHELM_CACHE", "")
    shared = os.environ.get("XDG_CACHE_HOME", "")
    try:
        if named:
            path = Path(named).expanduser().absolute()
        elif Path(shared).is_absolute():  # the XDG specification: a relative path is to be ignored
            path = Path(shared) / "pytest-medhelm"
        else:
            path = Path.home() / ".cache" / "pytest-medhelm"
        make_private_folder(path)
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"the cache folder cannot be made ({error}): set MEDHELM_CACHE=DIR to a folder that you may write to"
        ) from None
    return path
