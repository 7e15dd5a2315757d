"""An attempt whose client a signal ends is made again, and told of; one that always ends so fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envs.carla_server.serving import ClientEnded, once_more, run_client

ABORTS_ONCE = """
import os, pathlib, sys
seen = pathlib.Path(sys.argv[1])
if not seen.exists():
    seen.touch()
    os.abort()
print("done")
"""


def test_an_attempt_whose_client_a_signal_ended_is_made_again_from_its_start_and_told_of(tmp_path: Path) -> None:
    attempts: list[int] = []

    def attempt() -> str:
        attempts.append(1)
        return run_client(ABORTS_ONCE, str(tmp_path / "seen"))

    with pytest.warns(UserWarning, match="ended by signal 6"):
        assert once_more(attempt) == "done\n"
    assert len(attempts) == 2


def test_a_second_signal_and_an_error_fail() -> None:
    with pytest.warns(UserWarning, match="ended by signal 6"), pytest.raises(ClientEnded, match="ended by signal 6"):
        once_more(lambda: run_client("import os; os.abort()"))
    with pytest.raises(AssertionError, match="ended with 3"):
        once_more(lambda: run_client("raise SystemExit(3)"))
