"""Commands beside each other: so many at a time, a failure stops nobody, an interrupt ends all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hcrmp.paper.lanes import Ended, run_all

MARK = """
import pathlib, sys, time
folder, name, seconds, status = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
(folder / f"{name}.on").touch()
most = len(list(folder.glob("*.on")))
time.sleep(seconds)
(folder / f"{name}.on").unlink()
(folder / f"{name}.most").write_text(str(most))
print("said by", name)
sys.exit(status)
"""


def command(folder: Path, name: str, seconds: float = 0.2, status: int = 0) -> list[str]:
    return [sys.executable, "-c", MARK, str(folder), name, str(seconds), str(status)]


def test_no_more_than_the_lanes_run_at_a_time_and_a_failure_stops_nobody(tmp_path: Path) -> None:
    told: dict[str, Ended] = {}
    run_all(
        ["a", "b", "c", "d"], lambda name: command(tmp_path, name, status=3 if name == "b" else 0),
        lambda name: tmp_path / "logs" / f"{name}.log", 2, lambda name, how: told.update({name: how}),
    )  # fmt: skip
    assert {name: how.status for name, how in told.items()} == {"a": 0, "b": 3, "c": 0, "d": 0}
    assert max(int((tmp_path / f"{name}.most").read_text()) for name in "abcd") <= 2
    assert (tmp_path / "logs" / "c.log").read_text() == "said by c\n"


def test_whatever_ends_the_work_ends_the_commands(tmp_path: Path) -> None:
    def interrupt(name: str, how: Ended) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(
            ["short", "long", "never"], lambda name: command(tmp_path, name, 0.1 if name == "short" else 600.0),
            lambda name: tmp_path / f"{name}.log", 2, interrupt,
        )  # fmt: skip
    assert not (tmp_path / "long.most").exists() and not (tmp_path / "never.on").exists()
