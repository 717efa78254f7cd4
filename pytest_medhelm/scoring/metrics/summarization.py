"""Free text against a reference and a source: BLEU, BERTScore, and how much a summary copies.

BLEU and BERTScore need ``pip install 'pytest-medhelm[summarization]'``; what they need is loaded when it is first used.
``bleu`` and ``bertscore`` return a function (prediction, reference) -> scores, or raise Unavailable with the reason.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from pytest_medhelm.scoring.metrics.rouge import unicode_words
from pytest_medhelm.scoring.metrics.unavailable import Unavailable

Compare = Callable[[str, str], Mapping[str, float]]
"""(prediction, reference) -> scores by name."""
Scales = Mapping[str, tuple[float, float]]
"""Score name -> (worst, best)."""

INSTALL = "pip install 'pytest-medhelm[summarization]'"
MOST = 100.0
"""Density and compression have no upper bound; a larger value is recorded as this."""

BLEU: Scales = {"bleu": (0.0, 1.0)}
BERTSCORE: Scales = dict.fromkeys(("bertscore_p", "bertscore_r", "bertscore_f"), (0.0, 1.0))
EXTRACTION: Scales = {
    "summarization_coverage": (0.0, 1.0),
    "summarization_density": (0.0, MOST),
    "summarization_compression": (0.0, MOST),
}
"""They describe: neither end of these scales is good or bad."""

_TOKENIZERS = {"zh": "zh"} | dict.fromkeys(("ja", "ko", "th", "lo", "km", "my"), "char")
"""sacrebleu's tokenizer by language; for all others "13a", its default. Its own for ja and ko need more packages."""
_WORK = 2_000_000
"""Comparisons of words after which ``fragments`` gives up: under a second."""


@cache
def bleu(language: str = "en") -> Compare:
    """Sentence BLEU from 0 to 1 (Papineni 2002) as sacrebleu computes it: exponential smoothing, effective order.

    Upper and lower case differ. The tokenizer is sacrebleu's "zh" for Chinese, "char" for languages written without
    spaces, and "13a" otherwise. Raises Unavailable without sacrebleu.
    """
    try:
        import sacrebleu
        from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp
    except ImportError:
        raise Unavailable(f"needs sacrebleu: {INSTALL}") from None

    tokenizer = _TOKENIZERS.get(language.partition("-")[0], "13a")
    scorer = sacrebleu.BLEU(tokenize=tokenizer, effective_order=True)
    # sacrebleu remembers 65,536 texts in each of these, which nobody here asks for again.
    memories: tuple[Any, ...] = (type(scorer.tokenizer).__call__, TokenizerRegexp.__call__)

    def compare(prediction: str, reference: str) -> dict[str, float]:
        score = scorer.sentence_score(prediction, [reference]).score
        for memory in memories:
            memory.cache_clear()
        return {"bleu": min(1.0, score / 100)}

    return compare


def bertscore(model: str | None, *, offline: bool = False) -> Compare:
    """BERTScore precision, recall and F (Zhang 2020) from 0 to 1: bert_score on the CPU, without idf or rescaling.

    ``model`` is a name or a local folder, loaded once per process. The layer is the one that bert_score recommends for
    the model, also for a folder that bears its name (distilbert-base-uncased: 5, as in MedHELM), else the last one.
    Texts longer than the model can read are cut. A text without words has 0, and so has a negative similarity.

    Raises Unavailable when no model is named, the package is missing, or the model cannot be loaded; with ``offline``
    nothing is fetched.
    """
    if not model:
        raise Unavailable("no model named: --medhelm-bertscore=MODEL|DIR")
    loaded = _load(model, offline)
    if isinstance(loaded, str):
        raise Unavailable(loaded)
    return loaded


@cache
def _load(model: str, offline: bool) -> Compare | str:
    """The loaded model, or why there is none: that is remembered too, so that it is tried once per process."""
    named = f"--medhelm-bertscore={Path(model).name if Path(model).is_dir() else model}"
    if offline:
        # Read when the packages are first imported.
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    try:
        import bert_score
    except ImportError:
        return f"{named} needs bert_score: {INSTALL}"
    try:
        layers = bert_score.utils.model2layers.get(model) or bert_score.utils.model2layers.get(Path(model).name)
        scorer = bert_score.BERTScorer(
            model_type=model, num_layers=layers or _last_layer(model), device="cpu", idf=False, batch_size=1
        )
        _limit(scorer)
        _measure(scorer, "a", "a")
    except Exception as error:  # Whatever a model's files or a hub may do wrong.
        return f"{named} cannot be loaded: {_first_line(error)}"

    def compare(prediction: str, reference: str) -> dict[str, float]:
        if not prediction.strip() or not reference.strip():
            return dict.fromkeys(BERTSCORE, 0.0)
        try:
            precision, recall = _measure(scorer, prediction, reference)
        except Exception as error:  # The message may quote the text.
            raise Unavailable(f"{named} failed on a text: {type(error).__name__}") from None
        both = precision + recall
        return {
            "bertscore_p": precision,
            "bertscore_r": recall,
            "bertscore_f": 2 * precision * recall / both if both else 0.0,
        }

    return compare


def _last_layer(model: str) -> int:
    from transformers import AutoConfig

    return int(AutoConfig.from_pretrained(model).num_hidden_layers)


def _limit(scorer: Any) -> None:
    """Many tokenizers do not say how much their model can read, on which bert_score then fails."""
    tokenizer, config = scorer._tokenizer, scorer._model.config
    room = getattr(config, "max_position_embeddings", None) or 512
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "longformer", "mpnet"):
        room -= 2  # Their positions start behind the padding's.
    tokenizer.model_max_length = min(tokenizer.model_max_length, room)


def _measure(scorer: Any, prediction: str, reference: str) -> tuple[float, float]:
    precision, recall, _ = scorer.score([prediction], [reference])
    return _between(float(precision[0])), _between(float(recall[0]))


def _between(value: float) -> float:
    return min(1.0, max(0.0, value))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def extraction(source: str, summary: str) -> dict[str, float]:
    """How much a summary copies from its source (Grusky 2018): coverage, density and compression.

    Coverage, 0 to 1, is the share of the summary's words that lie in fragments copied from the source; density the
    mean, over its words, of the length of the fragment that each lies in; compression the words of the source for
    each word of the summary. The words are Unicode words in lower case; MedHELM takes spaCy's English tokens, which
    count punctuation. Density and compression are at most 100.

    Raises Unavailable when the summary has no words, or both texts are so long and repetitive that comparing them takes
    more than a second.
    """
    article, words = unicode_words(source), unicode_words(summary)
    if not words:
        raise Unavailable("the answer has no words")
    lengths = [len(fragment) for fragment in fragments(article, words)]
    return {
        "summarization_coverage": sum(lengths) / len(words),
        "summarization_density": min(MOST, sum(length**2 for length in lengths) / len(words)),
        "summarization_compression": min(MOST, len(article) / len(words)),
    }


def fragments(article: Sequence[str], summary: Sequence[str]) -> list[Sequence[str]]:
    """The extractive fragments of a summary, by the greedy algorithm of Grusky 2018 (figure 3).

    From each position of the summary the longest run of words is taken that the article shares, and the search goes
    on behind it. As there, a place of the article that lies inside a shorter match is not tried as a start.
    Raises Unavailable after two million comparisons.
    """
    # Single words block no other place, so only those places are looked at where the next word is shared too.
    known = set(article)
    positions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for position, pair in enumerate(pairwise(article)):
        positions[pair].append(position)
    # Ends that match nothing, so that no index need be checked below.
    source, target = [*article, None], [*summary, ""]
    shared: list[Sequence[str]] = []
    work = start = 0
    while start < len(summary):
        longest, free = int(summary[start] in known), 0
        starts = positions.get((target[start], target[start + 1]), ())
        for position in starts:
            if position < free:
                continue
            length = 2
            while source[position + length] == target[start + length]:
                length += 1
            free = position + length
            longest = max(longest, length)
            work += length
        work += len(starts)
        if work > _WORK:
            raise Unavailable("the texts are too long and repetitive to be compared")
        if longest:
            shared.append(summary[start : start + longest])
        start += max(longest, 1)
    return shared
