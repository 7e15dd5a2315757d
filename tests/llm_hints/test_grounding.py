"""Hints against their scenes: who is named must be there."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from envs.scene import ActorKind, SceneBatch
from llm_hints.facts import scene_facts
from llm_hints.grounding import HintGroundingError, ground, read_hint, told_part
from llm_hints.hint import HintFormatError
from llm_hints.parsing import parse_hint
from llm_hints.providers.base import answers_from_texts
from llm_hints.providers.rules import RulesProvider
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.scenes import random_scene


def polar(bearing: float, distance: float = 20.0, **more: Any) -> Any:
    """Return an actor at a bearing in degrees."""
    angle = math.radians(bearing)
    return make_actor(distance * math.cos(angle), distance * math.sin(angle), **more)


SCENE = make_scene(
    1,
    [
        polar(0, actor_id=1),
        polar(45, actor_id=2),
        polar(-30, 8, kind=ActorKind.PEDESTRIAN, length=0.5, width=0.5, actor_id=3),
        polar(180, kind=ActorKind.STATIC, actor_id=4),
        polar(90, actor_id=5, visible=False),
    ],
)


def text(*entities: dict[str, Any]) -> str:
    return json.dumps(
        {
            "road_category": "Highway",
            "traffic_density": "Low",
            "critical_entities": list(entities),
            "weights": {"safety": 0.5, "efficiency": 0.3, "comfort": 0.2},
        }
    )


def entity(kind: str, direction: str, actor_id: int | None = None) -> dict[str, Any]:
    return {"type": kind, "direction": direction} | ({} if actor_id is None else {"id": actor_id})


def ids(*entities: dict[str, Any], scene: SceneBatch = SCENE) -> list[int | None]:
    hint = read_hint(text(*entities), scene_facts(scene, np.arange(1)), 0)
    return [found.actor_id for found in hint.entities]


def test_who_is_there_is_found_by_id_or_by_type_and_direction() -> None:
    assert ids() == []
    assert ids(entity("Car", "Front", 1), entity("Car", "Front-Left", 2)) == [1, 2]
    assert ids(entity("Car", "Front-Left"), entity("Pedestrian", "Front-Right"), entity("Car", "Front")) == [2, 3, 1]


@pytest.mark.parametrize(
    ("named", "complaint"),
    [
        ([("Truck", "Front")], "Truck Front came as critical; there is"),
        ([("Car", "Rear")], "Car Rear came"),
        ([("Car", "Left", 5)], r"Car Left \(id 5\) came"),  # hidden
        ([("Car", "Front", 77)], r"Car Front \(id 77\) came"),
        ([("Car", "Front", 2)], r"Car Front \(id 2\) came"),  # the id's own place counts
        ([("Car", "Front-Left", 3)], r"Car Front-Left \(id 3\) came"),  # and its own type
        ([("Car", "Front", 1), ("Car", "Front", 1)], "more of them than there are"),
        ([("Car", "Front"), ("Car", "Front")], "more of them than there are"),
        ([("Car", "Rear", 4)], "Car Rear"),  # an obstacle is no road user
    ],
)
def test_who_is_not_there_is_refused_with_those_who_are(named: list[Any], complaint: str) -> None:
    with pytest.raises(HintGroundingError, match=complaint) as caught:
        ids(*(entity(*one) for one in named))
    there = str(caught.value).split("there is ")[1]
    who = "Pedestrian Front-Right (id 3), Car Front (id 1), Car Front-Left (id 2)"
    assert there == f"{who}: name only who is there, each once"
    assert "\n" not in str(caught.value)


def test_an_empty_scene_has_nobody() -> None:
    with pytest.raises(HintGroundingError, match="there is no road user in view"):
        ids(entity("Car", "Front"), scene=make_scene(1))


@pytest.mark.parametrize(
    ("bearing", "allowed"),
    [
        (0, {"Front"}),
        (12, {"Front"}),
        (13, {"Front", "Front-Left"}),  # the border is at 22.5 degrees, and 10 to either side of it
        (32, {"Front", "Front-Left"}),
        (33, {"Front-Left"}),
        (-170, {"Rear"}),
        (175, {"Rear"}),
        (-165, {"Rear", "Rear-Right"}),
    ],
)
def test_a_direction_near_a_border_counts_for_both(bearing: float, allowed: set[str]) -> None:
    words = ("Front", "Front-Left", "Left", "Rear-Left", "Rear", "Rear-Right", "Right", "Front-Right")
    found = set()
    for word in words:
        try:
            ids(entity("Car", word), scene=make_scene(1, [polar(bearing)]))
        except HintGroundingError:
            continue
        found.add(word)
    assert found == allowed


def test_two_at_a_border_are_told_apart_whatever_the_order() -> None:
    """One may be either; the other Front only: the first must not take what the second needs."""
    scene = make_scene(1, [polar(20, 15, actor_id=7), polar(0, 30, actor_id=8)])
    assert ids(entity("Car", "Front"), entity("Car", "Front-Left"), scene=scene) == [8, 7]
    assert ids(entity("Car", "Front-Left"), entity("Car", "Front"), scene=scene) == [7, 8]


def test_the_expert_s_hints_stand_where_everybody_is_told() -> None:
    scene = random_scene(300, 6, np.random.default_rng(0))
    facts = scene_facts(scene, np.arange(300))
    for row, hint in enumerate(RulesProvider().ask(scene, np.arange(300)).hints.hints()):
        assert all(entity.actor_id is not None for entity in ground(hint, facts, row).entities)


def test_weights_are_read_strictly_before_anybody_is_looked_for() -> None:
    with pytest.raises(HintFormatError, match="sum 1.2") as caught:
        read_hint(text().replace("0.3", "0.5"), scene_facts(SCENE, np.arange(1)), 0)
    assert not isinstance(caught.value, HintGroundingError)


def test_the_check_belongs_to_each_row_and_can_be_left_out() -> None:
    facts = scene_facts(SCENE.rows([0, 0]), np.arange(2))
    texts = [text(entity("Car", "Front")), text(entity("Truck", "Front"))]
    refused: list[int] = []
    answers = answers_from_texts(texts, np.zeros(2), facts, lambda row, error: refused.append(row))
    assert answers.valid.tolist() == [True, False] and refused == [1]
    assert answers_from_texts(texts, np.zeros(2)).valid.all()
    assert parse_hint(texts[1]).entities[0].actor_id is None


def test_who_is_in_the_octant_comes_before_who_is_close_to_it() -> None:
    scene = make_scene(1, [polar(24, 10, actor_id=1), polar(0, 30, actor_id=2)])  # 1 is the more urgent, Front-Left
    assert ids(entity("Car", "Front"), scene=scene) == [2]
    assert ids(entity("Car", "Front"), entity("Car", "Front"), scene=scene) == [2, 1]


def test_the_told_part_of_a_hint_leaves_out_whom_a_text_does_not_tell_of() -> None:
    facts = scene_facts(SCENE, np.arange(1))
    named = parse_hint(text(entity("Bus", "Rear"), entity("Car", "Front"), entity("Car", "Front")))
    told = told_part(named, facts, 0)
    assert [one.actor_id for one in told.entities] == [1] and told.weights == named.weights
