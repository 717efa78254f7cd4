"""Recognises a short refusal to answer."""

from __future__ import annotations

from pytest_medhelm.scoring.answers.folding import fold
from pytest_medhelm.util.patterns import compiled

_MAX_LENGTH = 1000
_MAX_OTHER_WORDS = 6

# Folded text: lower case, no accents, straight apostrophes. What is declined must be help or an answer:
# "I cannot rule out pneumonia" is a finding.
_GOODS = r"""(?:(?!(?:to|for|with|without|until|unless|because|at|in|on)\b)[\w'-]+\s){0,5}?
  (?:advice|information|answers?|assistance|help|guidance|diagnos[ie]s|opinions?|recommendations?|instructions
  |responses?|content|support|(?:that|this)(?=\W*\Z))\b"""
_GOODS_ROMANCE = r"""(?:[\w'-]+\s){0,5}?
  (?:consej\w+|asesor\w+|informac\w+|diagnostic\w+|recomendac\w+|respuestas?|ayuda|asistencia|orientac\w+|eso|esto
  |conseils?|avis|informations?|recommandations?|reponses?|aide
  |conselh\w+|aconselhamento|respostas?|ajuda|isso|informazioni|consigli\w*|diagnosi|risposta)\b"""
_GOODS_GERMAN = r"""(?:[\w'-]+\s){0,5}?
  (?:beratung|ratschlage?|rat|auskunfte?|informationen|diagnosen?|hilfe|antwort(?:en)?|empfehlung(?:en)?)\b"""

_REFUSAL = rf"""
    \b(?:i|we)\s?(?:'m|am|are|must|have\sto|will|do)?\s?(?:just\s)?
    (?:can't|cannot|can\snot|won't|refuse\sto|decline(?:\sto)?|not|unable\sto
      |not\s(?:able|allowed|permitted|qualified|comfortable)(?:\sto)?)\s
    (?:[a-z]+ly\s)?
    (?: (?:help|assist)(?:ing)?(?:\s(?:you|with|in|on|by)\b|\W*\Z)
      | (?:answer|comply|respond|engage|fulfil+|do\s(?:that|this|so)|continue\swith|discuss\s(?:that|this))\b
      | (?:provid|giv|offer|shar)(?:e|ing)?\s{_GOODS} )
  | \b(?:i|we)\s(?:can't|cannot)\Z
  | \bagainst\smy\s(?:guidelines|programming|policy|policies)\b
  | \bno\s(?:me\ses\sposible|estoy\sen\scondiciones\sde|puedo)\s(?:
        (?:ayudar|asistir|responder|contestar|cumplir)(?:te|le|les|lo|la|os)?\b
      | (?:dar|ofrecer|proporcionar|brindar|facilitar)(?:te|le|les)?\s{_GOODS_ROMANCE} )
  | \bje\s(?:ne\s(?:peux|puis)\spas|ne\ssuis\spas\s(?:en\smesure|capable|autorisee?)\s(?:de|d'))\s?
    (?:vous\s|t'|te\s)?
    (?: (?:aider|repondre|assister)\b | (?:fournir|donner|offrir)\s{_GOODS_ROMANCE} )
  | \bnao\s(?:posso|consigo|estou\sem\scondicoes\sde|me\se\spossivel)\s(?:te\s|lhe\s)?(?:
        (?:ajudar|responder|auxiliar|atender|cumprir)\b
      | (?:dar|oferecer|fornecer|prestar)(?:-(?:te|lhe))?\s{_GOODS_ROMANCE} )
  | \bnon\s(?:posso|sono\sin\sgrado\sdi)\s(?:
        (?:aiutar|assister|risponder)\w*\b | (?:fornir|dar|offrir)\w*\s{_GOODS_ROMANCE} )
  | \b(?:ich\skann|kann\sich)\s(?:[\w'-]+\s){{0,5}}?nicht\s(?:[\w'-]+\s){{0,2}}?
    (?:helfen|weiterhelfen|beantworten|behilflich|unterstutzen|antworten)\b
  | \b(?:ich\skann|kann\sich)\s(?:[\w'-]+\s){{0,3}}?keine[nr]?\s{_GOODS_GERMAN}
  | (?:无法|不能|無法)(?:为您|为你|給您|向您)?(?:提供|回答|协助|帮助|满足|继续)
"""

# How a refusal may open before its first word; anything else in front makes it a report of something.
_PREAMBLE = r"""(?:(?:unfortunately|sorry|(?:i'm|i\sam)\s(?:very\s|so\s)?sorry|i\sapologi[sz]e|as\s(?:an?|your)
  |(?:i'm|i\sam)\s(?:just\s|only\s)?an?|lo\ssiento|lamento|lamentablemente|como
  |es\stut\smir\sleid|leider|entschuldigung|als|je\ssuis|desole|en\stant\sque|malheureusement
  |desculpe|sinto\smuito|infelizmente|mi\sdispiace|purtroppo|很?抱歉|对不起|作为)\b.{0,80}?)?"""
_REFUSING = rf"(?x)\W{{0,4}}{_PREAMBLE}(?:{_REFUSAL})"

# "I can't help but notice" is one piece.
_SPLIT = r"(?:[.!?;\n。！？]+|(?<!help),?\s(?:but|however|pero|mais|mas|aber|sondern|ma)\b,?)\s*"

# Sentences that go with a refusal and are no answer: apologies, reasons, referrals, offers.
_COURTESY = r"""(?x)\b(?:sorry|apolog\w+|guidelines?|polic(?:y|ies)|ai|language\smodel|consult\w*|requests?
  |professionals?|doctors?|physicians?|providers?|clinicians?|emergency|911|112|happy\sto|anything\selse
  |let\sme\sknow|siento|lamento|profesional\w*|medicos?|urgencias|leid|arzt\w*|fachperson\w*
  |desolee?|professionnels?|medecins?|desculpe|sinto|profissiona\w+|dispiace)\b|抱歉|医生|专业"""


def is_refusal(text: str) -> bool:
    """Whether a text declines to answer and does little else.

    English, Spanish, German, French, Portuguese, Italian and Chinese phrases. A text of more than 1000
    characters is an answer, and so is one that, apologies and referrals aside, says something besides.
    """
    folded = fold(text).strip()
    if not folded or len(folded) > _MAX_LENGTH:
        return False
    refusing, courtesy = compiled(_REFUSING), compiled(_COURTESY)
    pieces = [piece.strip() for piece in compiled(_SPLIT).split(folded) if piece.strip()]
    others = [piece for piece in pieces if not refusing.match(piece)]
    said = sum(len(piece.split()) for piece in others if not courtesy.search(piece))
    return len(others) < len(pieces) and said <= _MAX_OTHER_WORDS
