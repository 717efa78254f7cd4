"""The options that say what is evaluated and how it is asked (``options``)."""

from __future__ import annotations

from pytest_medhelm.util.option import Option, switch
from pytest_medhelm.util.option_values import (
    MOST_REPEATS,
    count,
    one_of,
    read_address,
    read_comma_list,
    read_data_limit,
    read_folder,
    read_limit,
    read_names,
    read_noise_floor,
    read_perturbations,
    read_rules,
    read_server,
    read_texts,
)
from pytest_medhelm.util.settings import DEFAULT_LIMIT, EMBEDDED_LIMIT

EVALUATION_OPTIONS = (
    Option(
        "model",
        "PROVIDER/NAME",
        read_names,
        (),
        "Model to evaluate; repeatable. Providers: openai, vllm, ollama, local (embedded, e.g. local/smollm2-135m), "
        "baseline (random, majority, lexical), human (answers of people: human/FILE.csv), or a name defined in the "
        "config file",
        "list",
        "models",
    ),
    Option(
        "judge",
        "PROVIDER/NAME",
        read_names,
        (),
        "Judge of the jury that rates free text; repeatable (default: none)",
        "list",
        "judges",
    ),
    Option(
        "gate",
        "RULE|FILE",
        read_rules,
        (),
        "Rule that decides the exit status, e.g. 'pubmed_qa.exact_match >= 0.70', or a gate file; repeatable",
        "list",
        "gates",
    ),
    Option(
        "allow-host",
        "HOST",
        read_texts,
        (),
        "Host that --medhelm-offline may reach, and that data agreements cover; repeatable",
        "list",
        "allow_hosts",
    ),
    Option(
        "allow-program",
        "NAME",
        read_texts,
        (),
        "Program that may be started under --medhelm-offline, which cannot see what it reaches; repeatable",
        "list",
        "allow_programs",
    ),
    Option(
        "base-url",
        "URL[,URL...]",
        read_address,
        None,
        "Address of the OpenAI-compatible server, e.g. http://localhost:8000/v1; several that serve the same models, "
        "divided by commas, share the requests",
    ),
    Option(
        "fhir",
        "URL",
        read_server,
        None,
        "FHIR server of your own whose record takes the place of the hospital where a benchmark allows it; only GET is "
        "sent to it (docs/agents.md), e.g. http://localhost:8080/fhir",
    ),
    Option(
        "data",
        "DIR",
        read_folder,
        None,
        "Folder with upstream data files, as DIR/<benchmark>/<file>; else the sample data is used",
    ),
    Option(
        "data-limit",
        "SIZE",
        read_data_limit,
        None,
        "What a compressed data file may unpack to, e.g. 8GB, or none (default: 1GB, and 200 times its size)",
    ),
    Option(
        "limit",
        "N|all",
        read_limit,
        None,
        f"Instances per benchmark, a seeded sample (default: {DEFAULT_LIMIT}, or {EMBEDDED_LIMIT} when an embedded "
        "model takes part)",
    ),
    Option(
        "sampler",
        "hash|helm",
        one_of("hash", "helm"),
        "hash",
        "How the limit draws: hash (default; a smaller limit is a subset, file order does not matter) or helm (as "
        "MedHELM: numpy seed 0 over the file's order)",
    ),
    Option(
        "prompt-form",
        "line|helm",
        one_of("line", "helm"),
        "line",
        "How closed questions ask: for one last line 'Answer: X' in the benchmark's language (line, default), or for a "
        "letter and nothing else, as MedHELM does (helm)",
    ),
    Option(
        "answer-form",
        "any|strict",
        one_of("any", "strict"),
        "any",
        "With strict, a second value (exact_match_strict) counts only closed answers in the form that the prompt asks "
        "for (default: any)",
    ),
    Option(
        "repeats",
        "K",
        count(1, MOST_REPEATS),
        1,
        "How often each request is asked, to see how steady the answers are (default: 1, at most "
        f"{MOST_REPEATS}; docs/robustness.md)",
    ),
    Option(
        "perturb",
        "NAME,...",
        read_perturbations,
        (),
        "Ask instances in other words too: perturbations, or the sets robustness, clinical, invariance, helm "
        "(docs/robustness.md)",
    ),
    Option(
        "perturb-limit",
        "N",
        count(1),
        None,
        "Instances per benchmark, or per sub-task where it has some, that --medhelm-perturb changes, a seeded sample "
        "(default: all)",
    ),
    Option(
        "noise-floor",
        "N|off",
        read_noise_floor,
        None,
        "How often an instance that was changed is asked again unchanged, to see what chance alone does (default: as "
        "often as it was changed)",
    ),
    Option(
        "confidence",
        "logprobs|stated|none",
        one_of("logprobs", "stated", "none"),
        "none",
        "How sure the model is of the option that it chooses: from the probabilities of its tokens (logprobs), as it "
        "says itself in one more line of its answer (stated), or not asked (none, default; docs/calibration.md)",
    ),
    Option(
        "judge-repeats",
        "K",
        count(1, MOST_REPEATS),
        1,
        "How often each judge rates each answer, to see how far it agrees with itself (default: 1)",
    ),
    switch(
        "shuffle-criteria",
        "Put the rubric's criteria to each judge in an order of its own, seeded by instance and judge",
    ),
    switch("allow-self-judging", "Let a model that is evaluated be a judge too, which favours it"),
    Option(
        "rubric-calls",
        "each|together",
        one_of("each", "together"),
        "each",
        "Ask a judge about each criterion with points by itself (each, default), or about all criteria of an answer in "
        "one request (together)",
    ),
    Option(
        "sub-tasks",
        "NAME,...",
        read_comma_list,
        (),
        "Only these sub-tasks of benchmarks that have them, e.g. 2k,512k of long_record (default: all but those that "
        "run only when named)",
    ),
    Option(
        "shots",
        "K",
        count(0),
        None,
        "Solved examples shown before each question, from the training or development split of benchmarks that have "
        "one (default: 0; mmlu_clinical_afr 5)",
    ),
)
