"""One world's row of a scene, as arrays that travel between processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from envs.cameras import Images
from envs.scene import FloatArray, SceneBatch


class SceneRow(NamedTuple):
    """One world: blocks without the axis of worlds; ``counters``: time (s), step, cell, seed; pictures; weather."""

    ego: FloatArray
    actors: FloatArray
    road: FloatArray
    route: FloatArray
    points: FloatArray
    events: FloatArray
    counters: tuple[float, int, int, int]
    images: Images
    weather: Mapping[str, float]


def take_row(scene: SceneBatch, images: Images, weather: Mapping[str, float], b: int) -> SceneRow:
    """Return copies of world ``b``'s numbers and pictures, and its weather."""
    return SceneRow(
        scene.ego.block[:, b].copy(),
        scene.actors.block[:, b].copy(),
        scene.road.block[:, b].copy(),
        scene.route.block[:, b].copy(),
        scene.route.points[b].copy(),
        scene.events.block[:, b].copy(),
        (float(scene.time_s[b]), int(scene.step[b]), int(scene.cell[b]), int(scene.seed[b])),
        images[b].copy(),
        weather,
    )


def put_row(scene: SceneBatch, images: Images, b: int, row: SceneRow) -> None:
    """Write ``row`` into world ``b`` of ``scene`` and ``images``."""
    for group, values in (
        (scene.ego, row.ego), (scene.actors, row.actors), (scene.road, row.road), (scene.route, row.route),
        (scene.events, row.events),
    ):  # fmt: skip
        group.block[:, b] = values
    scene.route.points[b] = row.points
    scene.time_s[b], scene.step[b], scene.cell[b], scene.seed[b] = row.counters
    images[b] = row.images
