"""Who is in a recording: the bodies that take up room, what they are and how large, and which of them is the ego."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from envs.carla_frame import CENTIMETRES, y_mirrored
from envs.carla_recording import CarlaLogError, Packet, RecordedActor, RecordedKind, Recording
from envs.carla_server.vehicle_models import VEHICLE_MODELS
from envs.scene import ActorKind

HERO = "hero"
"""Role of the ego in CARLA's recordings."""

MOST_HALF_M = 100.0
"""A box with a larger half size is none (m, ours): what has no body is recorded with infinite ones."""

PROPS = "static.prop."
SHOWN = 12
"""Names in an error message."""

_KIND_OF_BASE_TYPE = {
    "car": ActorKind.CAR, "van": ActorKind.CAR, "truck": ActorKind.TRUCK, "bus": ActorKind.BUS,
    "motorcycle": ActorKind.MOTORCYCLE, "bicycle": ActorKind.CYCLIST,
}  # fmt: skip
_MODELS = {f"vehicle.{model.name}": model for model in VEHICLE_MODELS}
_USUAL_HALF_M = {
    ActorKind.CAR: (2.3, 1.0), ActorKind.TRUCK: (3.5, 1.3), ActorKind.BUS: (5.0, 1.6),
    ActorKind.MOTORCYCLE: (1.1, 0.4), ActorKind.CYCLIST: (0.9, 0.3), ActorKind.PEDESTRIAN: (0.19, 0.19),
    ActorKind.STATIC: (0.5, 0.5),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """A recorded body: its kind, half its length and width (m), and its box's centre ahead and left of its origin (m).

    ``measured``: the recording has its box; else its size is that of CARLA's catalogue, or usual for its kind.
    """

    id: int
    type_id: str
    role: str
    kind: ActorKind
    half_length: float
    half_width: float
    ahead: float = 0.0
    left: float = 0.0
    measured: bool = False


def cast_of(recording: Recording) -> dict[int, Body]:
    """Return all bodies of a recording by id, in the order in which they entered."""
    cast: dict[int, Body] = {}
    for frame in recording.frames:
        for actor in frame.added():
            body = _body(actor)
            if body is not None:
                cast[actor.id] = body
        for row in frame.table(Packet.BOXES):
            box = np.concatenate([row["centre_cm"], row["extent_cm"]])
            if int(row["id"]) in cast and _is_box(box):
                cast[int(row["id"])] = _boxed(cast[int(row["id"])], box.tolist())
    return cast


def _body(actor: RecordedActor) -> Body | None:
    attributes = {name: value for name, _, value in actor.attributes}
    kind = _kind(actor, attributes)
    if kind is None:
        return None
    half_length, half_width = _half_sizes(actor.type_id, kind)
    return Body(actor.id, actor.type_id, attributes.get("role_name", ""), kind, half_length, half_width)


def _kind(actor: RecordedActor, attributes: Mapping[str, str]) -> ActorKind | None:
    """Return what an actor is to the scene, None for what takes up no room of its own: sensors, lights, signs."""
    if actor.kind == RecordedKind.WALKER:
        return ActorKind.PEDESTRIAN
    if actor.kind != RecordedKind.VEHICLE:
        return ActorKind.STATIC if actor.type_id.startswith(PROPS) else None
    base_type = attributes.get("base_type", "")
    if base_type not in _KIND_OF_BASE_TYPE and actor.type_id in _MODELS:
        base_type = _MODELS[actor.type_id].base_type
    usual = ActorKind.MOTORCYCLE if attributes.get("number_of_wheels") == "2" else ActorKind.CAR
    return _KIND_OF_BASE_TYPE.get(base_type, usual)


def _half_sizes(type_id: str, kind: ActorKind) -> tuple[float, float]:
    model = _MODELS.get(type_id)
    return _USUAL_HALF_M[kind] if model is None else (model.half_length_m, model.half_width_m)


def _is_box(box: npt.NDArray[np.float32]) -> bool:
    most = MOST_HALF_M * CENTIMETRES
    return bool((np.abs(box) <= most).all() and (box[3:5] > 0.0).all())


def _boxed(body: Body, box: list[float]) -> Body:
    x, y, _, half_length, half_width, _ = (number / CENTIMETRES for number in box)
    return replace(body, half_length=half_length, half_width=half_width, ahead=x, left=y_mirrored(y), measured=True)


def choose_ego(cast: Mapping[int, Body], moved_m: Mapping[int, float], wish: str) -> int:
    """Return the id of the ego: the vehicle of that id or role; without a wish the hero, else the first that moves.

    ``moved_m`` how far each body moves (m).

    Raises:
        CarlaLogError: there is none; the message tells of those that there are.
    """
    vehicles = {body.id: body for body in cast.values() if _drives(body) and body.id in moved_m}
    found = [body.id for body in vehicles.values() if wish in (str(body.id), body.role)] if wish else []
    if not wish:
        found = [body.id for body in vehicles.values() if body.role == HERO]
        found += [actor_id for actor_id in vehicles if moved_m[actor_id] > 1.0]
    if found:
        return found[0]
    listed = [f"{body.id} ({body.role or body.type_id})" for body in list(vehicles.values())[:SHOWN]]
    more = f" and {len(vehicles) - SHOWN} more" if len(vehicles) > SHOWN else ""
    there = f"its vehicles are {', '.join(listed)}{more}" if listed else "it has no vehicle at all"
    asked = f"no vehicle is {wish!r}" if wish else "no vehicle is the hero's, and none moves"
    raise CarlaLogError(f"{asked}: {there}; say which with ego=ID or ego=ROLE")


def _drives(body: Body) -> bool:
    return body.kind not in (ActorKind.PEDESTRIAN, ActorKind.STATIC)
