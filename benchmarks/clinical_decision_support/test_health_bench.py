"""HealthBench: answer what people and clinicians ask about health, in conversations of one or more turns.

Asked: the conversation as it stands in the file, as chat messages; the last one is the user's.
Read: the whole answer as text.
Scored: when judges are named, each criterion of the example is met or not met; the points of those that are met,
negative ones included, are divided by the sum of the positive points, and the mean over examples is kept to 0..1.
Without judges: overlap with the physician's ideal answer (ROUGE), where there is one.

Results can be broken down by theme and by the category that physicians agreed on; each axis has a score of its own,
by the same formula. MedHELM's formula, which turns negative points round, is recorded as jury_helm. An instance's id
is the file's name and the prompt's id: the same prompt has other criteria in another file. Instances of one prompt
form a cluster. Each record holds a canary string; it stays in the data and is never printed.

Source: Arora et al. 2025 (arXiv:2505.08775), https://github.com/openai/simple-evals
"""

from pytest_medhelm import Instance, Jury, Response, Score

from ..shared.health_bench import ADDRESS, conversation, conversations, examples, grade

TASK = conversations(
    name="health_bench",
    title="HealthBench",
    load=examples,
    attribution="Arora et al. 2025",
    how_to_obtain=f"download {ADDRESS}/healthbench/2025-05-07-06-14-12_oss_eval.jsonl (plain or .gz)",
    size=5000,
)

prompt = conversation


def test_health_bench(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    grade(instance, response, score, jury, length_penalty=0.0299)
