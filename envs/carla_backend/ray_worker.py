"""Workers as Ray actors: on this machine or on others, with the same deadlines and the same failures as processes.

An actor is never restarted by Ray: the farm decides when a world is made anew, and with which server.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from envs.carla_backend.config import CarlaError
from envs.carla_backend.handles import WorkerLost
from envs.carla_backend.worker import Setup

FETCH_S = 5.0
"""How long an answer that is there may take from another machine (s)."""

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")

_GUARD = """
import os, signal, sys
sys.stdin.read()
try:
    os.killpg(int(sys.argv[1]), signal.SIGKILL)
except OSError:
    pass
"""


class WorkerActor:
    """What runs in the actor."""

    def begin(self, setup: Setup) -> None:
        """Make the worker: a message of its own, so that what goes wrong in it is an answer like others."""
        self._worker = setup.make()

    def carry_out(self, name: str, argument: Any) -> Any:
        """Carry out a message."""
        message = getattr(self._worker, name)
        return message() if argument is None else message(argument)


class RayWorker:
    """A worker in a Ray actor.

    Args:
        setup: what it is built from. One for a server at an address of this machine runs on this machine.
        address: a Ray cluster's; "": Ray is started on this machine, and ends with this process.

    Raises:
        CarlaError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, setup: Setup, address: str = "") -> None:
        self._ray = _connected(address)
        self._guard = _Guard(setup.server_group) if setup.server_group else None
        actor = self._ray.remote(WorkerActor)
        self._actor = actor.options(max_restarts=0, max_task_retries=0, **_place(setup)).remote()
        self._answer = self._actor.begin.remote(setup)

    def ask(self, name: str, argument: Any = None) -> None:
        """Send a message without waiting."""
        self._answer = self._actor.carry_out.remote(name, argument)

    def answered(self, within_s: float) -> bool:
        """Return whether the answer is there, or is there within so many seconds; a lost worker counts too."""
        there, _ = self._ray.wait([self._answer], timeout=within_s)
        return bool(there)

    def answer(self, within_s: float) -> Any:
        """Return the answer to the last message, or to the start.

        Raises:
            WorkerLost: none within ``within_s`` seconds, or the actor has ended, or its server failed.
        """
        errors = self._ray.exceptions
        if not self.answered(within_s):
            raise WorkerLost(f"no answer within {within_s:g} s")
        try:
            return self._ray.get(self._answer, timeout=FETCH_S)
        except errors.GetTimeoutError as error:
            raise WorkerLost(f"an answer did not arrive from its machine within {FETCH_S:g} s") from error
        except errors.RayTaskError as error:
            raise WorkerLost(f"{type(error.cause).__name__}: {error.cause}") from error
        except errors.RayError as error:
            raise WorkerLost(f"the actor ended: {_first_line(error)}") from error

    def end(self) -> None:
        """End the actor by force."""
        self._ray.kill(self._actor, no_restart=True)
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None


class _Guard:
    """A process that ends a launched server where this process is killed: Ray ends an actor without a last word."""

    def __init__(self, group: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARD, str(group)], stdin=subprocess.PIPE, start_new_session=True
        )

    def dismiss(self) -> None:
        """Guard no longer."""
        assert self._process.stdin is not None
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()


def _connected(address: str) -> Any:
    """Return the module ``ray``, connected to the cluster at ``address`` or to one of its own."""
    try:
        import ray
    except ImportError:
        raise CarlaError(
            'simulator.workers=ray needs the package ray: pip install "hcrmp[ray]", or take simulator.workers=process'
        ) from None
    if not ray.is_initialized():
        try:
            ray.init(address=address or "local", include_dashboard=False, logging_level="error")
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise CarlaError(
                f"no Ray cluster answers at simulator.ray_address={address!r} ({_first_line(error)}): start it with "
                '"ray start --head", or leave the address out'
            ) from error
    return ray


def _place(setup: Setup) -> dict[str, Any]:
    """Return the options that keep an actor beside a server which is reached at an address of this machine."""
    if setup.server.host not in LOCAL_HOSTS:
        return {}
    from ray import get_runtime_context
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = get_runtime_context().get_node_id()
    return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node_id=here, soft=False)}


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
