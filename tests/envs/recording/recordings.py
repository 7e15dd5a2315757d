"""Small recordings, written frame by frame as CARLA has them: left-handed, centimetres, degrees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from envs.carla_recording import Packet, RecordedActor
from envs.carla_recording_writer import Bytes, added, frame, header, table

MKZ, PATROL, WALKER, BARRIER = (
    "vehicle.lincoln.mkz_2017", "vehicle.nissan.patrol", "walker.pedestrian.0001", "static.prop.streetbarrier",
)  # fmt: skip


def actor(actor_id: int, type_id: str = MKZ, role: str = "", **attributes: str) -> RecordedActor:
    """Return an actor of the kind that its type has."""
    kind = {"vehicle": 1, "walker": 2, "traffic": 3, "sensor": 5}.get(type_id.partition(".")[0], 0)
    named = {"role_name": role, **attributes}
    given = tuple((name, 4, value) for name, value in named.items())
    return RecordedActor(actor_id, kind, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0, type_id, given)


@dataclass
class Moment:
    """One frame: ``poses`` x, y, z (cm), yaw (degrees) by id; the rest as the packets have it."""

    time_s: float
    poses: Mapping[int, tuple[float, float, float, float]]
    new: Sequence[RecordedActor] = ()
    gone: Sequence[int] = ()
    velocities: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    turns: Mapping[int, float] = field(default_factory=dict)
    controls: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    lights: Mapping[int, int] = field(default_factory=dict)
    boxes: Mapping[int, tuple[float, float, float, float]] = field(default_factory=dict)
    collisions: Sequence[tuple[int, int]] = ()
    weather: Sequence[float] = ()

    def packets(self) -> Iterable[Bytes]:
        """Yield what the frame holds; boxes are centre x, y and half length, half width (cm)."""
        if self.new:
            yield added(self.new)
        if self.gone:
            yield table(Packet.REMOVED, [(actor_id,) for actor_id in self.gone])
        if self.boxes:
            yield table(Packet.BOXES, [(k, x, y, 75.0, length, width, 75.0)
                                       for k, (x, y, length, width) in self.boxes.items()])  # fmt: skip
        yield table(Packet.COLLISIONS, [(n, *pair, 0, 0) for n, pair in enumerate(self.collisions)])
        yield table(Packet.POSITIONS, [(k, x, y, z, 0.0, 0.0, yaw) for k, (x, y, z, yaw) in self.poses.items()])
        yield table(Packet.LIGHTS, [(k, 0, 0.0, state) for k, state in self.lights.items()])
        yield table(Packet.DRIVEN, [(k, steer, throttle, brake, 0, 1)
                                    for k, (throttle, brake, steer) in self.controls.items()])  # fmt: skip
        yield table(Packet.KINEMATICS, [(k, *v, 0.0, 0.0, self.turns.get(k, 0.0)) for k, v in self.velocities.items()])
        if self.weather:
            yield table(Packet.WEATHER, [tuple(self.weather)])


def recording(moments: Sequence[Moment], map_name: str = "Nowhere") -> bytes:
    """Return the bytes of a recorder file."""
    frames = [frame(k + 1, 0.05, moment.time_s, moment.packets()) for k, moment in enumerate(moments)]
    return header(map_name, 1_600_000_000) + b"".join(frames)


def written(folder: Path, moments: Sequence[Moment], map_name: str = "Nowhere") -> Path:
    """Write a recorder file."""
    path = folder / "drive.log"
    path.write_bytes(recording(moments, map_name))
    return path
