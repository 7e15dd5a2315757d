"""The ego of the gates: a simple driver who follows its route and obeys lights, and one who is awkward on purpose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from envs.action import ActionConfig, to_control
from envs.drivers.control import following_speed, track_line, track_numbers
from envs.embedded.simulator import EmbeddedSimulator
from envs.embedded.world_rows import WorldRow
from envs.roads.controls import GateKind
from envs.scene import ROUTE_POINT_SPACING_M, ActorRow, FloatArray, SignalState
from tests.gates.ego_places import TRIES, Place, draw_against, draw_anyhow, draw_route, is_free, put

PERIOD_S = 0.1
AGAINST_MPS = 2.5
"""Speed at which an awkward ego drives against the traffic (m/s)."""

BRAKE, CURVE_MPS2 = 2.0, 2.0
"""Deceleration before lines (m/s2), and lateral acceleration in curves."""

STUCK_S = 120.0
"""After so long without moving the ego is taken elsewhere (s): its patience is not what is tested."""

LOOKS_M = 30.0
"""Moving vehicles nearer than this keep the ego at a sign (m), for ``PATIENCE_S`` at most."""

PATIENCE_S = 12.0


class Mood(Enum):
    """What the ego does."""

    ROUTE = "route"
    STANDS = "stands"
    AGAINST = "against"
    AWAY = "away"


@dataclass(slots=True)
class State:
    """Of one world's ego: its mood and what is left of it (s), of a sudden stop (s), how long it has stood (s)."""

    mood: Mood = Mood.AWAY
    left: float = 0.0
    stop: float = 0.0
    stood: float = 0.0
    at_sign: float = 0.0
    passed: float = -1.0


class Egos:
    """Drives the egos of all worlds of ``simulator``; ``awkward`` ones stop, stand and drive as nobody should."""

    def __init__(self, simulator: EmbeddedSimulator, awkward: bool, seed: int) -> None:
        self.simulator, self.awkward = simulator, awkward
        self.states = [State() for _ in range(simulator.batch_size)]
        self._rngs = [np.random.default_rng([seed, b]) for b in range(simulator.batch_size)]
        self._action = ActionConfig()
        self._numbers = track_numbers(self._action)
        self._command = np.zeros((simulator.batch_size, 2))
        for b in range(simulator.batch_size):
            self.take_away(b)

    def take_away(self, b: int) -> None:
        """Put the ego of world ``b`` where nobody is; it comes back elsewhere."""
        self.states[b] = State(left=3.0)
        put(self.simulator, b, Place(9000.0, 9000.0, 0.0, 0.0, 0, 0.0, (0,)))

    def control(self) -> FloatArray:
        """Return the controls ``(B, 3)`` of this period."""
        scene = self.simulator.scene
        actions = np.zeros((scene.batch_size, 2))
        for b, state in enumerate(self.states):
            self._live(b, state)
            self._act(b, self.states[b], actions)
        control, self._command = to_control(actions, scene, self._command, self._action)
        for b, state in enumerate(self.states):
            if state.mood in (Mood.STANDS, Mood.AWAY) or state.stop > 0.0:
                control[b] = 0.0, 1.0, 0.0
                self._command[b] = 0.0
        return control

    def _live(self, b: int, state: State) -> None:
        """Let time pass for the ego of world ``b``: moods end, sudden stops begin."""
        rng = self._rngs[b]
        state.stood = state.stood + PERIOD_S if self.simulator.scene.ego.speed[b] < 0.1 else 0.0
        state.left, state.stop = state.left - PERIOD_S, max(state.stop - PERIOD_S, 0.0)
        if self.awkward and state.mood is Mood.ROUTE and state.stop == 0.0 and rng.uniform() < PERIOD_S / 30.0:
            state.stop = float(rng.uniform(3.0, 40.0))
        over = state.left <= 0.0 or (state.mood is Mood.ROUTE and state.stood > STUCK_S)
        if state.mood is Mood.AWAY and state.left <= 0.0:
            self._come_back(b)
        elif state.mood is not Mood.AWAY and (over or self.simulator.scene.events.goal_reached[b]):
            self.take_away(b)

    def _come_back(self, b: int) -> None:
        rng = self._rngs[b]
        moods = [Mood.ROUTE] * 4 + ([Mood.STANDS] * 4 + [Mood.AGAINST] * 2 if self.awkward else [])
        mood = moods[int(rng.integers(len(moods)))]
        draw = {Mood.ROUTE: draw_route, Mood.STANDS: draw_anyhow, Mood.AGAINST: draw_against}[mood]
        for _ in range(TRIES):
            place = draw(self.simulator.atlas, rng)
            if is_free(self.simulator, b, place):
                put(self.simulator, b, place)
                lasts = 600.0 if mood is Mood.ROUTE else float(rng.uniform(5.0, 45.0))
                self.states[b] = State(mood, lasts)
                return
        self.states[b].left = 3.0

    def _act(self, b: int, state: State, actions: FloatArray) -> None:
        scene = self.simulator.scene
        if state.mood is Mood.ROUTE:
            offset, error = scene.route.lateral_offset[b], scene.route.heading_error[b]
            track_line(
                scene.ego.block, b, offset, error, self._turn(b, 0) / ROUTE_POINT_SPACING_M, self._wish(b, state),
                *self._numbers, actions, b,
            )  # fmt: skip
        elif state.mood is Mood.AGAINST:
            road = scene.road
            wish = min(AGAINST_MPS, following_speed(scene.ego.block, scene.actors.block, road.block, b))
            track_line(
                scene.ego.block, b, road.lane_offset[b], road.heading_error[b], road.curvature[b], wish,
                *self._numbers, actions, b,
            )  # fmt: skip

    def _turn(self, b: int, k: int) -> float:
        """Return by how much the route turns from its point ``k`` to the next (rad)."""
        points = self.simulator.scene.route.points
        turn = points[b, k + 1, 2] - points[b, k, 2]
        return float((turn + math.pi) % (2.0 * math.pi) - math.pi)

    def _wish(self, b: int, state: State) -> float:
        """Return the speed (m/s) that limit, curves, whoever is ahead and the next line allow."""
        scene = self.simulator.scene
        wish = following_speed(scene.ego.block, scene.actors.block, scene.road.block, b)
        for k in range(4):
            bend = abs(self._turn(b, k)) / ROUTE_POINT_SPACING_M
            ahead = max(k * ROUTE_POINT_SPACING_M - 2.0, 0.0)
            wish = min(wish, math.sqrt(CURVE_MPS2 / max(bend, 1e-4) + 2.0 * BRAKE * ahead))
        to_line = float(scene.road.distance_to_stop_line[b])
        if self._must_wait(b, state, to_line):
            wish = min(wish, math.sqrt(2.0 * BRAKE * max(to_line - 0.5, 0.0)))
        return wish

    def _must_wait(self, b: int, state: State, to_line: float) -> bool:
        scene, gate = self.simulator.scene, self.simulator._worlds[WorldRow.GATE, b]
        speed = float(scene.ego.speed[b])
        if scene.road.signal[b] in (SignalState.RED, SignalState.YELLOW):
            return to_line > 0.0 and speed * speed / (2.0 * to_line) < 4.0
        way = int(self.simulator._routes[b, int(gate) - 1])
        sign = gate > 0.0 and self.simulator._roads.gate[way] in (GateKind.STOP, GateKind.YIELD)
        if not sign or to_line > 100.0 or state.passed == gate:
            return False
        if to_line < 2.0 and speed < 0.2:
            state.at_sign += PERIOD_S
            if state.at_sign > PATIENCE_S or (state.at_sign > 1.5 and not self._somebody_comes(b)):
                state.at_sign, state.passed = 0.0, float(gate)
                return False
        return True

    def _somebody_comes(self, b: int) -> bool:
        actors, ego = self.simulator.scene.actors.block[:, b], self.simulator.scene.ego
        dx, dy = actors[ActorRow.X] - ego.x[b], actors[ActorRow.Y] - ego.y[b]
        ahead = dx * math.cos(ego.yaw[b]) + dy * math.sin(ego.yaw[b]) > 0.0
        moves = (actors[ActorRow.VALID] > 0.5) & (actors[ActorRow.SPEED] > 1.0)
        return bool((ahead & moves & (np.hypot(dx, dy) < LOOKS_M)).any())
