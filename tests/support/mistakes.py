"""What users get wrong and what they are told: one list, which the tests type and docs/troubleshooting.md shows.

``python docs/troubleshooting.py`` writes the page. In a sentence "…" stands for what depends on the machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mistake:
    """One mistake."""

    typed: str
    """As on a command line."""
    said: str
    """The sentence, from its beginning."""
    status: int
    """The exit status."""
    files: dict[str, str] = field(default_factory=dict)
    """What stands in files of the current folder, medhelm.toml for the most part."""

    def is_told_in(self, output: str) -> bool:
        """The sentence begins a line, behind pytest's ERROR or the program's name."""
        pattern = ".*".join(map(re.escape, self.said.split("…")))
        return re.search(rf"^(?:ERROR: |medhelm: )?{pattern}", output, re.MULTILINE) is not None


RANDOM = "pytest --medhelm-model=baseline/random"
GATE = f"{RANDOM} --medhelm-gate="


def _toml(text: str) -> dict[str, str]:
    return {"medhelm.toml": text}


OPTIONS = (
    Mistake(
        "pytest --medhelm-model=wllm/llama3",
        "model 'wllm/llama3' is unknown (did you mean vllm/llama3?): type one of …",
        4,
    ),
    Mistake("pytest --medhelm-model=llama3", "model 'llama3' is unknown: type one of …", 4),
    Mistake(
        "pytest --medhelm-model=baseline/oracle",
        "baseline/oracle is unknown (did you mean …): type one of baseline/random, …",
        4,
    ),
    Mistake(
        "pytest --medhelm-model=baseline/majorty", "baseline/majorty is unknown (did you mean baseline/majority?): …", 4
    ),
    Mistake(
        "pytest --medhelm-modle=vllm/a",
        "there is no option --medhelm-modle: did you mean --medhelm-model? 'pytest --help' lists all",
        4,
    ),
    Mistake(f"{RANDOM} -m 'med_qa, pubmed_qa'", "-m 'med_qa, pubmed_qa' is a list: type -m 'med_qa or pubmed_qa'", 4),
    Mistake("pytest --medhelm-model=vllm/a --medhelm-model=vllm/a", "--medhelm-model: …names 'vllm/a' twice…", 4),
    Mistake("pytest --medhelm-model=openai/gpt-4o", "openai/...: set OPENAI_API_KEY, or name your own server…", 4),
    Mistake(
        "pytest --medhelm-model=vllm/a --medhelm-base-url=localhost:8000", "…'localhost:8000' is not an address…", 4
    ),
    Mistake(
        f"{RANDOM} --medhelm-base-url=http://127.0.0.1:9/v1", "--medhelm-base-url needs a model at that address…", 4
    ),
    Mistake(f"{RANDOM} --medhelm-limit=ten", "--medhelm-limit: 'ten' is neither …", 4),
    Mistake(f"{RANDOM} --medhelm-limit=0", "--medhelm-limit: '0' is neither …", 4),
    Mistake(f"{RANDOM} --medhelm-concurrency=0", "--medhelm-concurrency: '0' is neither …", 4),
    Mistake(f"{RANDOM} --medhelm-data=nowhere", "--medhelm-data: 'nowhere' is no folder…", 4),
    Mistake(f"{RANDOM} --medhelm-suite=../x", "--medhelm-suite: '../x' is not a plain…", 4),
    Mistake(f"{RANDOM} --medhelm-config=no.toml", "--medhelm-config: 'no.toml' is no file…", 4),
    Mistake("pytest '--medhelm-gate=pubmed_qa >= 0.7'", "--medhelm-gate needs a model to judge…", 4),
    Mistake(f"{RANDOM} --medhelm-judge=baseline/random", "--medhelm-judge=baseline/random: …", 4),
    Mistake(RANDOM, "medhelm.toml cannot be read as TOML: …line 1…", 4, _toml("[run\n")),
    Mistake(RANDOM, "medhelm.toml: [run] has no key 'limits'; known …", 4, _toml("[run]\nlimits = 3\n")),
    Mistake(RANDOM, "…[run] strict: 'x' is neither true nor false", 4, _toml("[run]\nstrict = 'x'\n")),
    Mistake("pytest --medhelm-model=w/a", "…[endpoints.w] needs base_url…", 4, _toml("[endpoints.w]\ntimeout = 3\n")),
    Mistake(
        "pytest --medhelm-model=w/a",
        "…[endpoints.w] takes its key from $NO_SUCH_KEY, which is not set…",
        4,
        _toml("[endpoints.w]\nbase_url = 'http://127.0.0.1:9/v1'\napi_key_env = 'NO_SUCH_KEY'\n"),
    ),
    Mistake(
        "pytest --medhelm-model=vllm/a --medhelm-base-url=http://gpu1:8000/v1 --medhelm-offline",
        "--medhelm-offline refuses http://gpu1:8000/v1: type --medhelm-allow-host=gpu1…",
        4,
    ),
    Mistake(f"{GATE}gate.tml", "gate 'gate.tml' is no rule, and a gate file ends in .toml: did you mean gate.toml?", 4),
    Mistake(
        f"{RANDOM} '--medhelm-gate=med_qa >= 0,5'",
        "gate 'med_qa >= 0,5', column 12: a decimal number is written with a point…",
        4,
    ),
    Mistake(
        f"{RANDOM} '--medhelm-gate=med_qa.brier <= 0.2'",
        "gate 'med_qa.brier <= 0.2': the run does not measure brier: add --medhelm-confidence=logprobs or =stated",
        4,
    ),
    Mistake(f"{GATE}gate.toml", "gate file …gate.toml: there is no such file; name one, or write a rule…", 4),
)
"""Found when options are read."""

LETTERS_GATE = "pytest --medhelm-model=baseline/majority --medhelm-data=data '--medhelm-gate="
RUNS = (
    Mistake(
        f"{LETTERS_GATE}letter >= 0.5'",
        "gate 'letter >= 0.5': there is no benchmark, category or subcategory 'letter' (did you mean 'letters'?)…",
        4,
    ),
    Mistake(
        f"{LETTERS_GATE}letters.exact_macth >= 0.5'",
        "gate 'letters.exact_macth >= 0.5': no benchmark records a metric 'exact_macth' (did you mean …",
        4,
    ),
    Mistake(
        f"{LETTERS_GATE}letters.jury >= 3'",
        "gate 'letters.jury >= 3': letters has no metric 'jury': name one of exact_match",
        4,
    ),
    Mistake(
        f"{LETTERS_GATE}letters <= 0.5'",
        "gate 'letters <= 0.5': a higher exact_match is better, so that this passes what is worse: write >= (or, …",
        4,
    ),
    Mistake(
        f"{LETTERS_GATE}*.refused >= 0.1'",
        "gate '*.refused >= 0.1': a lower refused is better, so that this passes what is worse: write <= (or, …",
        4,
    ),
    Mistake(
        f"{LETTERS_GATE}letters >= 50'",
        "gate 'letters >= 50': letters has values from 0 to 1, so that no value can meet it: write a number between…",
        4,
    ),
    Mistake(
        f"{LETTERS_GATE}letters.lower >= 0'",
        "gate 'letters.lower >= 0': letters has values from 0 to 1, so that every value meets it: write a number…",
        4,
    ),
    Mistake(
        f"{LETTERS_GATE}letters >= 0.01' '--medhelm-gate=med_qa >= 0.5'",
        "gate not evaluated: med_qa >= 0.5: …it has no records; select it, or correct its name",
        1,
    ),
    Mistake(
        "pytest --medhelm-model=baseline/majority --medhelm-data=data -m leters",
        "nothing is called 'leters': did you mean letters? 'medhelm tasks' lists the benchmarks",
        5,
    ),
    Mistake(
        "pytest --medhelm-model=baseline/majority --medhelm-data=data -k lettrs",
        "nothing is called 'lettrs': did you mean letters? 'medhelm tasks' lists the benchmarks",
        5,
    ),
    Mistake(
        "pytest --medhelm-model=baseline/majority --medhelm-data=data --medhelm-bertscore=some/model",
        "--medhelm-bertscore has no effect here: no selected benchmark is answered in free text",
        0,
    ),
    Mistake(
        "pytest --medhelm-model=baseline/majority --medhelm-data=data --medhelm-shots=2",
        "--medhelm-shots has no effect here: no selected benchmark has solved examples",
        0,
    ),
    Mistake(
        "pytest --medhelm-model=baseline/majority --medhelm-data=data --medhelm-noise-floor=3",
        "--medhelm-noise-floor has no effect here: nothing is asked in other words (--medhelm-perturb=NAME,...)",
        0,
    ),
)
"""Found when benchmarks are collected or judged: run beside a small benchmark of one's own, letters."""

PLACEHOLDER = "[[rule]]\nrule = 'pubmed_qa >= 0.5'\nwhy = 'say here why this is good enough'\n"
NO_NAME = "[[rule]]\nrule = 'pubmedqa >= 0.5'\n"
OFF = "[[rule]]\nrule = 'aci_bench.jury.lower >= 0.5'\n"
COMMANDS = (
    Mistake(
        "medhelm comapre a b", "there is no command 'comapre': did you mean compare? 'medhelm --help' lists all", 2
    ),
    Mistake("medhelm gate chek gate.toml", "medhelm gate: there is no 'chek': did you mean check? name one of …", 2),
    Mistake("medhelm gate check a b", "medhelm gate check does not take 'b': type 'medhelm gate check …", 2),
    Mistake("medhelm gate", "medhelm gate lacks VERB: name one of check, apply, …", 2),
    Mistake(
        "medhelm gate new medhelm-results/default",
        "medhelm gate new lacks --suite: type 'medhelm gate new --suite DIR FILE'",
        2,
    ),
    Mistake(
        "medhelm report a --htlm=single", "medhelm report does not take '--htlm=single': did you mean --html? …", 2
    ),
    Mistake("medhelm serve --answers=ten", "medhelm serve: --answers takes a number, not 'ten'", 2),
    Mistake("medhelm report nowhere", "nowhere is no suite: it holds no suite.sqlite", 1),
    Mistake("medhelm models", "type 'medhelm models http://localhost:8000/v1'", 1),
    Mistake("medhelm models pull", "name what to fetch", 1),
    Mistake("medhelm models http://127.0.0.1:9/v1", "no server answers at http://127.0.0.1:9/v1/models", 1),
    Mistake("medhelm tasks pubmedqa", "there is no benchmark 'pubmedqa': did you mean pubmed_qa…", 1),
    Mistake("medhelm new pubmed_qa", "pubmed_qa is a benchmark of the package, from which yours could not be told…", 1),
    Mistake("medhelm new Triage-1", "the name 'Triage-1' is not made of small letters, digits and _, …", 1),
    Mistake(
        "medhelm convert --entry=pubmedqa:model=a",
        "--entry: there is no benchmark 'pubmedqa': did you mean pubmed_qa…",
        1,
    ),
    Mistake("medhelm convert --entry=pubmed_qa:model", "--entry: 'model' is no key=value; an entry reads e.g. …", 1),
    Mistake(
        "medhelm convert --entry=pubmed_qa:model=a,max_eval_instances=fifty",
        "--entry: max_eval_instances=fifty must be a whole number, e.g. max_eval_instances=50",
        1,
    ),
    Mistake(
        "medhelm compare nowhere", "nowhere: there is neither a suite nor a file; name e.g. medhelm-results/default", 1
    ),
    Mistake(
        "medhelm gate check none.toml", "gate file none.toml: there is no such file; name one, or write a rule…", 1
    ),
    Mistake(
        "medhelm gate check gate.tml",
        "gate file gate.tml: there is no such file (did you mean gate.toml?); name one, or write a rule…",
        1,
        {"gate.toml": OFF},
    ),
    Mistake(
        "medhelm gate check gate.toml",
        "gate 'med_qa.jury >= 3': med_qa has no metric 'jury': name one of exact_match, exact_match_strict",
        1,
        {"gate.toml": "[[rule]]\nrule = 'med_qa.jury >= 3'\n"},
    ),
    Mistake(
        "medhelm gate check gate.toml",
        "gate 'med_qa <= 0.2': no value can meet it and 'med_qa >= 0.8' as well",
        1,
        {"gate.toml": "[[rule]]\nrule = 'med_qa >= 0.8'\n[[rule]]\nrule = 'med_qa <= 0.2'\n"},
    ),
    Mistake(
        "medhelm gate lock gate.toml",
        "gate 'aci_bench.harm_severe >= 0.1': a lower harm_severe is better, so that this passes what is worse: write…",
        1,
        {"gate.toml": "[[rule]]\nrule = 'aci_bench.harm_severe >= 0.1'\n"},
    ),
    Mistake(
        "medhelm gate check gate.toml",
        "gate 'pubmedqa >= 0.5': there is no benchmark, category or subcategory 'pubmedqa' (did you mean …",
        1,
        {"gate.toml": NO_NAME},
    ),
    Mistake(
        "medhelm gate check gate.toml",
        "gate 'aci_bench.jury.lower >= 0.5': aci_bench has values from 1 to 5, so that every value meets it…",
        1,
        {"gate.toml": OFF},
    ),
    Mistake(
        "medhelm gate lock gate.toml",
        "gate 'aci_bench.jury.lower >= 0.5': aci_bench has values from 1 to 5, so that every value meets it…",
        1,
        {"gate.toml": OFF},
    ),
    Mistake(
        "medhelm gate lock gate.toml",
        "gate.toml: the rule 'pubmed_qa >= 0.5' still has the reason that 'gate new' wrote: say why",
        1,
        {"gate.toml": PLACEHOLDER},
    ),
)
"""Of the medhelm command."""
