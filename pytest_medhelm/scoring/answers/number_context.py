"""What stands around a number and changes what it says: a bound, a schedule, a written minus, a correction, a word."""

from __future__ import annotations

from pytest_medhelm.util.patterns import compiled

_BOUND = r"""(?xi)
    (?:(?:^|[\s(~$*])[<>]|[<>]=|[≤≥])\s?$
  | \b(?:
        (?:less|more|greater|fewer|lower|higher|smaller|larger|older|younger)\sthan(?:\sor\sequal\sto)?
      | (?:menor|mayor|maior|menos|más|mais|meno|più|minore|maggiore|moins|plus)
        \s(?:que|de|do\sque|di|o\sigual\s(?:a|que))
      | (?:inferi(?:or|ore|eure?)|superi(?:or|ore|eure?)|inférieure?|supérieure?)\s(?:a|à)
      | (?:weniger|mehr|kleiner|größer)\sals | at\s(?:least|most) | up\sto | under | over | above | below
      | exceed(?:s|ing)?
      | (?:mini|maxi)mum(?:\sof)? | mindestens | höchstens | über | unter | (?:al|por\slo)\smenos | como\smáximo
      | au\smoins | au\splus
      | pelo\smenos | no\smáximo | almeno | al\smassimo | не\s(?:менее|более) | более | менее | больше | меньше
      | (?:the\s)?(?:upper|lower)?\s?(?:limit|threshold|cut-?off)(?:\sof)?
    )\s(?:the\s)?$
  | (?:至少|最多|小于|小於|大于|大於|超过|超過|低于|低於|高于|高於|不到)\s?$
"""
_BOUND_AFTER = r"""(?xi)
    \s?(?:\+(?![\s\w])|or\s(?:more|less|higher|lower|fewer|greater|above|below)\b|以上|以下|이상|이하|未満|미만)
"""
# A number of a dose's schedule or of a duration, beside the dose.
_SCHEDULE = r"""(?xi)
    \b(?:every|each|for|over|within|after|alle|für|cada|durante|por|toutes\sles|pendant|ogni|per|каждые|в\sтечение)\s$
"""
_SCHEDULED = r"""(?xi)
    (?:h|hrs?|hours?|min|minutes?|mins|days?|wks?|weeks?|months?|yrs?|years?|seconds?|stunden?|tagen?|tage|wochen?|horas?
    |d[ií]as?|semanas?|heures?|jours?|semaines?|ore|giorni)
"""
_TIMES = r"(?i)\s?(?:times|x|×|mal|veces|vezes|fois|volte)\s?(?:/|per|a|daily|day|täglich|al|ao|par|pro|per)\b"

_MINUS_WORD = r"""(?xi)
    (?<!\d\s)(?<!au\s)(?<!al\s)(?<!lo\s)(?<!\bor\s)(?<!\bou\s)(?<!\bo\s)(?<!du\s)
    \b(?:minus|negative|moins|menos|meno|negativ[oae]?|negatif|минус|мінус|âm|eksi|hasi|μείον|سالب|ناقص|माइनस
    |ऋणात्मक|মাইনাস|ঋণাত্মক)\s{1,2}(?=[0-9.])
  | (?:负|負|マイナス|마이너스|영하|ลบ)\s?(?=[0-9.])
"""
_MINUS_APART = r"""(?xim)
    (^[^\w\n]{0,3}|[:=(]\s{0,3}|\b(?:is|was|of|es|est|ist|é|be|equals)\s{1,2})-\s(?=[0-9.])
"""
_SCALE = r"""(?xi)
    (\b(?:score|total|points)\b[^\n]{0,60}?[0-9]|[0-9]\spoints?)\s
    (?:(?:points?\s)?out\sof(?:\sa\s(?:possible|maximum|total)(?:\sof)?)?|of\sa\s(?:possible|maximum)|von|sur)
    \s[0-9]{1,3}\b
"""
_OF = r"""(?xim)
    (\A[^\w\n]{0,4}[0-9]{1,3}(?=\sout\s)|\b(?:score|total|points)\b[^\n\d]{1,20}[0-9]{1,3})
    (?:\sout\sof\s|\s?/\s?)[0-9]{2,3}\b(?=[^\w\n]*$)
"""
"""A score with the most that it can be, at the end of a line."""
_RETRACTION = r"""(?xi)
    \b(?:(?:wait|no)\b.{0,3}\s)?(?:that|this|it)(?:'s|\sis|\swas)\s(?:wrong|incorrect|not\sright|not\scorrect)\b
  | \b(?:actually|sorry|apologies|oops|wait|rather|no(?=,)|hmm+|correction|corrected|revised|i\smean|make\sthat|in\sfact
      |perdón|mejor\sdicho|en\srealidad|pardon|en\sfait|entschuldigung|eigentlich|korrektur|desculpe|na\sverdade|anzi
      |scusa)
    \b[\s,:;.!-]{1,4}(?:(?:it|that|this|the|answer|value|result|score|is|be|should|it's|that's|es|ist|est|é|è)\s){0,5}
    (?=[-~≈]?[0-9][^.!?\n]{0,16}(?:[.!?]?\s*$|[.!?]\s|\n))
  | \bwait\b[^.\n:=]{0,40}[:=]\s?(?=[~≈]?[0-9][0-9.,]*[^\w\n]*$)
  | \b(?:scratch\sthat|i\smade\s(?:a|an)\s(?:mistake|error)|i\smeant|correction|let\sme\scorrect(?:\sthat|\smyself)?)\b
  | (?:更正|不对|不對|應為|应为|訂正|정정)[：:，,]?\s?(?=.{0,12}[0-9])
"""
_SEPARATED = r"[,;.(\n]|\b(?:which|that|is|was|and)\b"
_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff]"
# What may follow a number without a blank in scripts that have none: units, particles, the copula.
_UNSPACED_AFTER = r"""(?x)
    毫|微克|克|升|公斤|千克|单位|單位|分(?!之)|点|點|摩|次|片|粒|滴|です|で|ミリ|グラム|입니다|이다|이며|밀리|마이크로|그램|킬로|점|มิลลิ|กรัม|คะแนน
    |ครับ|ค่ะ|左右|到|至|から|부터|에서
"""


def without_retracted(text: str) -> str:
    """What stands behind the last words that take a number back, or the whole text."""
    taken_back = list(compiled(_RETRACTION).finditer(text))
    return text[taken_back[-1].end() :] if taken_back else text


def plain_signs(text: str) -> str:
    """The text with a written or detached minus at its number, and without the scale of a score."""
    text = compiled(_OF).sub(r"\1", compiled(_SCALE).sub(r"\1", text))
    return compiled(_MINUS_APART).sub(r"\1-", compiled(_MINUS_WORD).sub("-", text))


def is_bound(text: str, start: int, end: int) -> bool:
    """Whether the number from start to end is a limit: "at most 10", "5 or more"."""
    before = text[max(0, start - 30) : start]
    return bool(compiled(_BOUND).search(before) or compiled(_BOUND_AFTER).match(text, end))


def is_schedule(text: str, start: int, end: int, unit: str) -> bool:
    """Whether the number is that of a duration or a frequency: "every 8 hours", "3 times daily"."""
    before = text[max(0, start - 30) : start]
    timed = compiled(_SCHEDULE).search(before) and compiled(_SCHEDULED).fullmatch(unit)
    return bool(timed or compiled(_TIMES).match(text, end))


def is_apart(between: str) -> bool:
    """A limit in a clause of its own: "447 ms, which is below 450", and not "5 up to 10"."""
    return bool(compiled(_SEPARATED).search(between))


def is_part_of_word(before: str, text: str, end: int) -> bool:
    """CHA2DS2, T4, COVID-19, 2nd, 65-year-old; a script without blanks makes no words."""
    after = text[end : end + 8]
    spaced_before = before[-1:].isalpha() and not compiled(_UNSPACED).match(before[-1:])
    spaced_after = after[:1].isalpha() and not compiled(_UNSPACED_AFTER).match(after)
    return bool(
        spaced_before
        or before[-1:] == "第"
        or (before[-1:] == "-" and before[-2:-1].isalpha())
        or before[-1:] == "^"
        or (before[-1:].isdigit() and not before[-1:].isdecimal())
        or spaced_after
        or (after[:1] == "-" and after[1:2].isalpha())
    )


def is_denominator(before: str) -> bool:
    """The 1.73 of "per 1.73 m²"; a fraction is caught at its first number."""
    return bool(compiled(r"(?:/|\bper)\s?$").search(before))
