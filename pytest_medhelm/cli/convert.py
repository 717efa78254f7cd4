"""medhelm convert: what a MedHELM run entry is here, as the pytest command to type."""

from __future__ import annotations

import argparse
import shlex
from difflib import get_close_matches

from pytest_medhelm.tasks.benchmark import PACKAGED
from pytest_medhelm.util.errors import ConfigError

SAID = {
    "subject": "all its sub-tasks run at once; one alone by -k, or as a slice of a gate rule",
    "num_output_tokens": 'write max_tokens under [models."..."] of medhelm.toml',
    "temperature": 'write temperature under [models."..."] of medhelm.toml',
    "stop": 'write stop in extra_body under [models."..."] of medhelm.toml',
    "increase_max_tokens": 'write max_tokens under [models."..."] of medhelm.toml',
    "jury_config_path": "name each judge of that file by --medhelm-judge",
    "num_train_trials": "more than one draw of solved examples is not made here",
    "data_augmentation": "perturbations are chosen by options of their own",
    "num_outputs": "an answer is asked for once",
    "priority": "choose benchmarks by -m",
}
"""Keys that become something else than an option, in words."""
SAID |= dict.fromkeys(("condition", "subset"), SAID["subject"])
OPTIONS = {
    "model": "--medhelm-model",
    "max_eval_instances": "--medhelm-limit",
    "data_path": "--medhelm-data",
    "max_train_instances": "--medhelm-shots",
    "judge_model": "--medhelm-judge",
}
"""Keys that are an option here."""

WHOLE = ("max_eval_instances", "max_train_instances", "num_output_tokens", "num_train_trials")
"""Keys that take a whole number."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "--entry",
        required=True,
        metavar="ENTRY",
        help="e.g. 'pubmed_qa:model=openai/gpt-4o,max_eval_instances=50'",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the command, and what of the entry it cannot hold. Raises ConfigError for an entry that is none."""
    name, pairs = _read(arguments.entry)
    words = ["pytest", "benchmarks/", "-m", name]
    words += [f"{OPTIONS[key]}={value}" for key, value in pairs.items() if key in OPTIONS]
    if "model" not in pairs and "model_deployment" in pairs:
        words.append(f"--medhelm-model={pairs['model_deployment']}")
    if "max_eval_instances" in pairs:
        words.append("--medhelm-sampler=helm")
    print(shlex.join(words))
    for key in pairs:
        if key in SAID:
            print(f"{key}: {SAID[key]}")
        elif key not in OPTIONS and key != "model_deployment":
            print(f"{key}: has no counterpart here, and is left out")
    return 0


def _read(entry: str) -> tuple[str, dict[str, str]]:
    """The benchmark and the pairs of an entry: name:key=value,key=value."""
    given, _, rest = entry.strip().partition(":")
    known = {path.stem.removeprefix("test_") for home in PACKAGED for path in home.glob("*/test_*.py")}
    # Some have a prefix there that tells them from other scenarios of HELM.
    name = given if given in known else given.removeprefix("medhelm_")
    if name not in known:
        near = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"--entry: there is no benchmark {given!r}: {hint}'medhelm tasks' lists all")
    pairs: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        key, sign, value = part.partition("=")
        if not sign or not value:
            raise ConfigError(f"--entry: {part!r} is no key=value; an entry reads e.g. 'pubmed_qa:model=openai/gpt-4o'")
        if key in WHOLE and not value.isdecimal():
            raise ConfigError(f"--entry: {key}={value} must be a whole number, e.g. {key}=50")
        pairs[key] = value
    return name, pairs
