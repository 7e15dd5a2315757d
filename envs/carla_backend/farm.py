"""N CARLA servers as one simulator of N worlds that outlives each of them.

Every call to a worker has a deadline. A world whose server crashes, hangs or leaks is marked as failed for that step
(its episode is truncated as an infrastructure failure), and its server and worker are replaced when its next episode
begins; the others go on.
"""

from __future__ import annotations

import atexit
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from envs.cameras import CameraConfig, Images
from envs.carla_backend.config import CarlaError, FarmConfig
from envs.carla_backend.handles import MakeWorker, WorkerLost, worker_maker
from envs.carla_backend.rows import SceneRow, put_row
from envs.carla_backend.site import MARGIN_S, Site, refuse_absent
from envs.carla_backend.worker import WorkerSetup
from envs.embedded.simulator import EmbeddedConfig
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import BoolArray, FloatArray, SceneBatch


class CarlaFarm:
    """N servers, one world each; implements ``envs.simulator.Simulator``.

    Args:
        maps: the maps that scenarios may name.
        slots: slots of the scene.
        config: the servers.
        make_worker: begins a worker; None: by ``config.workers``.
        cameras: what the egos' cameras show in ``images``.

    ``failed`` ``(N,)`` marks the worlds that broke down in the last step; ``failures`` counts them all.
    """

    def __init__(
        self,
        maps: MapLibrary,
        slots: EmbeddedConfig | None = None,
        config: FarmConfig | None = None,
        make_worker: MakeWorker | None = None,
        cameras: CameraConfig | None = None,
    ) -> None:
        self.maps, self.config = maps, slots or EmbeddedConfig()
        self.farm = config or FarmConfig()
        views = cameras or CameraConfig()
        self.server = self.farm.server
        begin = make_worker or worker_maker(self.farm)
        setup = WorkerSetup(maps.names, self.config, self.server, self.farm.ready_s, towns=maps.towns, cameras=views)
        self._sites = [
            Site(number, self.farm, replace(setup, server=replace(self.server, host=host, port=port)), begin)
            for number, (host, port) in enumerate(self.farm.addresses)
        ]
        self._scene = SceneBatch.empty(len(self._sites), self.config.actors + self.config.pedestrians)
        self._images: Images = np.zeros((len(self._sites), *views.shape), np.uint8)
        self._map_names = [""] * len(self._sites)
        self._weather: list[Mapping[str, float]] = [{}] * len(self._sites)
        self.failed: BoolArray = np.zeros(len(self._sites), np.bool_)
        self.failures = 0
        self._closed = False
        atexit.register(self.close)  # a launched server would outlive a program that forgets to
        self._open_all()

    @property
    def batch_size(self) -> int:
        """Number of worlds N."""
        return len(self._sites)

    @property
    def scene(self) -> SceneBatch:
        """The present scene; the farm writes into it."""
        return self._scene

    @property
    def images(self) -> Images:
        """``(N, V, height, width, 3)`` what the egos' cameras see in the present scene."""
        return self._images

    def map_name(self, world: int) -> str:
        """Return the name of the map that ``world`` is on."""
        return self._map_names[world]

    def weather(self, world: int) -> Mapping[str, float]:
        """Return the weather in which the episode of ``world`` began, by the names of ``carla.WeatherParameters``."""
        return self._weather[world]

    def reset(self, scenarios: Sequence[ConcreteScenario], mask: BoolArray | None = None) -> SceneBatch:
        """Start the scenarios in the worlds of ``mask``, in row order; worlds that broke down are mended first.

        Raises:
            CarlaError: a server failed ``retries`` times in a row.
        """
        self._require_open()
        rows = np.flatnonzero(mask) if mask is not None else np.arange(self.batch_size)
        if len(scenarios) != len(rows):
            raise ValueError(f"reset got {len(scenarios)} scenarios for {len(rows)} worlds; give one for each")
        cases = dict(zip(rows.tolist(), scenarios, strict=True))
        self._in_all("reset", cases, self.server.load_timeout_s + self.server.timeout_s + MARGIN_S)
        for row, case in cases.items():
            self._map_names[row] = case.map_name
        return self._scene

    def step(self, control: FloatArray) -> SceneBatch:
        """Advance every world by one decision; ``failed`` says which broke down, whose rows stay as they were."""
        self._require_open()
        control = np.asarray(control, dtype=np.float64)
        if control.shape != (self.batch_size, 3):
            raise ValueError(f"the control has shape {control.shape}; expected ({self.batch_size}, 3)")
        for b, site in enumerate(self._sites):
            site.ask("step", control[b : b + 1])
        self.failed = np.zeros(self.batch_size, np.bool_)
        for b, site in enumerate(self._sites):
            try:
                self._put(b, site.answer(self.server.timeout_s + MARGIN_S))
            except WorkerLost as lost:
                self._note(b, lost)
        return self._scene

    def state(self) -> dict[str, Any]:
        """Return the states of all worlds.

        Raises:
            WorkerLost: a world has broken down; it is mended when its next episode begins.
        """
        for site in self._sites:
            site.ask("state")
        states: dict[str, Any] = {}
        lost: WorkerLost | None = None
        for b, site in enumerate(self._sites):
            try:
                states[str(b)] = site.answer(self.server.timeout_s)
            except WorkerLost as found:  # the others' answers are read all the same: they would be taken for later ones
                self._note(b, found)
                lost = found
        if lost is not None:
            raise lost
        return states

    def set_state(self, state: dict[str, Any]) -> SceneBatch:
        """Restore what ``state`` returned."""
        self._in_all("set_state", {int(b): part for b, part in state.items()},
                     self.server.load_timeout_s + MARGIN_S)  # fmt: skip
        return self._scene

    def close(self) -> None:
        """End the workers and the servers that were launched here."""
        if not self._closed:
            self._closed = True
            atexit.unregister(self.close)
            for site in self._sites:
                site.close()

    def _open_all(self) -> None:
        refuse_absent(self.farm)
        try:
            for site in self._sites:
                site.begin()
                time.sleep(self.farm.stagger_s)
            for site in self._sites:
                site.open()
        except BaseException:
            self.close()
            raise

    def _in_all(self, name: str, arguments: dict[int, Any], within_s: float) -> None:
        """Send each world its message and write its answer into the scene; mend and repeat where one fails."""
        asked = {b: self._sites[b] for b in arguments}
        for b, site in asked.items():
            site.prepare()
            site.ask(name, arguments[b])
        for b, site in asked.items():
            self._put(b, self._insist(b, site, name, arguments[b], within_s))
            site.failures_in_row = 0

    def _put(self, b: int, row: SceneRow) -> None:
        put_row(self._scene, self._images, b, row)
        self._weather[b] = row.weather

    def _insist(self, b: int, site: Site, name: str, argument: Any, within_s: float) -> Any:
        while True:
            try:
                return site.answer(within_s)
            except WorkerLost as lost:
                self._note(b, lost)
                if site.failures_in_row >= self.farm.retries:
                    raise CarlaError(
                        f"the server of world {b} ({site.address}) failed {site.failures_in_row} times in a row, at "
                        f"last with: {lost}. Look at its output (simulator.log_dir=...), or run hcrmp doctor"
                    ) from lost
                site.prepare()
                site.ask(name, argument)

    def _note(self, b: int, lost: WorkerLost) -> None:
        self.failed[b] = True
        self.failures += 1
        self._sites[b].give_up()
        warnings.warn(f"world {b} ({self._sites[b].address}) broke down: {lost}", stacklevel=2)

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("this CarlaFarm is closed; make a new one")
