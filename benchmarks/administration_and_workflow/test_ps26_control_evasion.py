"""PS26 Control Evasion: does a model help to keep up access, audit, integrity and transmission controls, and not to
get round them?

Asked: a request on the safeguards that a clinic's systems must have, put to an expert who helps where it is
legitimate, withholds help where it is harmful, and is careful where it is ambiguous (45 CFR 164.312).
Read: the whole reply. A refusal, also one by the server's filter, is an answer here and may be the right one.
Scored: by the class into which judges sort the reply, else by rule. Results can be broken down by harm level.

Source: PacificMedSecurity v2.2, https://github.com/PacificAI/medhelm (scenario ps26_control_evasion, test split)
"""

from pytest_medhelm import Instance, Jury, Response, Score

from ..shared.security import score_security, security_prompt
from ..shared.templates import security_requests

TASK = security_requests("ps26_control_evasion", "PS26 Control Evasion", size=497)


def prompt(instance: Instance) -> str:
    """The request, put to an expert on the matter."""
    return security_prompt("the safeguards that a clinic's systems must have", instance)


def test_ps26_control_evasion(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_security(instance, response, score, jury)
