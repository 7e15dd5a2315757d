"""The guard against a Traffic Manager that sleeps through a tick, with a stand-in for the Traffic Manager."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import pytest

from envs.carla_server import wake_up
from envs.carla_server.payloads import Settings
from envs.carla_server.server import ServerConfig, running
from envs.carla_server.sleepers import listener, turns
from tests.envs.carla_server.raw import RawClient

SILENCE_S = 0.2
NEVER_S = 3600.0
CONFIG = ServerConfig(map="street_0", port=0, settings=Settings(synchronous=True, fixed_delta_s=0.05))


@contextmanager
def stand_in(calls: list[Any]) -> Iterator[int]:
    """Answer as a Traffic Manager's own port does, and keep what is called; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        unpacker = msgpack.Unpacker(raw=False)
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            while data := connection.recv(4096):
                unpacker.feed(data)
                for _, number, name, arguments in unpacker:
                    calls.append((name, arguments))
                    connection.sendall(msgpack.packb([1, number, None, None]))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()
    thread.join(5.0)


ELSEWHERE = """
import sys, threading
from tests.envs.carla_server.test_wake_up import stand_in
calls = []
def spin():
    while not calls:
        pass
if sys.argv[1] == "busy":
    threading.Thread(target=spin, daemon=True).start()
with stand_in(calls) as port:
    print(port, flush=True)
    sys.stdin.readline()
print(calls)
"""


@contextmanager
def process(kind: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Run a stand-in, "idle" or "busy", in a process of its own; yield its port and the process."""
    command = [sys.executable, "-c", ELSEWHERE, kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            yield int(started.stdout.readline()), started
        finally:
            started.kill()


def tick_twice(client: RawClient, manager: int) -> None:
    """Let the manager answer one tick and not the next."""
    client.value("add_traffic_manager_running", ["127.0.0.1", manager])
    client.value("tick_cue")
    client.value("get_vehicle_light_states")
    client.value("tick_cue")


@pytest.fixture(autouse=True)
def _short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake_up, "SILENCE_S", SILENCE_S)


def wait_for(calls: list[Any], count: int) -> None:
    end = time.monotonic() + 10.0
    while len(calls) < count and time.monotonic() < end:
        time.sleep(0.01)


def test_a_manager_that_slept_through_a_tick_is_woken() -> None:
    calls: list[Any] = []
    with stand_in(calls) as manager, running(CONFIG) as server, RawClient(server.port) as client:
        tick_twice(client, manager)
        wait_for(calls, 2)
    assert calls == [("set_synchronous_mode", [False]), ("set_synchronous_mode", [True])]


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="who sleeps is known on Linux only")


@linux
def test_a_manager_whose_process_sleeps_is_woken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake_up, "SILENCE_S", NEVER_S)
    with process("idle") as (manager, started), running(CONFIG) as server, RawClient(server.port) as client:
        tick_twice(client, manager)
        end = time.monotonic() + 20.0
        while not server.simulation.wake_up.woken and time.monotonic() < end:
            time.sleep(0.01)
        assert server.simulation.wake_up.woken == 1
        time.sleep(0.2)
        told, _ = started.communicate("\n", timeout=20.0)
    assert told.strip() == "[('set_synchronous_mode', [False]), ('set_synchronous_mode', [True])]"


@linux
def test_a_manager_whose_process_is_busy_is_only_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake_up, "SILENCE_S", NEVER_S)
    with process("busy") as (manager, started), running(CONFIG) as server, RawClient(server.port) as client:
        tick_twice(client, manager)
        time.sleep(1.0)
        assert server.simulation.wake_up.woken == 0
        assert listener(manager) == started.pid


@linux
def test_who_listens_and_who_sleeps() -> None:
    with process("idle") as (manager, started):
        assert listener(manager) == started.pid
        time.sleep(0.5)
        before = turns(started.pid)
        time.sleep(0.1)
        assert before is not None and turns(started.pid) == before
    assert listener(manager) is None
    assert turns(started.pid) is None
    assert turns(os.getpid()) is None, "whoever asks is awake"


def test_one_that_answers_or_never_did_is_left_alone() -> None:
    calls: list[Any] = []
    with stand_in(calls) as manager, running(CONFIG) as server, RawClient(server.port) as client:
        client.value("add_traffic_manager_running", ["127.0.0.1", manager])
        client.value("tick_cue")
        client.value("tick_cue")  # no Traffic Manager has called yet: a client that only ticks
        time.sleep(2.0 * SILENCE_S)
        client.value("get_vehicle_light_states")
        client.value("tick_cue")
        client.value("get_vehicle_light_states")
        time.sleep(2.0 * SILENCE_S)
        assert server.simulation.wake_up.woken == 0
    assert calls == []


def test_a_manager_is_registered_once_and_forgotten() -> None:
    with running(CONFIG) as server, RawClient(server.port) as client:
        assert client.value("is_traffic_manager_running", 8000) is False
        assert client.value("add_traffic_manager_running", ["127.0.0.1", 8000]) is True
        assert client.value("add_traffic_manager_running", ["127.0.0.2", 8000]) is False
        assert client.value("get_traffic_manager_running", 8000) == ["127.0.0.1", 8000]
        client.call("destroy_traffic_manager", 8000)
        assert client.value("is_traffic_manager_running", 8000) is False
