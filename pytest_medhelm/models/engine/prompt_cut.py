"""A prompt that a server shortened without saying so: it counts fewer tokens than the prompt can have.

A tokenizer gives each word at least one token, whatever the language model (those that join words across blanks gain
about a third), a character of a script without blanks a fraction of one, and no ordinary text has more than a few
characters a token. Ollama and some gateways cut like this.
"""

from __future__ import annotations

from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.util.patterns import compiled

FEWEST_TOKENS = 256
"""No server has a smaller context; a smaller count is no count of a cut prompt."""
TOKENS_A_WORD = 0.7
CHARACTERS_A_TOKEN = 24
"""More are no ordinary text, long words of formulas and tables included."""
IDEOGRAPHS_A_TOKEN = 5
WORTH_A_LOOK = 5
"""Bytes of the body a token, below which nothing can have been cut."""
_IDEOGRAPHS = "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"


def cut_silently(request: Request, completion: Completion) -> str:
    """Why the prompt cannot have been read whole, or an empty text."""
    counted = completion.usage.get("prompt_tokens", 0)
    if counted < FEWEST_TOKENS or counted * WORTH_A_LOOK > len(request.payload):
        return ""
    counted += completion.usage.get("cached_tokens", 0)
    text = request.text
    words = text.split()
    fewest = max(
        len(words) * TOKENS_A_WORD,
        # All characters, blanks too, are counted at once; only where they are too many it matters which are blanks.
        0 if counted * CHARACTERS_A_TOKEN >= len(text) else len("".join(words)) / CHARACTERS_A_TOKEN,
        0 if text.isascii() else len(compiled(_IDEOGRAPHS).findall(text)) / IDEOGRAPHS_A_TOKEN,
    )
    if counted >= fewest:
        return ""
    return f"the server cut the prompt without saying so: it counts {counted} tokens for {len(words)} words"
