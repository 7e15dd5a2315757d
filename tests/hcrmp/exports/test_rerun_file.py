"""The Rerun recording is read back with Rerun's own reader where it is installed; it is a package of 170 MB."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from envs.risk import time_to_collision
from hcrmp.errors import UserError
from hcrmp.exports.rerun_file import write_rerun
from hcrmp.exports.rerun_layout import layout
from tests.envs.drive_builder import make_drive


def test_without_the_package_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(UserError, match=r'^to=rerun needs the package rerun-sdk: pip install "hcrmp\[rerun\]"$'):
        write_rerun(make_drive(3), tmp_path / "drive.rrd")
    assert not list(tmp_path.iterdir())


def columns(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the times (s) and the numbers of every series."""
    chunk = pytest.importorskip("rerun.chunk")
    found = {}
    for part in chunk.RrdReader(path).stream().to_chunks():
        if str(part.entity_path).startswith("/series/"):
            batch = part.to_record_batch()
            time_s = batch.column(batch.schema.names.index("sim_time")).cast("int64").to_numpy() * 1e-9
            numbers = batch.column(batch.schema.names.index("Scalars:scalars")).flatten().to_numpy()
            found[str(part.entity_path).removeprefix("/series/")] = (time_s, numbers)
    return found


def test_series_come_back(tmp_path: Path) -> None:
    pytest.importorskip("rerun")
    drive = make_drive(30)
    found = columns(write_rerun(drive, tmp_path / "drive.rrd")[0])
    for name, values in {
        "ego_speed_mps": drive.scenes.ego.speed,
        "ttc_s": time_to_collision(drive.scenes),
        "reward_terms_comfort": drive.trace.reward_terms[:, 2],
        "control_throttle": drive.trace.control[:, 0],
    }.items():
        time_s, numbers = found[name]
        assert time_s == pytest.approx(drive.scenes.time_s, abs=1e-8)
        assert numbers.tolist() == values.tolist(), name
    assert [path.name for path in tmp_path.iterdir()] == ["drive.rrd"]


def test_the_viewer_is_told_what_to_show(tmp_path: Path) -> None:
    """Plots of series that the drive has, and of no others; the eye follows the ego."""
    rerun = pytest.importorskip("rerun")
    shown = layout(rerun, ["ego_speed_mps", "values_safety"], (3.0, 4.0), "/world/ego")
    plots = shown.root_container.contents[1].contents
    assert [plot.name for plot in plots] == ["speed, m/s", "values"]
    assert plots[1].contents == ["$origin/values_safety", "$origin/values_efficiency", "$origin/values_comfort"]
    scene = shown.root_container.contents[0].contents[0]
    eye = scene.properties["EyeControls3D"]
    assert eye.tracking_entity.as_arrow_array().to_pylist() == ["/world/ego"]
    assert eye.look_target.as_arrow_array().to_pylist() == [[3.0, 4.0, 0.0]]
