"""What a message says to install comes from where the package itself was installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_medhelm.util.installed import install_command


@pytest.mark.parametrize(
    ("noted", "command"),
    [
        (None, "pip install 'pytest-medhelm[data]'"),
        (
            {"url": "file:///srv/my%20code", "dir_info": {"editable": True}},
            "pip install -e '/srv/my code[data]'",
        ),
        ({"url": "file:///srv/code", "dir_info": {}}, "pip install '/srv/code[data]'"),
        (
            {"url": "https://git.example/medhelm.git", "vcs_info": {"vcs": "git", "commit_id": "0"}},
            "pip install 'pytest-medhelm[data] @ git+https://git.example/medhelm.git'",
        ),
        (
            {"url": "file:///srv/pytest_medhelm-1-py3-none-any.whl", "archive_info": {}},
            "pip install 'pytest-medhelm[data] @ file:///srv/pytest_medhelm-1-py3-none-any.whl'",
        ),
    ],
)
def test_where_it_came_from(noted: object, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what pip notes (PEP 610)."""
    folder = tmp_path / "pytest_medhelm-9.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: pytest-medhelm\nVersion: 9\n")
    if noted is not None:
        (folder / "direct_url.json").write_text(json.dumps(noted))
    monkeypatch.syspath_prepend(tmp_path)
    assert install_command.__wrapped__("data") == command
