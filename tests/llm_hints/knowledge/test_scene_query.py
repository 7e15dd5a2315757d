"""Scenes by hand, the kinds that they amount to, and the passages that these find."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from envs.scene import ActorKind, ActorRow, EgoRow, RoadCategory, RoadRow, SceneBatch, SignalState, StopLine
from llm_hints.facts import scene_facts
from llm_hints.knowledge.base import KnowledgeConfig, build_knowledge
from llm_hints.knowledge.passage import SCENE_KINDS
from llm_hints.knowledge.scene_query import CATEGORY_SENTENCES, MOST_KINDS, SENTENCES, scene_kinds, scene_queries
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.scenes import random_scene


def kinds(*actors: Any, speed: float = 12.0, **road: float) -> tuple[str, ...]:
    """Return the kinds of a scene on a city street with a limit of 15 m/s."""
    return scene_kinds(scene_facts(scene(*actors, speed=speed, **road), np.arange(1)), 0)


def scene(*actors: Any, speed: float = 12.0, **road: float) -> SceneBatch:
    return make_scene(
        1, list(actors), ego={EgoRow.SPEED: speed}, road={RoadRow[name]: value for name, value in road.items()}
    )


def walker(x: float, y: float, speed: float = 1.4) -> dict[ActorRow, float]:
    return make_actor(x, y, yaw=math.pi / 2, speed=speed, kind=ActorKind.PEDESTRIAN, length=0.5, width=0.5)


def test_an_empty_road_is_free() -> None:
    assert kinds() == ("free_road",)


@pytest.mark.parametrize(
    ("actor", "road", "expected"),
    [
        (walker(30, -6), {}, ("pedestrian",)),
        (walker(-10, -6), {}, ("free_road",)),
        (make_actor(30, 0, speed=12, kind=ActorKind.CYCLIST), {}, ("cyclist",)),
        (make_actor(40, 6.5, speed=0), {}, ("free_road",)),
        (make_actor(25, -2.5, speed=0), {}, ("occlusion",)),
        (make_actor(25, 0, speed=0), {"LEFT_IS_ONCOMING": 1}, ("emergency_braking", "obstacle")),
        (make_actor(44, 0, speed=0, kind=ActorKind.STATIC), {}, ("obstacle",)),
        (make_actor(60, 3.5, yaw=math.pi, speed=12), {}, ("oncoming",)),
        (make_actor(15, 0, speed=12), {}, ("following",)),
        (make_actor(15, 0, speed=10), {"LANES_LEFT": 1}, ("following", "overtaking")),
        (make_actor(50, 0, speed=10), {"LANES_LEFT": 1}, ("overtaking",)),
        (make_actor(50, 0, speed=10), {}, ("free_road",)),
        (make_actor(30, 0, speed=12, kind=ActorKind.BUS, length=10), {}, ("truck_bus",)),
        (make_actor(7, 3.5, yaw=-0.2, speed=13), {"LANES_LEFT": 1}, ("cut_in",)),
        (make_actor(7, 3.5, speed=13), {"LANES_LEFT": 1}, ("free_road",)),
        (make_actor(-7, 3.5, speed=13), {"LANE_END": 80, "LANES_LEFT": 1}, ("merging", "lane_change")),
    ],
)
def test_an_agent_makes_a_scene(actor: Any, road: dict[str, float], expected: tuple[str, ...]) -> None:
    renamed = {{"LANE_END": "DISTANCE_TO_LANE_END"}.get(name, name): value for name, value in road.items()}
    assert kinds(actor, **renamed) == expected


@pytest.mark.parametrize(
    ("road", "speed", "expected"),
    [
        ({"SIGNAL": SignalState.RED, "DISTANCE_TO_STOP_LINE": 30, "STOP_LINE": StopLine.SIGNAL}, 12, "junction_signal"),
        ({"SIGNAL": SignalState.GREEN, "DISTANCE_TO_STOP_LINE": 30, "STOP_LINE": StopLine.SIGNAL}, 12, "free_road"),
        ({"SIGNAL": SignalState.RED, "DISTANCE_TO_STOP_LINE": 90, "STOP_LINE": StopLine.SIGNAL}, 12, "free_road"),
        ({"STOP_LINE": StopLine.STOP_SIGN, "DISTANCE_TO_STOP_LINE": 20}, 9, "junction_stop"),
        ({"STOP_LINE": StopLine.YIELD_SIGN, "DISTANCE_TO_STOP_LINE": 20}, 9, "junction_yield"),
        ({"DISTANCE_TO_LANE_END": 100}, 12, "merging"),
        ({"CURVATURE": 0.02}, 12, "curve"),
        ({"CURVATURE": 0.02}, 9, "free_road"),
        ({}, 17, "speed"),
        ({}, 15.9, "free_road"),
    ],
)
def test_the_road_makes_a_scene(road: dict[str, float], speed: float, expected: str) -> None:
    assert kinds(speed=speed, **road) == (expected,)


def test_a_crawling_crowd_is_a_queue() -> None:
    crowd = [make_actor(8.0 * place, lane, speed=2) for place in (-2, -1, 1, 2) for lane in (0.0, 3.5)]
    assert "queue" in kinds(*crowd, speed=2)
    assert "queue" not in kinds(*crowd, speed=10)


def test_the_most_urgent_kinds_come_first_and_few_are_told() -> None:
    crowded = [
        walker(9, 0), make_actor(15, 0, speed=5), make_actor(30, -2.5), make_actor(60, 3.5, yaw=math.pi, speed=12),
        make_actor(20, 2, speed=3, kind=ActorKind.CYCLIST),
    ]  # fmt: skip
    found = kinds(*crowded, speed=17, LANES_LEFT=1)
    assert found[:2] == ("emergency_braking", "pedestrian") and len(found) == MOST_KINDS


def test_what_the_ego_does_not_see_is_no_part_of_it() -> None:
    hidden = walker(10, 0)
    hidden[ActorRow.VISIBLE] = 0.0
    assert kinds(hidden) == ("free_road",)


def test_scenes_that_differ_in_numbers_alone_ask_the_same() -> None:
    one, other = (
        scene_queries(scene_facts(scene(walker(x, -6), speed=v), np.arange(1))) for x, v in ((30, 12), (33, 11))
    )
    assert one == other == [f"{SENTENCES['pedestrian']} {CATEGORY_SENTENCES[RoadCategory.URBAN]}"]


def test_every_sentence_is_of_a_kind() -> None:
    assert set(SENTENCES) <= set(SCENE_KINDS) and set(CATEGORY_SENTENCES) == set(RoadCategory)


@pytest.mark.parametrize("kind", SENTENCES)
def test_every_sentence_finds_passages_of_its_kind(kind: str) -> None:
    knowledge = build_knowledge(KnowledgeConfig(retrieval="lexical"))
    for category in CATEGORY_SENTENCES.values():
        anchors = knowledge.retrieve(f"{SENTENCES[kind]} {category}")
        assert sum(kind in anchor.passage.kinds for anchor in anchors) >= 2, [anchor.passage.id for anchor in anchors]


def test_random_scenes_each_get_a_query_and_three_anchors() -> None:
    drawn = random_scene(200, 8, np.random.default_rng(0))
    queries = scene_queries(scene_facts(drawn, np.arange(200)))
    anchors = build_knowledge(KnowledgeConfig(retrieval="lexical")).retrieve_batch(queries)
    assert len(queries) == 200 and all(len(found) == 3 for found in anchors)
    assert len(set(queries)) < 150  # they repeat
