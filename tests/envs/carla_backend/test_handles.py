"""One contract for both ends of a worker, the process and the Ray actor: deadlines, failures, ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from envs.carla_backend.config import CarlaError, FarmConfig
from envs.carla_backend.handles import ProcessWorker, WorkerHandle, WorkerLost, worker_maker
from envs.errors import InvalidConfigError
from tests.envs.carla_backend.test_server_process import running, wait_for
from tests.envs.carla_backend.told_worker import ToldSetup
from tests.envs.carla_server.serving import ROOT

pytest.importorskip("carla")

START_S, ANSWER_S = 60.0, 20.0
NEEDS_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
KINDS = ["process", pytest.param("ray", marks=NEEDS_RAY)]


@pytest.fixture(scope="module", autouse=True)
def _end_of_ray() -> Iterator[None]:
    yield
    if find_spec("ray") is not None:
        import ray

        ray.shutdown()


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., WorkerHandle]]:
    made: list[WorkerHandle] = []

    def begin(**options: Any) -> WorkerHandle:
        made.append(worker_maker(FarmConfig(workers=request.param))(ToldSetup(**options)))  # type: ignore[arg-type]
        return made[-1]

    yield begin
    for worker in made:
        worker.end()


def test_messages_are_answered_in_turn(make: Callable[..., WorkerHandle]) -> None:
    worker = make()
    assert worker.answer(START_S) is None
    for argument in ({"a": (1, 2.0)}, [3], "text"):
        worker.ask("echo", argument)
        assert worker.answered(ANSWER_S) and worker.answer(0.0) == argument
    worker.ask("scene")
    np.testing.assert_array_equal(worker.answer(ANSWER_S), np.arange(40_000.0))


def test_an_answer_that_nobody_waited_for_is_none_to_the_next_message(make: Callable[..., WorkerHandle]) -> None:
    """Whoever waits may be interrupted, by Ctrl-C for example."""
    worker = make()
    worker.answer(START_S)
    worker.ask("sleep", 0.3)
    worker.ask("echo", 5)
    assert worker.answered(ANSWER_S) and worker.answer(ANSWER_S) == 5
    worker.ask("echo", 6)
    assert worker.answer(ANSWER_S) == 6


def test_a_late_answer_is_a_lost_worker(make: Callable[..., WorkerHandle]) -> None:
    worker = make()
    worker.answer(START_S)
    worker.ask("sleep", 60.0)
    assert not worker.answered(0.1)
    with pytest.raises(WorkerLost, match=r"no answer within 0.1 s"):
        worker.answer(0.1)


def test_a_server_that_fails_is_a_lost_worker_with_its_reason(make: Callable[..., WorkerHandle]) -> None:
    worker = make()
    worker.answer(START_S)
    worker.ask("fail", "the CARLA server did not give a tick")
    with pytest.raises(WorkerLost, match="CarlaError: the CARLA server did not give a tick"):
        worker.answer(ANSWER_S)
    broken = make(broken=True)
    with pytest.raises(WorkerLost, match="there is no server"):
        broken.answer(START_S)


def test_a_worker_that_dies_is_a_lost_worker(make: Callable[..., WorkerHandle]) -> None:
    worker = make()
    worker.answer(START_S)
    worker.ask("die", 7)
    assert worker.answered(ANSWER_S)
    with pytest.raises(WorkerLost, match="ended"):
        worker.answer(ANSWER_S)
    worker.ask("echo", 1)
    with pytest.raises(WorkerLost):
        worker.answer(ANSWER_S)


def test_the_end_ends_the_process_whatever_it_does(make: Callable[..., WorkerHandle]) -> None:
    worker = make()
    worker.answer(START_S)
    worker.ask("pid")
    pid = worker.answer(ANSWER_S)
    worker.ask("sleep", 60.0)
    worker.end()
    wait_for(lambda: not running(pid))


ABANDONED = """
import sys, time
from envs.carla_backend.config import FarmConfig
from envs.carla_backend.handles import worker_maker
from tests.envs.carla_backend.told_worker import ToldSetup
if __name__ == "__main__":
    worker = worker_maker(FarmConfig(workers=sys.argv[1]))(ToldSetup(server_group=int(sys.argv[2])))
    worker.answer(60.0)
    worker.ask(*{"idle": ("echo", 0), "hangs": ("fail_after", 1.0)}[sys.argv[3]])
    print("ready", flush=True)
    time.sleep(60.0)
"""


@pytest.mark.parametrize("server_does", ["idle", "hangs"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_launched_server_ends_with_a_farm_that_is_killed(kind: str, server_does: str, tmp_path: Any) -> None:
    script = tmp_path / "abandoned.py"
    script.write_text(ABANDONED, "utf-8")
    server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"], start_new_session=True)
    farm = subprocess.Popen(
        [sys.executable, str(script), kind, str(server.pid), server_does],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert farm.stdout is not None and farm.stdout.readline() == "ready\n"
        farm.kill()
        assert server.wait(ANSWER_S) == -9
    finally:
        for process in (farm, server):
            process.kill()
            process.wait()
        assert farm.stdout is not None
        farm.stdout.close()


def test_a_launched_server_survives_the_end_of_its_worker(make: Callable[..., WorkerHandle]) -> None:
    server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"], start_new_session=True)
    try:
        worker = make(server_group=server.pid)
        worker.answer(START_S)
        worker.end()
        with pytest.raises(subprocess.TimeoutExpired):
            server.wait(0.5)
    finally:
        server.kill()
        server.wait()


@pytest.mark.skipif(find_spec("ray") is not None, reason="ray is installed")
def test_ray_that_is_not_installed_is_told_with_the_way_to_have_it() -> None:
    begin = worker_maker(FarmConfig(workers="ray"))
    with pytest.raises(CarlaError, match=r'pip install "hcrmp\[ray\]"'):
        begin(ToldSetup())  # type: ignore[arg-type]


def test_workers_are_chosen_by_name() -> None:
    assert worker_maker(FarmConfig()) is ProcessWorker
    with pytest.raises(ValueError, match="unknown simulator.workers 'rays'. Did you mean 'ray'"):
        FarmConfig(workers="rays")  # type: ignore[arg-type]
    with pytest.raises(InvalidConfigError, match="ray_address is for simulator.workers=ray"):
        FarmConfig(ray_address="auto")
