"""What a summary says of what went on in time: a medicine that was restarted, a result that nobody followed up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from .lexicon import named, with_what_follows
from .scope import TENTATIVE, clauses, cue, unquoted

Finding = Literal["present", "absent", "contradicted"]


# A medicine that was stopped and restarted: what counts is the last state that is told

AGAIN = cue(
    r"\bre-?(start|sum|introduc|initiat|instat|establish|commenc|new)\w*", r"\b(again|once more|anew)\b",
    r"back on\b", r"currently (tak|on (?!hold))", r"\bcontinues\b", r"\bnow\b", r"(present|current) dose",
    r"\bactive\b", r"is (being )?(taken|given)\b",
    r"(interrupt|paus|break|gap|intermission)\w* .{0,40}(between|from)\b", r"put back",
    r"tak(en|ing|es) .{0,20}since\b", r"\btemporar", r"went back",
    r"\d{4}-\d\d-\d\d\W+((until|to|and)\W+)?\d{4}-\d\d-\d\d", r"pause .{0,30}is over",
    r"(presently|currently) on (?!hold)", r"\bon again\b",
)  # fmt: skip
STOPPED = cue(
    r"\bstop", r"discontinu", r"\bpaus", r"\bheld\b", r"withh[eo]ld", r"no longer", r"\boff\b", r"not (on|tak)",
    r"withdr[ae]w", r"\bceas", r"suspend", r"terminat", r"on hold", r"used to take", r"\buntil\b", r"give[ns]? up",
    r"\bquit\b", r"\bhalt", r"abandon", r"former", r"\bpast medic", r"\bended\b", r"\bwithout\b", r"contraindicat",
    r"previous med", r"remov",
)  # fmt: skip
NEVER_STOPPED = cue(r"(never|not|without)( \w+)? (stop|paus|interrupt|discontinu)", r"continuous", r"unchanged")
LATER = cue(r"\b(but|then|later|afterwards?|subsequently|only to|shortly)\b")
MENTIONED = cue(
    r"mention", r"review", r"discuss", r"monitor", r"level", r"indication", r"letter", r"explain", r"interaction",
    r"side effect", r"question", r"\bask", r"inform", r"history of (use|treatment)", r"consider", r"adherence",
    r"compliance",
)  # fmt: skip
"""Told of a medicine without saying whether it is taken."""
_UNSAID = cue(
    r"\b(no|not|never|without|nor|against|until|cannot|n['’]t)\b(\W+[\w-]+){0,6}\W*$",
    r"\b(refus\w+|declin\w+|should|could|may|might|planned|candidate|whether|if|decision|pending|mention of|question)"
    r"\b(\W+[\w-]+){0,5}\W*$",
)
"""Before a restart: it did not come to that."""
DOSE = re.compile(r"(\d+(?:[.,]\d+)?)\s*mg", re.IGNORECASE)


def restart(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    drug = named(values["drug"])
    about = " ".join(map(unquoted, with_what_follows(said, drug)))
    before, after = (DOSE.findall(values[key])[0] for key in ("before", "dose"))
    doses = [dose.replace(",", ".") for dose in DOSE.findall(about)]
    again, unsaid = _restarts(re.sub(r"\bnot (miss|forget|overlook)", "", about))
    stopped_later = any(
        re.search(rf"({LATER.pattern})\W+(\w+\W+){{0,3}}({STOPPED.pattern})", about[found.end() :], re.IGNORECASE)
        for found in again
    )
    if (unsaid and not again) or stopped_later:
        return "contradicted"
    if again and after not in doses:
        later = [dose.replace(",", ".") for dose in DOSE.findall(about, again[0].end())]
        return "contradicted" if before in later else "present"
    if after in doses:
        return "present"
    stated = about and (STOPPED.search(about) or not MENTIONED.search(about))
    return "contradicted" if stated or NEVER_STOPPED.search(about) else "absent"


def _restarts(about: str) -> tuple[list[re.Match[str]], bool]:
    """Where it is said to be taken again; and whether a restart is denied or left open."""
    said, unsaid = [], False
    for found in AGAIN.finditer(about):
        clause = re.split(r"[;.:]\s|, | but ", about[: found.start()])[-1]
        behind = re.split(r"[;.,]", about[found.end() :])[0]
        if _UNSAID.search(clause) or TENTATIVE.search(behind):
            unsaid = True
        elif not re.match(r"\s*(not|off|on hold|contraindic)", behind):
            said.append(found)
    return said, unsaid


# A result that nobody followed up

HARMLESS = cue(
    r"\bnormal\b", r"negative", r"benign", r"\bstable\b", r"reassur", r"unremarkable", r"\bshow(ed|s)\b", r"reveal",
    r"came back", r"ruled out", r"exclud", r"all clear", r"\bresolved\b", r"disappear", r"vanish", r"unchanged",
    r"regress", r"\bgone\b", r"harmless", r"\bcleared\b", r"insignifican", r"unimportant", r"\bexplained\b",
    r"\b(no|not|nothing|without|never)\W+(\w+\W+){0,2}(cause|abnormal|suspicious|concern|importan|significan|relevan"
    r"|worr|malignan|serious|recur|change|consequence for)",
)  # fmt: skip
"""What came of it."""
SETTLED = cue(
    r"\b(no|not|nothing)\W+(\w+\W+){0,5}(need|requir|necess|indicated|remain)\w*",
    r"\b(no|nothing) (further|more|other|additional|follow\S*|action|control)\b([^,;.]|\.(?=\d))*"
    r"\b(need|requir|necess|indicated)",
    r"(need|requir)\w* no\b", r"\bno need\b", r"can be (forgotten|ignored)", r"nothing further",
)  # fmt: skip
"""Nothing needs to come of it."""
DONE = cue(
    r"\bdone\b", r"\bdealt with", r"performed", r"completed?\b", r"carried out", r"undertaken", r"investigated",
    r"worked up", r"\bchecked", r"\bt(ook|ake|aken) place", r"\bfollowed\b(?! by)", r"underw[eo]nt", r"looked into",
    r"under (\w+ )?(control|surveillance|observation)", r"happened", r"assessed", r"evaluated", r"monitored",
    r"acted (up)?on", r"respond", r"\btreated\b", r"\baddressed\b", r"\bexplained\b", r"clarified", r"obtained",
)  # fmt: skip
NOT_YET = cue(
    r"\b(no|not|never|nobody|none|nothing|without|neither|nor|whether|n['’]t|yet to|to be|must|should|shall|has to"
    r"|needs? to|is to|unclear|cannot|can|could|may|lack\w*|any)\b[^,]*$", r"\bbe( \w+)?\W*$",
)  # fmt: skip
"""Before what would have been done."""
OPEN = cue(
    r"\bnever\b", r"\bnot\b", r"n['’]t\b", r"\bno\b", r"nobody", r"nothing", r"outstanding", r"pending", r"overdue",
    r"\bopen\b", r"unresolved", r"\bmiss(ed|ing)\b", r"\black", r"\bstill\b", r"\byet to\b", r"\bneed(s|ed)?\b",
    r"requires?\b", r"await", r"forgot", r"\blost\b", r"\bto ?do\b", r"overlook",
    r"\bun(addressed|answered|followed"
    r"|checked|noticed|clear|explained|settled)", r"neglect", r"ignored", r"\bgap\b", r"\baction\b", r"to be \w+",
    r"recommended but", r"(organi[sz]e|arrange|book|schedule)\b", r"\bdue\b", r"without", r"\bmust\b", r"\bshould\b",
    r"fell through", r"slipped", r"urgent", r"remains\b", r"please", r"loose end", r"silen(t|ce)", r"\?",
)  # fmt: skip
NONE_OPEN = cue(r"\bno (open|outstanding|pending|unresolved|missed) (\w+ )?(result|issue|finding|test|item)")
ADVISED = cue(r"recommend", r"suggest", r"advis", r"propos", r"plan", r"request", r"order", r"consider")


def open_result(values: Mapping[str, str], said: Sequence[str]) -> Finding:
    seen, test = named(values["finding"]), named(values["test"])
    about = with_what_follows(said, seen, test)
    whole = " ".join(about)
    done = _done(whole)
    if SETTLED.search(whole):
        return "contradicted"
    if done is False:
        return "present"
    if done or any(re.search(rf"\bno ({seen.pattern})", one, re.IGNORECASE) for one in about):
        return "contradicted"
    # That the finding was seen is no outcome of what was to be done about it.
    outcome = re.sub(
        rf"\b(?:show|reveal)\w*\W+(?:(?:an?|the|incidental|new)\W+){{0,2}}(?={seen.pattern})",
        "",
        whole,
        flags=re.IGNORECASE,
    )
    if HARMLESS.search(outcome) or any(map(NONE_OPEN.search, said)):
        return "contradicted"
    if OPEN.search(whole):
        return "present"
    both = any(seen.search(one) and test.search(one) and not ADVISED.search(one) for one in said)
    return "contradicted" if both else "absent"


def _done(text: str) -> bool | None:
    """Whether something was done about it; None where nothing is said of that."""
    told = [
        "?" not in sentence and not NOT_YET.search(part[: found.start()])
        for sentence in re.split(r"(?<=[.;?])\s+", text)
        for part in clauses(sentence)
        for found in DONE.finditer(part)
    ]
    return None if not told else all(told)
