"""Regular expressions that are compiled when first needed, so that importing the package stays cheap."""

from __future__ import annotations

import re
from functools import cache


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """``re.compile``, kept for good: the cache of ``re`` itself is shared and drops patterns."""
    return re.compile(pattern)
