"""The server's traffic lights, made to show what the map's own programs say: one plan for every simulator.

They are frozen, and each is set when its group changes, by the closed form of ``envs.roads.controls``.
"""

from __future__ import annotations

from typing import Any

import carla
import numpy as np

from envs.carla_backend.session import CarlaSession
from envs.roads.controls import ProgramColumn, TrafficControls, clock_offset, signal_state
from envs.scene import SignalState

_SHOWN = {
    int(SignalState.GREEN): carla.TrafficLightState.Green,
    int(SignalState.YELLOW): carla.TrafficLightState.Yellow,
    int(SignalState.RED): carla.TrafficLightState.Red,
}


class Signals:
    """The lights of the session's present map."""

    def __init__(self, session: CarlaSession, controls: TrafficControls) -> None:
        self._controls, self._world = controls, session.world
        heads = {
            actor.get_opendrive_id(): actor for actor in session.world.get_actors().filter("traffic.traffic_light*")
        }
        self._heads: list[list[Any]] = [
            [heads[name] for name in names if name in heads] for names in controls.signal_ids
        ]
        self._shown = np.full(len(self._heads), -1)
        if heads:
            session.world.freeze_all_traffic_lights(True)

    def forget(self) -> None:
        """Show all states anew: the server may show others now."""
        self._shown[:] = -1

    def release(self) -> None:
        """Let the server's own clocks rule the lights again."""
        if any(self._heads):
            self._world.freeze_all_traffic_lights(False)

    def show(self, time_s: float, seed: int) -> None:
        """Let every light show its state at ``time_s`` in the world of ``seed``."""
        programs = self._controls.programs
        for group, heads in enumerate(self._heads):
            offset = clock_offset(seed, int(self._controls.plan[group]), float(programs[group, ProgramColumn.CYCLE]))
            state = int(signal_state(programs, group, time_s, offset))
            if state != self._shown[group]:
                self._shown[group] = state
                for head in heads:
                    head.set_state(_SHOWN[state])
