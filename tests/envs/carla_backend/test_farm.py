"""The farm's own logic, with workers that fail as they are told: no server and no client is needed for it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.cameras import CameraConfig
from envs.carla_backend.config import CarlaError, FarmConfig
from envs.carla_backend.farm import CarlaFarm
from envs.carla_backend.handles import WorkerLost
from envs.carla_backend.rows import SceneRow, put_row, take_row
from envs.carla_backend.worker import Setup
from envs.embedded.simulator import EmbeddedConfig
from envs.scenarios.catalogue import scenario_set
from envs.scenarios.maps import MapLibrary
from envs.scene import SceneBatch
from envs.termination import Outcome, judge
from tests.envs.carla_backend.test_server_process import running, wait_for
from tests.envs.carla_server.serving import ROOT
from tests.ports import free_port

CASE = scenario_set("trilemma", "low").sample(0, 0)

MAPS = MapLibrary((CASE.map_name,))
SLOTS = EmbeddedConfig(actors=2)


class Played:
    """A worker that answers from a script: of each message's name, whether it is answered, one after the other."""

    def __init__(self, setup: Setup, number: int, script: dict[str, deque[bool]]) -> None:
        self.setup, self.number, self.script = setup, number, script
        self.asked: list[str] = []
        self.ended = False
        self._name = "start"

    def ask(self, name: str, argument: Any = None) -> None:
        self._name = name
        self.asked.append(name)

    def answered(self, within_s: float) -> bool:
        return True

    def answer(self, within_s: float) -> Any:
        fates = self.script.get(self._name, deque())
        if fates and not fates.popleft():
            raise WorkerLost(f"{self._name} went wrong")
        return row(float(self.number)) if self._name in ("reset", "step", "set_state") else None

    def end(self) -> None:
        self.ended = True


class Crew:
    """Makes the workers of a farm and keeps them; ``scripts`` by port."""

    def __init__(self, **scripts: list[bool]) -> None:
        self.script = {name: deque(fates) for name, fates in scripts.items()}
        self.made: list[Played] = []
        self._numbers = itertools.count(1)

    def __call__(self, setup: Setup) -> Played:
        mine = self.script if setup.server.port != 2004 else {}
        self.made.append(Played(setup, next(self._numbers), mine))
        return self.made[-1]


def row(mark: float) -> SceneRow:
    scene = SceneBatch.empty(1, 2)
    scene.ego.block[:] = mark
    return take_row(scene, np.zeros((1, *CameraConfig().shape), np.uint8), {"wetness": mark}, 0)


@pytest.fixture(autouse=True)
def _servers_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envs.carla_backend.site.listens", lambda host, port: port != 2008)


def farm(crew: Crew, **options: Any) -> CarlaFarm:
    return CarlaFarm(MAPS, SLOTS, FarmConfig(servers=("127.0.0.1:2000", "127.0.0.1:2004"), **options), crew)


def cases(count: int) -> list[Any]:
    return [CASE] * count


def test_a_row_travels_unchanged() -> None:
    scene, other = SceneBatch.empty(3, 2), SceneBatch.empty(2, 2)
    rng = np.random.default_rng(0)
    for group in (scene.ego, scene.actors, scene.road, scene.route, scene.events):
        group.block[:] = rng.normal(size=group.block.shape)
    scene.route.points[:] = rng.normal(size=scene.route.points.shape)
    scene.time_s[:], scene.step[:], scene.cell[:], scene.seed[:] = 1.5, 15, 3, 99
    images, shown = rng.integers(0, 255, (3, 2, 4, 5, 3), np.uint8), np.zeros((2, 2, 4, 5, 3), np.uint8)
    put_row(other, shown, 1, take_row(scene, images, {}, 2))
    np.testing.assert_array_equal(shown[1], images[2])
    assert not shown[0].any()
    for name in ("ego", "actors", "road", "route", "events"):
        np.testing.assert_array_equal(getattr(other, name).block[:, 1], getattr(scene, name).block[:, 2])
    np.testing.assert_array_equal(other.route.points[1], scene.route.points[2])
    assert [int(a[1]) for a in (other.step, other.cell, other.seed)] == [15, 3, 99] and other.time_s[1] == 1.5
    assert not other.ego.block[:, 0].any()


def test_a_world_that_breaks_down_is_marked_and_mended_alone() -> None:
    crew = Crew(step=[True, False, True])
    worlds = farm(crew)
    worlds.reset(cases(2))
    control = np.zeros((2, 3))
    with pytest.warns(UserWarning, match="world 0.*step went wrong"):
        for expected in ([False, False], [True, False]):
            scene = worlds.step(control)
            assert worlds.failed.tolist() == expected
    verdict = judge(scene, worlds.failed)
    assert verdict.outcome[0] == Outcome.INFRASTRUCTURE and verdict.truncated[0] and not verdict.terminated[0]
    assert not verdict.truncated[1]
    assert crew.made[0].ended and not crew.made[1].ended
    scene = worlds.reset(cases(1), worlds.failed.copy())
    assert len(crew.made) == 3 and crew.made[2].setup.server.port == 2000
    scene = worlds.step(control)
    assert not worlds.failed.any() and scene.ego.x.tolist() == [3.0, 2.0]
    assert [worlds.weather(world) for world in (0, 1)] == [{"wetness": 3.0}, {"wetness": 2.0}]
    assert worlds.failures == 1


def test_a_server_that_fails_again_and_again_ends_the_run() -> None:
    worlds = farm(Crew(reset=[False] * 3), retries=3)
    with pytest.warns(UserWarning), pytest.raises(CarlaError, match=r"world 0 \(127.0.0.1:2000\) failed 3 times in a"):
        worlds.reset(cases(2))


def test_one_good_episode_clears_the_record() -> None:
    crew = Crew(reset=[False, False, True, False, False, True])
    worlds = farm(crew, retries=3)
    with pytest.warns(UserWarning):
        worlds.reset(cases(2))
        worlds.reset(cases(2))
    assert worlds.failures == 4


def test_a_server_that_never_comes_up_is_told_with_its_address() -> None:
    with pytest.raises(CarlaError, match=r"no world at 127.0.0.1:2000: start went wrong.*hcrmp doctor"):
        farm(Crew(start=[False]))


def test_given_servers_that_are_not_there_are_told_at_once() -> None:
    crew = Crew()
    with pytest.raises(CarlaError, match=r"listens at 127.0.0.1:2008: start it.*hcrmp serve"):
        CarlaFarm(MAPS, SLOTS, FarmConfig(servers=("127.0.0.1:2000", "127.0.0.1:2008")), crew)
    assert not crew.made


def test_a_launched_server_may_fail_while_it_starts() -> None:
    crew = Crew(start=[False, False, True])
    launch = FarmConfig(launch="sleep 6{port}", count=1, first_port=free_port(), retries=3)
    worlds = CarlaFarm(MAPS, SLOTS, launch, crew)
    assert len(crew.made) == 3 and [worker.ended for worker in crew.made] == [True, True, False]
    worlds.close()
    with pytest.raises(CarlaError, match=f"no world at 127.0.0.1:{launch.first_port}"):
        CarlaFarm(MAPS, SLOTS, launch, Crew(start=[False] * 3))


# A server that leaks when it is told to.
LEAKY = (
    "import signal, time; kept = []; "
    "signal.signal(signal.SIGUSR1, lambda *_: kept.append(b'x' * (80 * 2**20))); "
    "print('ready', flush=True); "
    "[time.sleep(0.05) for _ in range(2400)]"
)


def test_a_server_that_leaks_is_replaced_between_two_episodes(tmp_path: Path) -> None:
    port, crew = free_port(), Crew()
    launch = FarmConfig(
        launch=f'{sys.executable} -c "{LEAKY}" {{port}}', count=1, first_port=port, recycle_memory_mib=80,
        log_dir=str(tmp_path),
    )  # fmt: skip
    worlds, control = CarlaFarm(MAPS, SLOTS, launch, crew), np.zeros((1, 3))
    try:
        server = worlds._sites[0].server
        wait_for(lambda: "ready" in (tmp_path / f"server_{port}.log").read_text("utf-8"))
        assert server is not None and 2.0 < server.memory_mib < 60.0
        worlds.reset(cases(1))
        worlds.reset(cases(1))
        assert worlds._sites[0].server is server and len(crew.made) == 1
        os.kill(server.group, signal.SIGUSR1)
        wait_for(lambda: server.memory_mib > 80.0)
        worlds.step(control)
        assert worlds._sites[0].server is server and server.alive, "replaced in the middle of an episode"
        worlds.reset(cases(1))
        fresh = worlds._sites[0].server
        assert fresh is not None and fresh.group != server.group and fresh.alive and not server.alive
        assert fresh.memory_mib < 60.0
        assert [worker.asked[-1] for worker in crew.made] == ["close", "reset"] and crew.made[0].ended
        assert crew.made[1].setup.server_group == fresh.group
        assert not worlds.failures and not worlds.step(control).step.any()
    finally:
        worlds.close()


def test_closing_asks_the_workers_to_leave_their_servers_as_they_were() -> None:
    crew = Crew()
    worlds = farm(crew)
    worlds.reset(cases(2))
    worlds.close()
    worlds.close()
    assert all(worker.asked[-1] == "close" and worker.ended for worker in crew.made)
    with pytest.raises(RuntimeError, match="closed"):
        worlds.step(np.zeros((2, 3)))


def test_wrong_shapes_are_refused() -> None:
    worlds = farm(Crew())
    with pytest.raises(ValueError, match="1 scenarios for 2 worlds"):
        worlds.reset(cases(1))
    worlds.reset(cases(2))
    with pytest.raises(ValueError, match=r"expected \(2, 3\)"):
        worlds.step(np.zeros((1, 3)))


def test_a_world_that_breaks_down_over_its_state_is_mended_at_its_next_episode() -> None:
    crew = Crew(state=[False])
    worlds = farm(crew)
    worlds.reset(cases(2))
    with pytest.warns(UserWarning, match="world 0 .* state went wrong"), pytest.raises(WorkerLost, match="went wrong"):
        worlds.state()
    assert [worker.asked[-1] for worker in crew.made] == ["state", "state"], "both were asked, and both were read"
    with pytest.warns(UserWarning, match="broke down before"):
        worlds.step(np.zeros((2, 3)))
    assert worlds.failed.tolist() == [True, False] and worlds.scene.ego.speed.tolist() == [1.0, 2.0]
    worlds.reset(cases(1), np.array([True, False]))
    assert len(crew.made) == 3 and set(worlds.state()) == {"0", "1"}


FORGETFUL = """
import sys
from envs.carla_backend.config import FarmConfig
from envs.carla_backend.farm import CarlaFarm
from envs.scenarios.maps import MapLibrary
from tests.envs.carla_backend.told_worker import ToldSetup
from envs.carla_backend.handles import ProcessWorker
if __name__ == "__main__":
    launch = f"{sys.executable} -c 'import time; time.sleep(100)' {{port}}"
    farm = CarlaFarm(
        MapLibrary(("street_0",)), config=FarmConfig(launch=launch, first_port=int(sys.argv[1])),
        make_worker=lambda setup: ProcessWorker(ToldSetup(server_group=setup.server_group)),
    )
    print(farm._sites[0].server.group, flush=True)
"""


def test_a_program_that_ends_without_closing_leaves_no_launched_server(tmp_path: Path) -> None:
    script = tmp_path / "forgetful.py"
    script.write_text(FORGETFUL, "utf-8")
    told = subprocess.run(
        [sys.executable, str(script), str(free_port())],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    wait_for(lambda: not running(int(told.stdout)))
