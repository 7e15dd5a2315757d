"""``hcrmp serve``: its configuration and its one-line errors."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hcrmp import cli
from hcrmp.command_words import as_overrides
from hcrmp.config import load
from hcrmp.errors import UserError
from hcrmp.serve import server_config
from hcrmp.server_config import ServeConfig
from tests.envs.carla_server.raw import RawClient

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _signals_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda number, handle: handler)


def test_the_keys_arrive_at_the_server() -> None:
    config = load("serve", ["map=large_town", "port=2100", "synchronous=true", "step_s=0.1"])
    built = server_config(config)
    assert (built.map, built.port, built.host, built.map_folder) == ("large_town", 2100, "127.0.0.1", None)
    assert built.settings.synchronous and built.settings.fixed_delta_s == 0.1


def test_dashes_are_understood() -> None:
    assert as_overrides("serve", ["--map", "town", "--map-folder=maps", "port=2"]) == [
        "map=town", "map_folder=maps", "port=2",
    ]  # fmt: skip
    with pytest.raises(UserError, match="needs a value"):
        as_overrides("serve", ["--map"])


def test_a_switch_needs_no_value() -> None:
    assert as_overrides("serve", ["--synchronous", "--port", "0"]) == ["synchronous=true", "port=0"]
    assert as_overrides("doctor", ["--servers", "[a:1]", "--unstick"]) == ["servers=[a:1]", "unstick=true"]
    assert as_overrides("serve", ["--synchronous", "false"]) == ["synchronous=false"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["map=nowhere", "port=0"], "unknown map 'nowhere'"),
        (["map_folder=not/there"], "no folder"),
        (["port=70000"], "0 to 65534"),
        (["step_s=0"], "step_s must be"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["serve", *words]) == cli.USER_ERROR_STATUS
    printed = capsys.readouterr().err
    assert message in printed and len(printed.splitlines()) == 1


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["serve", f"port={port}", "map=street_0"]) == cli.USER_ERROR_STATUS
    assert f"ports {port} and {port + 1}" in capsys.readouterr().err


def test_a_folder_gives_maps_by_name(tmp_path: Path) -> None:
    config = server_config(ServeConfig(map="mine", map_folder=str(tmp_path)))
    assert config.map_folder == tmp_path


def test_the_command_serves_until_it_is_interrupted() -> None:
    # Where a shell has started the tests in the background, they and their children ignore Ctrl-C.
    hear = "import signal, runpy; signal.signal(signal.SIGINT, signal.default_int_handler); "
    run = "runpy.run_module('hcrmp.cli', run_name='__main__')"
    command = [sys.executable, "-c", hear + run, "serve", "--map", "street_0", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert "0.9.16" in line and "map street_0" in line
        with RawClient(int(line.split("127.0.0.1:")[1].split()[0])) as client:
            assert client.value("version") == "0.9.16"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30.0)
        assert process.returncode == cli.INTERRUPTED_STATUS
        assert errors.strip() == "hcrmp: interrupted."
    finally:
        process.kill()
        process.communicate()
