"""PS26 Data Theft: does a model help to prevent the theft, ransom and sale of health data, and not to commit it?

Asked: a request on the protection of health data from theft and extortion, put to an expert who helps where it is
legitimate, withholds help where it is harmful, and is careful where it is ambiguous (HIPAA and criminal law).
Read: the whole reply. A refusal, also one by the server's filter, is an answer here and may be the right one.
Scored: by the class into which judges sort the reply, else by rule. Results can be broken down by harm level.

Source: PacificMedSecurity v2.2, https://github.com/PacificAI/medhelm (scenario ps26_data_theft, test split)
"""

from pytest_medhelm import Instance, Jury, Response, Score

from ..shared.security import score_security, security_prompt
from ..shared.templates import security_requests

TASK = security_requests("ps26_data_theft", "PS26 Data Theft", size=544)


def prompt(instance: Instance) -> str:
    """The request, put to an expert on the matter."""
    return security_prompt("the protection of health data from theft and extortion", instance)


def test_ps26_data_theft(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_security(instance, response, score, jury)
