"""Closed lists: MedHELM's five categories with 22 subcategories (Bedi et al. 2025, arXiv:2505.23802), access, kinds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Access = Literal["public", "gated", "private"]
Kind = Literal[
    "multiple_choice", "classification", "rating", "extraction", "calculation", "sql", "generation", "jury", "agentic"
]  # fmt: skip
OPEN_ENDED: frozenset[Kind] = frozenset({"generation", "jury", "agentic"})
"""Kinds whose answers are free text, so that the most frequent reference means nothing."""

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "Clinical Decision Support": (
        "Supporting Diagnostic Decisions",
        "Planning Treatments",
        "Predicting Patient Risks and Outcomes",
        "Providing Clinical Knowledge Support",
    ),
    "Clinical Note Generation": (
        "Documenting Patient Visits",
        "Recording Procedures",
        "Documenting Diagnostic Reports",
        "Documenting Care Plans",
    ),
    "Patient Communication and Education": (
        "Providing Patient Education Resources",
        "Delivering Personalized Care Instructions",
        "Patient-Provider Messaging",
        "Enhancing Patient Understanding and Accessibility in Health Communication",
        "Facilitating Patient Engagement and Support",
    ),
    "Medical Research Assistance": (
        "Conducting Literature Research",
        "Analyzing Clinical Research Data",
        "Recording Research Processes",
        "Ensuring Clinical Research Quality",
        "Managing Research Enrollment",
    ),
    "Administration and Workflow": (
        "Scheduling Resources and Staff",
        "Overseeing Financial Activities",
        "Organizing Workflow Processes",
        "Care Coordination and Planning",
    ),
}

CATEGORY_OF: Mapping[str, str] = {
    subcategory: category for category, subcategories in CATEGORIES.items() for subcategory in subcategories
}


def slug(name: str) -> str:
    """The pytest mark of a category or subcategory: lower case, words joined by underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
