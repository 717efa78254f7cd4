"""nltk's Porter stemmer, and rouge-score which needs it, without the rest of nltk."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def with_the_stemmer_alone(name: str) -> ModuleType:
    """Import a module that needs ``nltk.stem.porter``, and nothing else of nltk.

    nltk imports all that is in it, and scipy where that is there: one to three seconds in each process. Who imports
    nltk later gets the whole of it. A version of nltk whose stemmer needs more is imported whole.
    """
    with suppress(ImportError, AttributeError), _only_the_stemmer():
        return import_module(name)
    return import_module(name)


@contextmanager
def _only_the_stemmer() -> Iterator[None]:
    """Packages that are empty stand in the place of nltk's."""
    spec = None if "nltk" in sys.modules else find_spec("nltk")
    if spec is None or not spec.submodule_search_locations:
        yield
        return
    folder = Path(spec.submodule_search_locations[0])
    for name, place in (("nltk", folder), ("nltk.stem", folder / "stem")):
        package = ModuleType(name)
        package.__path__ = [str(place)]
        sys.modules[name] = package
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "nltk"]:
            del sys.modules[name]
