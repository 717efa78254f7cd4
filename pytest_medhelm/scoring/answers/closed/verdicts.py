"""What is said of options one by one: "B is correct", "A: no. B: yes", "rule out A", "A: 10 %, B: 80 %"."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_medhelm.scoring.answers.closed import options, words
from pytest_medhelm.scoring.answers.closed.context import CLAUSE, SENTENCE, is_settled, scope
from pytest_medhelm.scoring.answers.closed.grammar import BAD, LEAD, SYMBOLS, TIGHT_LEAD, options_at
from pytest_medhelm.scoring.answers.closed.options import ANY
from pytest_medhelm.scoring.answers.closed.statement import Statement, Strength, read_as
from pytest_medhelm.scoring.answers.closed.words import rx

_LINK = rf"""
    \s{{0,2}}(?:\([^()\n]{{0,80}}\)\s?)?(?:option\s|choice\s|选项|選項|项|項|번
    |,\s[^,\n{SYMBOLS}]{{1,60}},\s)?(?P<link>[:=?|]|->|→|\s?-{{1,2}}\s
    |\b(?:{words.COPULA}|seems(?: to be)?|appears(?: to be)?|looks(?: like)?|fits?|matches|would|should|can|could|may
    |might|must|has|does|doesn't|isn't|wasn't|can't|cannot|won't|wouldn't|n'est|queda|scheidet|kann
    |parece|remains|wins
    |makes|stands out(?: as)?|emerges(?: as)?|comes out(?: as)?|ends up(?: as| being)?|serves as|turns out to be
    |proves to be|explains|best|better|also|alone|still|it is|is not)\b
    |\s?\(\s?(?=(?:correct|right|✓|✔|✅|answer|best|wrong|incorrect|false|true|no|yes|not)\b)|是|が|は|이|가|은|는
    |(?=(?:as )?the (?:right|correct|best|better|preferred|ideal|most)\b
    |(?:as )?(?:la|el|le|a|o|die|der) (?:mejor|bonne|melhor|beste|richtige|correcta)\b)
    |[.)\]]{{1,2}}\s?(?=[✓✔✅☑✗✘❌✖])|(?=trifft zu\b|stimmt\b|passt\b|convient\b
    |सही|गलत|সঠিক|ভুল|ถูก|ผิด|верн|верен|неверн|правил|صحيح|خاطئ|적절|적합|가장|benar\b
    |salah\b|đung\b|sai\b|を選|を選択)
    |(?=不|错|正|对|對|✓|✔|✅|✗|✘|❌|yes\b|no\b|correct\b|incorrect\b|wrong\b|right\b|true\b|false\b))
"""
_REST = rf"[^\n.!;。！{SYMBOLS}]{{0,160}}"
_REST_END = r"""
    [,(]|\b(?:because|since|as|due|given|that|which|who|for|when|in order|porque|ya que|car|parce|weil|da|denn|pois
    |perche|poiche|karena|vi|so|and|but|whereas|while)\b
"""
_ONLY = rf"\b(?:only|solo|seul(?:e|ement)?|nur|apenas|somente|soltanto){LEAD}$|(?:只有|仅|唯){LEAD}$"
_MODIFIERS = rf"""
    (?:[\s"':*(-]|是|が|は|이|가|은|는|(?:{words.ARTICLE}|{words.ADVERB}|{words.COPULA}|{words.OPTION}|be|by far|far
    |indeed|surely|only|single
    |my|our|now|perfectly|entirely|absolutely|very|seems|appears|looks|like|stands out|emerges|as
    |makes|to be|remains|fits|would still be)\b){{0,8}}
"""
_CORRECT = rf"(?:{words.CORRECT}|my (?:answer|choice|pick|selection|final answer)|wins)(?![a-z])"
_GOOD = rf"(?:{words.GOOD})(?![a-z])"
_AFFIRMED = r"\W*(?:yes|correct|si|oui|ja|sim)\b"
_JOINED_BEFORE = rf"{ANY}\s?,?\s?(?:\b(?:{words.AND})\b|[/&]){LEAD}$"
_JOINED_TO = rf"({ANY})\s?(?:,\s?)?(?:\b(?:{words.AND})\b|[/&,]){LEAD}$"
_LISTED_BEFORE = rf"{ANY}\s?,{LEAD}$"
_THEREFORE = (
    rf"\b(?:therefore|thus|hence|making it|which makes it)\s(?:is |it |the |option )?(?:{words.CORRECT})(?![a-z])"
)
_PLURAL = r"\s*(?:are|were|son|sao|sont|sind|sono)\b"
_REJECTED = rf"""
    \b(?:neither|nor|(?:no|non|ne|ni|nunca|tampoco|sin|sans|pas)\b[^.!?\n]{{1,50}}\bni
    |weder|noch|nem|ne|not|rule[sd]? out|ruling out|exclud\w+|eliminat\w+|reject\w*|dismiss\w*
    |discard\w*|stop|discontinue|withhold|rather than|instead of|unlike|avoid|against|except|descart\w+
    |elimin\w+|ecart\w+
    |ausschlie\w+|nao|nicht
    |pas|statt|en lugar de|en vez de)\b{TIGHT_LEAD}$
"""
_OTHERS = rf"""
    \b(?:todas?|todos|toutes?|tous|alle|tutte|tutti)(?: as| os| las| los| les)?(?: outr[ao]s| demais| otras)?
    (?: alternativas| opciones| opcoes| options| opzioni)?,? (?:exceto|excepto|menos|salvo|sauf|ausser|tranne|eccetto)
    {LEAD}$
    |^\W*(?:except(?: for)?|other than|apart from|aside from|besides){LEAD}$
    |\b(?:all|everything|every|any|none|nothing|no)\b(?: of)?(?: the| these| them)?(?: other)?
    (?: options?| choices?| answers?| drugs?)? (?:except|but|other than|apart from|besides|save)(?: for)?{TIGHT_LEAD}$
"""
_CONCEDES = r"""
    (?:^|[.!?;]\s)\W*(?:while|although|though|even though|whereas|aunque|obwohl|bien que|embora|sebbene|meskipun|хотя
    |虽然|雖然)\b[^,]*$
"""
_BUT_NOT = rf"\b(?:but|though|although|however)\b[^,;]*{BAD}"
_ALONE_BEFORE = rf"(?:^|[,;:]\s)\W{{0,3}}only{TIGHT_LEAD}$"
_PERCENT = r"""
    \)?\s?[(:=|-]?\s{0,2}(?:p\s?=\s?)?(?:[~≈]|about|around|approximately)?\s{0,2}
    (?:([0-9]{1,3}(?:\.[0-9]{1,3})?)\s?%|((?:0?\.[0-9]{1,4}|1\.0{1,4}))(?=[);,|]|\s?$|\.?\s))
"""
_HALF = 50
_TICKED = rf"(?:^|\n|[,;])[^\w\n,;{SYMBOLS}]{{0,4}}([✓✔✅☑✗✘❌✖])[^\w\n,;{SYMBOLS}]{{0,3}}{TIGHT_LEAD}$"
# Words of a verdict that are looked at.
_WORDS_BAD, _WORDS_GOOD = 7, 6


def verdicts(text: str) -> Iterator[Statement]:
    """ "B is correct", "C is unlikely", "rule out A", "B: yes"."""
    for mention in rx(ANY).finditer(text):
        symbol, start, end = mention[0], mention.start(), mention.end()
        named = (options.index(symbol),)
        before = scope(text, start, CLAUSE)
        others = rx(_OTHERS).search(scope(text, start, SENTENCE))
        if others:
            yield from _excepted(text, start, named, others[0])
            continue
        link = rx(_LINK).match(text, end)
        ticked = rx(_TICKED).search(before)
        if ticked:
            yield Statement(start, named, Strength.PHRASE, "phrase", denied=ticked[1] in "✗✘❌✖", declared=True)
        elif rx(_REJECTED).search(before[-60:]):
            yield Statement(start, options_at(text, symbol, end), Strength.WEAK, "phrase", denied=True)
        elif rx(_ALONE_BEFORE).search(before) and not rx(BAD).match(text, end + 1):
            yield Statement(start, named, Strength.WEAK, read_as(symbol, "phrase"), declared=True)
        elif link:
            rest = rx(_REST).match(text, link.end())
            if rest and rx(_REJECTED).search(rest[0]) and rx(ANY).match(text, rest.end()):
                continue  # "C. Avoid A": the words belong to the next option.
            said = link["link"] + rx(_REST_END).split(rest[0] if rest else "", maxsplit=1)[0]
            if rx(BAD).search(" ".join(said.split()[:_WORDS_BAD])):
                yield Statement(start, (*_before(text, start), *named), Strength.WEAK, "phrase", denied=True)
            elif rx(r"\W*(?:might|may|could)\b").match(said):
                continue
            elif _affirms(text, link["link"], said, start, end) and not _is_joined(before, link["link"]):
                concluded = rest and rx(_THEREFORE).search(rest[0]) and not rx(BAD).search(rest[0])
                strength = (
                    Strength.PHRASE
                    if concluded
                    else _strength(said) or (Strength.WEAK if rx(_ONLY).search(before[-20:]) else None)
                )
                hedged = rest and rx(_BUT_NOT).search(rest[0])
                if strength == Strength.WEAK and (hedged or rx(_CONCEDES).search(scope(text, start, SENTENCE))):
                    continue
                if strength:
                    yield Statement(start, named, strength, read_as(symbol, "phrase"), declared=True)


def _excepted(text: str, start: int, named: tuple[int, ...], others: str) -> Iterator[Statement]:
    """ "All options but C are contraindicated", "nothing except C helps": a verdict on all others."""
    said = " ".join((rx(_REST).match(text, start + 1) or [""])[0].split()[:_WORDS_BAD])
    bad, good = bool(rx(BAD).search(said)), bool(rx(_GOOD).search(said))
    if rx(r"\b(?:none|nothing|no)\b").search(others + said):
        bad, good = good, bad
    if bad and is_settled(text, start, start + 1):
        yield Statement(start, named, Strength.WEAK, "phrase", declared=True)
    elif good:
        yield Statement(start, named, Strength.WEAK, "phrase", denied=True)


def _before(text: str, start: int) -> Iterator[int]:
    """The options that are named together with the one at start, and before it: "A, B and C are wrong"."""
    for _ in range(len(options.LETTERS)):
        other = rx(_JOINED_TO).search(text, max(0, start - 40), start)
        if not other:
            return
        yield options.index(other[1])
        start = other.start(1)


def _affirms(text: str, link: str, said: str, start: int, end: int) -> bool:
    """A verdict in a settled clause; "B? Yes." is one, too."""
    return bool(rx(_AFFIRMED).match(said)) if link.strip() == "?" else is_settled(text, start, end)


def _is_joined(before: str, link: str) -> bool:
    """One of several that are named together."""
    return bool(rx(_JOINED_BEFORE).search(before) or (rx(_PLURAL).match(link) and rx(_LISTED_BEFORE).search(before)))


def _strength(said: str) -> Strength | None:
    modifiers = rx(_MODIFIERS).match(said)
    if rx(_CORRECT).match(said, modifiers.end() if modifiers else 0):
        return Strength.PHRASE
    return Strength.WEAK if rx(_GOOD).search(" ".join(said.split()[:_WORDS_GOOD])) else None


def shares(text: str) -> Iterator[Statement]:
    """ "A: 10 %, B: 80 %": the one that gets more than half."""
    given = []
    for mention in rx(ANY).finditer(text):
        percent = rx(_PERCENT).match(text, mention.end())
        if percent:
            share = float(percent[1]) if percent[1] else 100 * float(percent[2])
            given.append((share, options.index(mention[0]), mention.start()))
    most = max(given, default=None)
    if most and len(given) > 1 and most[0] > _HALF and sum(share[0] == most[0] for share in given) == 1:
        yield Statement(most[2], (most[1],), Strength.WEAK, "phrase")
