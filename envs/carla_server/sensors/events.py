"""Sensors that send when something happens: collisions, and obstacles ahead. Their messages are msgpack arrays."""

from __future__ import annotations

from collections.abc import Iterable

import msgpack
import numpy as np

from envs.carla_server.actors import Actor
from envs.carla_server.payloads import to_location
from envs.carla_server.sensors.attributes import clipped
from envs.carla_server.sensors.rays import Boxes, boxes_of, first_hit
from envs.carla_server.wire import SensorType
from envs.carla_server.world import World


class CollisionSensor:
    """Tells of each body that its parent touches, in each frame of the contact."""

    kind = SensorType.COLLISION

    def __init__(self, actor: Actor) -> None:
        self.parent = actor.parent

    def messages(self, world: World, port: int) -> Iterable[bytes]:
        """Yield [actor, other, impulse (N s)] of each contact of the parent."""
        for contact in world.contacts:
            if contact.first.id == self.parent:
                yield _event(contact.first, contact.second, to_location(contact.impulse), port)
            elif contact.second.id == self.parent:
                yield _event(contact.second, contact.first, to_location(-contact.impulse), port)


class ObstacleSensor:
    """Tells of the nearest body ahead within ``distance``, less than ``hit_radius`` beside its axis."""

    kind = SensorType.OBSTACLE

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.distance_m = clipped(actor, "distance", 5.0, 0.01, 1e4)
        self.radius_m = clipped(actor, "hit_radius", 0.5, 0.0, 100.0)

    def messages(self, world: World, port: int) -> Iterable[bytes]:
        """Yield [actor, other, distance (m)] where there is one."""
        boxes = boxes_of(world, self.actor.parent)
        wide = Boxes(boxes.centre, boxes.yaw, boxes.half_sizes + self.radius_m, boxes.ids, boxes.tags)
        pose = world.table.pose(self.actor)
        ahead = np.array([np.cos(pose[4]) * np.cos(pose[5]), np.cos(pose[4]) * np.sin(pose[5]), -np.sin(pose[4])])
        box, distance = first_hit(wide.centre, wide.yaw, wide.half_sizes, pose[:3], ahead, self.distance_m)
        if box >= 0:
            other = world.table.by_id[int(boxes.ids[box])]
            parent = world.table.by_id.get(self.actor.parent, self.actor)
            yield _event(parent, other, max(distance, 0.0), port)


def _event(actor: Actor, other: Actor, value: object, port: int) -> bytes:
    packed: bytes = msgpack.packb([actor.payload(port), other.payload(port), value], unicode_errors="surrogateescape")
    return packed
