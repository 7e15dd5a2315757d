"""One place of a farm: a server, ours or not, and the worker that talks to it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from envs.carla_backend.config import CarlaError, FarmConfig
from envs.carla_backend.handles import MakeWorker, WorkerHandle, WorkerLost
from envs.carla_backend.server_process import ServerProcess, listens
from envs.carla_backend.worker import Setup

LOOK_S = 0.2
"""Time between two looks at whether the server still runs (s)."""

MARGIN_S = 5.0
"""What a worker has beyond its own deadlines to answer (s)."""

START_S = 900.0
"""What a worker has to load itself, beside the time that its server has (s): an empty cache takes minutes to fill."""


ABSENT = "it broke down before and has not been started anew"


class Site:
    """A server and its worker; both are replaced together."""

    def __init__(self, number: int, farm: FarmConfig, setup: Setup, make_worker: MakeWorker) -> None:
        self._number, self._farm, self._setup, self._make_worker = number, farm, setup, make_worker
        self._server: ServerProcess | None = None
        self._worker: WorkerHandle | None = None
        self._ready = False
        self._episodes = 0
        self._waiting: tuple[str, Any] = ("", None)
        self._why = ABSENT
        self.failures_in_row = 0

    @property
    def address(self) -> str:
        """HOST:PORT of the server."""
        return f"{self._setup.server.host}:{self._setup.server.port}"

    @property
    def server(self) -> ServerProcess | None:
        """The server that was launched here, if it was."""
        return self._server

    def begin(self) -> None:
        """Launch the server, if it is ours, and the worker, which waits for it; do not wait for either."""
        if self._farm.launch:
            port = self._setup.server.port
            gpu = self._farm.gpus[self._number % len(self._farm.gpus)]
            log = Path(self._farm.log_dir) / f"server_{port}.log" if self._farm.log_dir else None
            self._server = ServerProcess(self._farm.launch.format(port=port, gpu=gpu), port, log)
        group = 0 if self._server is None else self._server.group
        self._worker = self._make_worker(replace(self._setup, server_group=group))
        self._ready, self._episodes, self._why = False, 0, ABSENT

    def open(self) -> None:
        """Wait until the worker has reached its server; one of ours that ends while it starts is started again.

        Raises:
            CarlaError: it has not, as often as it was tried.
        """
        while True:
            try:
                return self.wait_until_ready()
            except WorkerLost as lost:
                self.give_up()
                if not self._farm.launch or self.failures_in_row >= self._farm.retries:
                    raise CarlaError(
                        f"no world at {self.address}: {lost}. Is a server running there? (hcrmp doctor)"
                    ) from lost
                self.begin()

    def wait_until_ready(self) -> None:
        """Wait until the worker has reached its server.

        Raises:
            WorkerLost: it has not in ``ready_s``.
        """
        if not self._ready:
            self._receive(self._farm.ready_s + START_S)
            self._ready = True

    def prepare(self) -> None:
        """Make sure that there are a server and a worker for the next episode, new ones where the old have served.

        Where they cannot be begun, the next ``answer`` says why.
        """
        if self._worker is not None and self._is_due():
            self.close()
        if self._worker is None:
            try:
                self.begin()
            except CarlaError as error:
                self._why = str(error)
        self._episodes += 1

    def ask(self, name: str, argument: Any = None) -> None:
        """Send the worker a message; without one, the answer tells."""
        if self._worker is not None and self._ready:
            self._worker.ask(name, argument)
        else:
            self._waiting = (name, argument)

    def answer(self, within_s: float) -> Any:
        """Return the answer to the last message; raise ``WorkerLost`` where none comes in time."""
        if self._worker is None:
            raise WorkerLost(self._why)
        if not self._ready:
            self.wait_until_ready()
            self._worker.ask(*self._waiting)
        return self._receive(within_s)

    def give_up(self) -> None:
        """End the worker, and the server if it is ours, by force: they have not done what they were asked."""
        self.failures_in_row += 1
        if self._worker is not None:
            self._worker.end()
        if self._server is not None:
            self._server.kill()
        self._worker, self._server = None, None

    def close(self) -> None:
        """End both in peace: the worker leaves the server as it was found."""
        if self._worker is not None:
            if self._ready:
                self._worker.ask("close")
                try:
                    self._worker.answer(self._setup.server.timeout_s)
                except WorkerLost:
                    pass  # it is ended by force below
            self._worker.end()
        if self._server is not None:
            self._server.stop()
        self._worker, self._server = None, None

    def _receive(self, within_s: float) -> Any:
        """Return the worker's answer, without waiting for one about a server that has ended."""
        assert self._worker is not None
        deadline = time.monotonic() + within_s
        while not self._worker.answered(min(LOOK_S, max(deadline - time.monotonic(), 0.0))):
            if self._server is not None and not self._server.alive:
                raise WorkerLost(f"its server ended with {self._server.exit_code}")
            if time.monotonic() > deadline:
                raise WorkerLost(f"no answer within {within_s:g} s")
        return self._worker.answer(0.0)

    def _is_due(self) -> bool:
        """Whether the server has served for long enough."""
        if self._server is None:
            return False
        farm = self._farm
        if 0 < farm.recycle_episodes <= self._episodes:
            return True
        return 0 < farm.recycle_memory_mib <= self._server.memory_mib


def refuse_absent(farm: FarmConfig) -> None:
    """Tell at once which of the given servers are not there: nobody likes to wait for what was never started."""
    if farm.launch or farm.ray_address:  # on the cluster's machines, an address may mean another server, or none here
        return
    absent = [f"{host}:{port}" for host, port in farm.addresses if not listens(host, port)]
    if absent:
        raise CarlaError(
            f"no CARLA server listens at {', '.join(absent)}: start it (without CARLA: hcrmp serve), or have it "
            "started with simulator.launch=...; hcrmp doctor tells more"
        )
