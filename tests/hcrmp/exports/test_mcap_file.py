"""The MCAP file is read back with the format's own reader; its messages fit the schemas that it names."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.recording import DriveLog, HintTold
from envs.risk import time_to_collision
from envs.roads.drawing import GateLine
from envs.scene import ActorKind, ActorRow, EventRow
from hcrmp.errors import UserError
from hcrmp.exports import foxglove
from hcrmp.exports.mcap_file import write_mcap
from tests.envs.drive_builder import TRUCK, make_drive

reader = pytest.importorskip("mcap.reader")
Said = dict[str, list[tuple[int, dict[str, Any]]]]


def messages(path: Path) -> tuple[Said, dict[str, str]]:
    """Return what each topic says (when in ns, the message), and the names of their schemas."""
    said: Said = defaultdict(list)
    names: dict[str, str] = {}
    with path.open("rb") as file:
        for schema, channel, message in reader.make_reader(file).iter_messages():
            assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
            told = json.loads(message.data)
            assert_fits(told, json.loads(schema.data), channel.topic)
            names[channel.topic] = schema.name
            said[channel.topic].append((message.log_time, told))
    return said, names


def assert_fits(value: Any, schema: Mapping[str, Any], where: str) -> None:
    """Check a message against its schema, as far as ours go."""
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
    }
    assert isinstance(value, kinds[schema["type"]]), where
    if schema["type"] == "object":
        assert value.keys() <= schema["properties"].keys(), where
        for name, part in value.items():
            assert_fits(part, schema["properties"][name], f"{where}.{name}")
    elif schema["type"] == "array":
        for part in value:
            assert_fits(part, schema["items"], f"{where}[]")


def drive_with_events() -> DriveLog:
    drive = make_drive(60)
    gate = GateLine("signal", np.array([[50.0, -1.7], [50.0, 1.7]]), np.array([3.0, 0.0, 1.0, 2.0]), 3)
    drive.scenes.actors.block[:, 30:, 1] = 0.0
    drive.scenes.events.block[EventRow.COLLISION, 40] = 1.0
    drive.scenes.events.block[EventRow.COLLISION_ACTOR, 40] = TRUCK
    asked = (HintTold(1.02, "What now?", "keep the pace"), HintTold(4.0, "And now?", "mad", "refused"))
    return replace(drive, drawing=replace(drive.drawing, gates=(gate,)), hints=asked)


def test_foxglove_s_schemas_and_every_series_are_there(tmp_path: Path) -> None:
    said, names = messages(write_mcap(drive_with_events(), tmp_path / "drive.mcap")[0])
    assert {topic for topic, name in names.items() if name == "foxglove.SceneUpdate"} == {
        "/scene/road", "/scene/bodies", "/scene/route", "/scene/stop_lines",
    }  # fmt: skip
    assert (names["/tf"], names["/events"]) == ("foxglove.FrameTransform", "foxglove.Log")
    counts = Counter({topic: len(rows) for topic, rows in said.items()})
    assert counts["/scene/road"] == 1
    for topic in ("/tf", "/scene/bodies", "/ego/motion", "/ego/control", "/planner/rewards", "/planner/weights",
                  "/planner/values", "/planner/action", "/planner/hint", "/risk", "/road", "/route"):  # fmt: skip
        assert counts[topic] == 60, topic


def test_numbers_are_the_drive_s(tmp_path: Path) -> None:
    drive = drive_with_events()
    said, _ = messages(write_mcap(drive, tmp_path / "drive.mcap")[0])
    assert drive.trace.weights is not None and drive.trace.values is not None
    for topic, name, values in (
        ("/ego/motion", "speed_mps", drive.scenes.ego.speed),
        ("/risk", "ttc_s", time_to_collision(drive.scenes)),
        ("/planner/weights", "comfort", drive.trace.weights[:, 2]),
        ("/planner/values", "safety", drive.trace.values[:, 0]),
        ("/planner/rewards", "efficiency", drive.trace.reward_terms[:, 1]),
        ("/ego/control", "steer", drive.trace.control[:, 2]),
    ):
        assert [told[name] for _, told in said[topic]] == values.tolist(), topic
    assert [when for when, _ in said["/risk"]] == [round(t * 1e9) for t in drive.scenes.time_s.tolist()]
    assert [told["text"] for _, told in said["/planner/hint"]] == list(drive.trace.hint_text)
    asked = [(when, told["prompt"], told["answer"], told["source"]) for when, told in said["/planner/asked"]]
    assert asked == [(10**9, "What now?", "keep the pace", "model"), (4 * 10**9, "And now?", "mad", "refused")]


def test_what_is_not_known_at_a_tick_is_left_out_there(tmp_path: Path) -> None:
    drive = drive_with_events()
    assert drive.trace.values is not None
    drive.trace.values[-1] = np.nan
    told = [told for _, told in messages(write_mcap(drive, tmp_path / "drive.mcap")[0])[0]["/planner/values"]]
    assert len(told) == 60 and set(told[-2]) == {"safety", "efficiency", "comfort"} and told[-1] == {}


def test_boxes_stand_where_the_bodies_are(tmp_path: Path) -> None:
    drive = drive_with_events()
    said, _ = messages(write_mcap(drive, tmp_path / "drive.mcap")[0])
    for tick in (0, 29, 30, 59):
        _, update = said["/scene/bodies"][tick]
        boxes = {entity["id"]: entity["cubes"][0] for entity in update["entities"]}
        actors = drive.scenes.actors
        slots = np.flatnonzero(actors.valid[tick])
        assert set(boxes) == {"ego", *(str(int(actors.id[tick, slot])) for slot in slots)}
        for slot in slots:
            box = boxes[str(int(actors.id[tick, slot]))]
            place, turn = box["pose"]["position"], box["pose"]["orientation"]
            assert (place["x"], place["y"]) == (actors.x[tick, slot], actors.y[tick, slot])
            assert 2.0 * math.atan2(turn["z"], turn["w"]) == pytest.approx(actors.yaw[tick, slot])
            assert (box["size"]["x"], box["size"]["y"]) == (actors.length[tick, slot], actors.width[tick, slot])
        ego, frame = boxes["ego"]["pose"]["position"], said["/tf"][tick][1]
        assert frame["translation"] == {"x": ego["x"], "y": ego["y"], "z": 0.0}
        assert (frame["parent_frame_id"], frame["child_frame_id"]) == ("world", "ego")
    gone = {
        tick: [item["id"] for item in update["deletions"]] for tick, (_, update) in enumerate(said["/scene/bodies"])
    }
    assert {tick: ids for tick, ids in gone.items() if ids} == {30: [str(int(drive.scenes.actors.id[0, 1]))]}


def test_props_are_told_once_on_a_topic_of_their_own(tmp_path: Path) -> None:
    drive = make_drive(10)
    drive.scenes.actors.block[ActorRow.KIND, :, TRUCK] = ActorKind.STATIC
    drive.scenes.actors.block[:, 6:, TRUCK] = 0.0
    said, _ = messages(write_mcap(drive, tmp_path / "drive.mcap")[0])
    props = [update for _, update in said["/scene/props"]]
    assert [len(update["entities"]) for update in props] == [1, 0]
    assert [item["id"] for item in props[1]["deletions"]] == [props[0]["entities"][0]["id"]]


def test_stop_lines_are_told_when_a_signal_changes_and_events_are_logged(tmp_path: Path) -> None:
    drive = drive_with_events()
    said, _ = messages(write_mcap(drive, tmp_path / "drive.mcap")[0])
    colours = [tuple(update["entities"][0]["lines"][0]["color"].values()) for _, update in said["/scene/stop_lines"]]
    assert all(one != two for one, two in zip(colours, colours[1:], strict=False)) and len(colours) >= 6
    logged = [(line["level"], line["message"]) for _, line in said["/events"]]
    assert (4, f"collision with truck {int(drive.scenes.actors.id[40, TRUCK])}") in logged


def test_without_the_package_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcap.writer", None)
    with pytest.raises(UserError, match=r'^to=mcap needs the package mcap: pip install "hcrmp\[export\]"$'):
        write_mcap(make_drive(3), tmp_path / "drive.mcap")
    assert not list(tmp_path.iterdir())


def test_a_write_that_breaks_off_leaves_nothing_but_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise KeyboardInterrupt

    target = tmp_path / "drive.mcap"
    target.write_bytes(b"earlier")
    monkeypatch.setattr(foxglove, "route", broken)
    with pytest.raises(KeyboardInterrupt):
        write_mcap(make_drive(3), target)
    assert [path.name for path in tmp_path.iterdir()] == ["drive.mcap"] and target.read_bytes() == b"earlier"
