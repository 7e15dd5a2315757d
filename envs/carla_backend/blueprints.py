"""Which blueprint looks most like a road user of a scenario."""

from __future__ import annotations

from functools import lru_cache

from envs.carla_server.vehicle_models import VEHICLE_MODELS, VehicleModel
from envs.scene import ActorKind

_BASE_TYPES = {
    ActorKind.CAR: ("car", "van"),
    ActorKind.TRUCK: ("truck",),
    ActorKind.BUS: ("bus", "truck"),
    ActorKind.MOTORCYCLE: ("motorcycle",),
    ActorKind.CYCLIST: ("bicycle",),
}
_WALKERS = tuple(f"walker.pedestrian.{number:04d}" for number in (1, 2, 3, 4, 5, 6, 7, 8))
BARRIER = "static.prop.streetbarrier"
"""What stands for an obstacle that is no vehicle; its size on the server is its own."""


def blueprint_of(kind: int, length_m: float, width_m: float, number: int) -> str:
    """Return the id of the blueprint for a road user of such a kind and size (m).

    ``number`` tells one road user from the next, where several blueprints look alike.
    """
    if kind == ActorKind.PEDESTRIAN:
        return _WALKERS[number % len(_WALKERS)]
    if kind == ActorKind.STATIC:
        return BARRIER
    return _nearest(ActorKind(kind), round(length_m, 2), round(width_m, 2))


@lru_cache(maxsize=512)
def _nearest(kind: ActorKind, length_m: float, width_m: float) -> str:
    def difference(model: VehicleModel) -> float:
        return abs(2.0 * model.half_length_m - length_m) + abs(2.0 * model.half_width_m - width_m)

    models = [model for model in VEHICLE_MODELS if model.base_type in _BASE_TYPES[kind]]
    return f"vehicle.{min(models, key=difference).name}"
