"""``map=``: any OpenDRIVE file through train, evaluate and replay, and one clear line where it is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envs.recording import DriveLog
from envs.roads.town import Town
from hcrmp.cli import USER_ERROR_STATUS, main
from hcrmp.comparison.places import in_run
from hcrmp.config import load
from hcrmp.evaluate import evaluate
from hcrmp.replay import replay
from hcrmp.replay_config import ReplayConfig
from hcrmp.run_folder import read_json
from hcrmp.sections import ScenarioConfig
from tests.hcrmp.tiny import evaluate_config, quiet, tiny_run
from tests.hcrmp.viewer.pages import Page, unpacked

ROUTES = ScenarioConfig(("route",))


@pytest.fixture(scope="module")
def town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("maps") / "my_town.xodr"
    file.write_text(Town(block_m=95.0).opendrive())
    return file


def test_a_run_remembers_its_map(tmp_path: Path, town_file: Path) -> None:
    folder = tiny_run(tmp_path, scenario=ROUTES, map=str(town_file))
    assert folder.config()["map"] == str(town_file)
    config = evaluate_config(folder, scenario=ROUTES, episodes=1)
    _, (drive,) = evaluate(config, folder, quiet())
    log = DriveLog.read(drive)
    assert log.meta.map_name == "my_town" and len(log.drawing.strokes) > 50
    page, *_ = replay(ReplayConfig(run=str(folder.path), video="none"), quiet())
    (shown,) = unpacked(Page(page.read_text(encoding="utf-8")))["drives"]
    assert shown["meta"]["map"] == "my_town"
    other = replace(config, map="town")
    evaluate(other, folder, quiet())
    assert "town" in in_run(other, folder).results.stem
    assert read_json(in_run(other, folder).results)["config"]["map"] == "town"


def test_a_relative_path_is_remembered_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load("train", ["scenario=route", "map=maps/my_town.xodr"])
    assert config.map == str(tmp_path / "maps" / "my_town.xodr")
    assert config.run == "route-hcrmp-my_town-seed0"
    assert load("train", ["scenario=route", "map=town"]).map == "town"


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        (None, ["scenario=route", "map=twon"], "unknown map 'twon'. Did you mean 'town'?"),
        (None, ["scenario=route", "map={file}"], "cannot read the map"),
        ("<OpenDRIVE><road id='1'/></OpenDRIVE>", ["scenario=route", "map={file}"], "'length' is missing"),
        (None, ["scenario=route", "map=street_0"], "no route of 150 to 450 m"),
        (None, ["scenario=merging", "map=town"], "map 'town' is for routes"),
    ],
)
def test_what_is_no_map_is_told_in_one_line_and_leaves_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, words: list[str], message: str
) -> None:
    file = tmp_path / "broken.xodr"
    if content is not None:
        file.write_text(content)
    runs = tmp_path / "runs"
    for command in ("train", "evaluate"):
        driver = ["driver=keep_lane"] if command == "evaluate" else []
        filled = [word.format(file=file) for word in words]
        assert main([command, *filled, *driver, f"runs_dir={runs}"]) == USER_ERROR_STATUS
        told = capsys.readouterr().err.strip()
        assert message in told and "\n" not in told
    assert not list(runs.glob("*/config.yaml"))
