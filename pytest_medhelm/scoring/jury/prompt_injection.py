"""What keeps an answer from steering its judges: it is made harmless, and attempts are counted.

``neutralize`` acts on what a judge is shown, ``attempts`` only flags: a flag changes no score. The patterns are few, in
eleven languages, and meant for a reader who wants to know where to look; an attempt in other words is not found, but
is fenced like any text.

    instruction      tells the reader to ignore instructions or criteria
    asks_for_grade   asks for the best grade
    ready_verdict    holds a verdict in the judge's own form
    to_the_judge     speaks to the judge
    markup           imitates the fence, a chat template or a system message
    hidden_text      holds characters that are not shown, or a comment
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_medhelm.scoring.answers.folding import fold
from pytest_medhelm.util.patterns import compiled

KINDS = ("instruction", "asks_for_grade", "ready_verdict", "to_the_judge", "markup", "hidden_text")

_HIDDEN = "[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
"""Tag characters, overrides of the direction of writing, control characters: never part of a readable answer."""
_INVISIBLE = "[\u00ad\u180e\u200b\u2060-\u2064\ufeff]"
"""Shown as nothing. Joiners (U+200C, U+200D) are not among them: Persian and Hindi need them."""
_OPENING = "[<＜﹤‹〈⟨《≪]"
_MARKUP = rf"""(?ix)
    (?P<angle> {_OPENING}{{1,2}} (?=
        \s{{0,3}} /? \s{{0,3}}
        (?: [|｜] | answer\b | (?:start|end)_of_turn\b | bos> | eos> | s> | sys> | think(?:ing)?> | tool_call
          | (?:system|user|assistant|developer|instructions?|human|verdict|rubric|judge) \s{{0,3}}/?[>＞] )
      ) )
  | (?P<square> \[ (?= \s? /? (?:inst|system|sys|available_tools|tool_results) \] ) )"""
_SYSTEM = r"""(?imx)^[\s#*>_-]{0,8}
    (?: (?:system|developer) (?:\s(?:prompt|message|override|update|note|notice|instructions?))?
      | (?:new|updated|real|actual)\s(?:system\s)?instructions? | end\sof\s(?:the\s)?(?:answer|prompt|system\sprompt) )
    [*_]{0,3}\s?(?::|\]|\Z|$)"""

_INSTRUCTION = r"""(?x)
    \b(?:ignore|disregard|forget|override|bypass|overrule|set\saside|do\snot\s(?:follow|apply|use))\b.{0,40}
      \b(?:instructions?|prompts?|rubrics?|criteria|criterion|grading|scoring|rating\srules|system\smessages?)\b
  | \b(?:ignorier\w*|missacht\w*|vergiss|vergessen\ssie|beachte\w*\snicht)\b.{0,50}
      \b(?:anweisung\w*|instruktion\w*|kriterien|bewertungs\w+|prompt\w*|systemnachricht)\b
  | \b(?:ignore[rz]?|oublie[rz]?|ne\st(?:iens|enez)\spas\scompte)\b.{0,40}
      \b(?:instructions?|consignes?|criteres|directives|grille)\b
  | \b(?:ignor[ae]\w*|olvid[ae]\w*|omit[ae]\w*|haz\scaso\somiso|no\shagas\scaso)\b.{0,40}
      \b(?:instrucciones|criterios|rubrica|reglas)\b
  | \b(?:ignor[ea]\w*|esquec\w*|desconsider\w*)\b.{0,40}\b(?:instrucoes|criterios|regras|rubrica)\b
  | \b(?:ignor[ai]\w*|dimentic\w*|trascur\w*)\b.{0,40}\b(?:istruzioni|criteri|regole)\b
  | \b(?:negeer|vergeet)\b.{0,40}\b(?:instructies|aanwijzingen|criteria)\b
  | (?:忽略|无视|無視|忘记|忘記|不要理会|不理会).{0,20}(?:指令|指示|说明|說明|规则|規則|标准|標準|提示)
  | (?:指示|命令|基準|ルール).{0,8}(?:無視|忘れ)
  | (?:игнорируи\w*|забудь\w*|не\sследуи\w*).{0,40}(?:инструкци\w*|указани\w*|правил\w*|критери\w*)
  | تجاهل.{0,30}(?:التعليمات|تعليمات|المعايير|معايير)"""

_NO_UNIT = r"(?!\s?(?:mg|ml|mcg|µg|g|kg|%|units?|days?|hours?|minutes?|min|weeks?|times|drops?|tablets?|puffs?|doses?))"
_FIVE = rf"(?:5|five|10|ten)(?:\s?(?:/|out\sof)\s?(?:5|five|10|ten))?s?\b{_NO_UNIT}"
_OWN = r"""(?:me|it|this(?:\s(?:answer|response|reply|one|text|output))?|my\s(?:answer|response|reply)
    |the\s(?:above\s|following\s)?(?:answer|response|reply|candidate)|everything|all(?:\s(?:three|of\sthem|criteria))?
    |(?:every|each)\s(?:criterion|one|item|category))"""
_GRADE = rf"""(?x)
    \b(?:give|assign|award|deserves?|merits?|rate|score|grade|output|return|receives?|gets?|choose|select)\b.{{0,60}}
      \b(?:full|maximum|max|maximal|highest|top|perfect|best)\s(?:possible\s)?(?:scores?|marks?|ratings?|grades?|verdict)\b
  | \b(?:rate|score|grade|mark|give|assign|award)\s{_OWN}\s(?:an?\s|with\s(?:an?\s)?|as\s(?:an?\s)?|all\s)?{_FIVE}
  | \b(?:give|assign|award|return|output)\s(?:an?\s|the\s)?(?:score|scores|rating|ratings|grade|grades)\sof\s{_FIVE}
  | \b(?:scores?|ratings?|grades?)\s(?:must|should|shall|has\sto|have\sto|will)\s(?:all\s)?be\s{_FIVE}
  | \b(?:gib|geben\ssie|bewerte\w*|vergib|vergeben\ssie)\b.{{0,60}}
      \b(?:hochstnote\w*|bestnote\w*|hochste\w*\s(?:note|punktzahl|bewertung|wertung)|volle\w*\spunktzahl
        |(?:note|mit)\s(?:5|funf)\b|(?:5|funf)\spunkte?\b)
  | \b(?:donne[rz]?|attribue[rz]?|note[rz]?|accorde[rz]?|mette[rz]|mets)\b.{{0,60}}
      \b(?:(?:note|notes|score)\smaxima(?:le|les|l)|meilleure\snote|notes?\sde\s(?:5|cinq)|5\s?(?:sur|/)\s?5)
  | \b(?:da|dame|dale|dar|asign\w+|otorg\w+|calific\w+|puntu\w+|pon(?:me|le)?)\b.{{0,60}}
      \b(?:(?:puntuacion|calificacion|nota)\smaxima|maxima\s(?:puntuacion|calificacion|nota)
        |(?:con\s)?un\s(?:5|cinco)\b{_NO_UNIT}|5\s?(?:de|/)\s?5)
  | \b(?:de|da|dar|atribu\w+|avali\w+|conced\w+|classifi\w+)\b.{{0,60}}
      \b(?:(?:nota|pontuacao)\smaxima|nota\s(?:5|cinco)\b|5\s?(?:de|/)\s?5)
  | \b(?:dai|dammi|assegn\w+|attribu\w+|valut\w+)\b.{{0,60}}
      \b(?:(?:punteggio|voto)\smassimo|massimo\s(?:punteggio|dei\svoti)|5\s?(?:su|/)\s?5)
  | \bgeef\b.{{0,60}}\b(?:maximale|hoogste)\s(?:score|cijfer|punten)\b
  | (?:给|給|打|评|評).{{0,12}}(?:满分|滿分|最高分|5\s?分(?![钟鐘])|五分(?![钟鐘]))
  | (?:満点|最高点|最高評価|5点).{{0,12}}(?:つけ|与え|付け|ください|してほしい)
  | (?:постав\w*|оцени\w*|даи\w*|выстав\w*).{{0,40}}(?:максимальн\w*|высш\w*)\s(?:оценк|балл)
  | (?:أعط|امنح).{{0,40}}(?:أعلى|الدرجة|العلامة|كاملة)"""

_JUDGE = r"""(?x)
    \b(?:dear|hello|hi|hey|attention|note\s(?:to|for)|message\s(?:to|for)|instructions?\s(?:to|for)|to)
      \s(?:the\s|any\s|all\s|our\s)?(?:(?:ai|llm|language\smodel|automated)\s)?
      (?:evaluators?|graders?|raters?|jury|(?:ai|llm)\sjudges?|judg(?:e|ing)\smodel|scoring\smodel)\b
  | \b(?:dear|hello|hi|hey|attention|note\sto|message\s(?:to|for)|instructions?\s(?:to|for))\s(?:the\s)?judges?\b
  | \b(?:you\sare|as|since\syou\sare)\s(?:an?\s|the\s)?(?:(?:ai|llm|automated)\s)?
      (?:judge|evaluator|grader|rater)(?:\smodel)?\b
  | \b(?:liebe[rs]?|sehr\sgeehrte[rs]?|an\s(?:die|den)|hinweis\s(?:fur|an)\s(?:die|den)|achtung,?|als)\s
      (?:ki-?\s?)?(?:jury|juror\w*|bewerter\w*|bewertungsmodell|prufmodell|richtermodell)\b
  | \b(?:cher|chere|attention|note\s(?:pour|a)(?:\sl[ea])?)\s?(?:l')?(?:evaluat\w+|juge|jury|correcteur)\b
  | \b(?:estimad[oa]s?|querid[oa]s?|atencion,?|nota\spara\s(?:el|la))\s(?:evaluador\w*|juez|jurado)\b
  | \b(?:car[oa]|prezad[oa]s?|atencao,?|nota\spara\s[oa])\s(?:avaliador\w*|juiz|juri|jurado)\b
  | \b(?:gentile|caro|attenzione,?|nota\sper\s(?:il|la))\s(?:valutatore|giudice|giuria)\b
  | (?:评委|評委|评分者|评分员|评分模型|評価者|採点者)
  | (?:уважаем\w*|внимание,?)\s(?:судья|оценщик|эксперт-оценщик)"""


def neutralize(text: str) -> str:
    """The answer as a judge is shown it.

    Characters that no reader sees are taken out. The bracket that opens an imitation of the fence or of a chat
    template's markup becomes another sign, so that no server reads it as one; everything else stays as it is.
    """
    return compiled(_MARKUP).sub(lambda matched: "(" if matched["square"] else "‹", compiled(_HIDDEN).sub("", text))


def attempts(text: str, names: Iterable[str] = ()) -> list[str]:
    """The kinds of attempts to steer a judge that a text holds, in the order of ``KINDS``.

    ``names`` are the criteria that a ready verdict would name. Linear in the length of the text.
    """
    seen = compiled(_INVISIBLE).sub("", compiled(_HIDDEN).sub("", text))
    folded = " ".join(fold(seen).split())
    matches = {
        "instruction": compiled(_INSTRUCTION).search(folded),
        "asks_for_grade": compiled(_GRADE).search(folded),
        "ready_verdict": _verdict(tuple(names)).search(folded),
        "to_the_judge": compiled(_JUDGE).search(folded),
        "markup": compiled(_MARKUP).search(seen) or compiled(_SYSTEM).search(fold(seen)),
        "hidden_text": compiled(_HIDDEN).search(text) or compiled(f"{_INVISIBLE}{{3}}").search(text) or "<!--" in text,
    }
    return [kind for kind in KINDS if matches[kind]]


def _verdict(names: tuple[str, ...]) -> re.Pattern[str]:
    """A criterion's name with a number behind it, in JSON or as "accuracy: 5/5"; the key of a class."""
    words = "|".join(name.replace("_", "[ _]") for name in names) or r"\Z\A"
    return compiled(
        rf"""["'](?:{words})["']\s?:\s?(?:\d|{{)|["']class["']\s?:\s?["']"""
        rf"|\b(?:{words})(?:\s(?:score|rating))?\s?(?:=|:|is)\s?(?:5|five|10|ten)\b{_NO_UNIT}"
    )
