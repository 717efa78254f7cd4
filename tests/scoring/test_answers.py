"""What model output means: tables of texts as models write them, and what a reader must make of them."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_medhelm.scoring.answers import (
    Quantity,
    Thinking,
    is_refusal,
    read_choice,
    read_date,
    read_json,
    read_number,
    split_thinking,
)

# --- thinking ---------------------------------------------------------------------------------------------
from tests.support.nightly import length


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("B", Thinking("", "B", True)),
        ("", Thinking("", "", True)),
        ("<think>It is B.</think>\n\nB", Thinking("It is B.", "B", True)),
        ("<thinking>a</thinking>B", Thinking("a", "B", True)),
        ("<reasoning>a</reasoning>B", Thinking("a", "B", True)),
        ("<THINK>a</Think>B", Thinking("a", "B", True)),
        ("<think></think>B", Thinking("", "B", True)),
        ("<think>a</think>So <think>b</think>B", Thinking("a\n\nb", "So B", True)),
        ("It is B.\n</think>\nB", Thinking("It is B.", "B", True)),
        ("<think>a<think>b</think>c</think>B", Thinking("a\n\nb\n\nc", "B", True)),
        ("<think>I wonder", Thinking("I wonder", "", False)),
        ("A?<think>a</think>B<think>No, C", Thinking("a\n\nNo, C", "", False)),
        ("<answer>B</answer>", Thinking("", "<answer>B</answer>", True)),
        (
            "<|channel|>analysis<|message|>It is B.<|end|><|start|>assistant<|channel|>final<|message|>B",
            Thinking("It is B.", "B", True),
        ),
        (
            "<|start|>assistant<|channel|>analysis<|message|>a<|end|><|start|>assistant"
            "<|channel|>commentary to=tool <|constrain|>json<|message|>{}<|call|><|start|>assistant"
            "<|channel|>final<|message|>B<|return|>",
            Thinking("a\n\n{}", "B", True),
        ),
        ("It is B.<|end|><|start|>assistant<|channel|>final<|message|>B", Thinking("It is B.", "B", True)),
        ("<|channel|>analysis<|message|>I wonder", Thinking("I wonder", "", False)),
    ],
)
def test_thinking_is_split_from_the_answer(content: str, expected: Thinking) -> None:
    assert split_thinking(content) == expected


def test_reasoning_handed_over_separately_comes_first() -> None:
    assert split_thinking("B", "It is B.") == Thinking("It is B.", "B", True)
    assert split_thinking("<think>b</think>B", " a ") == Thinking("a\n\nb", "B", True)
    assert split_thinking("", "a") == Thinking("a", "", True)


# --- choice -----------------------------------------------------------------------------------------------

DRUGS = ("Metformin", "Insulin glargine", "Beta-blocker", "Lévothyroxine")


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "b",
        " B\n",
        "(B)",
        "[B]",
        "B.",
        "B)",
        "B:",
        '"B"',
        "**B**",
        "`B`",
        "**(B)**",
        "__B__",
        "B) It lowers glucose",
        "B. Insulin glargine",
        "B: Insulin glargine",
        "B - Insulin glargine",
        "B Insulin glargine",
        "B (insulin glargine)",
        "(B) Insulin glargine\n\nMetformin is contraindicated.",
        "Option B",
        "Choice (B)",
        "Answer: B",
        "Answer:B",
        "ANSWER = B",
        "**Answer:** B",
        "**Answer: B**",
        "Answer B",
        "Answer:\nB",
        "### Final answer\n\nB",
        "Answer: B Explanation: A is unsafe.",
        "Answer: B, not A",
        "The answer is B",
        "The answer is (B)",
        "The answer is: **B**.",
        "The answer is B because A is contraindicated.",
        "The correct answer is option B.",
        "The correct option is (B) Insulin glargine.",
        "The best choice is B",
        "The most likely answer is B.",
        "The answer to this question is B.",
        "My final answer would be B.",
        "The answer is therefore B.",
        "I would choose option B.",
        "Thus, B is the correct answer.",
        "Option B is correct.",
        "<answer>B</answer>",
        r"\boxed{B}",
        r"$\boxed{\text{B}}$",
        r"The final answer is $\boxed{B}$. I hope it helps.",
        r"\[ \boxed{\mathrm{(B)}} \]",
        '{"answer": "B"}',
        '{"answer": ["B"]}',
        '{"explanation": "The answer is A, some say.", "answer_choice": "B"}',
        '```json\n{"Answer": "B. Insulin glargine"}\n```',
        "Ｂ",
        "（Ｂ）",
        "【B】",
        "【答案】B",
        "答案是B",
        "答案：B。因为A有禁忌",
        "正确答案：B",
        "正确选项是B",
        "故选B",
        "选择B",
        "B选项",
        "正解はBです",
        "La respuesta correcta es la B",
        "La respuesta correcta es la opción B.",
        "Respuesta: B",
        "Opción B",
        "El inciso B",
        "La bonne réponse est B",
        "La bonne réponse est la lettre B.",
        "Réponse : B",
        "Die richtige Antwort ist B",
        "Die Antwort lautet: B",
        "Antwort: B",
        "A resposta correta é a letra B",
        "A resposta correta é a B.",
        "A resposta é B",
        "Resposta: alternativa B",
        "alternativa B",
        "La risposta corretta è la B",
        "La risposta giusta è B.",
        "Risposta: B",
        "A patient with diabetes needs care.\n\nB",
        "Metformin is unsafe in renal failure, so option A is out.\nThe answer is B.",
        "Answer: A. Wait, the kidneys fail.\nFinal answer: B",
        "Answer: B. Hmm. The answer is not C.",
    ],
)
def test_letter_in_every_usual_dress(text: str) -> None:
    assert read_choice(text, DRUGS) == "B"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metformin", "A"),
        ("METFORMIN.", "A"),
        ("The answer is metformin.", "A"),
        ("The answer is metformin, because it is first-line.", "A"),
        ("Answer: insulin glargine", "B"),
        ("Insulin   glargine!", "B"),
        ("beta blocker", "C"),
        ("The answer is a beta blocker", "C"),
        ("A beta-blocker.", "C"),
        ("levothyroxine", "D"),
        ("La réponse est la lévothyroxine.", "D"),
        ("The answer is a statin", None),
        ("metformin and insulin glargine", None),
        ("metformin or something else", None),
        ("The answer is metformin hydrochloride toxicity", None),
        ("Insulin", None),
    ],
)
def test_option_text_stands_for_its_letter(text: str, expected: str | None) -> None:
    assert read_choice(text, DRUGS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "I do not know.",
        "A patient with diabetes needs care.",
        "A 54-year-old man",
        "The answer is a combination.",
        "The answer is A combination of both.",
        "The answer is B cell lymphoma",
        "Hepatitis B is the most likely diagnosis.",
        "Vitamin C is best.",
        "B-cell",
        "B12",
        "AB",
        "A and B",
        "A or C",
        "A/B",
        "A, B",
        "Both A and B",
        "Answer: A, B",
        "Answer: A B",
        "Answer: A-C",
        "The answer is either B or C.",
        "Answer: B. Hmm, the answer is B or C.",
        "The answer is not B",
        "The answer isn't B.",
        "The answer cannot be B.",
        "The incorrect answer is B",
        "Answer: not B",
        "La respuesta no es B",
        "La réponse n'est pas B",
        "Die Antwort ist nicht B",
        "A resposta não é B",
        "答案不是B",
        "Answer: B? No, the answer is not B.",
        "Option B is wrong.",
        "B: incorrect",
        "Answer: E",
        "E",
        "Z",
        "B. Metformin",
        "A. Metformin\nB. Insulin glargine\nC. Beta-blocker",
        "Option A is unsafe. Option C is slow.",
        "A is correct. B is correct.",
        '{"answer": ["A", "B"]}',
        '{"answer": null}',
        '{"answer": true}',
    ],
)
def test_no_letter_is_guessed(text: str) -> None:
    assert read_choice(text, DRUGS) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", "A"),
        ("Yes.", "A"),
        ("Yes, because the interval excludes 1.", "A"),
        ("No, it does not.", "B"),
        ("**Maybe**", "C"),
        ("Answer: no", "B"),
        ("The answer is: maybe.", "C"),
        ("The study is small.\n\nno", "B"),
        ("A", "A"),
        ("A) yes", "A"),
        ("A) no", None),
        ("Yes or no", None),
        ("yes/no", None),
        ("No difference was found.", None),
        ("D", None),
    ],
)
def test_yes_no_maybe(text: str, expected: str | None) -> None:
    assert read_choice(text, ("yes", "no", "maybe")) == expected


@pytest.mark.parametrize(
    ("choices", "text", "expected"),
    [
        (("S. aureus", "E. coli"), "E. coli", "B"),
        (("S. aureus", "E. coli"), "The answer is E. coli.", "B"),
        (("A", "B", "AB", "O"), "O", "D"),
        (("A", "O", "AB", "B"), "B", None),
        (("A", "O", "AB", "B"), "B. O", "B"),
        (("A", "O", "AB", "B"), "Option B", "B"),
        (("1", "-1"), "-1", "B"),
        (("1", "-1"), "1", "A"),
        (("1", "-1"), '{"answer": -1}', "B"),
        (("<5", ">5"), "> 5", "B"),
        (("15 mg", "1.5 mg"), "1.5 mg", "B"),
        (("5 mg", "10 mg"), "5 mg/kg", None),
        (("Heart", "Heart failure"), "heart failure", "B"),
        (("alike", "Alike"), "alike", "A"),
        (("alike", "Alike"), "B", "B"),
        ((), "A", None),
        (("sí", "no"), "Si", "A"),
        (("阿司匹林", "胰岛素"), "胰岛素。", "B"),
    ],
)
def test_options_that_look_like_something_else(choices: tuple[str, ...], text: str, expected: str | None) -> None:
    assert read_choice(text, choices) == expected


# --- number -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digits", "english", "spanish", "unknown"),
    [
        ("5", 5, 5, 5),
        ("-5", -5, -5, -5),
        ("−5", -5, -5, -5),
        ("+5", 5, 5, 5),
        ("0.5", 0.5, 0.5, 0.5),
        (".5", 0.5, 0.5, 0.5),
        ("7,4", None, 7.4, 7.4),
        ("1,200", 1200, 1.2, None),
        ("1.200", 1.2, 1200, None),
        ("0,200", None, 0.2, 0.2),
        ("0.200", 0.2, 0.2, 0.2),
        ("25.238", 25.238, 25238, None),
        ("1,200.5", 1200.5, 1200.5, 1200.5),
        ("1.200,5", 1200.5, 1200.5, 1200.5),
        ("1,200,300", 1200300, 1200300, 1200300),
        ("1.200.300", 1200300, 1200300, 1200300),
        ("1,200,300.25", 1200300.25, 1200300.25, 1200300.25),
        ("1,20,300", None, None, None),
        ("12,00.5", None, None, None),
        ("1.2.3", None, None, None),
        ("1 200,5", None, 1200.5, None),
        ("1\u202f200", 1200, 1200, 1200),
        ("1\u00a0200,5", 1200.5, 1200.5, 1200.5),
        ("1'200.50", 1200.5, 1200.5, 1200.5),
        ("1’200", 1200, 1200, 1200),
        ("1.2e3", 1200, 1200, 1200),
        ("1.2E-3", 0.0012, 0.0012, 0.0012),
        ("1.2 x 10^3", 1200, 1200, 1200),
        ("1.2 × 10³", 1200, 1200, 1200),
        (r"1.2 \times 10^{3}", 1200, 1200, 1200),
        ("5 × 10⁻²", 0.05, 0.05, 0.05),
        ("10^3", 1000, 1000, 1000),
        ("５", 5, 5, 5),
        ("1/2", 0.5, 0.5, 0.5),
        ("5²", None, None, None),
        ("< 5", None, None, None),
        ("9e999", None, None, None),
        ("9" * 500, None, None, None),
        ("inf", None, None, None),
        ("NaN", None, None, None),
    ],
)
def test_number_format_of_the_language(
    digits: str, english: float | None, spanish: float | None, unknown: float | None
) -> None:
    read = {language: read_number(digits, language) for language in ("en", "es", None)}
    values = {language: quantity and quantity.value for language, quantity in read.items()}
    assert values == {"en": english, "es": spanish, None: unknown}


@pytest.mark.parametrize("language", ["es", "de", "pt", "it", "fr", "fr-CA", "pt_BR", "DE"])
def test_languages_with_a_decimal_comma(language: str) -> None:
    assert read_number("1.234 mg", language) == Quantity(1234, "mg")


@pytest.mark.parametrize("language", ["en", "en-US", "zh", "es-MX", "de-CH"])
def test_languages_with_a_decimal_point(language: str) -> None:
    assert read_number("1.234 mg", language) == Quantity(1.234, "mg")


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("7.4 mg", 7.4, "mg"),
        ("7.4mg", 7.4, "mg"),
        ("**7.4** mg", 7.4, "mg"),
        (r"\boxed{7.4\text{ mg}}", 7.4, "mg"),
        ("12%", 12, "%"),
        ("12 %", 12, "%"),
        ("37.5 °C", 37.5, "°C"),
        ("100 mm Hg", 100, "mm Hg"),
        ("93 mmHg.", 93, "mmHg"),
        ("56.7 mL/min", 56.7, "mL/min"),
        ("56.7 mL/min/1.73 m²", 56.7, "mL/min/1.73 m²"),
        ("24.1 kg/m2", 24.1, "kg/m2"),
        ("24.1 kg/m^2", 24.1, "kg/m^2"),
        ("150 × 10^9/L", 1.5e11, "/L"),
        ("3 points", 3, "points"),
        ("3 because of age", 3, ""),
    ],
)
def test_unit_is_kept_as_written(text: str, value: float, unit: str) -> None:
    assert read_number(text, "en") == Quantity(value, unit)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # a final-answer phrase
        ("The weight is 48 kg and the age 87. Answer: 25.2", 25.2),
        ("The weight is 48 kg.\nThe final answer is 25.2 mL/min.", 25.2),
        ("The answer is 5. The age gives 2 points.", 5),
        ("The answer is 5 because the age gives 2 points.", 5),
        ("Answer: 4. I forgot the age.\nFinal answer: 5", 5),
        ("**Final Answer**\n\n5", 5),
        ("Weight 48.\nResult: 5", 5),
        ("Weight 48, age 87: \\boxed{5}", 5),
        ("Weight 48. <answer>5</answer>", 5),
        ("Answer: 2 + 3 = 5 points.", 5),
        ("Answer: 5 or 6", None),
        ("Answer: 5-6", None),
        ("Answer: 5 – 6", None),
        ("Answer: between 5 and 6", None),
        ("Answer: 5/9", None),
        ("Answer: >5", None),
        ("CrCl>=5", None),
        ("<b>5</b>", 5),
        ("-> 5", 5),
        ("Weight 48. Answer: 5,6", None),
        ("The answer is not 5", None),
        ("The answer isn't 5", None),
        ("Answer: not 5", None),
        ("Answer: 5. No, the answer is not 5.", None),
        # the only distinct number
        ("The patient's CHA2DS2-VASc score is 5.", 5),
        ("Her CURB-65 score is 3, I repeat, 3.", 3),
        ("The T4 was 3.", 3),
        ("A 65-year-old scores 3.", 3),
        ("On the 2nd day: 3", 3),
        ("The 2D echo shows 45%", 45),
        ("1. 7.4 mg", 7.4),
        ("1. Age\n2. Sex\nThe score is 3", 3),
        ("Step 1: add.\nStep 2: the score is 3", 3),
        ("The score is 3 of 9", None),
        ("The pressure is 120/80", None),
        ("The lab result: 5, the score 7", None),
        ("no number", None),
        # behind the last equals sign
        ("MAP = (120 + 2 * 80) / 3\n= 93.3 mm Hg", 93.3),
        ("Pressure 120/80; MAP ≈ 93.3.", 93.3),
        ("a = 2\nb = 3 points", 3),
        ("2 + 3 = 5, which is below 7", None),
        ("2 + x >= 5", None),
        # JSON
        ('{"answer": 5.2}', 5.2),
        ('{"steps": [1, 2], "answer": "5.2 mg"}', 5.2),
        ('The age is 3.\n```json\n{"answer": 5}\n```', 5),
        ('{"answer": "unknown", "age": 87}', None),
        ('{"answer": NaN}', None),
    ],
)
def test_which_number_is_the_answer(text: str, expected: float | None) -> None:
    quantity = read_number(text, "en")
    assert (quantity and quantity.value) == expected


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Peso 48 kg. La respuesta es 7,4 mg/dL.", "es"),
        ("Poids 48 kg. Réponse : 7,4 mg/dL", "fr"),
        ("Gewicht 48 kg. Die Antwort lautet 7,4 mg/dL.", "de"),
        ("Peso 48 kg. A resposta é 7,4 mg/dL.", "pt"),
        ("Peso 48 kg. La risposta è 7,4 mg/dL.", "it"),
        ("体重48，答案：7.4 mg/dL", "zh"),
    ],
)
def test_final_answer_phrases_of_other_languages(text: str, language: str) -> None:
    assert read_number(text, language) == Quantity(7.4, "mg/dL")


# --- date -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "08/31/2023",
        "8/31/2023",
        "8-31-2023",
        "08.31.2023",
        "2023-08-31",
        "2023-08-31T00:00:00",
        "August 31, 2023",
        "august 31st, 2023",
        "Aug. 31 2023",
        "31 Aug 2023",
        "31-Aug-2023",
        "the 31st of August, 2023",
        "31 de agosto de 2023",
        "31 ago 2023",
        "**08/31/2023**",
        '{"answer": "08/31/2023"}',
        r"\boxed{08/31/2023}",
        "LMP 11/24/2022, so the answer is 08/31/2023.",
        "Answer: 08/30/2023. I miscounted.\nFinal answer: 08/31/2023",
        "It is 08/31/2023, that is August 31, 2023.",
        "The answer is the following.\n08/31/2023",
    ],
)
def test_date_in_every_usual_dress(text: str) -> None:
    assert read_date(text) == date(2023, 8, 31)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no date",
        "08/31/23",
        "August 31",
        "August 2023",
        "13/31/2023",
        "02/29/2023",
        "0000-01-01",
        "08/31/20235",
        "11/24/2022 to 08/31/2023",
        "Answer: 08/31/2023 or 09/01/2023",
        "The answer is not 08/31/2023",
        "31/08/2023",
    ],
)
def test_no_date_is_guessed(text: str) -> None:
    assert read_date(text) is None


def test_order_of_day_and_month() -> None:
    assert read_date("03/04/2023") == date(2023, 3, 4)
    assert read_date("03/04/2023", "dmy") == date(2023, 4, 3)
    assert read_date("31/08/2023", "dmy") == date(2023, 8, 31)
    assert read_date("2023-03-04", "dmy") == date(2023, 3, 4)


# --- JSON -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1, 2]\n", [1, 2]),
        ("5", 5),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Here:\n```\n{"a": 1}\n```\nDone [2].', {"a": 1}),
        ('```python\nx = {}\n```\n```json\n{"a": 1}\n```', {"a": 1}),
        ('```json {"a": 1}```', {"a": 1}),
        ('```json\n{"a": 1}', {"a": 1}),
        ('The result is {"a": {"b": [1]}} as asked.', {"a": {"b": [1]}}),
        ('A {note} first: {"a": 1}', {"a": 1}),
        ('[see {"a": 1}]', {"a": 1}),
        ('{ unclosed, then {"a": 1}', {"a": 1}),
        ('5" tall: {"a": "} ] \\" {"}', {"a": '} ] " {'}),
        ('{"a": 1} {"b": 2}', {"a": 1}),
        ('{"a": NaN} {"b": 2}', {"b": 2}),
        ("NaN", None),
        ("[Infinity]", None),
        ("[1e999]", None),
        ("", None),
        ("no JSON", None),
        ('{"a": 1', None),
        ("}{", None),
    ],
)
def test_json_in_prose_and_fences(text: str, expected: object) -> None:
    assert read_json(text) == expected


# --- refusal ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist with that request.",
        "Sorry, I can't.",
        "I cannot answer this question.",
        "I must decline to answer.",
        "I won't provide that.",
        "I'm not able to provide a diagnosis.",
        "As an AI I am unable to provide medical advice",
        "As an AI language model, I cannot provide medical advice. Please consult a doctor.",
        "Unfortunately, I am not able to help you with this.",
        "This goes against my guidelines. I cannot assist with it.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "Como modelo de IA, no puedo proporcionar consejos médicos.",
        "Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.",
        "Ich kann keine medizinische Beratung geben.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Je ne suis pas en mesure de fournir un avis médical.",
        "Desculpe, mas não posso ajudar com isso.",
        "Não posso fornecer aconselhamento médico.",
        "Mi dispiace, ma non posso aiutarti.",
        "抱歉，我无法提供医疗建议。",
    ],
)
def test_refusal(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "B",
        "The patient refused the operation.",
        "I cannot rule out pneumonia.",
        "I cannot give aspirin because of the bleeding.",
        "I can't help but notice the rash.",
        'The patient says: "I can\'t help it."',
        "I'm sorry to hear about your pain. You can take paracetamol every six hours.",
        "I cannot provide a definite diagnosis without imaging, but pneumonia is most likely given the fever.",
        "The test is not able to provide information on resistance.",
        "No puedo descartar una neumonía.",
        "Ich kann eine Lungenentzündung nicht ausschließen.",
        "Je ne peux pas exclure une pneumonie.",
        "Não posso excluir uma pneumonia.",
        "Drink enough, rest, and take paracetamol for the fever. See a doctor if it lasts for over three days.",
        "I cannot provide medical advice. " + "Rest helps most people with a cold. " * 40,
    ],
)
def test_answers_and_clinical_sentences_are_no_refusal(text: str) -> None:
    assert not is_refusal(text)


# --- any text ---------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *("A", "B", "(C)", "e.", "yes", "no", "maybe", "and", "or", "not", "Answer:", "The answer is"),
        *("\\boxed{", "\\text{", "}", "{", "[", "]", '"', '{"answer": ', "```", "<think>", "</think>", "<|channel|>"),
        *("<|message|>", "final", "1,200", "7.4", "-5", "×10³", "mg", "08/31/2023", "=", "\n", " ", ":", ","),
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS, max_size=12).map("".join))


@given(TEXTS, st.lists(st.text(max_size=8), max_size=6))
def test_a_choice_is_a_letter_of_the_question_or_none(text: str, choices: list[str]) -> None:
    assert read_choice(text, choices) in (None, *"ABCDEF"[: len(choices)])


@given(TEXTS, st.sampled_from(["en", "es", None]))
def test_any_text_is_read_without_an_exception(text: str, language: str | None) -> None:
    quantity = read_number(text, language)
    assert quantity is None or abs(quantity.value) < float("inf")
    assert read_date(text) is None or isinstance(read_date(text), date)
    assert isinstance(is_refusal(text), bool)
    thinking = split_thinking(text)
    assert thinking.closed or thinking.answer == ""
    read_json(text)


@given(st.integers(0, 3), st.sampled_from(["{}", "({})", "Answer: {}", "**{}.**", "La respuesta es la {}"]))
def test_a_lone_letter_is_read_back(index: int, dress: str) -> None:
    letter = "ABCD"[index]
    assert read_choice(dress.format(letter), DRUGS) == letter


@given(
    st.decimals(min_value=-(10**9), max_value=10**9, places=2),
    st.sampled_from([("en", ",", "."), ("es", ".", ","), ("de", ".", ","), ("fr", "\u202f", ","), ("it", " ", ",")]),
    st.sampled_from(["{}", "{} mg", "Answer: {}.", "Weight = 48 kg.\nAnswer: {} mg"]),
)
def test_numbers_written_in_a_language_are_read_back(
    number: object, marks: tuple[str, str, str], sentence: str
) -> None:
    language, group, point = marks
    digits = f"{number:,.2f}".replace(",", "\0").replace(".", point).replace("\0", group)
    quantity = read_number(sentence.format(digits), language)
    assert quantity is not None
    assert quantity.value == float(str(number))


@given(
    st.recursive(st.one_of(st.booleans(), st.integers(), st.text()), lambda inner: st.dictionaries(st.text(), inner))
)
def test_json_objects_are_found_in_prose(value: object) -> None:
    wrapped = {"value": value}
    assert read_json(f"Here it is: {json.dumps(wrapped)} as asked.") == wrapped


@given(st.dates(min_value=date(1000, 1, 1)))
def test_dates_are_read_back(day: date) -> None:
    assert read_date(day.isoformat()) == day
    assert read_date(f"{day.day}/{day.month}/{day.year}", "dmy") == day
    assert read_date(day.strftime("%B %d, %Y")) == day


@pytest.mark.parametrize(
    "text",
    [
        "(" * length(1_000_000),
        "{" * length(1_000_000),
        "[" * length(500_000) + "]" * length(500_000),
        "{x" * length(250_000) + "}" * length(250_000),
        '{"' + '\\"' * length(500_000),
        '{"a" x}' * length(100_000),
        " " * length(1_000_000),
        "answer " * length(100_000),
        "the answer is" + " " * length(1_000_000),
        "\\boxed{\\text{" * length(50_000),
        "9" * length(1_000_000),
        "9." * length(100_000),
        "x" + "\u0301\u0323" * length(500_000),
        "</think>" * length(100_000),
        "``" * length(500_000),
        "i can't " * length(100_000),
    ],
    ids=lambda text: f"{text[:8]!r}...",
)
@pytest.mark.timeout(60)
def test_hostile_text_ends(text: str) -> None:
    """Quadratic readers would run for minutes here, by night for hours."""
    assert read_choice(text, DRUGS) is None
    assert read_number(text, "es") is None
    assert read_date(text) is None
    assert read_json(text) is None
    assert not is_refusal(text)
    split_thinking(text)
