"""``hcrmp doctor``: what it says about servers that answer, that do not, and that are something else."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.envs.carla_server.serving import served
from tests.ports import free_port

pytest.importorskip("carla")
pytestmark = pytest.mark.timeout(400)

ROOT = Path(__file__).parents[2]


def doctor(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hcrmp.cli", "doctor", *words]
    environment = {"COLUMNS": "500", "PATH": "", "HOME": str(Path.home())}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_server_that_is_not_there_is_told_with_what_starts_one() -> None:
    port = free_port()
    done = doctor(f"servers=[127.0.0.1:{port}]")
    assert done.returncode == 1, done.stderr
    assert f"127.0.0.1:{port}" in done.stdout and "nobody listens there" in done.stdout and "hcrmp serve" in done.stdout
    assert "no nvidia-smi" in done.stdout and "no vulkaninfo" in done.stdout


def test_whoever_listens_without_answering_is_no_server() -> None:
    with socket.socket() as calls, socket.socket() as streams:
        port = free_port()
        calls.bind(("127.0.0.1", port))
        streams.bind(("127.0.0.1", port + 1))
        for one in (calls, streams):
            one.listen()
        done = doctor(f"servers=[127.0.0.1:{port}]")
    assert done.returncode == 1 and "listens and does not answer" in done.stdout


def test_a_clock_that_was_left_behind_is_found_and_set_free() -> None:
    with served("street_0", synchronous=True) as port:
        address = f"servers=[127.0.0.1:{port}]"
        found = doctor(address)
        assert found.returncode == 0 and "CARLA 0.9.16, as the package" in found.stdout
        assert "synchronous mode: it waits" in found.stdout and "--unstick" in found.stdout
        assert "is in asynchronous mode now" in doctor(address, "--unstick").stdout
        assert "nobody holds its clock" in doctor(address).stdout


def test_a_wrong_address_is_one_line() -> None:
    done = doctor("servers=[nowhere:port]")
    assert done.returncode == 2 and done.stderr.startswith("hcrmp: a server is given as HOST:PORT")
