"""Addresses as they may be shown: nothing secret of them, and two different ones stay different."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_medhelm.util.network import is_loopback, shown_address, shown_addresses, without_credentials

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=6, max_size=20)


@given(user=words, password=words, key=words, query=words)
def test_no_secret_of_an_address_is_shown(user: str, password: str, key: str, query: str) -> None:
    address = f"https://{user}:{password}@gpu1.example:8443/{key}/v1?token={query}"
    for shown in (shown_address(address), shown_addresses(f"--medhelm-base-url={address}")):
        assert shown.startswith(("https://gpu1.example:8443/~", "--medhelm-base-url=https://gpu1.example:8443/~"))
        assert not any(secret in shown.replace("gpu1.example:8443", "") for secret in (user, password, key, query))
    other = shown_address(address.replace(key, f"{key}x"))
    assert other != shown_address(address)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("http://[::1]:8000/v1/models", "http://[::1]:8000/v1/models"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://h/openai/deployments/v1beta", "https://h/openai/deployments/v1beta"),
        ("http://h", "http://h"),
    ],
)
def test_what_is_no_secret_is_shown(address: str, shown: str) -> None:
    assert shown_address(address) == shown


def test_public_addresses_keep_their_path() -> None:
    assert without_credentials("https://me:secret@mirror/med_qa/a.json?sig=1") == "https://mirror/med_qa/a.json"


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True), ("LOCALHOST.", True), ("127.0.0.1", True), ("127.8.9.10", True), ("::1", True),
        ("[::1]", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False), ("192.168.1.2", False), ("gpu1", False),
        ("localhost.example.com", False), ("0.0.0.0", False), ("::ffff:10.0.0.1", False), ("", False), ("1", False),
    ],
)  # fmt: skip
def test_what_this_machine_is(host: str, here: bool) -> None:
    assert is_loopback(host) is here
