"""Gated and private data stay on this machine unless a host is named, and no other host is so much as contacted.

0.0.0.0 leads here and is no loopback address: it stands for somebody's host.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perf.mock_server import MockServer
from tests.support.letters import gold

XDIST = pytest.mark.parametrize("extra", [(), ("-n", "2")], ids=["alone", "xdist"])


def elsewhere(server: MockServer) -> str:
    return server.url.replace("127.0.0.1", "0.0.0.0")


def private(pytester: pytest.Pytester, access: str = "private") -> None:
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text().replace('access="public"', f'access="{access}"'))


@pytest.mark.parametrize(("extra", "access"), [((), "private"), (("-n", "2"), "gated")])
def test_private_data_go_nowhere_and_nobody_is_contacted(
    extra: tuple[str, ...], access: str, letters: Callable[..., Path], run: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
) -> None:  # fmt: skip
    data = letters(3)
    private(pytester, access)
    with MockServer(gold) as server:
        result = run(
            "--medhelm-model=vllm/mock", f"--medhelm-base-url={elsewhere(server)}", f"--medhelm-data={data}", *extra
        )
        assert server.connections == 0
    assert result.ret == 5
    result.stdout.fnmatch_lines_random([f"*letters is not sent to vllm/mock: its data are {access}; *"])
    result.stdout.fnmatch_lines_random(["*if your agreement covers 0.0.0.0, type --medhelm-allow-host=0.0.0.0"])


@XDIST
def test_a_host_that_is_named_or_data_that_are_public_are_asked(
    extra: tuple[str, ...],
    letters: Callable[..., Path],
    run: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
) -> None:
    data = letters(4)
    with MockServer(gold, models=("org/mock-7b",)) as server:
        options = (
            "--medhelm-model=vllm/mock",
            f"--medhelm-base-url={elsewhere(server)}",
            f"--medhelm-data={data}",
            *extra,
        )
        public = run(*options)
        private(pytester)
        named = run(*options, "--medhelm-allow-host=0.0.0.0", "--medhelm-no-cache")
        # The short name was matched, also where the host was looked at after collection.
        assert {body["model"] for body in server.requests} == {"org/mock-7b"}
        assert len(server.requests) == 8
    assert (public.ret, named.ret) == (0, 0)


def test_a_judge_is_not_contacted_about_data_that_may_not_go_there(
    letters: Callable[..., Path],
    run: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
) -> None:
    data = letters(3)
    private(pytester)
    with MockServer(gold) as server, MockServer(gold) as judge:
        (pytester.path / "medhelm.toml").write_text(f'[endpoints.far]\nbase_url = "{elsewhere(judge)}"\n')
        result = run(
            "--medhelm-model=vllm/mock",
            f"--medhelm-base-url={server.url}",
            "--medhelm-judge=far/mock",
            f"--medhelm-data={data}",
        )
        assert judge.connections == 0
        assert server.requests == []
    assert result.ret == 5
    result.stdout.fnmatch_lines_random(["*letters is not sent to far/mock: its data are private*"])


def test_a_dead_host_elsewhere_is_still_one_sentence(
    letters: Callable[..., Path], run: Callable[..., pytest.RunResult]
) -> None:
    data = letters(3)
    result = run(
        "--medhelm-model=vllm/mock", "--medhelm-base-url=http://0.0.0.0:9/v1", f"--medhelm-data={data}", "-n", "2"
    )
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: no server answers at http://0.0.0.0:9/v1/models*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
