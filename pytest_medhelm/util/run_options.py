"""The options that say how a run goes, what it costs and what it writes (``options``)."""

from __future__ import annotations

from pytest_medhelm.util.option import Option, switch
from pytest_medhelm.util.option_values import (
    count,
    one_of,
    read_amount,
    read_concurrency,
    read_name_or_folder,
    read_new_file,
    read_path,
    read_seconds,
    read_shard,
    read_suite,
    read_text,
)

RUN_OPTIONS = (
    Option(
        "concurrency",
        "N|auto",
        read_concurrency,
        None,
        "Requests in flight per endpoint; auto starts at 16 and finds out how many it takes best, up to 512 (default: "
        "auto; Ollama 4; embedded 1)",
    ),
    Option(
        "prefetch",
        "N",
        count(0),
        None,
        "Requests asked ahead of the running test (default: twice the concurrency; 0: none)",
    ),
    Option(
        "wait",
        "SECONDS",
        read_seconds,
        300.0,
        "How long to wait for a server that went away or is loading its model (default: 300; 0: not at all)",
    ),
    Option(
        "max-cost",
        "AMOUNT",
        read_amount,
        None,
        "Stop before this run has paid more than this; needs prices in medhelm.toml (docs/costs.md)",
    ),
    Option("currency", "CODE", read_text, "USD", "Currency of prices and of --medhelm-max-cost (default: USD)"),
    Option(
        "baseline",
        "PATH",
        read_path,
        None,
        "Suite or leaderboard.json of the model in use, for rules such as 'pubmed_qa >= baseline - 0.02'",
    ),
    Option("baseline-model", "NAME", read_text, None, "Which model of the baseline (default: its only candidate)"),
    Option(
        "batch",
        "FILE",
        read_new_file,
        None,
        "Ask nobody: write each request that has no stored answer to this file (.jsonl), as OpenAI's Batch API and "
        "'vllm run-batch' take it; 'medhelm batch collect' stores the answers (docs/batch.md)",
    ),
    Option(
        "shard",
        "K/N",
        read_shard,
        None,
        "Ask part K of N only, for N jobs whose suites are united with 'medhelm merge' (docs/scale.md)",
    ),
    Option("results", "DIR", read_path, "medhelm-results", "Folder that holds the suites (default: medhelm-results)"),
    Option("suite", "NAME", read_suite, "default", "Suite that the records are added to (default: default)"),
    Option(
        "ledger",
        "FILE",
        read_path,
        None,
        "Where every evaluation is recorded (default: ledger.jsonl next to the suites; docs/promotion.md)",
    ),
    Option(
        "html",
        "pages|single|none",
        one_of("pages", "single", "none"),
        "pages",
        "leaderboard.html and the pages of all instances (default: pages), one file with a sample of them for e-mail "
        "(single), or no page (none)",
    ),
    Option(
        "bertscore",
        "MODEL|DIR",
        read_name_or_folder,
        None,
        "Model of BERTScore for free text: its name or a local folder (default: no BERTScore)",
    ),
    switch("offline", "Reach only loopback addresses and the hosts named by --medhelm-allow-host"),
    switch("no-cache", "Ask every request again, also where a stored response exists"),
    switch("strict", "A wrong answer to a right-or-wrong metric fails its test"),
    switch(
        "show-published",
        "Show the MedHELM paper's figures of nine models next to this suite's, apart from it (docs/published.md)",
    ),
    switch("show-text", "Show clinical text (prompts, answers) in the terminal and in CI reports"),
)
