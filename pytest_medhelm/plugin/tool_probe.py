"""One question per model, before its first episode: do calls of tools come back as such?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_medhelm.models.engine.replay import NOT_STORED
from pytest_medhelm.util.errors import RunStopped

if TYPE_CHECKING:
    from pytest_medhelm.models.engine.request import Completion
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.plugin.request_builder import RequestBuilder

QUESTION = "Call the tool ping once, with the word pong."
_TOOL = {
    "type": "function",
    "function": {
        "name": "ping",
        "description": "Tests whether tools can be called.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
}
_WRITTEN_OUT = re.compile(r"<tool_call>|\[TOOL_CALLS\]|<\|python_tag\|>|<function=|\"(name|tool)\"\s*:\s*\"ping\"")
_REFUSED = re.compile(r"HTTP (400|404|405|422|501)")


def require_tool_calls(requests: RequestBuilder, model: Model) -> None:
    """Ask once. Raises RunStopped where tool calls are refused, or written out as text.

    A model that answers in words may just not have wanted to: its episodes will show.
    """
    if model.calls_by_text or model.answer is not None:
        return
    if model.name not in requests.tool_problems:
        request = requests.request(model, [{"role": "user", "content": QUESTION}], tools=[_TOOL])
        requests.tool_problems[model.name] = _problem_with(requests.engine.ask(request))
    if problem := requests.tool_problems[model.name]:
        raise RunStopped(
            f"{model.name} cannot be asked as an agent: {problem}. Start vLLM with --enable-auto-tool-choice "
            f'--tool-call-parser X (llama.cpp with --jinja), or write protocol = "text" under '
            f'[models."{model.name}"] in medhelm.toml'
        )


def _problem_with(completion: Completion) -> str:
    if completion.outcome == "request_error" and completion.error != NOT_STORED:
        return f"its server refuses tools ({completion.error})" if _REFUSED.search(completion.error) else ""
    if completion.tool_calls or not _WRITTEN_OUT.search(completion.content):
        return ""
    return "its server hands calls of tools over as text"
