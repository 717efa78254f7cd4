"""Whose child a model is, as its names tell: models of one family share a maker and much of their training."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_medhelm.util.patterns import compiled

_FAMILIES = {
    "llama": r"llama|alpaca|vicuna|meditron|med42|openbiollm|nemotron",
    "gpt": r"gpt|davinci|\bo[134](?!\d)",
    "claude": r"claude",
    "gemini": r"gemini|gemma|palm\b|med-?palm|bison",
    "qwen": r"qwen|qwq",
    "mistral": r"mistral|mixtral|ministral|magistral|biomistral",
    "deepseek": r"deepseek",
    "phi": r"\bphi(?![a-z])",
    "command": r"command|\baya\b",
    "grok": r"\bgrok",
    "falcon": r"falcon",
    "granite": r"granite",
    "smollm": r"smollm",
    "glm": r"\b(?:chat)?glm",
    "yi": r"\byi-",
    "kimi": r"kimi",
}
"""Makers and what their models are called; a derived model belongs to the family it was made from, too."""


def families(*names: str) -> set[str]:
    """The families that a model's names tell: it may be of several (a model of one distilled into one of another)."""
    text = " ".join(names).lower().replace("_", "-")
    return {family for family, pattern in _FAMILIES.items() if compiled(pattern).search(text)}


def family(name: str) -> str:
    """The one family that a model counts with: the first that its name tells, else its first word.

    E.g. "llama" for deepseek-r1-distill-llama, "gemini" for vllm/google/gemma-2-9b, "teuken" for ward/teuken-7b.
    """
    served = name.lower().rpartition("/")[2]
    known = families(served)
    if known:
        return next(name for name in _FAMILIES if name in known)
    matched = re.search(r"[a-z]+", served)
    return matched.group() if matched else served


def same_family(judge: Iterable[str], model: Iterable[str]) -> str:
    """What a judge and a model, each by all its names, have in common: "llama", "gpt"; empty for nothing known."""
    return ", ".join(sorted(families(*judge) & families(*model)))
