"""Replays a recording in the world: its actors come, move and go as they did, its lights show what they showed.

Poses are interpolated between the recorded frames, so that any step and any speed will do; at a speed of
``COARSE_FACTOR`` or more each frame's are taken as they are, as CARLA does. What is replayed has no physics of its own.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from envs.carla_frame import CENTIMETRES, mirrored, rotation_from_carla, steer_mirrored
from envs.carla_recording import CarlaLogError, Packet, RecordedActor, RecordedFrame, Recording, Records
from envs.carla_server.actors import Actor, ActorKind
from envs.carla_server.payloads import MOST_M, Description, VehicleControl
from envs.carla_server.walkers import WalkerControl
from envs.carla_server.world import World, WorldError
from envs.scene import FloatArray

COARSE_FACTOR = 2.0
SAME_PLACE_M = 1.0
"""A recorded light is the map's own within this distance (m)."""

_ROUNDING_S = 1e-6
_FIXED = (ActorKind.LIGHT, ActorKind.SIGN)


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """What to replay: from ``start_s`` (negative: before the end) for ``duration_s`` (0: to the end).

    ``follow_id`` recorded id of the actor that the spectator follows (0: nobody), ``view`` ``(6,)`` from where in that
    one's frame; ``sensors``: bring sensors in, too.
    """

    start_s: float = 0.0
    duration_s: float = 0.0
    follow_id: int = 0
    sensors: bool = False
    view: FloatArray = field(default_factory=lambda: np.zeros(6))


@dataclass(slots=True)
class ReplayOptions:
    """What holds for all replays: simulated seconds of the recording per second, and who is left alone."""

    time_factor: float = 1.0
    ignore_hero: bool = False
    ignore_spectator: bool = True


@dataclass(slots=True, eq=False)
class Replay:
    """A replay that goes on: ``ids`` the world's of the recorded, ``own`` those whom it brought in, ``left_out``."""

    recording: Recording
    order: ReplayOrder
    options: ReplayOptions
    time_s: float = 0.0
    end_s: float = 0.0
    frame: int = -1
    ids: dict[int, int] = field(default_factory=dict)
    own: list[int] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    _starts: list[float] = field(default_factory=list)
    _poses: list[dict[int, FloatArray]] = field(default_factory=list)

    @classmethod
    def of(cls, recording: Recording, order: ReplayOrder, options: ReplayOptions) -> Replay:
        """Read all that is replayed; ``CarlaLogError`` where it is broken."""
        _check(recording)
        total = recording.frames[-1].elapsed_s
        start = min(max(order.start_s if order.start_s >= 0.0 else total + order.start_s, 0.0), total)
        end = min(start + order.duration_s, total) if order.duration_s > 0.0 else total
        replay = cls(recording, order, options, start, end)
        replay._starts = [frame.elapsed_s for frame in recording.frames]
        replay._poses = [_poses(frame) for frame in recording.frames]
        return replay

    def begin(self, world: World) -> None:
        """Put the world into the state at the start."""
        world.lights.replayed = True
        self._go_to(world, self.time_s, 0.0)

    def advance(self, world: World, dt: float) -> bool:
        """Go on by a step of the world (s); return whether anything is left."""
        before = self.time_s
        self.time_s = min(before + dt * self.options.time_factor, self.end_s)
        self._go_to(world, self.time_s, dt)
        return self.time_s < self.end_s

    def finish(self, world: World, keep_actors: bool) -> None:
        """Leave the actors to themselves, at a standstill, or take out those whom the replay brought in."""
        world.lights.replayed = False
        if not keep_actors:
            world.destroy(self.own)
        for actor in filter(None, map(world.table.by_id.get, self.ids.values())):
            if actor.kind == ActorKind.VEHICLE:
                world.vehicles.set_physics(actor.id, False)
                world.vehicles.set_physics(actor.id, True)
                world.vehicles.control(actor.id, VehicleControl())
            elif actor.kind == ActorKind.WALKER:
                world.walkers.control(actor.id, WalkerControl())

    def _go_to(self, world: World, time_s: float, dt: float) -> None:
        last = max(bisect_right(self._starts, time_s + _ROUNDING_S) - 1, 0)
        for number in range(self.frame + 1, last + 1):
            self._change(world, self.recording.frames[number])
        if last > self.frame:
            self.frame = last
            self._show(world, self.recording.frames[last])
        self._move(world, self._share(time_s), dt)

    def _share(self, time_s: float) -> float:
        """Return how far it is from this frame to the next, in [0, 1)."""
        if self.frame + 1 == len(self._starts) or self.options.time_factor >= COARSE_FACTOR:
            return 0.0
        start, after = self._starts[self.frame : self.frame + 2]
        return max(time_s - start, 0.0) / (after - start)

    def _change(self, world: World, frame: RecordedFrame) -> None:
        """Let actors come, ride on others and go."""
        for recorded in frame.added():
            actor = self._found(world, recorded) or self._entered(world, recorded)
            if actor is not None:
                self.ids[recorded.id] = actor.id
                if actor.kind == ActorKind.VEHICLE:
                    world.vehicles.set_physics(actor.id, False)
        for row in frame.table(Packet.PARENTS):
            child, parent = self._actor(world, row["id"]), self._actor(world, row["parent"])
            if child is not None and parent is not None and child.id in self.own and parent.row < child.row:
                child.relative = world.attachments.relative_pose(world.table.pose(parent), world.table.pose(child))
                child.parent = parent.id
                world.find_rows()
        for row in frame.table(Packet.REMOVED):
            actor = self._actor(world, row["id"])
            if actor is not None and actor.kind not in (*_FIXED, ActorKind.SPECTATOR):
                world.destroy([actor.id])
            self.ids.pop(int(row["id"]), None)

    def _found(self, world: World, recorded: RecordedActor) -> Actor | None:
        """Return the actor of the world that a recorded one is: the spectator, a light there, or the same as before."""
        if recorded.type_id == "spectator":
            return None if self.options.ignore_spectator else world.spectator
        if recorded.type_id.startswith("traffic."):
            return _light_at(world, recorded)
        actor = world.table.by_id.get(recorded.id)
        same = actor is not None and actor.type_id == recorded.type_id and not self._is_left_out(recorded)
        return actor if same else None

    def _entered(self, world: World, recorded: RecordedActor) -> Actor | None:
        fixed = recorded.type_id == "spectator" or recorded.type_id.startswith("traffic.")
        if fixed or self._is_left_out(recorded):
            return None
        pose = _pose(np.array(recorded.location_cm), np.array(recorded.rotation_deg))
        try:
            actor = world.bring_in(Description(recorded.type_id, recorded.attributes), pose, recorded.id)
        except WorldError:
            self.left_out.append(recorded.type_id)
            return None
        self.own.append(actor.id)
        return actor

    def _is_left_out(self, recorded: RecordedActor) -> bool:
        sensor = recorded.type_id.startswith("sensor.") and not self.order.sensors
        return sensor or (self.options.ignore_hero and recorded.is_hero())

    def _actor(self, world: World, recorded_id: int) -> Actor | None:
        return world.table.by_id.get(self.ids.get(int(recorded_id), 0))

    def _show(self, world: World, frame: RecordedFrame) -> None:
        """Show lights, controls and lamps of a frame."""
        first = world.lights.first_row
        for row in frame.table(Packet.LIGHTS):
            actor = self._actor(world, row["id"])
            if actor is not None and actor.kind == ActorKind.LIGHT:
                world.lights.show(actor.row - first, min(int(row["state"]), 4), float(row["elapsed"]))
        world.lights.write()
        for row in frame.table(Packet.DRIVEN):
            actor = self._actor(world, row["id"])
            if actor is not None and actor.kind == ActorKind.VEHICLE:
                world.vehicles.control(actor.id, _control(row))
        for row in frame.table(Packet.LAMPS):
            actor = self._actor(world, row["id"])
            if actor is not None and actor.kind == ActorKind.VEHICLE:
                world.vehicles.lamps[actor.id] = int(row["flags"])

    def _move(self, world: World, share: float, dt: float) -> None:
        here = self._poses[self.frame]
        there = self._poses[self.frame + 1] if share > 0.0 else here
        for recorded_id, pose in here.items():
            actor = self._actor(world, recorded_id)
            if actor is not None and not actor.parent and actor.kind not in _FIXED:
                _place(world, actor, _between(pose, there.get(recorded_id, pose), share), dt)
        followed = self._actor(world, self.order.follow_id)
        if followed is not None:
            pose = world.attachments.pose_in(world.table.pose(followed), self.order.view)
            world.put(world.spectator, pose)


def _light_at(world: World, recorded: RecordedActor) -> Actor | None:
    here = mirrored(np.array(recorded.location_cm) / CENTIMETRES)[:2]
    near = (actor for actor in world.lights.actors if math.dist(world.table.pose(actor)[:2], here) < SAME_PLACE_M)
    return next((actor for actor in near if actor.type_id == recorded.type_id), None)


def _check(recording: Recording) -> None:
    """Raise ``CarlaLogError`` where a packet is broken; the poses are read already."""
    for frame in recording.frames:
        places = [np.array([*actor.location_cm, *actor.rotation_deg]) for actor in frame.added()]
        driven, lights = frame.table(Packet.DRIVEN), frame.table(Packet.LIGHTS)
        numbers = [*places, driven["steer"], driven["throttle"], driven["brake"], lights["elapsed"]]
        if not all(_sound(values) for values in numbers):
            raise CarlaLogError(f"frame {frame.number} has a number that is not finite, or too large")
        for kind in (Packet.REMOVED, Packet.PARENTS, Packet.LAMPS):
            frame.table(kind)


def _sound(values: FloatArray) -> bool:
    return bool((np.abs(values) <= MOST_M * CENTIMETRES).all())


def _poses(frame: RecordedFrame) -> dict[int, FloatArray]:
    """Return the poses ``(6,)`` of a frame by recorded id, in our frame."""
    table = frame.table(Packet.POSITIONS)
    places, turned = table["location_cm"].astype(np.float64), table["rotation_deg"].astype(np.float64)
    if not (_sound(places) and _sound(turned)):
        raise CarlaLogError(f"frame {frame.number} has a pose that is not finite, or too far away")
    poses = _pose(places, turned)
    return dict(zip(table["id"].tolist(), poses, strict=True))


def _pose(location_cm: FloatArray, rotation_deg: FloatArray) -> FloatArray:
    """Return poses ``(..., 6)`` in our frame of locations and (roll, pitch, yaw), both ``(..., 3)``."""
    turned = rotation_from_carla(rotation_deg[..., [1, 2, 0]])
    pose: FloatArray = np.concatenate([mirrored(location_cm / CENTIMETRES), turned], axis=-1)
    return pose


def _between(first: FloatArray, second: FloatArray, share: float) -> FloatArray:
    """Return the pose at a share of the way, angles the short way round and within [-pi, pi]."""
    way = second - first
    way[3:] = np.arctan2(np.sin(way[3:]), np.cos(way[3:]))
    pose: FloatArray = first + share * way
    pose[3:] = np.arctan2(np.sin(pose[3:]), np.cos(pose[3:]))
    return pose


def _place(world: World, actor: Actor, pose: FloatArray, dt: float) -> None:
    """Move an actor; its velocity is that of the way since the step before."""
    way = pose - world.table.pose(actor)
    turn = float(np.arctan2(np.sin(way[5]), np.cos(way[5])))
    velocity = way[:3] / dt if dt > 0.0 else np.zeros(3)
    if actor.kind == ActorKind.WALKER:
        world.walkers.put(actor, pose, float(np.hypot(velocity[0], velocity[1])), world.table)
        return
    world.put(actor, pose)
    if actor.kind == ActorKind.VEHICLE:
        world.vehicles.set_velocity(actor.id, velocity)
        world.vehicles.set_turn_rate(actor.id, turn / dt if dt > 0.0 else 0.0)


def _control(row: Records) -> VehicleControl:
    throttle, brake = float(row["throttle"]), float(row["brake"])
    gear = int(row["gear"])
    return VehicleControl(
        throttle, steer_mirrored(float(row["steer"])), brake, bool(row["handbrake"]), gear < 0, False, gear
    )
