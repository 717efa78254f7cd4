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
    r"allerg", r"hypersens", r"reaction", r"\breacted", r"\bavoid", r"contraindicat", r"must not", r"\bdo not\b",
    r"not be given", r"intoleran", r"anaphyla", r"angio-?edema", r"urticaria", r"bronchospasm", r"\brash",
    r"rechallenge",
)  # fmt: skip
TOLERATES = _cue(
    r"no (known |true )?(drug )?allerg\w* to", r"not allergic", r"toler?at", r"safely",
    r"without (any |a |further )?(reaction|problem|difficult|incident|issue|trouble|complication|side effect|adverse)",
    r"\bno (adverse )?(reaction|problem|side effect|ill effect|issue)s?\b(?! list)", r"uneventful",
    r"\b(did|does) well\b",
    r"\b(can|may|could) (safely )?be (prescribed|given|used|taken)", r"\bsuits her",
)  # fmt: skip
DENIES = _cue(
    r"\bno (known |documented |recorded )?(drug |medication |medicine )?allerg", r"\bnkda\b", r"\bnka\b",
    r"allerg(y|ies)( status)?\W{1,4}(none|nil|no\b|not known|negative)", r"(denies|without) (any )?(drug )?allerg",
    r"not allergic", r"never had an? allerg", r"no allergic",
    r"\bno (history|evidence|record|sign) of (any )?(drug )?allerg",
    r"allerg\w* (list|section|field)\W{0,3}(is |are )?(empty|blank|clear)", r"\ballerg\w*\W{1,3}(empty|absent)",
)  # fmt: skip
DENIES_ANY = re.compile(
    r"(?!.*\b(review|assess|check|discuss|ask|updat|list))(?=.*\ballerg)"
    r"(?=.*\b(no|not|none|nil|nothing|never|without|free of|free from|denie[sd]|negative|absent|unremarkable)\b)",
    re.IGNORECASE,
)
"""A sentence that speaks of allergies, denies something and names no drug of this record."""
WRONGLY = _cue(
    r"wrong", r"incorrect", r"inaccurate", r"erroneous", r"mistaken", r"\berror", r"\bfalse", r"disregard",
    r"although", r"though\b", r"however", r"despite", r"contrary", r"contradict", r"conflict", r"out of date",
    r"outdated", r"except", r"copied", r"copy", r"repeated", r"other (notes|documents)", r"most notes", r"whereas",
    r"\bbut\b",
)  # fmt: skip
"""A denial with one of these is told of the record's own text, not asserted."""


def _allergy(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    drug = named(values["drug"])
    about = [sentence for sentence in said if drug.search(sentence)]
    if any(TOLERATES.search(sentence) for sentence in about):
        return "contradicted"
    stated = any(REACTS.search(sentence) for sentence in about)
    denied = any(
        (DENIES.search(sentence) or (not drug.search(sentence) and DENIES_ANY.search(sentence)))
        and not WRONGLY.search(sentence)
        for sentence in said
    )
    return "contradicted" if denied else "present" if stated else "absent"


# A medicine that was stopped and restarted: what counts is the last state that is told

AGAIN = _cue(
    r"\bre-?(start|sum|introduc|initiat|instat|establish|commenc|new)", r"\bagain\b", r"back on",
    r"currently (on|tak)", r"\bcontinues\b", r"\bnow\b", r"(present|current) dose", r"is (being )?(taken|given)\b",
    r"interrupted (between|from)",
)  # fmt: skip
NOT_AGAIN = _cue(
    r"\b(no|without)( documented| record of| sign of| further)? re-?(start|sum|introduc|initiat|instat|commenc)",
    r"(not|never)( been| be| yet| to be)* (re-?(start|sum|introduc|instat|commenc)|taken|given)",
    r"remains? (paused|stopped|discontinued|held|off|withheld|suspended)", r"permanent", r"without (being )?re-?start",
)  # fmt: skip
STOPPED = _cue(
    r"\bstop", r"discontinu", r"\bpaus", r"\bheld\b", r"withh[eo]ld", r"no longer", r"\boff\b", r"not (on|tak)",
    r"withdr[ae]w", r"\bceas", r"suspend", r"terminat", r"on hold", r"used to take", r"\buntil\b", r"give[ns]? up",
    r"\bquit\b", r"\bhalt", r"abandon", r"former", r"\bpast medic",
)  # fmt: skip
MENTIONED = _cue(
    r"mention", r"review", r"discuss", r"monitor", r"level", r"indication", r"letter",
    r"question", r"history of (use|treatment)", r"consider",
)  # fmt: skip
"""Told of a medicine without saying whether it is taken."""
DOSE = re.compile(r"(\d+(?:[.,]\d+)?)\s*mg", re.IGNORECASE)


def _restart(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    drug = named(values["drug"])
    about = " ".join(sentence for sentence in said if drug.search(sentence))
    if NOT_AGAIN.search(about):
        return "contradicted"
    doses = [dose.replace(",", ".") for dose in DOSE.findall(about)]
    before, after = (DOSE.findall(values[key])[0] for key in ("before", "dose"))
    again = AGAIN.search(about)
    if again and after not in doses:
        later = [dose.replace(",", ".") for dose in DOSE.findall(about, again.end())]
        return "contradicted" if before in later else "present"
    if again or after in doses:
        return "present"
    stated = about and (STOPPED.search(about) or not MENTIONED.search(about))
    return "contradicted" if stated else "absent"


# A result that nobody followed up

SETTLED = _cue(
    r"\bno (further )?(follow-?up|action|test\w*)( is| are| was)? (required|needed|necessary|indicated)",
    r"nothing further", r"can be (forgotten|ignored)", r"no (concern|significance|consequence|relevance|worry)\b",
    r"harmless", r"\bcleared\b",
)  # fmt: skip
OPEN = _cue(
    r"\bnever\b", r"\bnot\b", r"n't\b", r"\bno\b", r"nobody", r"outstanding", r"pending", r"overdue", r"\bopen\b",
    r"unresolved", r"\bmiss(ed|ing)\b", r"\black", r"\bstill\b", r"\byet to\b", r"\bneeds?\b", r"requires?\b",
    r"await", r"forgotten", r"lost to follow", r"\bto ?do\b", r"overlook",
    r"\bun(addressed|answered|followed|checked)", r"neglect", r"\bgap\b", r"action (is )?(required|needed)",
    r"to be (done|arranged|checked)", r"recommended but", r"(organi[sz]e|arrange|book|schedule)\b", r"\bdue\b",
    r"without follow",
)  # fmt: skip
OUTCOME = _cue(
    r"\bnormal\b", r"negative", r"benign", r"\bstable\b", r"reassur", r"unremarkable", r"\bshow(ed|s)\b", r"reveal",
    r"came back", r"ruled out", r"exclud", r"explained", r"all clear", r"\bresolved\b", r"no change",
    r"disappear", r"vanish", r"regress", r"\bgone\b", r"nothing concerning",
)  # fmt: skip
DONE = _cue(
    r"\bdone\b", r"performed", r"completed", r"carried out", r"undertaken", r"investigated", r"worked up",
    r"followed up", r"checked again", r"took place",
)  # fmt: skip
ADVISED = _cue(r"recommend", r"suggest", r"advis", r"propos", r"plan", r"request", r"order", r"consider")
NOT_DONE = re.compile(
    rf"(\bnot\b|\bnever\b|n't\b|\bno (record|evidence|documentation|sign)|yet to).{{0,80}}?({DONE.pattern})",
    re.IGNORECASE,
)


def _open_result(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    seen, test = named(values["finding"]), named(values["test"])
    about = " ".join(sentence for sentence in said if seen.search(sentence) or test.search(sentence))
    if SETTLED.search(about):
        return "contradicted"
    outcome = OUTCOME.search(about)
    if OPEN.search(about) and (not outcome or NOT_DONE.search(about)):
        return "present"
    both = any(seen.search(one) and test.search(one) and not ADVISED.search(one) for one in said)
    return "contradicted" if outcome or DONE.search(about) or both else "absent"


# A diagnosis that was corrected

FORMER = _cue(
    r"former", r"earlier", r"older", r"initial", r"at first", r"\bfirst\b", r"mistak", r"wrong", r"withdrawn",
    r"revis", r"correct", r"replac", r"ruled out", r"exclud", r"thought to be", r"instead of", r"in place of",
    r"\bnot\b", r"no longer", r"misdiagnos", r"previous", r"originally", r"suspected",
)  # fmt: skip


def _correction(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    right, wrong = named(values["right"]), named(values["wrong"])
    name, other = right.pattern, wrong.pattern
    refuted = _cue(
        rf"({name})\s+(was|is|has been|could be)\s+(ruled out|excluded|refuted|withdrawn)", rf"\b(no|not) ({name})",
        rf"(ruled out|excluded|rejected|dismissed):? ({name})",
        rf"({name}).{{0,40}}\b(rejected|dismissed|discarded|abandoned)", rf"({name}).{{0,60}}in favou?r of ({other})",
        rf"({name}).{{0,40}}\bto ({other})",
        rf"({name}).{{0,40}}\b(not|never) (confirmed|proven|established|borne out)",
        rf"({other}).{{0,20}}\b(remains|stays|is still|was confirmed|is confirmed)",
    )  # fmt: skip
    if any(refuted.search(sentence) for sentence in said):
        return "contradicted"
    held = [sentence for sentence in said if wrong.search(sentence) and not right.search(sentence)]
    if any(not FORMER.search(sentence) for sentence in held):
        return "contradicted"
    return "present" if any(right.search(sentence) for sentence in said) else "absent"


# A note about somebody else

ELSEWHERE = _cue(
    r"(another|other|different|wrong|second|separate)[- ](patient|person|individual|woman|man\b)",
    r"mis-?(filed|placed)", r"in error", r"by mistake", r"mistaken", r"erroneous", r"wrongly", r"incorrect",
    r"belongs? to", r"pertains? to", r"not (hers|his|this patient|the patient|about|of this)",
    r"other than (the|this) patient", r"another(['’]s)? (chart|file)", r"does not (apply|have|belong|concern)",
    r"(somebody|someone) else", r"refers? to", r"relates? to", r"rather than (the|this) patient", r"disregard",
    r"\bunrelated\b", r"mix(ed)?[- ]?up",
)  # fmt: skip


def _misfiled(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    condition, drug = named(values["condition"]), named(values["other_drug"])
    number, person = named(values["doc"]), named(values["other"])
    about = [sentence for sentence in said if any(term.search(sentence) for term in (condition, drug, number, person))]
    if any(ELSEWHERE.search(sentence) or person.search(sentence) for sentence in about):
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
