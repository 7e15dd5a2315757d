"""Small sound recordings to mutate: hand-made ones, a drive of ours written as one, and a piece of a real one."""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from envs.carla_recording import PACKET
from envs.recording.carla_log import write_carla_log
from tests.envs.drive_builder import make_drive
from tests.envs.recording.recordings import BARRIER, MKZ, PATROL, WALKER, Moment, actor, recording

REAL = Path(__file__).parents[3] / "shared" / "data" / "carla_recordings" / "Town01_two_vehicles.log"
REAL_PACKETS = 60


@lru_cache(maxsize=1)
def log_corpus() -> dict[str, bytes]:
    """Return the recordings by name."""
    found = {"street": _street(), "own": _own(), "bare": _bare()}
    return found | ({"real": _beginning(REAL.read_bytes())} if REAL.exists() else {})


def _street() -> bytes:
    cast = [actor(7, MKZ, "hero"), actor(8, PATROL, base_type="car"), actor(9, WALKER), actor(10, BARRIER),
            actor(11, "traffic.traffic_light"), actor(12, "sensor.other.imu")]  # fmt: skip
    moments = []
    for k in range(8):
        x = 1000.0 + 40.0 * k
        moments.append(Moment(
            0.05 * k,
            {7: (x, 0.0, 10.0, 0.0), 8: (x + 1500.0, 10.0, 10.0, 180.0), 9: (2000.0, -300.0 + 7.0 * k, 90.0, 90.0),
             10: (2500.0, 300.0, 0.0, 0.0)},
            new=cast if k == 0 else (),
            boxes={7: (0.0, 0.0, 245.0, 106.0)} if k == 0 else {},
            velocities={7: (8.0, 0.0, 0.0)},
            controls={7: (0.5, 0.0, 0.1)},
            lights={11: k % 5},
            collisions=[(7, 8)] if k == 6 else (),
            weather=tuple(range(14)) if k == 1 else (),
        ))  # fmt: skip
    return recording(moments, "street_0")


def _bare() -> bytes:
    first = Moment(0.0, {3: (0.0, 0.0, 0.0, 0.0)}, new=[actor(3)])
    return recording([first, *(Moment(0.1 * k, {3: (100.0 * k, 5.0, 0.0, 1.0)}) for k in (1, 2, 3))])


def _own() -> bytes:
    with TemporaryDirectory() as folder:
        return write_carla_log(make_drive(12), Path(folder) / "own.log").read_bytes()


def _beginning(data: bytes) -> bytes:
    """Return the header and the first packets of a recording."""
    at = 4 + len("CARLA_RECORDER") + 8
    at += 2 + int.from_bytes(data[at : at + 2], "little")
    for _ in range(REAL_PACKETS):
        at += PACKET.size + int(struct.unpack_from("<BI", data, at)[1])
    return data[:at]
