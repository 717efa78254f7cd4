"""BLEU, BERTScore, what a summary copies, and values that are absent with a reason."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from perf.mock_server import MockServer
from pytest_medhelm.scoring.metrics import summarization
from pytest_medhelm.scoring.metrics.rouge import longest_common_subsequence, rouge_english, rouge_unicode, unicode_words
from pytest_medhelm.scoring.metrics.summarization import bertscore, bleu, extraction, fragments
from pytest_medhelm.scoring.metrics.unavailable import Unavailable
from tests.support.nightly import NIGHTLY
from tests.support.servers import vllm
from tests.support.suites import cell, leaderboard

WORDS = st.lists(st.sampled_from("abc"), max_size=20)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What a process loads once is loaded anew for each test."""
    for remembered in (bleu, summarization._load):
        remembered.cache_clear()
    yield
    for remembered in (bleu, summarization._load):
        remembered.cache_clear()


# ROUGE


@given(WORDS, WORDS)
def test_rouge_equals_the_package_that_medhelm_uses(prediction: Sequence[str], reference: Sequence[str]) -> None:
    # words of more than three letters, so that the stemmer takes part
    texts = [" ".join(word + "ations" for word in words) for words in (prediction, reference)]
    expected = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True).score(texts[1], texts[0])
    assert rouge_english(*texts) == {
        "rouge_1": expected["rouge1"].fmeasure,
        "rouge_2": expected["rouge2"].fmeasure,
        "rouge_l": expected["rougeL"].fmeasure,
    }


@pytest.mark.parametrize(
    ("first", "second", "length"),
    [
        ("police killed the gunman", "police kill the gunman", 3),
        ("abcbdab", "bdcaba", 4),  # Cormen, Introduction to Algorithms, 15.4
        ("a b", "", 0),
        ("ab", "ba", 1),
    ],
)
def test_longest_common_subsequence(first: str, second: str, length: int) -> None:
    pair = [text.split() if " " in text else list(text) for text in (first, second)]
    assert longest_common_subsequence(*pair) == longest_common_subsequence(*pair[::-1]) == length


def test_rouge_is_faster_than_the_package() -> None:
    texts = [" ".join(f"word{number * step % 97}" for number in range(400)) for step in (3, 5)]
    package = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)

    def seconds(score: Callable[..., object]) -> float:
        started = time.thread_time()
        score(*texts)
        return time.thread_time() - started

    # Of this thread alone, and the best of three: a busy machine slows both.
    assert min(seconds(rouge_english) for _ in range(3)) < min(seconds(package.score) for _ in range(3)) / 3


# BLEU


@pytest.mark.parametrize(
    ("prediction", "reference", "language", "value"),
    [
        ("the cat sat on the mat", "the cat sat on the mat", "en", 1.0),
        # 5 of 6 words, 3 of 5 pairs, 2 of 4 triples, 1 of 3 quadruples; the fourth root of their product
        ("the cat sat on the mat", "the cat sat on a mat", "en", (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25),
        # Papineni 2002, example 2: 2 of 7 words; the orders without a match count 1/2, 1/4 and 1/8
        ("the " * 7, "the cat is on the mat", "en", (2 / 7 * 1 / 2 / 6 * 1 / 4 / 5 * 1 / 8 / 4) ** 0.25),
        ("fever", "cough", "en", 0.0),
        # 13a takes the point off the word
        ("Der Patient hat hohes Fieber.", "Der Patient hat hohes Fieber .", "de", 1.0),
        ("O paciente tem febre alta", "o paciente tem febre alta", "pt", (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25),
        # three of five characters, two of four pairs, one of three triples, none of two quadruples
        ("患者有发烧", "患者有咳嗽", "zh", (3 / 5 * 2 / 4 * 1 / 3 * 1 / 2 / 2) ** 0.25),
        ("患者有发烧", "患者有咳嗽", "zh-Hans", (3 / 5 * 2 / 4 * 1 / 3 * 1 / 2 / 2) ** 0.25),
        ("患者に熱", "患者に咳", "ja", (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2 / 1) ** 0.25),
        ("患者有发烧", "患者有咳嗽", "en", 0.0),
    ],
)
def test_bleu(prediction: str, reference: str, language: str, value: float) -> None:
    pytest.importorskip("sacrebleu")
    assert bleu(language)(prediction, reference)["bleu"] == pytest.approx(value, abs=1e-6)


def test_a_short_answer_is_punished() -> None:
    pytest.importorskip("sacrebleu")
    # all n-grams match; brevity exp(1 - 8/4)
    value = bleu("en")("one two three four", "one two three four five six seven eight")["bleu"]
    assert value == pytest.approx(2.718281828 ** (1 - 8 / 4), abs=1e-6)


def test_without_sacrebleu_bleu_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(Unavailable, match=r"needs sacrebleu: pip install 'pytest-medhelm\[summarization\]'"):
        bleu("en")


# What is copied


@pytest.mark.parametrize(
    ("article", "summary", "found"),
    [
        ("the cat sat on the mat", "a cat sat on a mat", ["cat sat on", "mat"]),
        ("one two three", "three two one", ["three", "two", "one"]),
        ("one two one two three", "one two three", ["one two three"]),
        # a place inside a match is not tried as a start: "a a b" at the second word is passed over
        ("a a a b", "a a b", ["a a", "b"]),
        ("", "a b", []),
        ("a b", "", []),
    ],
)
def test_fragments(article: str, summary: str, found: Sequence[str]) -> None:
    assert [" ".join(fragment) for fragment in fragments(article.split(), summary.split())] == found


@given(WORDS, WORDS)
def test_fragments_follow_the_published_algorithm(article: list[str], summary: list[str]) -> None:
    """Grusky 2018, figure 3, line by line."""
    expected: list[list[str]] = []
    i = 0
    while i < len(summary):
        fragment: list[str] = []
        j = 0
        while j < len(article):
            if summary[i] == article[j]:
                i2, j2 = i, j
                while i2 < len(summary) and j2 < len(article) and summary[i2] == article[j2]:
                    i2, j2 = i2 + 1, j2 + 1
                if len(fragment) < i2 - i:
                    fragment = summary[i:i2]
                j = j2
            else:
                j += 1
        i += max(len(fragment), 1)
        if fragment:
            expected.append(fragment)
    assert [list(fragment) for fragment in fragments(article, summary)] == expected


def test_coverage_density_and_compression() -> None:
    # fragments of 3 and 1 words; 6 words in the summary, 12 in the source
    found = extraction("The cat sat on the mat. It did not move at all.", "A cat sat on a mat!")
    assert found == {
        "summarization_coverage": 4 / 6,
        "summarization_density": (9 + 1) / 6,
        "summarization_compression": 12 / 6,
    }


def test_what_is_copied_is_counted_in_any_script() -> None:
    assert extraction("Der Schädel ist groß.", "schädel GROSS groß")["summarization_coverage"] == 2 / 3
    assert extraction("患者有发烧", "有发热")["summarization_density"] == 4 / 3
    with pytest.raises(Unavailable, match="no words"):
        extraction("A source.", "...")


def test_values_without_an_upper_bound_are_cut() -> None:
    text = " ".join(f"w{number}" for number in range(400))
    assert extraction(text, text)["summarization_density"] == 100
    assert extraction(text, "w1 w2 w3")["summarization_compression"] == 100


# Hostile text

HOSTILE = {
    "one word": "x" * 1_000_000,
    "one word of y": "y" * 1_000_000,
    "one character": "." * 1_000_000,
    "NUL": "\0" * 1_000_000,
    "the same word": "the " * 250_000,
    "two words": "the a " * 170_000,
    "many words": " ".join(map(hex, range(100_000))),
    "Chinese": "世" * 300_000,
    "hyphens at line ends": "a-\n" * 330_000,
}
NOTE = "The patient has a fever and a cough. " * 40


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_seconds(name: str) -> None:
    text = HOSTILE[name] if NIGHTLY else HOSTILE[name][:200_000]
    assert all(0 <= value < 0.5 for value in rouge_unicode(text, NOTE).values())
    for source, summary in ((NOTE, text), (text, text), (text, NOTE)):
        values, reason = copied(source, summary)
        assert reason in ("", "the answer has no words", "the texts are too long and repetitive to be compared")
        assert all(0 <= value <= summarization.EXTRACTION[key][1] for key, value in values.items())
    if find_spec("sacrebleu"):
        assert 0 <= bleu("en")(text, NOTE)["bleu"] < 0.1


def copied(source: str, summary: str) -> tuple[Mapping[str, float], str]:
    try:
        return extraction(source, summary), ""
    except Unavailable as reason:
        return {}, str(reason)


# BERTScore


class FakeScorer:
    """In the place of bert_score.BERTScorer: knows similarities, and remembers how it was made."""

    made: list[dict[str, Any]] = []  # noqa: RUF012 - shared on purpose
    fails = ""

    def __init__(self, **options: Any) -> None:
        FakeScorer.made.append(options | {"offline": os.environ.get("HF_HUB_OFFLINE")})
        if FakeScorer.fails:
            raise OSError(f"{FakeScorer.fails}\nmore lines")
        self._tokenizer = SimpleNamespace(model_max_length=int(1e30))
        self._model = SimpleNamespace(config=SimpleNamespace(max_position_embeddings=514, model_type="roberta"))
        FakeScorer.made[-1]["tokenizer"] = self._tokenizer

    def score(self, predictions: list[str], references: list[str]) -> tuple[list[float], list[float], list[float]]:
        if "SECRET" in predictions[0]:
            raise RuntimeError(predictions[0])
        precision, recall = {"opposite": (-0.5, -0.5), "a": (1.0, 1.0)}.get(predictions[0], (0.5, 0.8))
        return [precision], [recall], [0.0]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeScorer]:
    package = ModuleType("bert_score")
    package.BERTScorer = FakeScorer  # type: ignore[attr-defined]
    package.utils = SimpleNamespace(model2layers={"distilbert-base-uncased": 5, "roberta-large": 17})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bert_score", package)
    # so that what the code sets is taken back
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(name, "0")
    monkeypatch.setattr(FakeScorer, "made", [])
    monkeypatch.setattr(FakeScorer, "fails", "")
    return FakeScorer


def test_bertscore_values(fake: type[FakeScorer]) -> None:
    compare = bertscore("roberta-large")
    assert compare("text", "other") == {
        "bertscore_p": 0.5,
        "bertscore_r": 0.8,
        "bertscore_f": pytest.approx(2 * 0.5 * 0.8 / 1.3),
    }
    nothing = {"bertscore_p": 0.0, "bertscore_r": 0.0, "bertscore_f": 0.0}
    assert compare("opposite", "other") == compare(" \n", "other") == compare("text", "") == nothing


def test_the_model_is_loaded_once_on_the_cpu_with_its_layer(fake: type[FakeScorer], tmp_path: Path) -> None:
    folder = tmp_path / "distilbert-base-uncased"
    folder.mkdir()
    for _ in range(3):
        bertscore(str(folder))("text", "other")
    (made,) = fake.made
    assert (made["model_type"], made["num_layers"], made["device"]) == (str(folder), 5, "cpu")
    assert made["offline"] == "0"
    # 514 positions, two of which RoBERTa does not use; without this bert_score fails on the tokenizer's huge number
    assert made["tokenizer"].model_max_length == 512


def test_offline_nothing_is_fetched(fake: type[FakeScorer]) -> None:
    bertscore("roberta-large", offline=True)
    assert fake.made[0]["offline"] == "1"


def test_a_model_that_cannot_be_loaded_is_tried_once(fake: type[FakeScorer], tmp_path: Path) -> None:
    fake.fails = "no file named model.safetensors"
    for model, named in (("roberta-large", "roberta-large"), (str(tmp_path / "own"), "own")):
        (tmp_path / "own").mkdir(exist_ok=True)
        for _ in range(2):
            with pytest.raises(Unavailable) as reason:
                bertscore(model)
            # a folder is called by its own name, not by its path
            loading = f"--medhelm-bertscore={named} cannot be loaded: "
            assert str(reason.value).startswith(loading)
            assert "\n" not in str(reason.value)
    assert len([made for made in fake.made if made["model_type"] == "roberta-large"]) == 1


def test_a_failure_on_a_text_does_not_quote_it(fake: type[FakeScorer]) -> None:
    with pytest.raises(Unavailable) as reason:
        bertscore("roberta-large")("SECRET of a patient", "other")
    assert str(reason.value) == "--medhelm-bertscore=roberta-large failed on a text: RuntimeError"


def test_without_a_model_or_the_package_bertscore_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="no model named: --medhelm-bertscore="):
        bertscore(None)
    monkeypatch.setitem(sys.modules, "bert_score", None)
    with pytest.raises(Unavailable, match=r"needs bert_score: pip install 'pytest-medhelm\[summarization\]'"):
        bertscore("roberta-large")


@pytest.fixture
def tiny_bert(tmp_path: Path) -> Path:
    """A BERT of three layers with random weights."""
    pytest.importorskip("bert_score", reason="needs pip install 'pytest-medhelm[summarization]'")
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path / "tiny-bert"
    folder.mkdir()
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@pytest.mark.nightly
def test_bertscore_equals_the_package(tiny_bert: Path) -> None:
    import bert_score

    compare = bertscore(str(tiny_bert), offline=True)
    scorer = bert_score.BERTScorer(model_type=str(tiny_bert), num_layers=3, device="cpu")
    scorer._tokenizer.model_max_length = 64
    for pair in (("fever", "fever and cough"), ("no pain", "chest pain"), ("word " * 500, "a note")):
        expected = [float(value[0]) for value in scorer.score([pair[0]], [pair[1]])]
        assert [compare(*pair)[name] for name in summarization.BERTSCORE] == pytest.approx(expected, abs=1e-5)
    assert compare("same words", "same words")["bertscore_f"] == pytest.approx(1, abs=1e-5)


@pytest.mark.nightly
def test_bertscore_says_when_files_are_broken(tiny_bert: Path) -> None:
    (tiny_bert / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(Unavailable, match="--medhelm-bertscore=tiny-bert cannot be loaded: "):
        bertscore(str(tiny_bert), offline=True)


# In a session

NOTES = '''
"""Notes to be summarised. Asked: Read: Scored: Source:"""
import json
from pytest_medhelm import DataFile, Instance, Task

def load(path):
    for row in json.loads(path.read_text()):
        yield Instance(row["id"], row["source"], row["summary"])

TASK = Task(
    name="notes", title="Notes", subcategory="Documenting Patient Visits", access="public", kind="generation",
    files=(DataFile("notes.json"),), load=load, main_metric="rouge_l", licence="CC0-1.0", source="the tests",
)

def prompt(instance):
    return f"Summarise: {instance.question}"

def test_notes(instance, response, score):
    score.overlap(response.text, instance.answer, source=instance.question)
    score.style(response.text, reference=instance.answer, sections=("Summary", "Plan"))
'''

ANSWERS = {
    "Case 1.": "Summary: The patient has a fever.\nPlan: She may rest at home.",
    "Case 2.": "Plan: Rest.\nSummary: A cough.",
    "Case 3.": "",
    "Case 4.": "I'm sorry, but I cannot help with that.",
}


def answer(body: Mapping[str, Any]) -> str:
    content = str(body["messages"][-1]["content"])
    return next(text for case, text in ANSWERS.items() if case in content)


@pytest.fixture
def notes(pytester: pytest.Pytester) -> Path:
    """A benchmark of four notes, of which two are answered."""
    import json

    (pytester.path / "test_notes.py").write_text(NOTES)
    folder = pytester.path / "data" / "notes"
    folder.mkdir(parents=True)
    rows = [
        {
            "id": f"n{number}",
            "source": f"Case {number}. The patient has a fever.",
            "summary": "The patient has a fever.",
        }
        for number in range(1, 5)
    ]
    (folder / "notes.json").write_text(json.dumps(rows))
    return folder.parent


@pytest.fixture
def summariser() -> Iterator[MockServer]:
    with MockServer(answer) as running:
        yield running


def test_measures_of_a_session(notes: Path, run: Any, summariser: MockServer, pytester: pytest.Pytester) -> None:
    pytest.importorskip("sacrebleu")
    result = run(*vllm(summariser), f"--medhelm-data={notes}")
    assert result.ret == 0
    found = cell(leaderboard(pytester.path), "notes")
    assert found["statuses"] == {"ok": 2, "refused": 1, "empty": 1}
    metrics, absent = found["metrics"], found["absent"]
    # what grades counts a failed answer as the worst; what describes does not exist for it
    assert [metrics[name]["n"] for name in ("rouge_l", "bleu", "section_structure")] == [4, 4, 4]
    assert metrics["section_structure"]["value"] == (1 + 0.5) / 4
    for name in ("summarization_coverage", "flesch_kincaid_grade", "hedging", "length_ratio"):
        assert (metrics[name]["n"], metrics[name]["missing"]) == (2, 0), name
    # 12 words of which 5 are copied, and 5 words of which 1 is; one sentence of two hedges, and none of two
    assert metrics["summarization_coverage"]["value"] == pytest.approx((5 / 12 + 1 / 5) / 2, abs=1e-6)
    assert metrics["length_ratio"]["value"] == pytest.approx((12 / 5 + 5 / 5) / 2)
    assert metrics["hedging"]["value"] == (1 / 2 + 0) / 2
    assert metrics["reading_level_on_target"]["value"] == 1
    no_model = {"reason": "no model named: --medhelm-bertscore=MODEL|DIR", "count": 4}
    assert absent["bertscore_f"] == absent["bertscore_p"] == absent["bertscore_r"] == no_model
    assert absent["smog_grade"] == {"reason": "SMOG needs at least 10 sentences", "count": 2}
    assert not set(absent) & set(metrics)
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert "bertscore_f (4), bertscore_p (4), bertscore_r (4): no model named" in page
    result.stdout.no_fnmatch_line("absent: *")


def test_a_model_that_was_asked_for_and_fails_is_said(
    notes: Path, run: Any, summariser: MockServer, pytester: pytest.Pytester
) -> None:
    (pytester.path / "own").mkdir()
    result = run(
        *vllm(summariser), f"--medhelm-data={notes}", "--medhelm-offline", "--medhelm-bertscore=own"
    )  # fmt: skip
    assert result.ret == 0
    assert cell(leaderboard(pytester.path), "notes")["absent"]["bertscore_f"]["count"] == 4
    said = [line for line in result.outlines if line.startswith("absent: --medhelm-bertscore=own ")]
    assert len(said) == 1


@pytest.mark.nightly
def test_bertscore_in_a_session(
    tiny_bert: Path, notes: Path, run: Any, summariser: MockServer, pytester: pytest.Pytester
) -> None:
    (pytester.path / "medhelm.toml").write_text(f"[run]\nbertscore = {str(tiny_bert)!r}\noffline = true\n")
    assert run(*vllm(summariser), f"--medhelm-data={notes}").ret == 0
    found = cell(leaderboard(pytester.path), "notes")
    compare = bertscore(str(tiny_bert), offline=True)
    both = [compare(ANSWERS[case], "The patient has a fever.")["bertscore_f"] for case in ("Case 1.", "Case 2.")]
    assert found["metrics"]["bertscore_f"]["n"] == 4
    assert found["metrics"]["bertscore_f"]["value"] == pytest.approx(sum(both) / 4, abs=1e-5)
    assert "bertscore_f" not in found["absent"]


def test_other_languages_have_reasons(notes: Path, run: Any, summariser: MockServer, pytester: pytest.Pytester) -> None:
    path = pytester.path / "test_notes.py"
    path.write_text(path.read_text().replace('source="the tests"', 'source="the tests", language="de"'))
    run(*vllm(summariser), f"--medhelm-data={notes}")
    found = cell(leaderboard(pytester.path), "notes")
    reason = {"reason": "known for English only, not for language 'de'", "count": 2}
    for name in ("flesch_kincaid_grade", "smog_grade", "hedging", "reading_level_on_target"):
        assert found["absent"][name] == reason
        assert name not in found["metrics"]
    assert {"length_ratio", "section_structure", "summarization_coverage"} <= set(found["metrics"])


def test_unicode_words() -> None:
    assert unicode_words("Größe_12 mg, 患者 НА") == ["größe", "12", "mg", "患", "者", "на"]
