"""Prompts: the kept texts, what may and may not reach a text, the schema and the five kinds of question."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

from envs.scene import ActorKind, ActorRow, EgoRow, RoadRow, SceneBatch, SignalState, StopLine
from llm_hints.facts import MOST_AGENTS, AgentFact, SceneFacts, scene_facts
from llm_hints.grounding import read_hint
from llm_hints.hint import HintFormatError
from llm_hints.parsing import parse_hint
from llm_hints.prompts import QuestionKind, Style, hint_messages, json_schema, question, scene_text
from llm_hints.prompts.styles import STYLES as STYLE_WORDS
from llm_hints.reference import Truth, true_answers
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.prompts.golden import ANCHORS, SCENES, STYLES, city, golden_file, motorway, rendered
from tests.llm_hints.scenes import random_scene, rotated

STOP_SIGN, YIELD_SIGN = ({RoadRow.STOP_LINE: float(line)} for line in (StopLine.STOP_SIGN, StopLine.YIELD_SIGN))


def facts_of(scene: SceneBatch) -> SceneFacts:
    return scene_facts(scene, np.arange(scene.batch_size))


def texts_of(scene: SceneBatch) -> list[str]:
    facts = facts_of(scene)
    return [scene_text(facts, row) for row in range(len(facts))]


def user_text(scene: SceneBatch, style: Style) -> str:
    return hint_messages(facts_of(scene), 0, style)[1]["content"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", SCENES)
def test_the_kept_texts(name: str, style: Style) -> None:
    assert rendered(name, style) == golden_file(name, style).read_text("utf-8")


def test_nothing_invisible_reaches_a_text() -> None:
    rng = np.random.default_rng(0)
    scene = random_scene(200, 8, rng)
    hidden = scene.actors.valid & ~scene.actors.visible
    assert hidden.sum() > 50
    other = scene.copy()
    for row in list(ActorRow)[2:]:
        other.actors.block[row][hidden] = rng.uniform(0, 5, hidden.sum())
    assert texts_of(other) == texts_of(scene)
    assert "id 99" not in texts_of(city())[0]


def test_slots_and_the_world_s_frame_do_not_matter() -> None:
    scene = random_scene(200, 8, np.random.default_rng(1))
    shuffled = scene.copy()
    shuffled.actors.block[:] = scene.actors.block[:, :, np.random.default_rng(2).permutation(8)]
    assert texts_of(shuffled) == texts_of(scene)
    turned = texts_of(rotated(scene, 0.5 * np.pi))
    assert sum(one != other for one, other in zip(turned, texts_of(scene), strict=True)) <= 2  # roundings at a border


def test_equals_are_told_in_the_order_of_their_ids() -> None:
    """Eight cars at the same place but for the id; two of them find no room."""
    cars = [make_actor(30, 0, actor_id=number) for number in (5, 3, 8, 1, 7, 2, 6, 4)]
    for order in (cars, cars[::-1]):
        ids = re.findall(r"id (\d+),", texts_of(make_scene(1, order))[0])
        assert ids == list("123456") and len(ids) == MOST_AGENTS


def test_the_same_facts_give_the_same_text_in_any_batch() -> None:
    scene = random_scene(30, 6, np.random.default_rng(3))
    for row in (4, 29):
        assert texts_of(scene.rows(np.array([row]))) == [texts_of(scene)[row]]


def test_every_told_agent_has_a_line_and_nobody_else() -> None:
    scene = random_scene(200, 9, np.random.default_rng(4))
    facts = facts_of(scene)
    for row, text in enumerate(texts_of(scene)):
        told = [int(agent[AgentFact.ID]) for agent in facts.agents[row, : facts.count[row]]]
        assert [int(number) for number in re.findall(r"^- id (\d+),", text, re.MULTILINE)] == told
        assert ("nobody" in text) == (not told)


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        ({"x": 20, "y": 0}, "car, Front: 16 m ahead, in line with you; standing, facing your way; closing"),
        ({"x": 20, "y": 0, "speed": 8}, "moving at 8.0 m/s, the same direction as you; the gap stays the same."),
        ({"x": 84, "y": 0, "yaw": math.pi, "speed": 8}, "oncoming; closing speed 16.0 m/s; contact in 5.0 s"),
        ({"x": -20, "y": 6, "yaw": math.pi, "speed": 8}, "already past you; the gap grows by 16.0 m/s"),
        ({"x": 0, "y": 5, "yaw": -math.pi / 2, "speed": 2}, "Left: beside you, 2.0 m to the left of you; moving"),
        ({"x": 0, "y": 5, "yaw": -math.pi / 2, "speed": 2}, "from left to right; closing speed 2.0 m/s sideways"),
        ({"x": 20, "y": -6, "yaw": math.pi / 2, "speed": 1}, "crossing from right to left"),
        ({"x": 20, "y": 6, "yaw": math.pi / 2, "speed": 1}, "crossing from right to left"),
        ({"x": 20, "y": 2.7}, "16 m ahead, 0.7 m to the left of you; standing"),
        ({"x": 20, "y": 2.7}, "passes within 1 m in 2.0 s as you both move now."),
        ({"x": 12, "y": 0, "kind": ActorKind.STATIC}, "static obstacle, Front: 8.0 m ahead, in line with you; does"),
        ({"x": 30, "y": 0, "speed": -2}, "moving at 2.0 m/s, in reverse"),
        ({"x": 0, "y": -2.2}, "standing, facing your way; the side gap stays the same; almost touching you."),
        ({"x": 0, "y": -2.8}, "the side gap stays the same; within 1 m of you"),
    ],
)
def test_what_is_told_of_an_agent(actor: dict[str, float], told: str) -> None:
    """The ego, 4 x 2 m, drives 8 m/s; the other is as large."""
    assert told in texts_of(make_scene(1, [make_actor(**actor)], ego={EgoRow.SPEED: 8.0}))[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("road", "told"),
    [
        ({**STOP_SIGN, RoadRow.DISTANCE_TO_STOP_LINE: 16.0}, "have not stopped before it"),
        ({**STOP_SIGN, RoadRow.DISTANCE_TO_STOP_LINE: 16.0}, "takes 2.0 m/s2 of braking"),
        ({**STOP_SIGN, RoadRow.STOOD: 1.0}, "have come to a stop before it."),
        ({**YIELD_SIGN, RoadRow.DISTANCE_TO_STOP_LINE: 9.0}, "yield sign ahead; its line"),
        (
            {RoadRow.SIGNAL: float(SignalState.GREEN), RoadRow.DISTANCE_TO_STOP_LINE: 9.0},
            "light ahead is green; its line",
        ),
        ({RoadRow.IN_JUNCTION: 1.0}, "You are inside a junction."),
        ({RoadRow.LANES_LEFT: 0.0, RoadRow.LANES_RIGHT: 2.0}, "No lane to your left; 2 lanes to your right."),
        ({RoadRow.EDGE_RIGHT: 0.5}, "You are 0.5 m over the edge of the road."),
        ({RoadRow.SPEED_LIMIT: 6.0}, "2.0 m/s above the limit"),
    ],
)
def test_what_is_told_of_the_road(road: dict[RoadRow, float], told: str) -> None:
    """At 8 m/s, 16 m take 64 / 32 m/s2."""
    assert told in texts_of(make_scene(1, ego={EgoRow.SPEED: 8.0}, road=road))[0]


def test_the_road_s_label_is_not_given_away() -> None:
    for text in texts_of(random_scene(60, 3, np.random.default_rng(5))):
        assert not re.search(r"highway|rural|urban", text, re.IGNORECASE)


def test_anchors_stand_before_the_question_for_weights() -> None:
    for style in STYLES:
        text = hint_messages(facts_of(motorway()), 0, style, ANCHORS)[1]["content"]
        first, second = text.index("[1] Zip merging (German StVO, section 7): Where a lane"), text.index("[2] Safe gap")
        assert text.index(STYLE_WORDS[style].objects) < first < second < text.index(STYLE_WORDS[style].weights)
        assert "guidance" not in user_text(motorway(), style)


def test_the_example_of_the_detailed_style_is_a_scene_as_it_is_told_and_an_answer_as_it_is_read() -> None:
    walker = {"kind": ActorKind.PEDESTRIAN, "length": 0.5, "width": 0.5}
    truck = {"kind": ActorKind.TRUCK, "length": 8.0, "width": 2.4}
    scene = make_scene(
        1,
        [
            make_actor(12.25, -5.75, yaw=math.pi / 2, speed=3.0, actor_id=4, **walker),  # type: ignore[arg-type]
            make_actor(34, 0, speed=9, actor_id=9),
            make_actor(-14, 6, yaw=math.pi, speed=8, actor_id=2, **truck),  # type: ignore[arg-type]
        ],
        ego={EgoRow.SPEED: 10.0},
        road={
            RoadRow.SPEED_LIMIT: 50 / 3.6,
            RoadRow.LANES_LEFT: 1,
            RoadRow.LEFT_IS_ONCOMING: 1,
            RoadRow.EDGE_LEFT: 5.25,
            RoadRow.EDGE_RIGHT: 3.0,
        },
    )
    system = hint_messages(facts_of(scene), 0, "detailed")[0]["content"]
    assert f"Example\nScene\n{scene_text(facts_of(scene), 0)}\n\nAnswer\n" in system
    hint = read_hint(system.rsplit("Answer\n", 1)[1], facts_of(scene), 0)
    assert [entity.actor_id for entity in hint.entities] == [4, 9]


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="'brief' came; allowed: original, detailed, concise"):
        hint_messages(facts_of(city()), 0, "brief")  # type: ignore[arg-type]


def test_the_schema_has_the_scene_s_ids_and_the_words_that_are_read() -> None:
    any_scene, of_scene = json_schema(), json_schema(facts_of(motorway()))
    entities, of_motorway = (schema["properties"]["critical_entities"] for schema in (any_scene, of_scene))
    assert entities["items"]["properties"]["id"] == {"type": "integer"} and entities["maxItems"] == 3
    # The dropped load (40) is no road user.
    assert sorted(of_motorway["items"]["properties"]["id"]["enum"]) == [21, 22, 23, 31, 33]
    assert json_schema(facts_of(make_scene(1)))["properties"]["critical_entities"]["maxItems"] == 0
    assert list(any_scene["properties"]) == ["road_category", "traffic_density", "critical_entities", "weights"]
    for schema in (any_scene, of_scene):
        assert parse_hint(json.dumps(smallest(schema))).weights["efficiency"] == 1.0


def smallest(schema: dict[str, object]) -> object:
    """Return a value of ``schema``: each choice its first, each number as it must be for a sum of 1."""
    if schema["type"] == "object":
        properties: dict[str, dict[str, object]] = schema["properties"]  # type: ignore[assignment]
        assert schema["required"] == list(properties) and schema["additionalProperties"] is False
        return {name: 1 if name == "efficiency" else smallest(inner) for name, inner in properties.items()}
    if schema["type"] == "array":
        return [smallest(schema["items"])]  # type: ignore[arg-type]
    choices = schema.get("enum")
    return choices[0] if isinstance(choices, list) else 0


@pytest.mark.parametrize("kind", QuestionKind)
def test_the_true_answer_is_among_those_that_a_question_allows(kind: QuestionKind) -> None:
    scene = random_scene(120, MOST_AGENTS, np.random.default_rng(6))
    scene.road.block[RoadRow.SIGNAL] = np.arange(120) % 4
    facts, truth = facts_of(scene), true_answers(scene, np.arange(120))
    for row in range(120):
        asked = question(facts, row, kind)
        word = {code: word for word, code in asked.answers.items()}[int(truth.table[row, 0, Truth(kind.value)])]
        assert asked.read(json.dumps({"answer": word})) == asked.answers[word]
        assert scene_text(facts, row) in asked.messages[1]["content"] and f'"{word}"' in asked.messages[1]["content"]
        assert word in asked.schema()["properties"]["answer"]["enum"]


@pytest.mark.parametrize("text", ["", "Keep", '{"answer": "Stop"}', '{"answer": 1}', '{"reply": "Keep"}', '["Keep"]'])
def test_an_answer_outside_of_the_set_is_refused(text: str) -> None:
    with pytest.raises(HintFormatError):
        question(facts_of(city()), 0, QuestionKind.LONGITUDINAL).read(text)


def test_a_hazard_s_answers_are_who_is_told() -> None:
    assert set(question(facts_of(city()), 0, QuestionKind.HAZARD).answers) == {
        "Nobody", "Pedestrian Front-Right", "Cyclist Rear", "Truck Front", "Car Front",
    }  # fmt: skip
