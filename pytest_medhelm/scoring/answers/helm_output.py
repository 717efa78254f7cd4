"""What MedHELM's runs would have kept of an answer."""

from __future__ import annotations

from pytest_medhelm.util.patterns import compiled

_LABEL = r"(?im)^[^\w\n]{0,8}(?:answer|respuesta|resposta|antwort|réponse|risposta|答案)[*_ ]{0,4}[:：]"
_RUN = r"[^\W_]+"


def helm_output(text: str, runs: int = 1) -> str:
    """The answer as MedHELM's output limit leaves it, without a tokenizer.

    Its runs allow one output token (medhallu five) and stop at a line break. Here: behind the form that our prompts ask
    for ("Answer: B"), up to the first line break, the first ``runs`` runs of letters or digits. "B.", "B. text" and "B"
    with an explanation below are B.
    """
    labels = list(compiled(_LABEL).finditer(text))
    line = (text[labels[-1].end() :] if labels else text).strip().partition("\n")[0]
    return " ".join(compiled(_RUN).findall(line)[:runs])
