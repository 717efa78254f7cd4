"""What a summary says of each planted fact, by rules: present, absent or contradicted.

The rules look only at sentences that name the fact, and ask what is said of it, in which clause (``scope``): asserted,
denied, doubted or told of former times. How far they are right is in docs/long-record.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, permutations

from .courses import Finding, open_result, restart
from .facts import Fact
from .lexicon import named, sentences
from .scope import clauses, cue, denied, past_or_doubtful, unquoted


def finding(fact: Fact, text: str) -> Finding:
    """What a text says of a fact."""
    return RULES[fact.kind](fact.values, sentences(text))


# An allergy mentioned once, against copied lines that deny any

REACTS = cue(
    r"allerg", r"hypersens", r"adverse", r"reaction", r"\breacted", r"\bavoid", r"contraindicat", r"intoleran",
    r"\balert (card|bracelet|tag)", r"anaphyla", r"angio-?edema", r"urticaria", r"bronchospasm", r"\brash",
    r"rechallenge",
    r"\b(not|never|n['’]t|stop|no more)\b[- ]?(?:\w+[- ]){0,3}(giv|receiv|us[ei]|prescri|tak|administ|expos)",
)  # fmt: skip
TOLERATES = cue(
    r"no (known |true )?(drug )?allerg\w* to", r"not allergic", r"toler?at(ed|es|ing)", r"\bsafe(ly)?\b",
    r"\b(without|no|free of) (any |a |an |further |known )?(adverse |ill |side |allergic )?"
    r"(reaction|effect|problem|difficult|incident|issue|trouble|complication|consequence|adverse|side)\w*\b(?! list)",
    r"uneventful", r"successful", r"\bis an? (good |suitable )?(option|alternative|choice)", r"\b(did|does) well\b",
    r"not a problem", r"\b(can|may|could) (safely )?be (re-?)?(prescribed|given|used|taken|administered)",
    r"\bsuits her", r"\b(was|is|were|been|felt) (\w+ )?fine\b",
)  # fmt: skip
ALLERGY = cue(r"allerg(?!\w* test)", r"\bnkd?a\b", r"hypersens", r"(drug|medic\w*|adverse) (intoleran|reaction)")
NONE = cue(
    r"(?<!not )\b(no|not|none|nil|nothing|never|without|free of|free from|denie[sd]|negative|absent|unremarkable|empty"
    r"|blank|clear|nka|nkda)\b(?! (other|further|additional|nkd?a)\b)",
)  # fmt: skip
ASKED = cue(
    r"\b(review|assess|check|discuss|ask|updat|list|reconcil|clarif|unclear|not clear|uncertain|unknown|discrepan)",
)
EMPTY_LIST = cue(
    r"no (\w+ ){0,2}allerg", r"allerg\w*( \w+)?\W{1,3}(none|nil|no\b|not (known|listed|recorded)|empty|blank|absent)",
    r"\bnothing (is |stands )?(on|in|under) (the |her )?(\w+ )?allerg", r"list\w* (is |are )?(empty|blank)",
    r"list\w*\W{1,3}none",
)  # fmt: skip
FALSELY = cue(
    r"wrong", r"incorrect", r"inaccurate", r"erroneous", r"mistaken", r"\berror", r"\bfalse", r"disregard",
    r"contradict", r"conflict", r"out of date", r"outdated", r"not true", r"contrary",
)  # fmt: skip
"""A denial with one of these is told of the record's own text, not asserted."""
TOLD = cue(
    r"although", r"though\b", r"however", r"despite", r"except", r"copied", r"copy", r"repeat", r"carried forward",
    r"(other|most|older|earlier) (notes|documents)", r"whereas", r"\bbut\b", r"all other",
)  # fmt: skip
"""So is one with these, where the allergy is stated."""


def _allergy(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    drug, reaction = named(values["drug"]), named(values["reaction"])
    stated = any(drug.search(one) and reaction.search(next_one) for one, next_one in pairwise(said))
    for sentence in filter(drug.search, said):
        if any(TOLERATES.search(part) for part in clauses(sentence) if drug.search(part) or not REACTS.search(part)):
            return "contradicted"
        if _is_blamed(drug, reaction, sentence):
            stated = True
        elif REACTS.search(sentence) or reaction.search(sentence):
            return "contradicted"
    general = [sentence for sentence in said if not (stated and drug.search(sentence))]
    denies = any(
        denies_allergies(unquoted(sentence))
        for sentence in general
        if not (FALSELY.search(sentence) or (stated and TOLD.search(sentence)))
    )
    return "contradicted" if denies else "present" if stated else "absent"


def _is_blamed(drug: re.Pattern[str], reaction: re.Pattern[str], sentence: str) -> bool:
    """The sentence says that the drug did harm or must not be given; False also where that is refuted."""
    if not (REACTS.search(sentence) or reaction.search(sentence)):
        return False
    refuted = cue(rf"allerg\w* (to )?({drug.pattern})|({drug.pattern}) (allerg|hypersens|intoler)\w*")
    if denied(refuted, sentence):
        return False
    by_it = cue(rf"\bnot (caused |due |owing |because )?(by|to|of) ({drug.pattern})|not ({drug.pattern})")
    return not by_it.search(sentence) or bool(re.search("allergic to", sentence, re.IGNORECASE))


def denies_allergies(sentence: str) -> bool:
    """It speaks of allergies in general and says that there are none."""
    return any(
        ALLERGY.search(part) and NONE.search(part) and (EMPTY_LIST.search(part) or not ASKED.search(part))
        for part in clauses(sentence)
    )


# A diagnosis that was corrected

TURNED = (
    r"((chang|correct|revis|reclassif|amend|updat|alter|turn|switch|convert)\w*\W+(\w+\W+){0,3}(to|into|as)\b|=>|->|→"
    r"|gave way to|in favou?r of|found to be|turned out|proved to be|replaced by|superseded by)"
)
BOTH = cue(r"\bboth\b", r"in addition to", r"besides", r"as well as", r"together with", r"alongside", r"\balso\b")


def _correction(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    right, wrong = named(values["right"]), named(values["wrong"])
    stated = False
    for sentence in said:
        has_right, has_wrong = right.search(sentence), wrong.search(sentence)
        if has_right and has_wrong:
            if _is_upheld(wrong, right, sentence):
                return "contradicted"
            stated = True
        elif has_right:
            if denied(right, sentence):
                return "contradicted"
            stated = stated or not past_or_doubtful(right, sentence)
        elif has_wrong and not (denied(wrong, sentence) or past_or_doubtful(wrong, sentence)):
            return "contradicted"
    return "present" if stated else "absent"


def _is_upheld(wrong: re.Pattern[str], right: re.Pattern[str], sentence: str) -> bool:
    """Of a sentence that names both: it says that the wrong one is the diagnosis, or that both are."""
    if denied(wrong, sentence, right):
        return False
    if _turned(wrong, right).search(sentence):
        return False
    if _turned(right, wrong).search(sentence):
        return True
    listed = cue(*(rf"({a})(,| and|,? plus| with) ({b})" for a, b in permutations((wrong.pattern, right.pattern))))
    if denied(right, sentence, wrong) or BOTH.search(sentence) or listed.search(sentence):
        return True
    return past_or_doubtful(right, sentence, wrong) and not past_or_doubtful(wrong, sentence, right)


def _turned(one: re.Pattern[str], other: re.Pattern[str]) -> re.Pattern[str]:
    """The first became the second."""
    return cue(rf"({one.pattern})([^.;]*?{TURNED}[^.;]{{0,20}}|\W{{1,3}}to )({other.pattern})")


# A note about somebody else

ELSEWHERE = cue(
    r"(another|other|different|wrong|second|separate|foreign)[- ](\w+ )?(patient|person|individual|woman|man\b|name"
    r"|chart|record|file|header)", r"\bmis-?(fil|plac|rout|attribut)",
    r"\bfil(ed|ing)\b.{0,20}\b(error|mistake)|error.{0,10}\bfil(ed|ing)", r"in error", r"by (mistake|accident)",
    r"accidental", r"mistaken", r"erroneous", r"wrongly", r"incorrect", r"belongs? to", r"pertains? to",
    r"\bnot (\w+ ){0,2}((this|the|our) patient|hers\b|his\b)", r"\bnot (be )?(about|attributed|copied)",
    r"other than (the|this) patient", r"another(['’]s)? (chart|file)",
    r"(does|do) not (apply|have|belong|concern|relate|refer)", r"(somebody|someone|anyone) else", r"refers? to",
    r"relates? to", r"rather than (the|this) patient", r"disregard", r"\bunrelated\b", r"mix(ed)?[- ]?up", r"\bstray",
    r"mismatch", r"contaminat", r"meant for", r"is hers\b",
    r"\b(must|should|has to|needs to|to) be (removed|moved|returned|transferred|deleted|taken out|excluded)",
)  # fmt: skip


def _misfiled(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    condition, drug = named(values["condition"]), named(values["other_drug"])
    number, person = named(values["doc"]), named(values["other"])
    about = [sentence for sentence in said if any(term.search(sentence) for term in (condition, drug, number, person))]
    if any(ELSEWHERE.search(sentence) or person.search(sentence) for sentence in about):
        return "present"
    claimed = any(
        term.search(sentence) and not denied(term, sentence) for sentence in about for term in (condition, drug)
    )
    return "contradicted" if claimed else "absent"


RULES: Mapping[str, Callable[[Mapping[str, str], Sequence[str]], Finding]] = {
    "allergy": _allergy,
    "restart": restart,
    "open_result": open_result,
    "correction": _correction,
    "misfiled": _misfiled,
}
