"""Traffic lights as actors: heads in groups that take turns, as CARLA's controllers do; times and states can be set.

The groups and their order are those of the compiled map (``envs.roads.signal_groups``). Each junction's groups take
turns: green, yellow, then red for everybody, then the next group. An episode begins with each first group's green.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from envs.carla_server import wire
from envs.carla_server.actors import Actor, ActorKind, ActorTable
from envs.carla_server.town import TownMap
from envs.carla_server.zones import Zone, enclosing, zones_of
from envs.roads.geometry import evaluate_line
from envs.roads.signal_groups import ALL_RED_S, GREEN_S, YELLOW_S
from envs.scene import FloatArray, IntArray

_GREEN, _YELLOW, _RED = int(wire.LightState.GREEN), int(wire.LightState.YELLOW), int(wire.LightState.RED)
_NEXT = {_GREEN: _YELLOW, _YELLOW: _RED}
_EPSILON_S = 1e-9
TRIGGER_HALF_HEIGHT_M, TRIGGER_LENGTH_M = 1.5, 3.0
"""The box that a client is told of a light lies at the line, as CARLA's do: its agents stop a few metres before it."""


@dataclass(slots=True)
class Plan:
    """The groups of one junction in their order, which of them has its turn, its phase and what is left of it (s)."""

    groups: list[int]
    turn: int
    phase: int
    left_s: float


class TrafficLights:
    """All lights of a map: H heads, G groups.

    ``group`` (H,); ``states`` (H,); ``durations`` (H, 3) green, yellow, red (s); ``elapsed`` (H,) in that state (s).
    While ``replayed`` their own time stands.
    """

    def __init__(self, town: TownMap, table: ActorTable, next_id: Callable[[], int]) -> None:
        self.table = table
        self.zones = zones_of(town)
        heads = list(_heads(town, self.zones))
        self.actors = [_light_actor(next_id(), head, pose, box) for head, pose, box in heads]
        self.first_row = len(table)
        for actor, (_, pose, _) in zip(self.actors, heads, strict=True):
            table.add(actor, pose)
        self.number = {head: index for index, (head, _, _) in enumerate(heads)}
        self.group = _groups(town, self.number)
        self.plan_of = town.graph.controls.plan
        self.junctions = _junctions(town, self.group)
        self.durations: FloatArray = np.tile([GREEN_S, YELLOW_S, ALL_RED_S], (len(heads), 1))
        self.states: IntArray = np.full(len(heads), _RED, dtype=np.int64)
        self.elapsed: FloatArray = np.zeros(len(heads))
        self.frozen = False
        self.replayed = False
        self.plans: list[Plan] = []
        self.reset()

    def __len__(self) -> int:
        """Return how many heads there are."""
        return len(self.actors)

    def reset(self) -> None:
        """Begin all plans anew."""
        numbers = sorted({int(self.plan_of[group]) for group in self.group if group >= 0})
        shown = set(self.group.tolist())
        self.plans = []
        for number in numbers:
            groups = [group for group in np.flatnonzero(self.plan_of == number).tolist() if group in shown]
            self.plans.append(Plan(groups, 0, _GREEN, 0.0))
        self.states[:] = _RED
        self.elapsed[:] = 0.0
        for plan in self.plans:
            self._begin(plan, _GREEN)
        self.write()

    def reset_group(self, light: int) -> None:
        """Begin the plan of a light's junction anew."""
        for plan in self.plans:
            if int(self.group[light]) in plan.groups:
                for group in plan.groups:
                    self._show(group, _RED)
                plan.turn = 0
                self._begin(plan, _GREEN)
        self.write()

    def advance(self, dt: float) -> None:
        """Let time pass (s)."""
        if self.frozen or self.replayed or not self.actors:
            return
        self.elapsed += dt
        changed = False
        for plan in self.plans:
            plan.left_s -= dt
            while plan.left_s <= _EPSILON_S:
                self._go_on(plan)
                changed = True
        if changed:
            self.write()
        else:
            self._rows("elapsed")[:] = self.elapsed

    def show(self, light: int, state: int, elapsed_s: float) -> None:
        """Let one head show what a recording has; ``write`` tells the clients."""
        self.states[light], self.elapsed[light] = state, elapsed_s

    def set_state(self, light: int, state: int) -> None:
        """Let one head show a state, until its group's next change."""
        self.states[light], self.elapsed[light] = state, 0.0
        self.write()

    def set_duration(self, light: int, phase: int, seconds: float) -> None:
        """Set how long the heads of a light's group show green (0), yellow (1) or red (2)."""
        same = self.group == self.group[light] if self.group[light] >= 0 else np.arange(len(self)) == light
        self.durations[same, phase] = max(seconds, 0.05)
        self.write()

    def freeze(self, frozen: bool) -> None:
        """Stop the time of all lights, or let it go on."""
        self.frozen = frozen
        self.write()

    def together(self, light: int) -> list[int]:
        """Return the ids of the lights of the same junction."""
        for plan in self.plans:
            if int(self.group[light]) in plan.groups:
                return [self.actors[other].id for other in np.flatnonzero(np.isin(self.group, plan.groups)).tolist()]
        return [self.actors[light].id]

    def write(self) -> None:
        """Write the states of all heads to the world-state message."""
        self._rows("state_of_light")[:] = self.states
        self._rows("elapsed")[:] = self.elapsed
        self._rows("frozen")[:] = self.frozen
        self._rows("sign_id")[:] = list(self.number)
        for column, name in enumerate(("green", "yellow", "red")):
            self._rows(name)[:] = self.durations[:, column]

    def _rows(self, name: str) -> FloatArray:
        rows: FloatArray = self.table.light_records[name][self.first_row : self.first_row + len(self.actors)]
        return rows

    def _go_on(self, plan: Plan) -> None:
        if plan.phase in _NEXT:
            self._begin(plan, _NEXT[plan.phase])
        else:
            plan.turn = (plan.turn + 1) % len(plan.groups)
            self._begin(plan, _GREEN)

    def _begin(self, plan: Plan, phase: int) -> None:
        group = plan.groups[plan.turn]
        head = int(np.argmax(self.group == group))
        column = {_GREEN: 0, _YELLOW: 1, _RED: 2}[phase]
        plan.phase, plan.left_s = phase, plan.left_s + float(self.durations[head, column])
        self._show(group, phase)

    def _show(self, group: int, state: int) -> None:
        heads = self.group == group
        self.states[heads] = state
        self.elapsed[heads] = 0.0


def _heads(town: TownMap, zones: list[Zone]) -> Iterator[tuple[str, FloatArray, Zone]]:
    """Yield (id, pose, box of its zones) of the heads that hold anybody, in the order of the file."""
    by_head: dict[str, list[Zone]] = {}
    for zone in zones:
        by_head.setdefault(zone.head, []).append(zone)
    for road in town.opendrive.roads.values():
        for signal in road.signals:
            if signal.id in by_head:
                box = enclosing([zone.end(TRIGGER_LENGTH_M) for zone in by_head[signal.id]])
                curve = evaluate_line(road.geometries, np.array([signal.s]))
                x = float(curve.x[0] - signal.t * np.sin(curve.heading[0]))
                y = float(curve.y[0] + signal.t * np.cos(curve.heading[0]))
                # CARLA's lights look across the lanes that they hold: their x axis points to the right of driving.
                yield signal.id, np.array([x, y, box.z, 0.0, 0.0, box.yaw - 0.5 * np.pi]), box


def _light_actor(actor_id: int, head: str, pose: FloatArray, box: Zone) -> Actor:
    c, s = np.cos(pose[5]), np.sin(pose[5])
    dx, dy = box.x - pose[0], box.y - pose[1]
    centre = np.array([c * dx + s * dy, c * dy - s * dx, TRIGGER_HALF_HEIGHT_M])
    attributes = (("role_name", 4, "default"), ("sign_id", 4, head))
    extent = np.array([box.half_width, box.half_length, TRIGGER_HALF_HEIGHT_M])
    tags = bytes([wire.Tag.TRAFFIC_LIGHT])
    return Actor(
        actor_id, "traffic.traffic_light", ActorKind.LIGHT, attributes=attributes, centre=centre, extent=extent,
        tags=tags,
    )  # fmt: skip


def _groups(town: TownMap, number: dict[str, int]) -> IntArray:
    """Return the group of each head (-1: none)."""
    group = np.full(len(number), -1, dtype=np.int64)
    for index, heads in enumerate(town.graph.controls.signal_ids):
        for head in heads:
            if head in number:
                group[number[head]] = index
    return group


def _junctions(town: TownMap, group: IntArray) -> IntArray:
    """Return the OpenDRIVE junction of each head (-1: none)."""
    plan = town.graph.controls.plan
    junctions = np.array([int(plan[index]) if index >= 0 else -1 for index in group.tolist()], dtype=np.int64)
    result: IntArray = np.where(np.isin(junctions, town.graph.junction), junctions, -1)
    return result
