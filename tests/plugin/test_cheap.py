"""A project that merely has the plugin installed pays nothing for it."""

from __future__ import annotations

import pytest

ROOMS = ("agents", "cli", "gates", "models", "reports", "results", "scoring")


def test_a_session_that_names_no_model_loads_no_room_but_util(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="def test_it(): pass")
    pytester.makeconftest(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    loaded = {name.split('.')[1] for name in sys.modules if name.startswith('pytest_medhelm.')}\n"
        "    heavy = {'numpy', 'aiohttp', 'openai', 'yaml'} & {*sys.modules}\n"
        "    print('ROOMS', *sorted(loaded), 'HEAVY', *sorted(heavy))\n"
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:anyio")
    assert result.ret == 0
    (line,) = [line for line in result.outlines if line.startswith("ROOMS")]
    rooms, _, heavy = line.partition(" HEAVY")
    assert not {*rooms.split()} & {*ROOMS}
    assert heavy == ""
