"""The part of a completion that belongs to its own turn, and of that a bounded part."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_medhelm.util.patterns import compiled

HEAD, TAIL = 4000, 12000
"""Characters of the beginning and of the end that readers see."""

# Tokens by which a model family ends a turn, and that a server may leave in the text.
_END = r"""(?xi)
    <\|(?:im_end|eot_id|eom_id|end_of_turn|end_of_text|endoftext|end|return|eos|endofassistant|end_of_turn_token
      |end_of_role|eot|stop|file_separator|pad|endofprompt|im_sep)\|>
  | </s> | <end_of_turn> | <eos> | <eot> | <turn\|> | <｜end▁of▁sentence｜> | <\|end▁of▁sentence\|> | \[/?eos\] | <pad>
  | <end_of_utterance> | <\|eom\|> | </?assistant> | \[e~\[
"""
# Marks that open a turn: a header token, or the name of a speaker.
_HEADER = r"""(?xi)
    (?:<\|(?:im_start|start_header_id|start_of_role|start_of_turn_token|start|header_start)\|>|<start_of_turn>)\s?
      (?:<\|(?:user|chatbot|system)_token\|>)?
      (?:assistant|model|user|human|system|ipython|tool)?\s?(?:<\|(?:end_header_id|end_of_role|im_sep|header_end)\|>)?
  | <\|(?:user|assistant|human|system|bot|prompter)\|> | <｜(?:user|assistant)｜> | \[/?inst\] | <<sys>>
  | <s>(?:\s?\[inst\])? | <bos> | <\|begin_of_text\|> | </?user>
"""
_SPEAKER = r"""(?xim)
    ^[^\w\n]{0,6}(?:human|user|assistant|ai|instruction|chatbot|usuario|usuário|utente|utilisateur
      |benutzer|nutzer|asistente|assistente|用户|使用者|助手|ユーザー|アシスタント|사용자|пользователь|المستخدم)
      [*_\s]{0,3}[:：]
  | (?<=\s)(?-i:Human|User|USER|HUMAN)[:：]\s
  | ^[#]{1,4}\s{0,2}(?:human|user|assistant|instruction)\b
"""
_ROLE = r"(?i)^[^\w\n]{0,6}(?:model|doctor|physician|bot|expert|clinician)[*_\s]{0,3}[:：]"
_QUESTION = r"""(?xim)
    ^[^\w\n]{0,6}(?:
        (?:(?:next|new|follow-?up|another)\s)?
        (?:question|pregunta|pergunta|frage|domanda|вопрос|soru|vraag|pertanyaan|swali|umbuzo)
        (?:\s(?:\#|no\.?\s?)?[0-9]{1,4})?[*_\s]{0,3}[:：]
      | question\s[0-9]{1,4}[.)]\s
      | (?:reference|expected|official|ground[\s-]truth)\sanswer\s?[:：]
      | (?:next|new|another)\s(?:patient|case|vignette|problem)[^\n:]{0,20}[:：]
      | (?:question|pregunta|pergunta|frage|domanda)\s(?:\#|no\.?\s?)?[0-9]{1,4}[^\w\n]{0,4}$
      | (?:please\s)?(?:answer|solve|consider)\sthe\s(?:following|next)\s
        (?:[a-z-]{1,15}\s){0,3}(?:question|problem|case)
      | (?<=[#*])[#*\s]{0,4}(?:question|problem|exercise)[^\w\n]{0,4}$
      | (?:exercise|problem|case|example|scenario|vignette|task|passage)\s(?:\#|no\.?\s?)?[0-9]{1,4}[*_\s]{0,3}[:：]
      | q\s?[0-9]{0,3}\s?[:：] | (?:问题|問題|題目|题目|질문|문제|سؤال|السؤال|प्रश्न)\s?[0-9]{0,3}\s?[:：]
    )
"""


def turns(text: str) -> Iterator[str]:
    """The first turn of a completion, and the same with one restated question more.

    A model that goes on after its answer writes the next turn itself: nothing from there on is its answer. A
    question at the very start is restated, and so may the first one be that follows an introduction: the caller
    asks for the second, longer text where the first says nothing.
    """
    text = _opened(text)
    for pattern in (_END, _HEADER, _SPEAKER):
        text = _until(text, pattern)
    start = 0
    for _ in range(2):
        cut = next(
            (match for match in compiled(_QUESTION).finditer(text, start) if text[: match.start()].strip()), None
        )
        yield text[: cut.start()] if cut else text
        if cut is None:
            return
        start = cut.end()


def whole_turn(text: str) -> str:
    """A completion without the tokens that end its turn, and without the turns that a model wrote after it."""
    return next(turns(text), "")


def own_turn(text: str) -> str:
    """The beginning and the end of ``whole_turn``: what readers of short answers see."""
    return bounded(whole_turn(text))


def _opened(text: str) -> str:
    """Without the marks that open the answer's own turn."""
    text = text.strip()
    for _ in range(8):
        match = next(
            filter(None, (compiled(pattern).match(text) for pattern in (_HEADER, _SPEAKER, _ROLE, _END))), None
        )
        if match is None:
            break
        text = text[match.end() :].strip()
        if match[0].lower().endswith("[inst]"):
            text = text.partition("[/INST]")[2].strip() or text  # The prompt stands in front of the answer.
    return text


def _until(text: str, pattern: str) -> str:
    for match in compiled(pattern).finditer(text):
        if text[: match.start()].strip():
            return text[: match.start()]
    return text


def bounded(text: str) -> str:
    """The beginning and the end of a long text, cut at blanks."""
    if len(text) <= HEAD + TAIL:
        return text
    head, tail = text[:HEAD], text[-TAIL:]
    return f"{head[: max(head.rfind(' '), HEAD - 100)]}\n\n{tail[min(tail.find(' ') % TAIL, 100) :]}"
