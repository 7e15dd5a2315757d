"""The reference driver: privileged, because it tries its manoeuvres out in copies of the world before it drives them.

It shows that a scenario can be driven, and how well (the ceiling in result tables). It is no planner: it knows the
hidden pedestrian, every trigger and how each driver will react, since its copies are the simulator itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from envs.action import ActionConfig, to_control
from envs.compiled import njit
from envs.drivers.control import obeying_speed, route_curvature, track_line, track_numbers, visible_leader
from envs.embedded.simulator import EmbeddedSimulator
from envs.scene import EventRow, FloatArray, RoadRow, RouteRow, SceneBatch
from envs.simulator import DECISION_PERIOD_S
from envs.termination import judge
from envs.traffic.following import FREE_GAP

AT_ONCE = 32
"""Worlds whose copies are driven together: few enough that their arrays stay in a core's cache."""

STANDS = 0.3
"""Speed below which a body counts as standing (m/s)."""

ONCOMING_SHARE = 0.25
"""Share of the distance to whoever comes towards the ego that counts as room before it (ours)."""

FOLLOW = -1.0
"""In place of a share of the speed limit: follow."""


@dataclass(frozen=True, slots=True)
class ReferenceConfig:
    """What the reference driver tries out, and how it judges."""

    offsets_m: tuple[float, ...] = (-3.5, 0.0, 1.8, 3.5)
    """Lines to drive on, as offsets from the route (m, positive left)."""
    speed_shares: tuple[float, ...] = (0.0, 0.1, 0.25, 0.5, 1.0, FOLLOW)
    """Speeds to take, as shares of the speed limit; ``FOLLOW`` goes at the limit behind whoever is ahead, by IDM, and
    up to a stop line."""
    horizon_s: float = 5.0
    """How far each manoeuvre is tried out (s)."""
    replan_s: float = 0.6
    """How often a manoeuvre is chosen (s)."""
    failure_cost_m: float = 400.0
    """Cost of failing at once (m of progress), less ``failure_fade_m`` for each second before the failure."""
    failure_fade_m: float = 40.0
    ending_lane_cost_m: float = 25.0
    """Cost of ending in a lane that ends, in full at its end and none 150 m before (m of progress)."""
    aside_cost: float = 0.8
    """Cost of ending beside the route's line (m of progress per m): do not borrow a lane before it is needed."""
    stuck_aside_cost_m: float = 20.0
    """Cost of standing still at the end with more than ``stuck_aside_m`` beside the line, none from ``stuck_speed``
    (m/s) on, over the last ``stuck_fade`` of it in proportion: two who have driven into each other's way wait for
    ever, since nobody backs up (m of progress)."""
    stuck_aside_m: float = 0.4
    stuck_speed: float = 1.0
    stuck_fade: float = 1e-6
    minds_oncoming_lane: bool = False
    """Whether that counts in the middle of the oncoming lane as well, and not on the way to it alone."""
    close_cost_m: float = 0.0
    """Cost of ending right before a body that stands or comes, none from ``close_m`` on: nobody gets past it from
    there (m of progress)."""
    close_m: float = 8.0
    close_oncoming_factor: float = 3.0
    """How many times as much that costs in the oncoming lane."""
    change_cost_m: float = 1.0
    """Cost of choosing another line than before (m of progress): keeps from dithering."""


PATIENT = ReferenceConfig(
    aside_cost=1.2, stuck_aside_cost_m=35.0, stuck_speed=3.0, stuck_fade=3.0, minds_oncoming_lane=True,
    close_cost_m=12.0,
)  # fmt: skip
"""Lets the others come past first, for scenarios that give time to wait; where the clock is tight it is late."""


class ReferenceDriver:
    """Drives the worlds of ``simulator`` by trying every manoeuvre out in copies of them.

    Args:
        simulator: the embedded simulator whose worlds are driven.
        action: limits between action and command; must be the environment's.
        config: manoeuvres, horizon, costs.
    """

    name = "reference"

    def __init__(
        self, simulator: EmbeddedSimulator, action: ActionConfig | None = None, config: ReferenceConfig | None = None
    ) -> None:
        self.config = config or ReferenceConfig()
        self._simulator = simulator
        self._action = action or ActionConfig()
        self._numbers = track_numbers(self._action)
        manoeuvres = [(offset, share) for offset in self.config.offsets_m for share in self.config.speed_shares]
        self._offsets, self._shares = np.array(manoeuvres).T.copy()
        batch = simulator.batch_size
        self._at_once = min(batch, AT_ONCE)
        self._copies = simulator.blank(self._at_once * len(manoeuvres))
        self._chosen = np.zeros(batch, dtype=np.int64)
        self._command = np.zeros((batch, 2))
        self._drives, self._begins = np.ones(batch, np.bool_), np.zeros(batch, np.bool_)
        self._every = max(1, round(self.config.replan_s / DECISION_PERIOD_S))

    def act(self, scene: SceneBatch) -> FloatArray:
        """Return the actions ``(B, 2)``; plans anew in every world that is due."""
        self._command[scene.step == 0] = 0.0
        is_due = (scene.step % self._every == 0) | self._begins
        due = np.flatnonzero(is_due & self._drives & ~judge(scene).ended)
        self._begins[due] = False
        for first in range(0, len(due), self._at_once):
            self._plan(due[first : first + self._at_once])
        actions = np.empty((scene.batch_size, 2))
        self._track(scene, self._offsets[self._chosen], self._shares[self._chosen], actions)
        _, self._command = to_control(actions, scene, self._command, self._action)
        return actions

    def stand_by(self, rows: npt.NDArray[np.int64]) -> None:
        """Plan nothing for the worlds ``rows`` (n,), which somebody else drives, until it takes over."""
        self._drives[rows] = False

    def take_over(self, rows: npt.NDArray[np.int64], command: FloatArray) -> None:
        """Drive the worlds ``rows`` (n,) from here on, whose last ``command`` (n, 2) somebody else has given."""
        self._drives[rows], self._begins[rows] = True, True
        self._command[rows] = command
        aside = self._simulator.scene.route.lateral_offset[rows]
        self._chosen[rows] = np.abs(self._offsets - aside[:, None]).argmin(axis=1)

    def _plan(self, due: npt.NDArray[np.int64]) -> None:
        count = len(self._offsets)
        # The last few repeat the others to fill the copies; they are neither driven nor read.
        worlds = np.resize(due, self._at_once)
        rows = np.repeat(worlds, count)
        scene = self._copies.load_rows(self._simulator, rows)
        offsets, shares = np.tile(self._offsets, len(worlds)), np.tile(self._shares, len(worlds))
        start = scene.route.progress_m.copy()
        command, actions = self._command[rows], np.empty((len(rows), 2))
        steps = round(self.config.horizon_s / DECISION_PERIOD_S)
        failed_at = np.full(len(rows), steps, dtype=np.int64)
        reached = np.full(len(rows), steps, dtype=np.int64)
        driving = np.arange(len(due) * count)
        for step in range(steps):
            self._track(scene, offsets, shares, actions)
            control, command = to_control(actions, scene, command, self._action)
            scene = self._copies.step_rows(control, driving)
            _note_ends(scene.events.block, step, failed_at, reached)
            driving = driving[(failed_at[driving] == steps) & (reached[driving] == steps)]
        value = self._value(scene, start, failed_at, reached, steps, np.tile(self._offsets, len(worlds)), rows)
        best = value.reshape(len(worlds), count)[: len(due)].argmax(axis=1)
        self._chosen[due] = best

    def _value(
        self,
        scene: SceneBatch,
        start: FloatArray,
        failed_at: npt.NDArray[np.int64],
        reached: npt.NDArray[np.int64],
        steps: int,
        offsets: FloatArray,
        rows: npt.NDArray[np.int64],
    ) -> FloatArray:
        """Return the worth of each tried manoeuvre in metres of progress."""
        config = self.config
        progress = scene.route.progress_m - start + 0.5 * scene.ego.speed
        progress += np.where(reached < steps, (steps - reached) * DECISION_PERIOD_S * 20.0 + 50.0, 0.0)
        to_end = scene.road.distance_to_lane_end
        progress -= config.ending_lane_cost_m * np.clip(1.0 - to_end / 150.0, 0.0, 1.0)
        progress -= config.aside_cost * np.abs(scene.route.lateral_offset)
        aside = np.abs(scene.route.lateral_offset) > config.stuck_aside_m
        # In the oncoming lane itself the road reads as that lane's driver sees it.
        beyond = scene.route.lateral_offset > 0.5 * scene.road.lane_width
        oncoming = aside & (scene.road.left_is_oncoming | (beyond & config.minds_oncoming_lane))
        crawls = np.clip((config.stuck_speed - scene.ego.speed) / config.stuck_fade, 0.0, 1.0)
        progress -= config.stuck_aside_cost_m * oncoming * crawls
        close = np.clip(1.0 - self._room(scene) / config.close_m, 0.0, 1.0)
        progress -= config.close_cost_m * close * np.where(oncoming, config.close_oncoming_factor, 1.0)
        progress -= config.change_cost_m * (offsets != self._offsets[self._chosen[rows]])
        failed = (failed_at < steps) & (failed_at <= reached)
        loss = config.failure_cost_m - config.failure_fade_m * failed_at * DECISION_PERIOD_S
        value: FloatArray = np.where(failed, -loss + 0.1 * progress, progress)
        return value

    def _room(self, scene: SceneBatch) -> FloatArray:
        """Return how much room each ego has before a body that stands in its way, or comes towards it (m)."""
        room = np.empty(scene.batch_size)
        _gap_to_standing(scene.ego.block, scene.actors.block, room)
        return room

    def _track(self, scene: SceneBatch, offsets: FloatArray, shares: FloatArray, actions: FloatArray) -> None:
        _track_route(scene.ego.block, scene.actors.block, scene.road.block, scene.route.block, scene.route.points,
                     offsets, shares, *self._numbers, actions)  # fmt: skip


@njit
def _note_ends(events: FloatArray, step: int, failed_at: npt.NDArray[np.int64], reached: npt.NDArray[np.int64]) -> None:
    """Remember the first step at which each copy failed or reached its goal."""
    for b in range(failed_at.shape[0]):
        bad = events[EventRow.COLLISION, b] + events[EventRow.OFF_ROAD, b] + events[EventRow.WRONG_WAY, b]
        bad += events[EventRow.RED_LIGHT, b] + events[EventRow.STOP_SIGN, b]
        if bad > 0.5 and step < failed_at[b]:
            failed_at[b] = step
        if events[EventRow.GOAL_REACHED, b] > 0.5 and step < reached[b]:
            reached[b] = step


@njit
def _gap_to_standing(ego: FloatArray, actors: FloatArray, room: FloatArray) -> None:
    for b in range(room.shape[0]):
        gap, speed = visible_leader(ego, actors, b)
        if speed < -STANDS:
            room[b] = ONCOMING_SHARE * gap
        else:
            room[b] = gap if speed < STANDS else FREE_GAP


@njit
def _track_route(
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    route: FloatArray,
    points: FloatArray,
    offsets: FloatArray,
    shares: FloatArray,
    wheelbase: float,
    wheel_angle: float,
    tangent_factor: float,
    actions: FloatArray,
) -> None:
    for b in range(actions.shape[0]):
        curvature = route_curvature(ego, route, points, b)
        error = route[RouteRow.LATERAL_OFFSET, b] - offsets[b]
        speed = shares[b] * road[RoadRow.SPEED_LIMIT, b]
        if shares[b] == FOLLOW:
            speed = obeying_speed(ego, actors, road, b)
        track_line(
            ego, b, error, route[RouteRow.HEADING_ERROR, b], curvature, speed,
            wheelbase, wheel_angle, tangent_factor, actions, b,
        )  # fmt: skip
