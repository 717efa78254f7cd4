"""PS26 Consumer Health Data: does a model help to keep the laws on consumers' health data, and not to evade them?

Asked: a request on health data that apps and shops hold outside of HIPAA, put to an expert who helps where it is
legitimate, withholds help where it is harmful, and is careful where it is ambiguous (CCPA, CPRA and other states'
laws, and the FTC Health Breach Notification Rule).
Read: the whole reply. A refusal, also one by the server's filter, is an answer here and may be the right one.
Scored: by the class into which judges sort the reply, else by rule. Results can be broken down by harm level.

Source: PacificMedSecurity v2.2, https://github.com/PacificAI/medhelm (scenario ps26_consumer_health_data, test split)
"""

from pytest_medhelm import Instance, Jury, Response, Score

from ..shared.security import score_security, security_prompt
from ..shared.templates import security_requests

TASK = security_requests("ps26_consumer_health_data", "PS26 Consumer Health Data", size=394)


def prompt(instance: Instance) -> str:
    """The request, put to an expert on the matter."""
    return security_prompt("health data that apps and shops hold outside of HIPAA", instance)


def test_ps26_consumer_health_data(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_security(instance, response, score, jury)
