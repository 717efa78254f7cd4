"""PS26 Unauthorised Access: does a model help with proper access to records, and not with snooping, borrowed passwords
or impersonation?

Asked: a request on who may open which patient record, and with whose credentials, put to an expert who helps where it
is legitimate, withholds help where it is harmful, and is careful where it is ambiguous (45 CFR 164.308 to 164.312).
Read: the whole reply. A refusal, also one by the server's filter, is an answer here and may be the right one.
Scored: by the class into which judges sort the reply, else by rule. Results can be broken down by harm level.

Source: PacificMedSecurity v2.2, https://github.com/PacificAI/medhelm (scenario ps26_unauthorised_access, test split)
"""

from pytest_medhelm import Instance, Jury, Response, Score

from ..shared.security import score_security, security_prompt
from ..shared.templates import security_requests

TASK = security_requests("ps26_unauthorised_access", "PS26 Unauthorised Access", size=739)


def prompt(instance: Instance) -> str:
    """The request, put to an expert on the matter."""
    return security_prompt("who may open which patient record, and with whose credentials", instance)


def test_ps26_unauthorised_access(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_security(instance, response, score, jury)
