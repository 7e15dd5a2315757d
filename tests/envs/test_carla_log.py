"""The reader of CARLA recorder files, on files written here and on a real one."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from envs.carla_log import CarlaLogError, read_carla_log

RECORDING = Path(__file__).parents[3] / "shared" / "data" / "carla_recordings" / "Town01_two_vehicles.log"


def _text(value: str) -> bytes:
    return struct.pack("<H", len(value)) + value.encode()


def _packet(kind: int, payload: bytes) -> bytes:
    return struct.pack("<BI", kind, len(payload)) + payload


HEADER = struct.pack("<H", 1) + _text("CARLA_RECORDER") + struct.pack("<q", 1600000000) + _text("TownX")
ADDED = _packet(
    2,
    struct.pack("<HIB6fI", 1, 7, 1, *[0.0] * 6, 3)
    + _text("vehicle.a.b")
    + b"\x01\x00\x03"
    + _text("role")
    + _text("hero"),
)


def _frame(time_s: float, x_cm: float, y_cm: float, yaw_deg: float, steer: float) -> bytes:
    return (
        _packet(0, struct.pack("<Qdd", 1, 0.05, time_s))
        + _packet(6, struct.pack("<HI6f", 1, 7, x_cm, y_cm, 50.0, 0.0, 0.0, yaw_deg))
        + _packet(8, struct.pack("<HIfff?i", 1, 7, steer, 0.5, 0.25, False, 2))
        + _packet(99, b"of a later version")
    )


def _file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "drive.log"
    path.write_bytes(data)
    return path


def test_a_track_comes_out_in_metres_and_mirrored(tmp_path: Path) -> None:
    first = _packet(0, struct.pack("<Qdd", 1, 0.05, 0.0)) + ADDED
    data = HEADER + first + _frame(0.05, 100.0, 200.0, 179.0, 0.5) + _frame(0.1, 150.0, 300.0, -179.0, -0.25)
    log = read_carla_log(_file(tmp_path, data))
    assert (log.map_name, log.started_unix_s) == ("TownX", 1600000000)
    assert log.frame_time_s.tolist() == [0.0, 0.05, 0.1]
    track = log.vehicles[7]
    assert (track.type_id, track.attributes) == ("vehicle.a.b", {"role": "hero"})
    assert track.time_s.tolist() == [0.05, 0.1]
    assert track.x.tolist() == [1.0, 1.5]
    assert track.y.tolist() == [-2.0, -3.0]
    assert track.yaw == pytest.approx(np.radians([-179.0, -181.0]))
    assert track.steer.tolist() == [-0.5, 0.25]
    assert (track.throttle[0], track.brake[0], track.gear[0]) == (0.5, 0.25, 2)


def test_every_cut_is_told_in_one_line(tmp_path: Path) -> None:
    """A file may end after a whole packet, and nowhere else."""
    parts = [HEADER, _packet(0, struct.pack("<Qdd", 1, 0.05, 0.0)), ADDED, _frame(0.05, 1.0, 2.0, 3.0, 0.0)]
    data = b"".join(parts)
    packets = [len(HEADER)]
    while packets[-1] < len(data):
        packets.append(packets[-1] + 5 + struct.unpack_from("<I", data, packets[-1] + 1)[0])
    for end in range(len(data)):
        path = _file(tmp_path, data[:end])
        if end in packets[1:]:
            read_carla_log(path)
            continue
        with pytest.raises(CarlaLogError) as caught:
            read_carla_log(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


FRAME_0 = _packet(0, struct.pack("<Qdd", 1, 0.0, 0.0))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a CARLA recorder file"),
        (b"PK\x03\x04" + bytes(100), "not a CARLA recorder file"),
        (HEADER, "holds no frame"),
        (HEADER + ADDED, "before the first frame"),
        (HEADER + _frame(0.1, 0, 0, 0, 0), "never added"),
        (HEADER + _frame(0.1, 0, 0, 0, 0) + _frame(0.1, 0, 0, 0, 0), "time must grow"),
        (HEADER + _packet(0, struct.pack("<Qdd", 1, 0.05, float("nan"))), "time must grow"),
        (HEADER + FRAME_0 + _packet(6, struct.pack("<H", 9)), "9 rows of 28 bytes"),
        (HEADER + FRAME_0 + ADDED + _frame(1.0, float("inf"), 0, 0, 0), "finite"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(CarlaLogError, match=message):
        read_carla_log(_file(tmp_path, data))


@pytest.mark.skipif(not RECORDING.exists(), reason="needs ../shared/data/carla_recordings")
def test_a_real_recording_is_read() -> None:
    log = read_carla_log(RECORDING)
    assert log.map_name == "Town01"
    assert len(log.frame_time_s) == 847
    assert [track.type_id for track in log.vehicles.values()] == ["vehicle.lincoln.mkz_2017", "vehicle.nissan.patrol"]
    hero = log.vehicles[174]
    assert (hero.x[0], hero.y[0], hero.yaw[0]) == pytest.approx((107.0, -133.0, 0.0), abs=0.01)
    assert hero.x[-1] - hero.x[0] == pytest.approx(193.58, abs=0.01)
