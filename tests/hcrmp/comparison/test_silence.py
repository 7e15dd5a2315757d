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
from hcrmp.config import EvaluateConfig
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
def test_processes_that_hang_and_are_stopped_are_ended_and_cost_retries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two sleeps for ever with a child, the other is stopped (SIGSTOP): the result is that of no process."""
    undisturbed = compared(config_of(tmp_path / "undisturbed", "cruise", record=0))
    monkeypatch.setattr("hcrmp.comparison.tasks.CHUNK", 5)
    monkeypatch.setattr(processes, "_work", hanging)
    attempted = TaskQueue.attempted
    stopped: list[int] = []
    pools: list[processes.Processes] = []
    entered = processes.Processes.__enter__

    def enter(pool: processes.Processes) -> processes.Processes:
        pools.append(pool)
        return entered(pool)

    def stop_the_other(queue: TaskQueue, task: Any, attempt: Attempt) -> None:
        attempted(queue, task, attempt)
        if not stopped and attempt.key[2] >= 5:
            (victim,) = (one for one in pools[0]._workers if one.task is task)
            stopped.append(victim.process.pid or 0)
            os.kill(stopped[0], signal.SIGSTOP)

    monkeypatch.setattr(processes.Processes, "__enter__", enter)
    monkeypatch.setattr(TaskQueue, "attempted", stop_the_other)
    output = tmp_path / "out"
    comparison = compared(config_of(output, "cruise", processes=2, worlds=2, silence_s=2.0, retries=9, record=0))
    assert hashes(comparison) == hashes(undisturbed)
    pids = [*map(int, (output / "hung").read_text().split()), *stopped]
    assert len(pids) == 3 and all(map(gone, pids))
    errors = [text for one in comparison.planners for text in one.infrastructure.errors]
    assert errors and all("nothing was heard of the process that drove for 2 s: it was ended" in one for one in errors)
    assert all(one.infrastructure.given_up == 0 for one in comparison.planners)
