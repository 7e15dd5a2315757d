"""The compose file's health check, run as it stands against our own server."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.envs.carla_server.serving import served
from tests.ports import free_port

COMPOSE = Path(__file__).parents[1] / "docker" / "compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


def is_healthy(services: dict[str, Any], port: int) -> bool:
    """Run the health check with ``port`` in place of the container's."""
    kind, *command = services["carla"]["healthcheck"]["test"]
    assert kind == "CMD" and "/2000" in command[-1]
    # Compose reads two dollars as one.
    command[-1] = command[-1].replace("/2000", f"/{port}").replace("$$", "$")
    return subprocess.run(command, capture_output=True, timeout=30.0, check=False).returncode == 0


def test_a_server_that_answers_calls_is_healthy(services: dict[str, Any]) -> None:
    pytest.importorskip("carla")
    with served("street_0") as port:
        assert is_healthy(services, port)


def test_whoever_listens_and_says_nothing_is_not(services: dict[str, Any]) -> None:
    port = free_port()
    assert not is_healthy(services, port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_healthy(services, port)


def test_the_server_is_pinned_and_both_have_a_gpu(services: dict[str, Any]) -> None:
    assert services["carla"]["image"] == "carlasim/carla:0.9.16"
    for service in ("carla", "trainer"):
        devices = services[service]["deploy"]["resources"]["reservations"]["devices"]
        assert devices == [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]
