"""msgpack arguments of calls to typed values in our frame, and back; what does not fit is a ``PayloadError``.

A parser takes one decoded argument. Numbers must be finite: what is not would spread through the world.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from envs.carla_frame import mirrored, rotation_from_carla, rotation_to_carla, steer_mirrored, y_mirrored
from envs.scene import FloatArray

Item = TypeVar("Item")
MOST_M = 1e6
"""Largest coordinate (m) and the largest of any number of a transform or a velocity."""


class PayloadError(ValueError):
    """An argument of the wrong form; the message is one line."""


def number(value: Any) -> float:
    """Return a finite number."""
    if type(value) is float and -math.inf < value < math.inf:
        return value  # nearly all of them, and a Traffic Manager sends hundreds a tick
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PayloadError(f"expected a number, got {shown(value)}")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise PayloadError(f"expected a finite number, got {shown(value)}")
    return result


def bounded(low: float, high: float) -> Callable[[Any], float]:
    """Return a parser of numbers that clips them to a range, as CARLA does with controls."""

    def parse(value: Any) -> float:
        if type(value) is float and low <= value <= high:
            return value
        return min(max(number(value), low), high)

    return parse


def integer(value: Any) -> int:
    """Return a whole number of at most 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise PayloadError(f"expected a whole number, got {shown(value)}")
    return value


def truth(value: Any) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise PayloadError(f"expected true or false, got {shown(value)}")
    return value


def text(value: Any) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise PayloadError(f"expected a text, got {shown(value)}")
    return value


def anything(value: Any) -> Any:
    """Return the argument as it came."""
    return value


def row(value: Any, *parsers: Callable[[Any], Any]) -> list[Any]:
    """Return the parsed items of an array, one for each parser."""
    if not isinstance(value, (list, tuple)) or len(value) != len(parsers):
        raise PayloadError(f"expected an array of {len(parsers)}, got {shown(value)}")
    return [parser(item) for parser, item in zip(parsers, value, strict=True)]


def rows(parser: Callable[[Any], Item]) -> Callable[[Any], list[Item]]:
    """Return a parser of arrays whose items ``parser`` takes."""

    def parse(value: Any) -> list[Item]:
        if not isinstance(value, (list, tuple)):
            raise PayloadError(f"expected an array, got {shown(value)}")
        return [parser(item) for item in value]

    return parse


def optional(parser: Callable[[Any], Item]) -> Callable[[Any], Item | None]:
    """Return a parser of ``[false]`` or ``[true, x]``."""

    def parse(value: Any) -> Item | None:
        if not isinstance(value, (list, tuple)) or not value or not isinstance(value[0], bool):
            raise PayloadError(f"expected [false] or [true, value], got {shown(value)}")
        return parser(value[1]) if value[0] and len(value) == 2 else None

    return parse


def shown(value: Any) -> str:
    """Return a value for a message, cut to one short line."""
    listed = ascii(value)
    return listed if len(listed) <= 60 else f"{listed[:57]}..."


_coordinate = bounded(-MOST_M, MOST_M)


def vector(value: Any) -> FloatArray:
    """Return three numbers ``(3,)`` as they came."""
    return np.array(row(value, _coordinate, _coordinate, _coordinate))


def location(value: Any) -> FloatArray:
    """Return a location or a velocity ``(3,)`` in our frame."""
    return mirrored(vector(value))


def transform(value: Any) -> FloatArray:
    """Return a pose ``(6,)`` in our frame: x, y, z (m), roll, pitch, yaw (rad, yaw within [-pi, pi])."""
    place, rotation = row(value, location, vector)
    angles = rotation_from_carla(rotation)
    return np.concatenate([place, np.arctan2(np.sin(angles), np.cos(angles))])


def to_location(place: Sequence[float] | FloatArray) -> list[float]:
    """Return the payload of a location or a velocity of our frame."""
    x, y, z = (float(value) for value in place)
    return [x, y_mirrored(y), z]


def to_transform(pose: FloatArray) -> list[list[float]]:
    """Return the payload of a pose ``(6,)`` of our frame."""
    return [to_location(pose[:3]), rotation_to_carla(pose[3:]).tolist()]


@dataclass(frozen=True, slots=True)
class Description:
    """What a client wants spawned: the blueprint's id and attributes as (id, type, value)."""

    type_id: str
    attributes: tuple[tuple[str, int, str], ...]


def _attribute(value: Any) -> tuple[str, int, str]:
    name, kind, content = row(value, text, integer, text)
    if not 0 <= kind <= 255:
        raise PayloadError(f"expected the type of an attribute, 0 to 255, got {kind}")
    return name, kind, content


def description(value: Any) -> Description:
    """Return an actor's description."""
    _, type_id, attributes = row(value, integer, text, rows(_attribute))
    return Description(type_id, tuple(attributes))


class VehicleControl(NamedTuple):
    """A vehicle's control; ``steer`` is positive to the left, as in our frame."""

    throttle: float = 0.0
    steer: float = 0.0
    brake: float = 0.0
    hand_brake: bool = False
    reverse: bool = False
    manual_gear: bool = False
    gear: int = 0


_share, _side = bounded(0.0, 1.0), bounded(-1.0, 1.0)
_CONTROL = (_share, _side, _share, truth, truth, truth, integer)


def vehicle_control(value: Any) -> VehicleControl:
    """Return a vehicle's control."""
    throttle, steer, brake, hand, reverse, manual, gear = row(value, *_CONTROL)
    return VehicleControl(throttle, steer_mirrored(steer), brake, hand, reverse, manual, min(max(gear, -1), 9))


@dataclass(frozen=True, slots=True)
class Settings:
    """The episode's settings, in the order in which they travel; ``fixed_delta_s`` None lets the clock decide."""

    synchronous: bool = False
    no_rendering: bool = False
    fixed_delta_s: float | None = None
    substepping: bool = True
    max_substep_s: float = 0.01
    max_substeps: int = 10
    max_culling_distance: float = 0.0
    deterministic_ragdolls: bool = True
    tile_stream_distance: float = 3000.0
    actor_active_distance: float = 2000.0
    spectator_as_ego: bool = True

    def payload(self) -> list[Any]:
        """Return what travels."""
        fixed = [False] if self.fixed_delta_s is None else [True, self.fixed_delta_s]
        return [
            self.synchronous, self.no_rendering, fixed, self.substepping, self.max_substep_s, self.max_substeps,
            self.max_culling_distance, self.deterministic_ragdolls, self.tile_stream_distance,
            self.actor_active_distance, self.spectator_as_ego,
        ]  # fmt: skip


def settings(value: Any) -> Settings:
    """Return the episode's settings; a step that is no positive number means none."""
    parsed = row(
        value, truth, truth, optional(number), truth, number, integer, number, truth, number, number, truth
    )
    fixed = parsed[2] if parsed[2] is not None and 0.0 < parsed[2] <= 10.0 else None
    return Settings(parsed[0], parsed[1], fixed, *parsed[3:])
