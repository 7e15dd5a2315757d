"""A client that aborts once is run again, and told of; one that does so always fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envs.carla_server.serving import run_client

ABORTS_ONCE = """
import os, pathlib, sys
seen = pathlib.Path(sys.argv[1])
if not seen.exists():
    seen.touch()
    os.abort()
print("done")
"""


def test_one_abort_is_told_and_the_client_run_again(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="ended by signal 6"):
        assert run_client(ABORTS_ONCE, str(tmp_path / "seen")) == "done\n"


def test_two_aborts_and_an_error_fail() -> None:
    with pytest.warns(UserWarning, match="ended by signal 6"), pytest.raises(AssertionError, match="ended with -6"):
        run_client("import os; os.abort()")
    with pytest.raises(AssertionError, match="ended with 3"):
        run_client("raise SystemExit(3)")
