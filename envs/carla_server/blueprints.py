"""The catalogue of what can be spawned: vehicles, walkers, sensors, controllers and props, with CARLA's attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

import numpy as np

from envs.carla_server.actors import ActorKind
from envs.carla_server.sensor_blueprints import SENSOR_ATTRIBUTES
from envs.carla_server.vehicle_models import VEHICLE_MODELS, VehicleModel
from envs.carla_server.wire import Tag
from envs.embedded.vehicle import VehicleParameters
from envs.scene import FloatArray

CARLA_FRICTION = 2.65
"""Friction of the tyres: CARLA's hold 26 m/s2 in the recording that the vehicle model was calibrated on, and its
Traffic Manager takes turns so fast that they must. A client may set another one (``apply_physics_control``)."""

WALKERS = 52
_PROPS = {
    "static.prop.trafficcone01": (0.22, 0.22, 0.36), "static.prop.constructioncone": (0.17, 0.17, 0.29),
    "static.prop.streetbarrier": (0.61, 0.19, 0.54), "static.prop.warningconstruction": (0.61, 0.61, 0.98),
    "static.prop.container": (1.03, 0.72, 0.76), "static.prop.bin": (0.36, 0.33, 0.61),
    "static.prop.bench01": (0.80, 0.43, 0.45), "static.prop.barrel": (0.34, 0.34, 0.48),
    "static.prop.box01": (0.36, 0.36, 0.33), "static.prop.busstop": (1.98, 0.93, 1.40),
    "static.prop.dirtdebris01": (1.20, 1.20, 0.05), "static.prop.trafficwarning": (1.09, 1.18, 1.78),
    "static.prop.streetsign": (0.10, 0.40, 1.10), "static.prop.vendingmachine": (0.56, 0.49, 1.10),
}  # fmt: skip
"""Half sizes (m), rounded."""

_TAGS = {
    "car": Tag.CAR, "van": Tag.CAR, "truck": Tag.TRUCK, "bus": Tag.BUS, "motorcycle": Tag.MOTORCYCLE,
    "bicycle": Tag.BICYCLE,
}  # fmt: skip
_COLORS = ("17,37,103", "255,255,255", "180,44,44", "33,93,40", "0,0,0", "137,0,0")


class AttributeType(IntEnum):
    """Types of attributes."""

    BOOL = 1
    INT = 2
    FLOAT = 3
    STRING = 4
    COLOR = 5


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a blueprint; ``recommended`` values are the only ones allowed where ``restricted``."""

    name: str
    kind: AttributeType
    value: str
    recommended: tuple[str, ...] = ()
    modifiable: bool = True
    restricted: bool = False

    def payload(self) -> list[Any]:
        """Return what travels."""
        return [self.name, int(self.kind), self.value, list(self.recommended), self.modifiable, self.restricted]


@dataclass(frozen=True, slots=True, eq=False)
class Blueprint:
    """One thing that can be spawned; ``extent`` half sizes (m), its box stands on the actor's origin.

    ``parameters`` drive a vehicle; ``mass_kg`` 0 where nothing weighs anything.
    """

    uid: int
    type_id: str
    kind: ActorKind
    attributes: tuple[Attribute, ...] = ()
    extent: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tag: Tag = Tag.NONE
    parameters: VehicleParameters | None = None
    mass_kg: float = 0.0
    streams: bool = False

    def payload(self) -> list[Any]:
        """Return what travels."""
        tags = ",".join(self.type_id.split("."))
        return [self.uid, self.type_id, tags, [attribute.payload() for attribute in self.attributes]]

    def completed(self, given: tuple[tuple[str, int, str], ...]) -> tuple[tuple[str, int, str], ...]:
        """Return the attributes of an actor: those that the client set, then the blueprint's others."""
        known = {name for name, _, _ in given}
        others = ((item.name, int(item.kind), item.value) for item in self.attributes if item.name not in known)
        return (*given, *others)

    @property
    def half_sizes(self) -> FloatArray:
        """Half sizes ``(3,)`` (m)."""
        return np.array(self.extent)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All blueprints by their id."""

    by_id: dict[str, Blueprint] = field(default_factory=dict)

    @classmethod
    def standard(cls) -> Catalogue:
        """Return the server's catalogue."""
        parts = [*_vehicles(), *_walkers(), *_sensors(), *_others()]
        numbered = [Blueprint(uid, *fields) for uid, fields in enumerate(parts, start=1)]
        return cls({blueprint.type_id: blueprint for blueprint in numbered})


def _text(name: str, value: str, *recommended: str, fixed: bool = False) -> Attribute:
    return Attribute(name, AttributeType.STRING, value, recommended, not fixed, False)


def _fixed(name: str, kind: AttributeType, value: str) -> Attribute:
    return Attribute(name, kind, value, (), False)


def vehicle_parameters(model: VehicleModel) -> VehicleParameters:
    """Return the vehicle model's numbers: those of the calibrated saloon, scaled to the size of ``model``.

    The Lincoln MKZ 2017 itself is the calibrated saloon. All have CARLA's grip (``CARLA_FRICTION``).
    """
    if model.name == "lincoln.mkz_2017":
        return with_friction(VehicleParameters(), CARLA_FRICTION)
    length = 2.0 * model.half_length_m
    wheelbase = 0.6 * length
    heavy = model.base_type in ("truck", "bus")
    drive = {"truck": 0.55, "bus": 0.5, "bicycle": 0.45}.get(model.base_type, 1.0)
    usual = VehicleParameters()
    own = VehicleParameters(
        length_m=length, width_m=2.0 * model.half_width_m, wheelbase_m=wheelbase,
        centre_to_rear_axle_m=0.49 * wheelbase, max_drive_mps2=drive * usual.max_drive_mps2,
        drive_power_wpkg=drive * usual.drive_power_wpkg, yaw_gyration_m=max(0.29 * length, 0.4),
        max_steer_angle_rad=0.8 * usual.max_steer_angle_rad if heavy else usual.max_steer_angle_rad,
    )  # fmt: skip
    return with_friction(own, CARLA_FRICTION)


def with_friction(parameters: VehicleParameters, friction: float) -> VehicleParameters:
    """Return ``parameters`` with another friction, and stiffness in proportion: the tyres slide at the same slip."""
    share = friction / parameters.friction
    return replace(
        parameters, friction=friction, front_stiffness_1prad=share * parameters.front_stiffness_1prad,
        rear_stiffness_1prad=share * parameters.rear_stiffness_1prad,
    )  # fmt: skip


def _vehicles() -> Iterator[tuple[Any, ...]]:
    for model in VEHICLE_MODELS:
        size = (model.half_length_m, model.half_width_m, model.half_height_m)
        yield (
            f"vehicle.{model.name}", ActorKind.VEHICLE, _vehicle_attributes(model), size, _TAGS[model.base_type],
            vehicle_parameters(model), model.mass_kg,
        )  # fmt: skip


def _vehicle_attributes(model: VehicleModel) -> tuple[Attribute, ...]:
    lit = "true" if model.wheels == 4 else "false"
    colored = () if model.special_type == "emergency" else (
        Attribute("color", AttributeType.COLOR, _COLORS[0], _COLORS, True, False),
    )  # fmt: skip
    return (
        *colored,
        _text("role_name", "autopilot", "autopilot", "scenario", "ego_vehicle"),
        Attribute("sticky_control", AttributeType.BOOL, "True"),
        Attribute("terramechanics", AttributeType.BOOL, "False"),
        _fixed("object_type", AttributeType.STRING, ""),
        _fixed("base_type", AttributeType.STRING, model.base_type),
        _fixed("special_type", AttributeType.STRING, model.special_type),
        _fixed("generation", AttributeType.INT, str(model.generation)),
        _fixed("number_of_wheels", AttributeType.INT, str(model.wheels)),
        _fixed("has_dynamic_doors", AttributeType.BOOL, "false"),
        _fixed("has_lights", AttributeType.BOOL, lit),
    )


def _walkers() -> Iterator[tuple[Any, ...]]:
    for number in range(1, WALKERS + 1):
        child = number in (9, 10, 11, 12, 13, 14, 48, 49)
        size = (0.16, 0.16, 0.55) if child else (0.19, 0.19, 0.93)
        speeds = ("0.0", "1.4", "2.4")
        attributes = (
            Attribute("is_invincible", AttributeType.BOOL, "True"),
            Attribute("speed", AttributeType.FLOAT, speeds[1], speeds, True, False),
            _text("role_name", "pedestrian"),
            _fixed("gender", AttributeType.STRING, "female" if number % 2 else "male"),
            _fixed("age", AttributeType.STRING, "child" if child else "adult"),
            _fixed("generation", AttributeType.INT, "2" if 15 <= number <= 49 else "1"),
        )
        yield f"walker.pedestrian.{number:04d}", ActorKind.WALKER, attributes, size, Tag.PEDESTRIANS, None, 75.0


def _sensors() -> Iterator[tuple[Any, ...]]:
    kinds = {"int": AttributeType.INT, "float": AttributeType.FLOAT, "bool": AttributeType.BOOL,
             "string": AttributeType.STRING}  # fmt: skip
    for type_id, rows in SENSOR_ATTRIBUTES.items():
        listed = [Attribute(name, kinds[kind], value, (value,)) for name, kind, value in rows]
        attributes = (_text("role_name", "front", "front", "back", "left", "right", "front_left"), *listed)
        streams = type_id != "sensor.other.lane_invasion"
        yield type_id, ActorKind.SENSOR, attributes, (0.0, 0.0, 0.0), Tag.NONE, None, 0.0, streams


def _others() -> Iterator[tuple[Any, ...]]:
    yield "controller.ai.walker", ActorKind.CONTROLLER, (_text("role_name", "default"),)
    for type_id, size in _PROPS.items():
        attributes = (_text("role_name", "prop"), _fixed("size", AttributeType.STRING, "medium"))
        yield type_id, ActorKind.PROP, attributes, size, Tag.STATIC, None, 50.0
