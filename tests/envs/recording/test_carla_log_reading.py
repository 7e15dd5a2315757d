"""A recording as a drive: frames, kinematics, sizes, who is there, collisions; numbers worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from envs.carla_recording import CarlaLogError
from envs.metrics.drive import measure_drive
from envs.recording import DriveLog
from envs.recording.carla_log import drive_of_carla_log, slots
from envs.risk import TTC_HORIZON_S, time_to_collision
from envs.scene import ActorKind
from tests.envs.recording.recordings import BARRIER, MKZ, PATROL, WALKER, Moment, actor, written

STEP = 0.1


def read(path: Path, ego: str = "", period_s: float = 0.0) -> DriveLog:
    return drive_of_carla_log(path, lambda name: None, ego, period_s)


def straight(count: int, **more: object) -> list[Moment]:
    """The hero, id 7, drives east at 2 m/s2 from rest; a patrol, id 8, comes towards it at 5 m/s from 100 m ahead."""
    moments = []
    for k in range(count):
        t = STEP * k
        poses = {7: (100.0 * t * t, 200.0, 10.0, 0.0), 8: (10_000.0 - 500.0 * t, 200.0, 10.0, 180.0)}
        moments.append(Moment(t, poses, controls={7: (0.5, 0.25, 0.5)}))
    moments[0].new = [actor(8, PATROL), actor(7, MKZ, "hero")]
    return moments


def test_velocities_are_the_derivative_of_places(tmp_path: Path) -> None:
    """x = t^2: the parabola's slope 2 t is exact in between, 0.1 and 2 t - 0.1 at the ends; y is mirrored."""
    drive = read(written(tmp_path, straight(11)))
    ego, t = drive.scenes.ego, drive.scenes.time_s
    assert t == pytest.approx(STEP * np.arange(11))
    assert ego.x == pytest.approx(t**2, abs=1e-5)
    assert ego.y == pytest.approx(-2.0 * np.ones(11), abs=1e-5)
    assert ego.speed[1:-1] == pytest.approx(2.0 * t[1:-1], abs=1e-3)
    assert ego.speed[[0, -1]] == pytest.approx([0.1, 1.9], abs=1e-3)
    assert ego.acceleration[2:-2] == pytest.approx(2.0 * np.ones(7), abs=1e-2)
    assert np.abs(ego.lateral_speed).max() < 1e-3 and np.abs(ego.yaw_rate).max() < 1e-9
    assert (ego.throttle[3], ego.brake[3], ego.steer[3]) == (0.5, 0.25, -0.5)
    assert drive.trace.control[3].tolist() == [0.5, 0.25, -0.5]
    assert drive.trace.action[3].tolist() == [0.25, -0.5]
    other = drive.scenes.actors
    assert other.vx[5, 0] == pytest.approx(-5.0, abs=1e-3) and other.speed[5, 0] == pytest.approx(5.0, abs=1e-3)
    assert "derived" in drive.meta.extra["velocities"]


def test_recorded_velocities_and_turns_hold_where_they_are(tmp_path: Path) -> None:
    moments = straight(6)
    for moment in moments:
        moment.velocities, moment.turns = {7: (3.0, 4.0, 9.0)}, {7: 90.0}
    drive = read(written(tmp_path, moments))
    assert drive.scenes.ego.speed == pytest.approx(3.0 * np.ones(6))
    assert drive.scenes.ego.lateral_speed == pytest.approx(-4.0 * np.ones(6))
    assert drive.scenes.ego.yaw_rate == pytest.approx(-0.5 * math.pi * np.ones(6))
    assert np.abs(drive.scenes.ego.acceleration).max() < 1e-9
    assert drive.meta.extra["velocities"] == "recorded"


def test_a_curve_s_acceleration_is_lateral(tmp_path: Path) -> None:
    """A circle of 20 m to the left at 10 m/s: 0.5 rad/s and 5 m/s2 to the left."""
    moments = []
    for k in range(41):
        turned = 0.5 * 0.05 * k
        x, y = 2000.0 * math.sin(turned), -2000.0 * (1.0 - math.cos(turned))
        moments.append(Moment(0.05 * k, {7: (x, y, 0.0, -math.degrees(turned))}))
    moments[0].new = [actor(7, MKZ, "hero")]
    ego = read(written(tmp_path, moments)).scenes.ego
    assert ego.speed[5:-5] == pytest.approx(10.0 * np.ones(31), abs=0.02)
    assert ego.yaw_rate[5:-5] == pytest.approx(0.5 * np.ones(31), abs=1e-3)
    assert ego.lateral_acceleration[5:-5] == pytest.approx(5.0 * np.ones(31), abs=0.05)
    assert np.abs(ego.acceleration[5:-5]).max() < 0.05


def test_a_box_s_centre_is_where_the_body_is(tmp_path: Path) -> None:
    """The box is 0.5 m ahead and 0.2 m to the right of the origin (CARLA's y); the body looks south (yaw 90)."""
    moments = [Moment(STEP * k, {7: (0.0, 0.0, 0.0, 90.0)}) for k in range(3)]
    moments[0].new, moments[0].boxes = [actor(7, MKZ, "hero")], {7: (50.0, 20.0, 300.0, 90.0)}
    drive = read(written(tmp_path, moments), ego="hero")
    ego = drive.scenes.ego
    assert (ego.x[0], ego.y[0]) == pytest.approx((-0.2, -0.5))
    assert (ego.length[0], ego.width[0]) == (6.0, 1.8)
    assert drive.meta.extra["sizes"] == "recorded"


def test_sizes_and_kinds_without_boxes_are_the_catalogue_s(tmp_path: Path) -> None:
    types = {
        1: MKZ, 2: "vehicle.carlamotors.firetruck", 3: "vehicle.mitsubishi.fusorosa", 4: "vehicle.vespa.zx125",
        5: "vehicle.bh.crossbike", 6: WALKER, 7: BARRIER, 8: "vehicle.new.one", 9: "vehicle.new.van",
    }  # fmt: skip
    attributes = {8: {"number_of_wheels": "2"}, 9: {"base_type": "truck"}}
    cast = [actor(k, name, **attributes.get(k, {})) for k, name in types.items()]
    moments = [Moment(STEP * n, {k: (100.0 * n + 500.0 * k, 0.0, 0.0, 0.0) for k in types}) for n in range(3)]
    moments[0].new = cast
    actors = read(written(tmp_path, moments), ego="1").scenes.actors
    kinds = {int(actors.id[0, k]): ActorKind(int(actors.kind[0, k])) for k in range(8)}
    assert kinds == {
        2: ActorKind.TRUCK, 3: ActorKind.BUS, 4: ActorKind.MOTORCYCLE, 5: ActorKind.CYCLIST, 6: ActorKind.PEDESTRIAN,
        7: ActorKind.STATIC, 8: ActorKind.MOTORCYCLE, 9: ActorKind.TRUCK,
    }  # fmt: skip
    assert actors.length[0, 0] == pytest.approx(2 * 4.234)


def test_the_ego_is_the_hero_or_the_first_that_moves_or_the_one_asked_for(tmp_path: Path) -> None:
    moments = straight(4)
    assert read(written(tmp_path, moments)).meta.extra["ego"] == f"7 {MKZ}"
    assert read(written(tmp_path, moments), ego="8").meta.extra["ego"] == f"8 {PATROL}"
    moments[0].new = [actor(8, PATROL, "scenario"), actor(7, MKZ)]
    assert read(written(tmp_path, moments), ego="scenario").meta.extra["ego"] == f"8 {PATROL}"
    assert read(written(tmp_path, moments)).meta.extra["ego"] == f"8 {PATROL}"
    with pytest.raises(CarlaLogError, match=r"no vehicle is '9': its vehicles are 8 \(scenario\), 7 \(vehicle.lincoln"):
        read(written(tmp_path, moments), ego="9")
    standing = [Moment(STEP * k, {7: (0.0, 0.0, 0.0, 0.0)}, new=[actor(7)] if k == 0 else ()) for k in range(3)]
    with pytest.raises(CarlaLogError, match="none moves"):
        read(written(tmp_path, standing))


def test_the_drive_is_the_ego_s_longest_time_there(tmp_path: Path) -> None:
    moments = straight(12)
    for k in (0, 1, 2, 6):
        moments[k].poses = {8: moments[k].poses[8]}
    drive = read(written(tmp_path, moments))
    assert len(drive) == 5 and drive.scenes.time_s[0] == 0.0
    assert drive.scenes.ego.x[0] == pytest.approx((STEP * 7) ** 2, abs=1e-5)


def test_who_is_put_out_of_the_world_is_not_there(tmp_path: Path) -> None:
    """Scenario runner keeps the patrol 500 m below; when it comes up it jumps, which is no velocity."""
    moments = straight(10)
    for k in range(4):
        moments[k].poses = {**moments[k].poses, 8: (0.0, 0.0, -50_000.0, 0.0)}
    actors = read(written(tmp_path, moments)).scenes.actors
    assert actors.valid[:, 0].tolist() == [False] * 4 + [True] * 6
    assert np.abs(actors.vx[:, 0] + 5.0 * actors.valid[:, 0]).max() < 1e-3
    assert not actors.block[:, :4].any()


def test_slots_are_used_again(tmp_path: Path) -> None:
    moments = straight(9)
    moments[4].new = [actor(9, PATROL)]
    for k, moment in enumerate(moments):
        poses = dict(moment.poses)
        if k >= 4:
            poses[9] = poses.pop(8)
        moment.poses = poses
    actors = read(written(tmp_path, moments)).scenes.actors
    assert actors.id[:, 0].tolist() == [8] * 4 + [9] * 5 and actors.valid.shape == (9, 1)


def test_props_far_away_are_left_out(tmp_path: Path) -> None:
    moments = straight(4)
    moments[0].new = [*moments[0].new, actor(20, BARRIER), actor(21, BARRIER)]
    for moment in moments:
        moment.poses = {**moment.poses, 20: (5000.0, 500.0, 0.0, 0.0), 21: (50_000.0, 0.0, 0.0, 0.0)}
    actors = read(written(tmp_path, moments)).scenes.actors
    assert sorted(actors.id[0].tolist()) == [8, 20]


def test_collisions_name_the_other(tmp_path: Path) -> None:
    moments = straight(6)
    moments[2].collisions, moments[4].collisions, moments[5].collisions = [(8, 7)], [(7, 2**32 - 1)], [(8, 99)]
    drive = read(written(tmp_path, moments))
    assert drive.scenes.events.collision.tolist() == [False, False, True, False, True, False]
    assert drive.scenes.events.collision_actor.tolist() == [-1, -1, 0, -1, -1, -1]
    assert drive.meta.outcome == "collision"
    thinned = read(written(tmp_path, moments), period_s=0.3)
    assert thinned.scenes.time_s == pytest.approx([0.0, 0.3])
    assert thinned.scenes.events.collision.tolist() == [False, True]


def test_the_period_chooses_frames_and_all_follows_from_them(tmp_path: Path) -> None:
    drive = read(written(tmp_path, straight(13)), period_s=0.4)
    assert drive.scenes.time_s == pytest.approx([0.0, 0.4, 0.8, 1.2])
    assert drive.scenes.ego.speed == pytest.approx([0.4, 0.8, 1.6, 2.0], abs=1e-3)
    assert drive.meta.decision_period_s == pytest.approx(0.4)


def test_the_pure_functions_measure_it(tmp_path: Path) -> None:
    """In the middle frame, t = 0.5: 99.5 m - 0.25 m - 5 m of bodies, closing at 1 + 5 m/s."""
    moments = straight(11)
    for moment in moments:
        moment.poses = {7: moment.poses[7], 8: (3_000.0 - 500.0 * moment.time_s, 200.0, 10.0, 180.0)}
    drive = read(written(tmp_path, moments))
    found = time_to_collision(drive.scenes)
    gap = 30.0 - 2.5 - 0.25 - 2.451 - 2.302
    assert found[5] == pytest.approx(gap / 6.0, abs=0.01) and found[5] < TTC_HORIZON_S
    assert measure_drive(drive.scenes, drive.meta.decision_period_s).max_jerk < 20.0


def test_the_first_weather_is_told(tmp_path: Path) -> None:
    moments = straight(3)
    moments[1].weather = tuple(range(14))
    extra = read(written(tmp_path, moments)).meta.extra
    assert (extra["weather_cloudiness"], extra["weather_wetness"], extra["weather_dust_storm"]) == ("0", "9", "13")


def test_without_a_map_the_road_is_masked(tmp_path: Path) -> None:
    drive = read(written(tmp_path, straight(4)))
    road = drive.scenes.road
    assert not road.lane_width.any() and not road.speed_limit.any() and not road.signal.any()
    assert (road.distance_to_junction == 200.0).all() and (road.distance_to_stop_line == 200.0).all()
    assert not drive.scenes.route.block.any() and drive.meta.map_name == "Nowhere"


@pytest.mark.parametrize(
    ("pose", "message"),
    [
        ((math.nan, 0.0, 0.0, 0.0), "place that is not finite"),
        ((1e30, 0.0, 0.0, 0.0), "place that is not finite, or beyond all measure"),
        ((0.0, 0.0, 0.0, math.inf), "rotation that is not finite"),
    ],
)
def test_numbers_that_are_none_are_refused(tmp_path: Path, pose: tuple[float, ...], message: str) -> None:
    moments = straight(3)
    moments[1].poses = {7: pose, 8: moments[1].poses[8]}  # type: ignore[dict-item]
    with pytest.raises(CarlaLogError, match=rf"drive.log: actor 7 \(vehicle.lincoln.mkz_2017\) has a {message}"):
        read(written(tmp_path, moments))


@pytest.mark.parametrize(("tick", "time_s"), [(2, 1e300), (1, 1e-300)])
def test_times_beyond_all_measure_are_refused(tmp_path: Path, tick: int, time_s: float) -> None:
    moments = straight(3)
    moments[tick].time_s = time_s
    with pytest.raises(CarlaLogError, match="frames are nearer than 1e-05 s to one another, or beyond 1e.08 s"):
        read(written(tmp_path, moments))


def test_a_drive_beyond_all_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "MOST_BYTES", 1000)
    with pytest.raises(CarlaLogError, match="10 frames of 1 bodies at once are"):
        read(written(tmp_path, straight(10)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CarlaLogError, match="cannot read the recording .*none.log: No such file"):
        read(tmp_path / "none.log")
