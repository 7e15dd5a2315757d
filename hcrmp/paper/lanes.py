"""Commands that run beside each other, so many at a time; whatever ends this ends them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

POLL_S = 0.5
END_S = 60.0
"""Time that a training has to write its checkpoint when it is told to end (s)."""

Piece = TypeVar("Piece")


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit ``status``, and how long it took (s)."""

    status: int
    seconds: float


def run_all(
    pieces: Sequence[Piece],
    command: Callable[[Piece], Sequence[str]],
    log: Callable[[Piece], Path],
    lanes: int,
    ended: Callable[[Piece, Ended], None],
) -> None:
    """Run the command of each piece, ``lanes`` at a time, in their order; ``ended`` is told of each.

    Output goes to ``log`` of the piece, appended. One that fails does not stop the others; what stops this, an
    interrupt or an error, ends all by their process ids: first politely, so that they leave a checkpoint.
    """
    waiting = list(pieces)
    running: dict[subprocess.Popen[bytes], tuple[Piece, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < lanes:
                piece = waiting.pop(0)
                running[_start(command(piece), log(piece))] = (piece, time.monotonic())
            for process in [one for one in running if one.poll() is not None]:
                piece, begun = running.pop(process)
                ended(piece, Ended(process.returncode, time.monotonic() - begun))
            time.sleep(POLL_S if running else 0.0)
    finally:
        _end(list(running))


def _start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with log.open("ab") as file:
        # A session of its own: Ctrl-C reaches it through us alone, once.
        return subprocess.Popen(command, stdout=file, stderr=file, env=environment, start_new_session=True)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    until = time.monotonic() + END_S
    for process in processes:
        try:
            process.wait(max(until - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
