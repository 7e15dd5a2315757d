"""Shapes of road users from above: colour tells the kind, and so does the shape, for who cannot tell the colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from envs.scene import ActorKind, FloatArray

_CORNER_M = 0.4
_CAB_M = 2.3
_HATCH_M = 0.7


@dataclass(frozen=True, slots=True)
class BodyShape:
    """Polygons ``(n, 2)`` in the body's frame (m; x ahead, y left): ``hull`` in its colour, ``glass`` dark on it."""

    hull: tuple[FloatArray, ...]
    glass: tuple[FloatArray, ...] = ()


def body_shape(kind: ActorKind, length: float, width: float) -> BodyShape:
    """Return the shape of a road user of ``length`` and ``width`` (m)."""
    shape: BodyShape = _SHAPES[kind](length, width)
    return shape


def placed(points: FloatArray, x: float, y: float, yaw: float) -> FloatArray:
    """Return points ``(n, 2)`` of a body's frame in the world (m), the body at ``x, y`` (m) and ``yaw`` (rad)."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    turned: FloatArray = points @ np.array([[cos, sin], [-sin, cos]]) + np.array([x, y])
    return turned


def rounded_box(rear: float, front: float, width: float, corner: float = _CORNER_M) -> FloatArray:
    """Return a box from ``rear`` to ``front`` with rounded corners (m)."""
    radius = min(corner, width / 3, (front - rear) / 3)
    angles = np.linspace(0.0, np.pi / 2, 5)
    quarter = np.column_stack([np.cos(angles), np.sin(angles)])
    centres = ((front - radius, 1.0), (rear + radius, 1.0), (rear + radius, -1.0), (front - radius, -1.0))
    pieces = []
    for turn, (x, side) in enumerate(centres):
        c, s = np.cos(turn * np.pi / 2), np.sin(turn * np.pi / 2)
        arc = quarter @ np.array([[c, s], [-s, c]])
        pieces.append(radius * arc + np.array([x, side * (width / 2 - radius)]))
    return np.concatenate(pieces)


def _screen(front: float, rear: float, outer: float, inner: float) -> FloatArray:
    """Return a trapezium, ``outer`` wide at ``front`` and ``inner`` wide at ``rear`` (m)."""
    return 0.5 * np.array([[2 * front, outer], [2 * front, -outer], [2 * rear, -inner], [2 * rear, inner]])


def _disc(x: float, radius: float, along: float = 1.0) -> FloatArray:
    angles = np.linspace(0.0, 2 * np.pi, 21)[:-1]
    return np.column_stack([x + along * radius * np.cos(angles), radius * np.sin(angles)])


def _car(length: float, width: float) -> BodyShape:
    front = _screen(0.27 * length, 0.13 * length, 0.84 * width, 0.68 * width)
    back = _screen(-0.28 * length, -0.36 * length, 0.68 * width, 0.8 * width)
    return BodyShape((rounded_box(-length / 2, length / 2, width),), (front, back))


def _truck(length: float, width: float) -> BodyShape:
    cab = min(_CAB_M, 0.3 * length)
    front = length / 2
    load = rounded_box(-front, front - cab - 0.25, width, 0.12)
    screen = _screen(front - 0.18 * cab, front - 0.43 * cab, 0.72 * width, 0.72 * width)
    return BodyShape((load, rounded_box(front - cab, front, 0.92 * width, 0.35)), (screen,))


def _bus(length: float, width: float) -> BodyShape:
    hatches = [_screen(x, x - 0.1 * length, 0.32 * width, 0.32 * width) for x in (0.25 * length, -0.15 * length)]
    screen = _screen(length / 2 - 0.15, length / 2 - 0.75, 0.84 * width, 0.84 * width)
    return BodyShape((rounded_box(-length / 2, length / 2, width),), (screen, *hatches))


def _motorcycle(length: float, width: float) -> BodyShape:
    frame = rounded_box(-length / 2, length / 2, 0.32 * width, 0.2)
    bars = rounded_box(0.2 * length, 0.32 * length, width, 0.1)
    return BodyShape((frame, bars, _disc(-0.08 * length, 0.3 * width)))


def _cyclist(length: float, width: float) -> BodyShape:
    wheels = [rounded_box(x - 0.24 * length, x + 0.24 * length, 0.24, 0.12) for x in (0.26 * length, -0.26 * length)]
    return BodyShape((*wheels, _disc(0.0, 0.5 * width)))


def _pedestrian(length: float, width: float) -> BodyShape:
    return BodyShape((_disc(0.0, 0.5 * max(length, width, 0.8)),))


def _static(length: float, width: float) -> BodyShape:
    """Return a box with slanting stripes, each cut off at the box's ends."""
    stripes = []
    for x in np.arange(-length / 2, length / 2 - 0.2, 2 * _HATCH_M):
        stripe = np.array([[x, -width / 2], [x + 0.5 * _HATCH_M, -width / 2], [x + _HATCH_M, width / 2]])
        stripes.append(np.clip(stripe, [-length / 2, -width / 2], [length / 2, width / 2]))
    return BodyShape((rounded_box(-length / 2, length / 2, width, 0.05),), tuple(stripes))


_SHAPES: dict[ActorKind, Callable[[float, float], BodyShape]] = {
    ActorKind.CAR: _car,
    ActorKind.TRUCK: _truck,
    ActorKind.BUS: _bus,
    ActorKind.MOTORCYCLE: _motorcycle,
    ActorKind.PEDESTRIAN: _pedestrian,
    ActorKind.CYCLIST: _cyclist,
    ActorKind.STATIC: _static,
}
