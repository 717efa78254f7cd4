"""Imported by every Python that is started with this folder in PYTHONPATH, before anything else runs in it.

It puts the offline guard of the parent process in place, and then makes way for the machine's own sitecustomize.
"""

import os
import sys
from importlib import import_module

_HERE = os.path.dirname(os.path.abspath(__file__))

import medhelm_offline_guard  # type: ignore[import-not-found]  # noqa: E402  (found since this folder is in the path)

medhelm_offline_guard.inherit()

sys.path[:] = [place for place in sys.path if os.path.abspath(place or ".") != _HERE]
_mine = sys.modules.pop("sitecustomize", None)
try:
    import_module("sitecustomize")
except ImportError:
    if _mine is not None:
        sys.modules["sitecustomize"] = _mine
