"""Marks that select benchmarks."""

from __future__ import annotations

from typing import get_args

import pytest

from pytest_medhelm.tasks.taxonomy import CATEGORIES, Access, Kind, slug


def register_marks(config: pytest.Config) -> None:
    """Register categories, subcategories, access tiers and kinds, so that --strict-markers is content.

    A benchmark's own name is registered when its module is collected.
    """
    for category, subcategories in CATEGORIES.items():
        config.addinivalue_line("markers", f"{slug(category)}: benchmarks of the category {category}")
        for subcategory in subcategories:
            config.addinivalue_line("markers", f"{slug(subcategory)}: benchmarks of the subcategory {subcategory}")
    for access in get_args(Access):
        config.addinivalue_line("markers", f"{access}: benchmarks whose data is {access}")
    for kind in get_args(Kind):
        config.addinivalue_line("markers", f"{kind}: benchmarks of the kind {kind}")
