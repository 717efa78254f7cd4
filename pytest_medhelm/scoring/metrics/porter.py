"""nltk's Porter stemmer and rouge-score, without the rest of nltk."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


@contextmanager
def only_the_stemmer() -> Iterator[None]:
    """Within, ``nltk.stem.porter`` is imported alone.

    nltk imports all that is in it, and scipy where that is there: one to three seconds in each process. Packages that
    are empty stand in the place of nltk's meanwhile; who imports nltk later gets the whole of it.
    """
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
