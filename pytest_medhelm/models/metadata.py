"""What describes a model, as suites and leaderboard.json have it."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

ModelKind = Literal["candidate", "baseline", "human", "imported"]


class ModelSettings(TypedDict):
    """The settings that belong to a model."""

    served: str
    """The id that the server knows the model by; for a baseline or human answers the part of the name after the
    slash."""
    body: dict[str, Any]
    """What is sent with every request: sampling, token budget, extra_body. For human answers the checksum of their
    file."""
    system_prompt: str
    """Sent before each prompt; empty for none."""
    structured: NotRequired[bool]
    """Whether the model, as a judge, is told the form of its reply as a JSON schema; absent: where its server
    accepts one."""
    protocol: NotRequired[Literal["tools", "text"]]
    """How the model calls tools as an agent; absent: as its provider can."""


class ModelMetadata(ModelSettings):
    """A model of the suite."""

    name: str
    """As the user wrote it, e.g. vllm/llama3."""
    kind: ModelKind
    """candidate: may be promoted, so it is ranked, compared and gated. The others are shown next to them: baseline (a
    function that knows no medicine), human (answers of people), imported (results of another tool)."""


class AskedModelMetadata(ModelMetadata):
    """A model with the address it was asked at."""

    base_url: str
    """Address without credentials; empty where nothing is asked."""
