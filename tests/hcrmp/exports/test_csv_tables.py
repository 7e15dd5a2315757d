"""The tables are read back with the csv module, bit for bit."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from envs.risk import time_to_collision
from envs.scene import ActorKind
from hcrmp.exports.csv_tables import actors_path, write_csv
from tests.envs.drive_builder import make_drive


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_number_of_the_ego_and_its_planner_is_there(tmp_path: Path) -> None:
    drive = make_drive(40)
    ego, actors = write_csv(drive, tmp_path / "drive.csv")
    rows = table(ego)
    assert actors == actors_path(ego) and len(rows) == 40
    for column, values in {
        "time_s": drive.scenes.time_s,
        "ego_speed_mps": drive.scenes.ego.speed,
        "ego_yaw_rad": drive.scenes.ego.yaw,
        "road_speed_limit_mps": drive.scenes.road.speed_limit,
        "route_progress_m": drive.scenes.route.progress_m,
        "ttc_s": time_to_collision(drive.scenes),
        "control_throttle": drive.trace.control[:, 0],
        "action_steer": drive.trace.action[:, 1],
        "reward_terms_efficiency": drive.trace.reward_terms[:, 1],
        "weights_safety": drive.trace.weights[:, 0] if drive.trace.weights is not None else np.zeros(0),
        "values_comfort": drive.trace.values[:, 2] if drive.trace.values is not None else np.zeros(0),
        "hint_age_s": drive.trace.hint_age_s,
    }.items():
        assert [float(row[column]) for row in rows] == values.tolist(), column
    assert [row["hint_text"] for row in rows] == list(drive.trace.hint_text)


def test_the_others_have_a_row_in_each_tick_that_they_are_there(tmp_path: Path) -> None:
    drive = make_drive(30)
    rows = table(write_csv(drive, tmp_path / "drive.csv")[1])
    actors = drive.scenes.actors
    ticks, slots = np.nonzero(actors.valid)
    assert len(rows) == len(ticks) == int(actors.valid.sum())
    for row, tick, slot in zip(rows, ticks.tolist(), slots.tolist(), strict=True):
        assert (int(row["step"]), int(row["id"])) == (tick, actors.id[tick, slot])
        assert row["kind"] == ActorKind(int(actors.kind[tick, slot])).name.lower()
        assert float(row["x_m"]) == actors.x[tick, slot] and float(row["vy_mps"]) == actors.vy[tick, slot]
        assert int(row["visible"]) == actors.visible[tick, slot]


@settings(max_examples=20, deadline=None)
@given(
    speed=arrays.arrays(np.float64, 5, elements=st.floats(-1e300, 1e300)),
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=30),
)
def test_any_number_and_any_text_comes_back(
    speed: np.ndarray, text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    drive = make_drive(5)
    drive = replace(drive, trace=replace(drive.trace, hint_age_s=speed, hint_text=(text,) * 5))
    rows = table(write_csv(drive, tmp_path_factory.mktemp("csv") / "drive.csv")[0])
    assert [float(row["hint_age_s"]) for row in rows] == speed.tolist()
    assert [row["hint_text"] for row in rows] == [text] * 5
