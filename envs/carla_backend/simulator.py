"""A CARLA server as a simulator of one world: the server moves the ego, the shared brain moves the others.

Everything else is the embedded simulator's: an instance of it mirrors the world. In each step its traffic brain decides
and moves the others, their bodies on the server follow, the server advances the ego, and the mirror derives from the
ego's new pose what follows (lane, route, signals, visibility). So a scenario means the same here and there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from envs.cameras import CameraConfig, Images
from envs.carla_backend.ambient import AmbientTraffic
from envs.carla_backend.autopilot import Autopilot
from envs.carla_backend.bodies import Bodies
from envs.carla_backend.config import CarlaConfig, CarlaError
from envs.carla_backend.ego import EgoVehicle
from envs.carla_backend.session import CarlaSession
from envs.carla_backend.signals import Signals
from envs.carla_backend.spectator import Spectator
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.metrics.boxes import actor_boxes, corners, ego_boxes, separation
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import BoolArray, EgoRow, EventRow, FloatArray, IntArray, SceneBatch

CONTACT_S = 0.1
"""How long a contact is waited for where bodies touch (s): a server's answer to a tick overtakes its sensors' words."""

TOUCHING_M = 0.3
"""Distance between two boxes at a step's end from which their bodies may have touched in it (m): in 59 collisions of
the embedded simulator the furthest had 0.17 m between them again."""


class CarlaSimulator:
    """One server, one world (B = 1); implements ``envs.simulator.Simulator``.

    Args:
        maps: the maps that scenarios may name.
        slots: slots of the scene, as the embedded simulator has them.
        config: the server.
        cameras: what the ego's cameras show in ``images``.

    Raises:
        CarlaError: the server does not answer, or is of another version.
    """

    def __init__(
        self,
        maps: MapLibrary,
        slots: EmbeddedConfig | None = None,
        config: CarlaConfig | None = None,
        cameras: CameraConfig | None = None,
    ) -> None:
        self._views = cameras or CameraConfig()
        config = config or CarlaConfig()
        self.carla = replace(config, rendering=config.rendering or bool(self._views.views))
        self.mirror = EmbeddedSimulator(1, maps, slots)
        self.maps, self.config = maps, self.mirror.config
        self._session = CarlaSession(self.carla)
        self._bodies: Bodies | None = None
        self._ambient: AmbientTraffic | None = None
        self._ego: EgoVehicle | None = None
        self._signals: Signals | None = None
        self._spectator: Spectator | None = None
        self._autopilot: Autopilot | None = None
        self._weather: Mapping[str, float] = {}
        self._closed = False

    @property
    def batch_size(self) -> int:
        """One world."""
        return 1

    @property
    def scene(self) -> SceneBatch:
        """The present scene; the simulator writes into it."""
        return self.mirror.scene

    @property
    def images(self) -> Images:
        """``(1, V, height, width, 3)`` what the ego's cameras see in the present scene."""
        return np.zeros((1, *self._views.shape), np.uint8) if self._ego is None else self._ego.images

    def map_name(self, world: int) -> str:
        """Return the name of the map that the world is on."""
        return self.mirror.map_name(world)

    def weather(self, world: int) -> Mapping[str, float]:
        """Return the weather in which the episode began, by the names of ``carla.WeatherParameters``."""
        return self._weather

    def reset(self, scenarios: Sequence[ConcreteScenario], mask: BoolArray | None = None) -> SceneBatch:
        """Start the scenario; ``mask`` (1,) false: nothing."""
        if mask is not None and not mask[0]:
            return self.mirror.scene
        self.mirror.reset(scenarios)
        self._enter_map(scenarios[0].map_name)
        self._weather = self._session.weather()
        self._place(np.flatnonzero(scenarios[0].ambient))
        if self._autopilot is not None:
            assert self._ego is not None
            self._autopilot.start(self._ego.vehicle, scenarios[0], self.maps.graph(scenarios[0].map_name))
        return self.mirror.refresh()

    def step(self, control: FloatArray) -> SceneBatch:
        """Advance the world by one decision period; ``control`` ``(1, 3)`` throttle, brake, steer."""
        self._require_open()
        control = np.asarray(control, dtype=np.float64)
        if control.shape != (1, 3):
            raise ValueError(f"the control has shape {control.shape}; expected (1, 3)")
        assert self._ego is not None and self._bodies is not None and self._signals is not None
        assert self._ambient is not None
        scene = self.mirror.move_others()
        self._signals.show(float(scene.time_s[0]), int(scene.seed[0]))
        moves = self._bodies.moves(scene.actors.block[:, 0], self.mirror.levels)
        pedals = [] if self._autopilot else [self._ego.control(*control[0].tolist())]
        self._session.send([*pedals, *moves, *self._followed()])
        for _ in range(self.carla.ticks_per_decision):
            snapshot = self._session.tick()
        held = self._autopilot.control() if self._autopilot else control[0]
        self._ego.read(snapshot, scene.ego.block[:, 0], held)
        self._ambient.follow(snapshot, self.mirror)
        self._ego.look(snapshot)
        self._write_contacts(scene)
        return self.mirror.settle()

    def state(self) -> dict[str, Any]:
        """Return what the future depends on, as far as the server lets it be known."""
        driven = np.zeros(0, np.int64) if self._ambient is None else self._ambient.slots.copy()
        return self.mirror.state() | {"ambient": driven}

    def set_state(self, state: dict[str, Any]) -> SceneBatch:
        """Restore what ``state`` returned: poses and velocities; what the server hides (gearbox, tyres) begins anew."""
        if self.carla.autopilot:
            raise CarlaError("what CARLA's autopilot has in mind cannot be restored: simulator.server.autopilot=false")
        scene = self.mirror.set_state(state)
        self._enter_map(self.mirror.map_name(0))
        self._weather = self._session.weather()
        self._place(state["ambient"])
        return scene

    def close(self) -> None:
        """Remove what this simulator has spawned, and leave the server as it was found."""
        if self._closed:
            return
        self._closed = True
        self._leave_map()
        self._session.close()
        self.mirror.close()

    def _enter_map(self, name: str) -> None:
        self._require_open()
        if self._session.map_key != name:
            self._leave_map()
            self._load_map(name)
        if self._bodies is None:
            self._bodies = Bodies(self._session)
            self._ambient = AmbientTraffic(self._session, self._bodies)
            self._ego = EgoVehicle(self._session, self._views)
            self._spectator = Spectator(self._session) if self.carla.follow else None
            self._signals = Signals(self._session, self.maps.graph(name).controls)
            self._autopilot = Autopilot(self._session) if self.carla.autopilot else None

    def _load_map(self, name: str) -> None:
        """Make the server's world the map: a town of its own where it is one, else ours, which is sent to it."""
        if name not in self.maps.towns:
            self._session.load(name, self.maps.opendrive(name))
        elif self._session.load_town(name) != self.maps.towns[name]:
            raise CarlaError(
                f"{name} of the server at {self.carla.host}:{self.carla.port} is another map than {name} of the first "
                "server: run the same release of CARLA everywhere"
            )

    def _leave_map(self) -> None:
        if self._ego is not None and self._bodies is not None and self._signals is not None:
            assert self._ambient is not None
            self._ambient.stop()
            if self._autopilot is not None:
                self._autopilot.stop()
            self._session.end_traffic_manager()
            self._ego.destroy()
            self._bodies.destroy()
            self._signals.release()
        self._bodies, self._ego, self._signals, self._ambient, self._autopilot = None, None, None, None, None

    def _place(self, ambient: IntArray) -> None:
        """Put all bodies where the scene has them; the slots ``ambient`` (n,) drive about."""
        assert self._ego is not None and self._bodies is not None
        assert self._ambient is not None and self._signals is not None
        driven = ambient if self.carla.background == "traffic_manager" else ambient[:0]
        self._bodies.discard(self._ambient.stop())
        if self._autopilot is not None:
            self._autopilot.stop()
        scene, ego = self.mirror.scene, self.mirror.scene.ego.block[:, 0]
        actors, ground, slope = scene.actors.block[:, 0], self.mirror.ego_height(0), self.mirror.ego_slope(0)
        self._bodies.assign(actors, driven)
        if len(driven) or self._autopilot is not None:
            # A new one gets into step in the ego's first tick, before it is handed anybody.
            self._session.traffic_manager()
        if self.carla.sizes == "server":
            self._bodies.write_sizes(actors)
        if self._views.views:
            # The ego's first tick also takes the first pictures, of the others and of the lights.
            self._signals.forget()
            self._signals.show(float(scene.time_s[0]), int(scene.seed[0]))
            self._session.send(self._bodies.moves(actors, self.mirror.levels))
        self._ego.spawn(ego, ground, slope)
        if self.carla.sizes == "server":
            ego[EgoRow.LENGTH], ego[EgoRow.WIDTH] = 2.0 * self._ego.box.half_length, 2.0 * self._ego.box.half_width
        self._session.send(self._bodies.moves(actors, self.mirror.levels))
        self._ambient.start(self.mirror, driven, int(scene.seed[0]))
        self._ego.start(ego, ground, slope)
        self._signals.forget()

    def _write_contacts(self, scene: SceneBatch) -> None:
        assert self._ego is not None and self._bodies is not None
        # The sensor's word comes on its own way, and may be late by a moment where somebody is touched.
        hit = self._ego.contacts(CONTACT_S if _touches(scene) else 0.0)
        scene.events.block[EventRow.COLLISION, 0] = 1.0 if hit else 0.0
        scene.events.block[EventRow.COLLISION_ACTOR, 0] = self._bodies.slot_of(hit[0]) if hit else -1

    def _followed(self) -> list[Any]:
        """Return the command that lets the spectator follow the ego, if it does."""
        if self._spectator is None:
            return []
        return [self._spectator.behind(self.mirror.scene.ego.block[:, 0], self.mirror.ego_height(0))]

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("this CarlaSimulator is closed; make a new one")


def _touches(scene: SceneBatch) -> bool:
    """Return whether the ego of the one world may touch somebody."""
    actors = scene.actors
    there = np.flatnonzero(actors.valid[0] & (np.hypot(actors.x[0] - scene.ego.x, actors.y[0] - scene.ego.y) < 20.0))
    if not len(there):
        return False
    apart = separation(corners(ego_boxes(scene)), corners(actor_boxes(scene)[0, there]))
    return bool((apart <= TOUCHING_M).any())
