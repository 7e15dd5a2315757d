"""A server that we have started: its process group, its ports, its end."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from envs.carla_backend.config import CarlaError

PORTS_OF_A_SERVER = 3
"""Calls, streams, and the second machine's of an Unreal server with several GPUs."""
END_S = 5.0
"""Time between the request to end and the end by force (s)."""

CONNECT_S = 5.0
"""How long a host may take to accept a connection (s)."""

_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


class ServerProcess:
    """One launched server; everything is done by the id of the process group that was started here.

    Args:
        command: command line, with ``{port}`` and ``{gpu}`` filled in.
        port: its RPC port.
        log: file that its output is added to; None throws it away.

    Raises:
        CarlaError: a port is taken, or the command cannot be run.
    """

    def __init__(self, command: str, port: int, log: Path | None = None) -> None:
        refuse_taken_ports(port)
        self.command, self.port = command, port
        out = _opened(log)
        try:
            self._process = subprocess.Popen(
                shlex.split(command),
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise CarlaError(f"cannot start a server with {command!r}: {error.strerror or error}") from error
        finally:
            out.close()

    @property
    def group(self) -> int:
        """The process group that it leads."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process that was started still runs."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What the process ended with, None while it runs."""
        return self._process.poll()

    @property
    def memory_mib(self) -> float:
        """Resident memory of all processes of its group (MiB)."""
        return sum(_resident_mib(pid) for pid in _group_members(self.group))

    def stop(self) -> None:
        """End every process of its group: asked first, by force after ``END_S``."""
        _signal(self.group, signal.SIGTERM)
        _signal(self.group, signal.SIGCONT)
        deadline = time.monotonic() + END_S
        while _group_members(self.group) and time.monotonic() < deadline:
            self._process.poll()
            time.sleep(0.02)
        self.kill()

    def kill(self) -> None:
        """End every process of its group at once, and wait until their ports are free.

        One that even then does not end, as in a driver that hangs, is left: its port will be told of as taken.
        """
        end_group(self.group)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)


def end_group(group: int) -> None:
    """End every process of a group by force; return when they have ended, or after ``END_S``."""
    _signal(group, signal.SIGKILL)
    deadline = time.monotonic() + END_S
    while _group_members(group) and time.monotonic() < deadline:
        time.sleep(0.01)


def refuse_taken_ports(port: int) -> None:
    """Raise where somebody listens at the server's ports: a new server there would end, or be another one."""
    for number in range(port, port + PORTS_OF_A_SERVER):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError as error:
                raise CarlaError(
                    f"port {number} is taken by another process ({error.strerror}): end it, or give another first_port"
                ) from error


def listens(host: str, port: int) -> bool:
    """Return whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=CONNECT_S):
            return True
    except OSError:
        return False


def _opened(log: Path | None) -> IO[bytes]:
    if log is None:
        return open(os.devnull, "wb")
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("ab")


def _signal(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:  # all of them have ended already
        return


def _group_members(group: int) -> list[int]:
    """Return the ids of the running processes of a group; those that have ended and wait to be reaped do not count."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and int(fields[2]) == group and fields[0] != "Z":
                members.append(int(entry.name))
    return members


def _stat(pid: int) -> list[str]:
    """Return the fields of a process's status from its state on; none where it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _resident_mib(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE_MIB
    except (OSError, IndexError):
        return 0.0
