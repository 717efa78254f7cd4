"""Imported by every Python that is started with this folder in PYTHONPATH, before anything else runs in it.

It puts the offline guard of the parent process in place, and then makes way for the machine's own sitecustomize.
"""

import os
import sys
from importlib import import_module


def _begin() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    import_module("medhelm_offline_guard").inherit()
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    this_module = sys.modules.pop("sitecustomize")
    try:
        import_module("sitecustomize")
    except ImportError:
        sys.modules["sitecustomize"] = this_module


if __name__ == "sitecustomize":
    _begin()
