"""A gate file: rules with their reasons, and the evaluation set that was agreed on before the run.

title = "Model for discharge letters"
alpha = 0.025                          # one-sided, of every rule that does not say otherwise

[evaluation]                           # what must have been run; anything else is "not evaluated"
shots = 0
judges = ["ward/judge-a", "ward/judge-b"]
judge_repeats = 1

[benchmarks.pubmed_qa]
n = 500                                # instances, or "all"
data = "5b0fd2c0..."                   # SHA-256 of the data file, or a table of file = checksum
prompt = "3f2a..."                     # hash of the prompt; these three as 'medhelm gate new' writes them
set = "9c1d..."                        # hash of the evaluation set

[[rule]]
rule = "pubmed_qa.exact_match >= baseline - 0.02"
why = "two questions in a hundred are within the spread of our own readers"

[[rule]]
any_of = ["med_qa >= 0.70", "medbullets >= 0.60"]
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pytest_medhelm.gates.rule import ALPHA, Rule, parse_rule
from pytest_medhelm.results.leaderboard.confidence_column import AGREEMENT
from pytest_medhelm.results.leaderboard.confidence_measure import SCALES as CONFIDENCE_SCALES
from pytest_medhelm.results.leaderboard.robustness import ABOVE_NOISE, DROP, OF_VARIANTS
from pytest_medhelm.results.leaderboard.steadiness import needed_repeats
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.json_types import JsonObject
from pytest_medhelm.util.toml_text import parse_toml

_TOP = {"title": str, "alpha": float, "evaluation": dict, "benchmarks": dict, "rule": list}
_EVALUATION = {
    "shots": int,
    "sampler": str,
    "judges": list,
    "judge_repeats": int,
    "repeats": int,
    "perturbations": list,
}
_BENCHMARK = {"n": (int, str), "data": (str, dict), "prompt": str, "scoring": str, "set": str, "shots": int}
_RULE = {
    "rule": str,
    "any_of": list,
    "why": str,
    "alpha": float,
    "judges": int,
    "jury_agreement": float,
    "validated": str,
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One ``[[rule]]``: it is met when any of its alternatives passes; most have one only."""

    alternatives: tuple[Rule, ...]

    @property
    def text(self) -> str:
        """The rule, or the alternatives joined by "or"."""
        return " or ".join(rule.text for rule in self.alternatives)


@dataclass(frozen=True, slots=True)
class Gate:
    """What decides a promotion: all demands must be met, on the evaluation set that is stated, if one is."""

    demands: tuple[Requirement, ...]
    title: str = ""
    evaluation: Mapping[str, object] = field(default_factory=dict)
    """What holds for every benchmark."""
    benchmarks: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """What is agreed on for each; all of them must have been run."""
    path: Path | None = None
    digest: str = ""
    """SHA-256 of the file; empty for rules from the command line."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, alternatives included."""
        return tuple(rule for demand in self.demands for rule in demand.alternatives)


def gate_of(texts: Sequence[str]) -> Gate:
    """Rules from the command line, the config file or a benchmark. Raises ConfigError as ``parse_rule``."""
    return Gate(tuple(Requirement((parse_rule(text),)) for text in texts))


def read_gates(texts: Sequence[str]) -> tuple[Gate, ...]:
    """What --medhelm-gate was given: one gate of all rules, and one for each file. Raises ConfigError."""
    rules = [text for text in texts if not is_gate_file(text)]
    files = [read_gate(Path(text)) for text in texts if is_gate_file(text)]
    return (*([gate_of(rules)] if rules else []), *files)


def require_repeats(gates: Sequence[Gate], repeats: int) -> None:
    """Raises ConfigError for a rule about more answers to each request than a run asks for."""
    for rule in (rule for gate in gates for rule in gate.rules):
        least = needed_repeats(rule.metric)
        if least > repeats:
            raise ConfigError(
                f"gate {rule.text!r}: {rule.metric} needs {least} answers to each request, the run asks for "
                f"{repeats}: add --medhelm-repeats={least}"
            )


def require_variants(gates: Sequence[Gate], perturbations: Collection[str], noise_floor: int | None) -> None:
    """Raises ConfigError for a rule about other words in which a run does not ask."""
    for rule in (rule for gate in gates for rule in gate.rules):
        name = rule.metric.removeprefix(DROP) if rule.metric.startswith(DROP) else ""
        problem = ""
        if (rule.metric in OF_VARIANTS or name) and not perturbations:
            problem = f"add --medhelm-perturb={name or 'robustness'}"
        elif name and name not in perturbations:
            problem = f"add {name} to --medhelm-perturb"
        elif rule.metric in ABOVE_NOISE and noise_floor == 0:
            problem = "leave out --medhelm-noise-floor=off"
        if problem:
            raise ConfigError(f"gate {rule.text!r}: the run does not measure {rule.metric}: {problem}")


def require_confidence(gates: Sequence[Gate], source: str, repeats: int) -> None:
    """Raises ConfigError for a rule about confidences, of which a run learns nothing from this source."""
    for rule in (rule for gate in gates for rule in gate.rules if rule.metric in CONFIDENCE_SCALES):
        of_repeats = rule.metric.endswith(f"_{AGREEMENT}")
        if repeats < 2 if of_repeats else source == "none":
            option = "--medhelm-repeats=5" if of_repeats else "--medhelm-confidence=logprobs or =stated"
            raise ConfigError(f"gate {rule.text!r}: the run does not measure {rule.metric}: add {option}")


def is_gate_file(text: str) -> bool:
    """What --medhelm-gate was given names a file and is no rule. Raises ConfigError for a file of another kind."""
    if text.endswith(".toml"):
        return True
    if not any(sign in text for sign in "<>=") and ("/" in text or Path(text).is_file() or _FILE.fullmatch(text)):
        near = str(Path(text).with_suffix(".toml"))
        raise ConfigError(f"gate {text!r} is no rule, and a gate file ends in .toml: did you mean {near}?")
    return False


_FILE = re.compile(r"[\w-]+\.(?:t[a-z]{1,4}|ya?ml|json)")
"""What looks like the name of a file."""


def read_gate(path: Path) -> Gate:
    """Read a gate file. Raises ConfigError naming the file and what is wrong in it."""
    try:
        content = path.read_bytes()
        table = parse_toml(content.decode("utf-8-sig"))
    except FileNotFoundError:
        near = get_close_matches(
            path.name, [file.name for file in path.parent.glob("*.toml") if file.is_file()], n=1, cutoff=0.6
        )
        meant = f" (did you mean {path.parent / near[0]}?)" if near else ""
        raise ConfigError(
            f"gate file {path}: there is no such file{meant}; name one, or write a rule such as 'pubmed_qa >= 0.70'"
        ) from None
    except OSError as error:
        raise ConfigError(f"gate file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"gate file {path} is not UTF-8 text: save it as UTF-8") from None
    except ValueError as error:
        raise ConfigError(f"gate file {path} cannot be read as TOML: {error}") from None
    try:
        return _gate(table, path, hashlib.sha256(content).hexdigest())
    except ConfigError as error:
        raise ConfigError(f"gate file {path}: {error}") from None


def _gate(table: JsonObject, path: Path, digest: str) -> Gate:
    _check(table, _TOP, "the top level")
    evaluation = table.get("evaluation", {})
    _check(evaluation, _EVALUATION, "[evaluation]")
    for key in ("judges", "perturbations"):
        if not all(isinstance(name, str) for name in evaluation.get(key, ())):
            raise ConfigError(f"[evaluation] {key} must be a list of names, not {evaluation[key]!r}")
    for key, least in (("shots", 0), ("repeats", 1), ("judge_repeats", 1)):
        if evaluation.get(key, least) < least:
            raise ConfigError(f"[evaluation] {key} = {evaluation[key]}: a whole number from {least}")
    benchmarks = table.get("benchmarks", {})
    for name, section in benchmarks.items():
        if not isinstance(section, dict):
            raise ConfigError(f"write [benchmarks.{name}] as a table, e.g. with n = 500")
        _check(section, _BENCHMARK, f"[benchmarks.{name}]")
        n = section.get("n", "all")
        if n != "all" and not (isinstance(n, int) and n > 0):
            raise ConfigError(f'[benchmarks.{name}] n = {n!r} is neither a number of instances nor "all"')
        data = section.get("data")
        if isinstance(data, dict) and not all(isinstance(checksum, str) for checksum in data.values()):
            raise ConfigError(f"[benchmarks.{name}] data must be a checksum or a table of file = checksum, not {data}")
    rules = table.get("rule", [])
    if not rules:
        raise ConfigError("it has no rule: add [[rule]] with rule = 'pubmed_qa.exact_match >= 0.70'")
    alpha = _alpha(table.get("alpha", ALPHA), "alpha")
    demands = tuple(_demand(section, alpha, f"[[rule]] number {number}") for number, section in enumerate(rules, 1))
    return Gate(demands, table.get("title", ""), evaluation, benchmarks, path, digest)


def _demand(section: Any, alpha: float, where: str) -> Requirement:
    if not isinstance(section, dict):
        raise ConfigError(f"{where} must be a table: write [[rule]] and below it rule = '...'")
    _check(section, _RULE, where)
    texts = section.get("any_of", []) or [section.get("rule", "")]
    if ("rule" in section) == ("any_of" in section) or not all(isinstance(text, str) and text for text in texts):
        raise ConfigError(f"{where} needs either rule = '...' or any_of = ['...', '...']")
    why = section.get("why", "").strip()
    if section.get("judges", 1) < 1:
        raise ConfigError(f"{where} judges = {section['judges']}: at least one judge must have rated")
    if not 0 <= section.get("jury_agreement", 0) <= 1:
        raise ConfigError(f"{where} jury_agreement = {section['jury_agreement']:g} must lie between 0 and 1, e.g. 0.4")
    validated = section.get("validated", "required")
    if validated not in ("required", "not required"):
        raise ConfigError(f'{where} validated = {validated!r}: write "required" or "not required"')
    if validated == "not required" and not why:
        raise ConfigError(f"{where}: judges that nobody validated need a reason: add why = '...'")
    rules = []
    for text in texts:
        rule = parse_rule(text)
        if rule.baseline and rule.threshold and not why:
            raise ConfigError(f"{where}, {text!r}: a margin needs its reason: add why = '...'")
        rules.append(
            replace(
                rule,
                alpha=_alpha(section.get("alpha", alpha), f"{where} alpha"),
                why=why,
                judges=section.get("judges", rule.judges),
                jury_agreement=section.get("jury_agreement", rule.jury_agreement),
                validated=validated == "not required",
            )
        )
    return Requirement(tuple(rules))


def _alpha(value: float, where: str) -> float:
    if not 0.0001 <= value <= 0.2:
        raise ConfigError(f"{where} = {value:g} must lie between 0.0001 and 0.2: it is one-sided, e.g. 0.025")
    return value


def _check(table: JsonObject, known: JsonObject, where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise ConfigError(f"{where} has no key {key!r}; known are: {', '.join(known)}")
        kind = (int, float) if known[key] is float else known[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ConfigError(f"{where} {key} = {value!r} is of the wrong type")
