"""The two scenes whose prompts are kept as readable files.

A changed file is a changed prompt: raise ``PROMPT_VERSION``, write the files anew with
``python -m tests.llm_hints.prompts.golden``, and read the difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.scene import ActorKind, ActorRow, EgoRow, RoadCategory, RoadRow, SceneBatch, SignalState, StopLine
from llm_hints.facts import scene_facts
from llm_hints.prompts import PROMPT_VERSION, Messages, Style, hint_messages
from tests.envs.builders import make_actor, make_scene

FOLDER = Path(__file__).parent
STYLES: tuple[Style, ...] = ("original", "detailed", "concise")


@dataclass(frozen=True)
class Passage:
    """An anchor."""

    title: str
    text: str
    source: str


ANCHORS = (
    Passage("Zip merging", "Where a lane ends, the two streams\ntake turns at its end.", "German StVO, section 7"),
    Passage("Safe gap", "Keep the gap that braking behind the leader needs.", "RSS, rule 1"),
)


def city() -> SceneBatch:
    """A red light, a running child, a cyclist who stands, a parked van; and one who is hidden behind it."""
    return make_scene(
        1,
        [
            make_actor(12.25, -5.75, yaw=math.pi / 2, speed=3.0, kind=ActorKind.PEDESTRIAN, length=0.5, width=0.5),
            make_actor(26, -3.1, kind=ActorKind.TRUCK, length=6.0, actor_id=17),
            make_actor(29, -4, kind=ActorKind.PEDESTRIAN, length=0.5, width=0.5, visible=False, actor_id=99),
            make_actor(-7, -1.6, speed=0.0, kind=ActorKind.CYCLIST, length=1.8, width=0.6, actor_id=5),
            make_actor(40, 3.5, yaw=math.pi, speed=7.0, actor_id=6) | {ActorRow.ACCELERATION: -2.0},
        ],
        ego={EgoRow.SPEED: 10.0, EgoRow.ACCELERATION: -1.2},
        road={
            RoadRow.SPEED_LIMIT: 50 / 3.6,
            RoadRow.LANES_LEFT: 1,
            RoadRow.LEFT_IS_ONCOMING: 1,
            RoadRow.EDGE_LEFT: 5.25,
            RoadRow.SIGNAL: float(int(SignalState.RED)),
            RoadRow.STOP_LINE: float(int(StopLine.SIGNAL)),
            RoadRow.DISTANCE_TO_STOP_LINE: 34.0,
            RoadRow.DISTANCE_TO_JUNCTION: 38.0,
        },
    )


def motorway() -> SceneBatch:
    """A lane that ends in a bend, a dropped load, a bus that brakes, who overtakes; six of eight are told."""
    beside = [make_actor(x, 3.5, speed=v, actor_id=i) for i, (x, v) in enumerate(((-30, 33), (1, 27), (60, 30)), 21)]
    return make_scene(
        1,
        [
            *beside,
            make_actor(45, 0.1, speed=20, kind=ActorKind.BUS, length=12, width=2.5, actor_id=31)
            | {ActorRow.ACCELERATION: -3.5},
            make_actor(90, 0, kind=ActorKind.STATIC, length=1, width=1, actor_id=40),
            make_actor(-18, -0.2, speed=27, kind=ActorKind.MOTORCYCLE, length=2.2, width=0.8, actor_id=33),
            make_actor(160, 0, speed=25, actor_id=34),
            make_actor(-150, 3.5, speed=25, actor_id=35),
        ],
        ego={EgoRow.SPEED: 27.0, EgoRow.ACCELERATION: 0.1},
        road={
            RoadRow.CATEGORY: float(int(RoadCategory.HIGHWAY)),
            RoadRow.SPEED_LIMIT: 25.0,
            RoadRow.LANES_LEFT: 2,
            RoadRow.EDGE_LEFT: 8.75,
            RoadRow.DISTANCE_TO_LANE_END: 95.0,
            RoadRow.CURVATURE: 0.003,
        },
    )


SCENES = {"city": city, "motorway": motorway}


def rendered(name: str, style: Style) -> str:
    """Return the chat of a scene as a readable text; the motorway's has anchors."""
    anchors = ANCHORS if name == "motorway" else ()
    messages = hint_messages(scene_facts(SCENES[name](), np.arange(1)), 0, style, anchors)
    return f"prompt version {PROMPT_VERSION}\n\n{_readable(messages)}"


def _readable(messages: Messages) -> str:
    return "".join(f"[{message['role']}]\n{message['content']}\n\n" for message in messages)


def golden_file(name: str, style: Style) -> Path:
    """Return where the text of a scene in a style is kept."""
    return FOLDER / f"{name}_{style}.txt"


if __name__ == "__main__":
    for scene_name in SCENES:
        for one_style in STYLES:
            golden_file(scene_name, one_style).write_text(rendered(scene_name, one_style), "utf-8")
