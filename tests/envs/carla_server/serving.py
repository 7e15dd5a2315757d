"""A server in a process of its own: the real client holds Python's lock while it waits, and may end its process.

``python -m tests.envs.carla_server.serving --map town`` prints the port and serves until its input is closed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from envs.carla_server.payloads import Settings
from envs.carla_server.server import ServerConfig, serve
from envs.user_cache import CACHE_VARIABLE, user_cache

ROOT = Path(__file__).parents[3]
MAPS = ROOT.parent / "shared" / "data" / "carla_maps"
START_S, END_S = 120.0, 20.0
T = TypeVar("T")


@contextmanager
def serving(map_name: str = "town", synchronous: bool = True, folder: Path = MAPS) -> Iterator[tuple[int, int]]:
    """Run a server, with the maps of ``folder``, for as long as the body lasts; yield its port and its process's id."""
    command = [sys.executable, "-m", "tests.envs.carla_server.serving", "--map", map_name, "--folder", str(folder)]
    command += ["--synchronous"] if synchronous else []
    with TemporaryDirectory() as recordings, _started([*command, "--recordings", recordings]) as port_and_process:
        yield port_and_process


@contextmanager
def _started(command: list[str]) -> Iterator[tuple[int, int]]:
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    clock = threading.Timer(START_S, process.kill)
    clock.start()
    try:
        line = process.stdout.readline()
        clock.cancel()
        assert line, f"the server did not start within {START_S} s, or ended with {process.poll()}"
        yield int(line), process.pid
        assert process.poll() is None, "the server ended by itself"
    finally:
        clock.cancel()
        process.stdin.close()
        try:
            process.wait(END_S)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


@contextmanager
def served(map_name: str = "town", synchronous: bool = True, folder: Path = MAPS) -> Iterator[int]:
    """Run a server for as long as the body lasts; yield its port."""
    with serving(map_name, synchronous, folder) as (port, _):
        yield port


def resident_mb(process: int) -> float:
    """Return the resident memory of a process (MB; Linux)."""
    for line in Path(f"/proc/{process}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) / 1024.0
    raise ValueError(f"process {process} has no resident memory")


class ClientEnded(AssertionError):
    """A signal ended the real client."""


def once_more(attempt: Callable[[], T]) -> T:
    """Return what an attempt with the real client gives; one whose client a signal ended is made again from its start.

    The client closes its streams under its own reading thread, which once in some 20,000 loads (more often on a busy
    machine) ends it, whatever the server does; a warning tells of it. What ends it twice in a row is ours. An attempt
    starts its own server, so that the second finds none of what the first left behind.
    """
    try:
        return attempt()
    except ClientEnded as ended:
        warnings.warn(f"run once more: {ended}", stacklevel=2)
        return attempt()


def answer(script: str, *arguments: str, map_name: str = "town", synchronous: bool = True) -> Any:
    """Return what a client's script prints last, as JSON, on a server of its own, whose port it gets first."""

    def attempt() -> Any:
        with served(map_name, synchronous) as port:
            return json.loads(run_client(script, str(port), *arguments).splitlines()[-1])

    return once_more(attempt)


def run_client(script: str, *arguments: str, deadline_s: float = 100.0) -> str:
    """Run a script with the real client in a process of its own, which finds none of the files that others keep.

    Raises
    ------
    ClientEnded
        Where a signal ends it.
    AssertionError
        Where it ends with another status than 0.

    """
    command = [sys.executable, "-c", script, *arguments]
    with TemporaryDirectory() as home:
        own = {**os.environ, "HOME": home, CACHE_VARIABLE: str(user_cache())}
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=deadline_s, check=False, env=own
        )
    if done.returncode < 0:
        raise ClientEnded(f"the client was ended by signal {-done.returncode}:\n{done.stdout}\n{done.stderr}")
    assert done.returncode == 0, f"the client ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--map", default="town")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=MAPS)
    parser.add_argument("--synchronous", action="store_true")
    parser.add_argument("--recordings", type=Path, default=Path("recordings"))
    options = parser.parse_args()
    threading.Thread(target=_end_with_input, daemon=True).start()
    settings = Settings(synchronous=options.synchronous, fixed_delta_s=0.05)
    folder = options.folder if options.folder.is_dir() else None
    config = ServerConfig(
        map=options.map, map_folder=folder, port=options.port, settings=settings, recordings=options.recordings
    )
    serve(config, lambda port: print(port, flush=True))


if __name__ == "__main__":
    main()
