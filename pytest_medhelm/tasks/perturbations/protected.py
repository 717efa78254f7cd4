"""What no perturbation of the surface may touch: everything but words on a closed list of common ones.

Drug names, findings, numbers, doses, units, negations and option letters are on no list, and so they stay. Words that
say how often, how much or that something is not so are left out of the lists on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from random import Random

# Misspellings that people make; no word of medicine, of time, of amount or of negation among them.
MISSPELT: Mapping[str, str] = {
    "about": "abuot", "according": "acording", "achieve": "acheive", "across": "accross", "actually": "actualy",
    "again": "agian", "although": "altough", "always": "allways", "among": "amoung", "apparent": "apparant",
    "appear": "apear", "appears": "apears", "appropriate": "apropriate", "around": "arround", "because": "becuase",
    "become": "becomme", "been": "beeen", "before": "befor", "beginning": "begining", "being": "bieng",
    "believe": "beleive", "between": "betwen", "certain": "certian", "change": "chagne",
    "come": "comme", "coming": "comming", "common": "comon", "completely": "completly", "consider": "concider",
    "could": "coud", "daughter": "daugther", "decision": "decison", "describe": "discribe", "described": "discribed",
    "describes": "discribes", "develop": "develope", "different": "diffrent", "difficult": "dificult",
    "during": "durring", "early": "earley", "effect": "efect", "embarrassed": "embarassed", "especially": "especialy",
    "evidence": "evidance", "examination": "examinaton", "exist": "exsist", "expect": "exspect",
    "experience": "experiance", "experienced": "experianced", "explain": "explane", "family": "familly",
    "finally": "finaly", "following": "folowing", "follows": "folows", "found": "fuond", "friend": "freind",
    "further": "furthur", "general": "genral", "generally": "generaly", "guidance": "guidence",
    "happened": "happend", "have": "ahve", "having": "haveing", "history": "hisotry", "hospital": "hosptial",
    "however": "howver", "immediately": "immediatly", "important": "importent", "include": "inculde",
    "including": "inculding", "independent": "independant", "information": "infomation", "interesting": "intresting",
    "knowledge": "knowlege", "known": "konwn", "likely": "likley", "maintain": "maintian",
    "maintenance": "maintainance", "management": "managment", "most": "msot", "mother": "mohter",
    "necessary": "neccessary", "noticed": "notised",
    "occasion": "ocasion", "occurred": "occured", "occurring": "occuring", "often": "oftne", "other": "ohter",
    "particular": "particuler", "particularly": "particulary", "patient": "pateint", "patients": "pateints",
    "people": "poeple", "performed": "preformed", "perhaps": "perhasp", "physician": "physican",
    "possible": "possable", "present": "presant", "presents": "presants", "previous": "previuos",
    "previously": "previuosly", "probably": "probly", "problem": "probelm", "quite": "qiute", "really": "realy",
    "receive": "recieve", "received": "recieved", "recommend": "recomend", "recommended": "recomended",
    "relevant": "relevent", "response": "responce", "result": "reslut", "results": "reslults", "several": "severel",
    "should": "shoud", "shows": "shwos", "similar": "similiar", "since": "sicne", "some": "soem", "still": "stil",
    "study": "stduy", "successful": "succesful", "suddenly": "suddenley", "suggest": "sugest", "suggests": "sugests",
    "surprise": "suprise", "that": "taht", "the": "teh", "their": "thier", "there": "theer", "therefore": "therfore",
    "these": "theese", "they": "tehy", "this": "thsi", "those": "thsoe", "through": "thorugh", "together": "togehter",
    "toward": "towrad", "tried": "tryed", "truly": "truely", "until": "untill", "usual": "usaul", "usually": "usualy",
    "very": "verry", "visit": "vist", "weird": "wierd", "were": "weer", "what": "waht", "when": "wehn",
    "where": "wehre", "whether": "wether", "which": "wich", "while": "whiel", "will": "wiil", "with": "wiht",
    "would": "woud", "writing": "writting", "your": "yuor",
}  # fmt: skip
_MORE = (
    "a also an and are as at be best brought but by can complains comes did do does either evaluated for gets goes had "
    "has he her here hers his how i if in into is it its let look looked lived lives may me might must my of on or "
    "our out said say says see seen she so such than them then to told us was we well went who whom whose why "
    "you um uh like know mean okay basically honestly"
)
COMMON = frozenset({*MISSPELT, *_MORE.split()})
"""Words that may change, in lower case."""
FILLERS = ("um", "uh", "well", "you know", "I mean", "like", "okay", "basically", "honestly")

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\S")
# A word that is no part of a code, a dose or a hyphenated term.
_WORD = re.compile(r"(?<![\w+/%°µ-])[^\W\d_]++(?:['’][^\W\d_]++)*+(?![\w+/%°µ-]|[.,:]\w)")

Word = re.Match[str]


def common_words(text: str) -> list[Word]:
    """Where the words stand that may change. One in capitals is an abbreviation, and one letter may be an option."""
    return [
        matched
        for matched in _WORD.finditer(text)
        if matched[0].lower() in COMMON and len(matched[0]) > 1 and not matched[0].isupper()
    ]


def replaced(text: str, words: Iterable[Word], change: Callable[[str], str]) -> str:
    """The text with these of its words changed."""
    parts, end = [], 0
    for word in words:
        parts += [text[end : word.start()], change(word[0])]
        end = word.end()
    return "".join([*parts, text[end:]])


def some_of(words: Sequence[Word], share: float, random: Random) -> list[Word]:
    """A share of the words; one at least, where there is one."""
    drawn = [word for word in words if random.random() < share]
    return drawn or ([words[random.randrange(len(words))]] if words else [])


def protected(text: str) -> list[str]:
    """What must be the same before and after, in order: every token that is no common word."""
    return [token for token in _TOKEN.findall(text) if token.lower() not in COMMON]


def gaps(text: str) -> list[tuple[int, int]]:
    """Start and end of the runs of spaces between two common words, which may change: a dose keeps its space."""
    return [
        (one.end(), two.start())
        for one, two in pairwise(common_words(text))
        if two.start() > one.end() and not text[one.end() : two.start()].strip(" ")
    ]


def like(word: str, pattern: str) -> str:
    """A word with the capital that another one begins with."""
    return word[:1].upper() + word[1:] if pattern[:1].isupper() else word
