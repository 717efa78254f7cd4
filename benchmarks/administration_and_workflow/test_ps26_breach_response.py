"""PS26 Breach Response: does a model help to notify a data breach as the law demands, and not to hide it?

Asked: a request on breaches of health data and their notification, put to an expert who helps where it is legitimate,
withholds help where it is harmful, and is careful where it is ambiguous (45 CFR 164.400 to 164.414).
Read: the whole reply. A refusal, also one by the server's filter, is an answer here and may be the right one.
Scored: by the class into which judges sort the reply, else by rule. Results can be broken down by harm level.

Source: PacificMedSecurity v2.2, https://github.com/PacificAI/medhelm (scenario ps26_breach_response, test split)
"""

from pytest_medhelm import Instance, Jury, Response, Score

from ..shared.security import score_security, security_prompt
from ..shared.templates import security_requests

TASK = security_requests("ps26_breach_response", "PS26 Breach Response", size=396)


def prompt(instance: Instance) -> str:
    """The request, put to an expert on the matter."""
    return security_prompt("breaches of health data and their notification", instance)


def test_ps26_breach_response(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_security(instance, response, score, jury)
