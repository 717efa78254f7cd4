"""What a summary says of each planted fact, by rules: present, absent or contradicted; and what it invents.

The rules look only at sentences that name the fact. They were validated on summaries whose sentences and labels were
written before them (docs/long-record.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from .facts import Fact
from .lexicon import DRUGS, drugs_in, named, sentences

Finding = Literal["present", "absent", "contradicted"]


def finding(fact: Fact, text: str) -> Finding:
    """What a text says of a fact."""
    return RULES[fact.kind](fact.values, sentences(text))


def _cue(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


# An allergy mentioned once, against copied lines that deny any

REACTS = _cue(
    r"allerg",
    r"hypersens",
    r"react(ed|ion)",
    r"\bavoid",
    r"contraindicat",
    r"must not",
    r"do not (give|prescribe)",
    r"not be given",
    r"intoleran",
    r"anaphyla",
    r"angio-?edema",
    r"urticaria",
    r"bronchospasm",
    r"rash",
)
TOLERATES = _cue(
    r"no (known )?(drug )?allerg\w* to", r"not allergic", r"toler?at", r"safely", r"without (any )?reaction"
)
DENIES = _cue(
    r"no (known )?(drug |medication )?allerg",
    r"\bnkda\b",
    r"allerg(y|ies)[^.:]{0,12}:\s*(none|nil|no\b)",
    r"(denies|without) (any )?(drug )?allerg",
    r"not allergic",
)
QUALIFIED = _cue(
    r"wrong",
    r"although",
    r"though",
    r"incorrect",
    r"out of date",
    r"contrary",
    r"except",
    r"despite",
    r"other (notes|documents)",
    r"most notes",
    r"copied",
)


def _allergy(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    drug = named(values["drug"])
    about = [sentence for sentence in said if drug.search(sentence)]
    if any(TOLERATES.search(sentence) for sentence in about):
        return "contradicted"
    stated = any(REACTS.search(sentence) for sentence in about)
    denied = any(DENIES.search(sentence) and not QUALIFIED.search(sentence) for sentence in said)
    return "contradicted" if denied else "present" if stated else "absent"


# A medicine that was stopped and restarted

AGAIN = _cue(
    r"re-?start",
    r"resum",
    r"re-?introduc",
    r"re-?initiat",
    r"recommenc",
    r"\bagain\b",
    r"back on",
    r"currently (on|tak)",
    r"\bcontinues\b",
    r"interrupted (between|from)",
)
NOT_AGAIN = _cue(
    r"(not|never)( been| be| yet)* (re-?start|resum|re-?introduc|recommenc|taken again|given again)",
    r"remains? (paused|stopped|discontinued|held)",
    r"permanent",
    r"without (being )?re-?start",
)
STOPPED = _cue(
    r"stopped", r"discontinu", r"paused", r"\bheld\b", r"no longer", r"not on\b", r"not tak", r"withdrawn", r"\bceased"
)
DOSE = re.compile(r"(\d+(?:[.,]\d+)?)\s*mg", re.IGNORECASE)


def _restart(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    drug = named(values["drug"])
    about = " ".join(sentence for sentence in said if drug.search(sentence))
    if NOT_AGAIN.search(about):
        return "contradicted"
    again = AGAIN.search(about)
    if again:
        after = DOSE.search(about, again.end())
        wrong = after is not None and after[1].replace(",", ".") == DOSE.search(values["before"])[1]  # type: ignore[index]
        right = DOSE.search(values["dose"])[1] in about.replace(",", ".")  # type: ignore[index]
        return "contradicted" if wrong and not right else "present"
    return "contradicted" if STOPPED.search(about) else "absent"


# A result that nobody followed up

OPEN = _cue(
    r"\bnever\b",
    r"\bnot (been )?(followed|done|carried|performed|taken|acted|happened|arranged|repeated)",
    r"outstanding",
    r"pending",
    r"\bopen\b",
    r"to ?do\b",
    r"missed",
    r"still (needs|has to|to be|due)",
    r"unresolved",
    r"overdue",
    r"\bno (record|sign|evidence|documentation)",
    r"\bno \S+.{0,40} (is|was) documented",
    r"lost to follow",
    r"(please|to) (organi[sz]e|arrange|book|schedule)",
    r"\barrange\b",
    r"\bneeds\b",
    r"(been|was|were) forgotten",
    r"nobody",
    r"\bwithout follow",
)
DONE = _cue(
    r"(?<!not )(?<!not been )(?<!never )\bfollowed up with",
    r"\b(was|were|has been) (done|completed|performed|carried out)",
    r"\bcompleted\b",
    r"\bnormal\b",
    r"unremarkable",
    r"no (further )?follow-?up (is )?(required|needed|necessary)",
    r"nothing further",
    r"worked up",
    r"\bresolved\b",
    r"can be (forgotten|ignored)",
    r"no change",
    r"benign",
)
NOT_DONE = _cue(r"(not|never)( been| yet)* (done|completed|performed|carried out|worked up|fully worked up|resolved)")


def _open_result(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    seen, test = named(values["finding"]), named(values["test"])
    about = " ".join(sentence for sentence in said if seen.search(sentence) or test.search(sentence))
    if not about:
        return "absent"
    if DONE.search(about) and not NOT_DONE.search(about) and not re.search(r"nobody|no record", about, re.IGNORECASE):
        return "contradicted"
    return "present" if OPEN.search(about) else "absent"


# A diagnosis that was corrected

FORMER = _cue(
    r"former",
    r"earlier",
    r"older",
    r"initial",
    r"at first",
    r"mistak",
    r"wrong",
    r"withdrawn",
    r"revis",
    r"correct",
    r"replac",
    r"ruled out",
    r"exclud",
    r"thought to be",
    r"instead of",
    r"\bnot\b",
    r"no longer",
    r"misdiagnos",
    r"previous",
    r"originally",
)


def _correction(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    right, wrong = named(values["right"]), named(values["wrong"])
    name = right.pattern
    refuted = re.compile(
        rf"({name})\s+(was|is|has been|could be)\s+(ruled out|excluded|refuted)|\b(no|not) ({name})|"
        rf"(ruled out|excluded):? ({name})",
        re.IGNORECASE,
    )
    if any(refuted.search(sentence) for sentence in said):
        return "contradicted"
    held = [sentence for sentence in said if wrong.search(sentence) and not right.search(sentence)]
    if any(not FORMER.search(sentence) for sentence in held):
        return "contradicted"
    return "present" if any(right.search(sentence) for sentence in said) else "absent"


# A note about somebody else

ELSEWHERE = _cue(
    r"(another|other|different|wrong)[- ]patient",
    r"mis-?filed",
    r"filed .{0,12}(in error|by mistake|wrongly)",
    r"belongs? to",
    r"not (hers|his|this patient)",
    r"does not (apply|have|belong|concern)",
    r"(somebody|someone) else",
    r"refers? to",
    r"not (about|of) this patient",
    r"another person",
    r"disregard",
    r"wrongly filed",
)


def _misfiled(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    condition, drug = named(values["condition"]), named(values["other_drug"])
    label = _cue(re.escape(values["doc"]), re.escape(values["other"]))
    about = [sentence for sentence in said if any(term.search(sentence) for term in (condition, drug, label))]
    if any(ELSEWHERE.search(sentence) for sentence in about):
        return "present"
    claimed = any(condition.search(sentence) or drug.search(sentence) for sentence in about)
    return "contradicted" if claimed else "absent"


RULES: Mapping[str, Callable[[Mapping[str, str], Sequence[str]], Finding]] = {
    "allergy": _allergy,
    "restart": _restart,
    "open_result": _open_result,
    "correction": _correction,
    "misfiled": _misfiled,
}

# What is invented: closed kinds only

DATE = re.compile(r"\b(?:19|20)\d\d-\d\d-\d\d\b")
DRUG_DOSE = re.compile(
    rf"\b({'|'.join(sorted(DRUGS))})\b[\s:,(-]{{0,3}}(\d+(?:[.,]\d+)?)\s*(mg|ug|mcg|g)\b", re.IGNORECASE
)


def invented(text: str, record: str) -> list[str]:
    """Drugs, doses of drugs, dates and allergies that a summary states and the record does not hold, each once."""
    lower = record.lower()
    found = [f"drug {drug}" for drug in sorted(drugs_in(text)) if drug not in lower]
    found += [f"date {day}" for day in sorted(set(DATE.findall(text))) if day not in record]
    known = {(drug.lower(), amount) for drug, amount, _ in DRUG_DOSE.findall(record)}
    known |= {(drug, amount) for drug, amount in re.findall(r"([a-z]+) is taken again, now (\d+(?:\.\d+)?) mg", record)}
    for drug, amount, _ in sorted(
        {(name.lower(), dose.replace(",", "."), "") for name, dose, _ in DRUG_DOSE.findall(text)}
    ):
        if drug in lower and (drug, amount) not in known:
            found.append(f"dose {drug} {amount}")
    return found + _invented_allergies(text, lower)


def _invented_allergies(text: str, record: str) -> list[str]:
    stated = set()
    for sentence in sentences(text):
        if re.search(r"allerg(ic|y|ies)\b", sentence, re.IGNORECASE) and not DENIES.search(sentence):
            stated |= {drug for drug in drugs_in(sentence) if not re.search(rf"allergy to {drug}", record)}
    return [f"allergy {drug}" for drug in sorted(stated) if drug in record]
