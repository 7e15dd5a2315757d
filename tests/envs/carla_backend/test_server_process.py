"""Servers that we start: ended with all their children, by process group, and never on somebody else's port."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envs.carla_backend.config import CarlaError
from envs.carla_backend.server_process import ServerProcess, refuse_taken_ports
from tests.ports import free_port

# A launcher with a child that ignores the request to end, as a game server behind its shell script does.
STUBBORN = (
    "import signal, subprocess, sys, time; "
    "child = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); '"
    "'time.sleep(60)'; "
    "p = subprocess.Popen([sys.executable, '-c', child], stdout=subprocess.PIPE); p.stdout.readline(); "
    "print(p.pid, flush=True); time.sleep(60)"
)


def wait_for(what: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("end", [ServerProcess.stop, ServerProcess.kill])
def test_the_end_takes_the_children_along(tmp_path: Path, end: Callable[[ServerProcess], None]) -> None:
    log = tmp_path / "logs" / "server.log"
    server = ServerProcess(f'{sys.executable} -c "{STUBBORN}"', free_port(), log)
    try:
        wait_for(lambda: log.read_text("utf-8").strip())
        child = int(log.read_text("utf-8"))
        assert running(child) and server.alive and server.memory_mib > 5.0
    finally:
        end(server)
    assert not running(child) and not server.alive
    assert server.exit_code is not None and server.exit_code < 0


def test_a_stopped_server_ends_too() -> None:
    server = ServerProcess(f'{sys.executable} -c "import time; time.sleep(60)"', free_port())
    os.killpg(server.group, 19)  # SIGSTOP: it can answer nothing any more
    server.stop()
    assert not server.alive


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        port = free_port() + 1
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(CarlaError, match=rf"port {port} is taken"):
            refuse_taken_ports(port)
        with pytest.raises(CarlaError, match=rf"port {port} is taken"):
            refuse_taken_ports(port - 1)  # the second port of that server
    refuse_taken_ports(port)


def test_a_command_that_cannot_run_is_told() -> None:
    with pytest.raises(CarlaError, match="cannot start a server with '/no/such/CarlaUE4.sh"):
        ServerProcess("/no/such/CarlaUE4.sh -RenderOffScreen", free_port())
