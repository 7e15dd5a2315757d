"""What ``hcrmp doctor`` asks a server: each check says what it found and, where that is wrong, what mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import carla

from envs.carla_backend.config import CarlaError
from envs.carla_backend.server_process import listens
from envs.carla_backend.session import check_versions

ANSWER_S = 5.0
"""How long a server may take to answer (s)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: ``state`` of it, what was ``found`` and what would ``mend`` it ("" where nothing is wrong)."""

    check: str
    state: Literal["good", "warning", "wrong"]
    found: str
    mend: str = ""


def check_server(host: str, port: int, unstick: bool = False) -> Iterator[Finding]:
    """Yield the findings about one server, as far as it answers; ``unstick`` ends a synchronous mode left behind."""
    where = f"server {host}:{port}"
    if not listens(host, port):
        yield Finding(where, "wrong", "nobody listens there", START)
        return
    if not listens(host, port + 1):
        yield Finding(where, "wrong", f"port {port + 1}, of the streams, is closed",
                      f"open ports {port} to {port + 2} together (docker -p {port}-{port + 2}:...)")  # fmt: skip
        return
    client = carla.Client(host, port)
    client.set_timeout(ANSWER_S)
    try:
        version = str(client.get_server_version())
        yield _version(where, version)
        world = client.get_world()
        settings = world.get_settings()
        yield Finding(where, "good", f"map {world.get_map().name}, {len(world.get_actors())} actors")
        yield _mode(where, world, settings, unstick)
    except RuntimeError as error:
        yield Finding(where, "wrong", f"it listens and does not answer: {' '.join(str(error).split())}",
                      "it hangs, or is no CARLA server: end it and start it anew")  # fmt: skip


START = "start it: CarlaUE4.sh -RenderOffScreen, or without CARLA: hcrmp serve; or name another: servers=[HOST:PORT]"


def _version(where: str, version: str) -> Finding:
    try:
        check_versions(version, version)
    except CarlaError as error:
        return Finding(where, "wrong", f"it is CARLA {version}", str(error))
    installed = str(carla.Client("127.0.0.1", 1).get_client_version())
    if installed.split("-")[0] != version.split("-")[0]:
        return Finding(where, "warning", f"it is CARLA {version}, the package {installed}",
                       f"pip install carla=={version.split('-')[0]}")  # fmt: skip
    return Finding(where, "good", f"CARLA {version}, as the package")


def _mode(where: str, world: Any, settings: Any, unstick: bool) -> Finding:
    synchronous = bool(settings.synchronous_mode)
    if not synchronous:
        return Finding(where, "good", "asynchronous mode: nobody holds its clock")
    if not unstick:
        return Finding(where, "warning", "synchronous mode: it waits for the ticks of a client, which may have ended",
                       "if no run uses it: hcrmp doctor --unstick")  # fmt: skip
    settings.synchronous_mode, settings.fixed_delta_seconds = False, None
    world.apply_settings(settings, ANSWER_S)
    return Finding(where, "good", "it was in synchronous mode, and is in asynchronous mode now")
