"""Processes that hang, are stopped or killed: they are ended, their work is done by others, and it is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from hcrmp.comparison import processes
from hcrmp.comparison.journal import Attempt
from hcrmp.comparison.tasks import TaskQueue
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.hinted_env import HintedVecEnv
from tests.hcrmp.comparison.test_job import compared, config_of, hashes

HANGS_AT = 3
"""Episode at which a process hangs, once."""


def hanging(config: EvaluateConfig, places: Any, connection: Connection) -> None:
    """Work, until one process of all hangs in the middle of an episode, with a child of its own."""
    advance, mark = HintedVecEnv.advance, Path(config.output) / "hung"

    def hangs(env: HintedVecEnv, actions: Any) -> Any:
        made = advance(env, actions)
        if (env.driving.episode_seeds % 2**31 == HANGS_AT).any() and env.driving.scene.time_s.max() > 1.0:
            try:
                mark.touch(exist_ok=False)
            except FileExistsError:
                return made
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            mark.write_text(f"{os.getpid()} {child.pid}")
            time.sleep(600)
        return made

    HintedVecEnv.advance = hangs  # type: ignore[method-assign,assignment]
    processes._work(config, places, connection)


def gone(pid: int) -> bool:
    """Whether a process is no more, or waits only for its parent to hear of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_processes_that_hang_and_are_stopped_or_killed_cost_retries_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two one sleeps for ever with a child, the other is stopped, and one that follows them is killed.

    The result is that of no process, and of another number of worlds.
    """
    undisturbed = compared(config_of(tmp_path / "undisturbed", "cruise", "keep_lane", record=0))
    monkeypatch.setattr("hcrmp.comparison.tasks.CHUNK", 5)
    monkeypatch.setattr(processes, "_work", hanging)
    attempted, entered = TaskQueue.attempted, processes.Processes.__enter__
    pools: list[tuple[processes.Processes, set[int]]] = []
    struck: dict[signal.Signals, int] = {}

    def pids(pool: processes.Processes) -> set[int]:
        return {one.process.pid or 0 for one in pool._workers}

    def enter(pool: processes.Processes) -> processes.Processes:
        pools.append((pool, pids(pool)))
        return entered(pool)

    def strike(queue: TaskQueue, task: Any, attempt: Attempt) -> None:
        attempted(queue, task, attempt)
        ((pool, first),) = pools
        pid = next((one.process.pid or 0 for one in pool._workers if one.task is task), 0)
        how = signal.SIGSTOP if pid in first else signal.SIGKILL
        if pid and how not in struck and (attempt.key[2] >= 5 or how == signal.SIGKILL):
            struck[how] = pid
            os.kill(pid, how)

    monkeypatch.setattr(processes.Processes, "__enter__", enter)
    monkeypatch.setattr(TaskQueue, "attempted", strike)
    output = tmp_path / "out"
    config = config_of(output, "cruise", "keep_lane", processes=2, worlds=3, silence_s=2.0, retries=9, record=0)
    comparison = compared(config)
    assert hashes(comparison) == hashes(undisturbed)
    assert [one.success.retried for one in comparison.planners] == [one.success.retried for one in undisturbed.planners]
    ended = [*map(int, (output / "hung").read_text().split()), *struck.values()]
    assert len(ended) == 4 and all(map(gone, ended))
    told = {text for one in comparison.planners for text in one.infrastructure.errors}
    assert told == {
        "nothing was heard of the process that drove for 2 s: it was ended",
        f"the process that drove ended with status {-signal.SIGKILL}",
    }
    assert all(one.infrastructure.given_up == 0 for one in comparison.planners)
