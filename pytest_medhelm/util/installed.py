"""How more of this package is installed: from where it was installed itself, which need not be a package index."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from urllib.parse import unquote, urlsplit

NAME = "pytest-medhelm"


@cache
def install_command(extra: str, *, upgrade: bool = False) -> str:
    """What to type for an extra, by what pip noted (PEP 610)."""
    try:
        noted = json.loads(distribution(NAME).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError, OSError):
        noted = {}
    url = str(noted.get("url", ""))
    if "dir_info" in noted and url.startswith("file:"):
        editable = "-e " if noted["dir_info"].get("editable") else ""
        what = f"{editable}'{unquote(urlsplit(url).path)}[{extra}]'"
    elif "vcs_info" in noted:
        what = f"'{NAME}[{extra}] @ {noted['vcs_info'].get('vcs', 'git')}+{url}'"
    else:
        what = f"'{NAME}[{extra}]{f' @ {url}' if url else ''}'"
    return f"pip install {'--upgrade ' if upgrade else ''}{what}"
