"""Facts of a scene: the numbers by hand, who is told of and in what order."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.scene import ActorKind, ActorRow, EgoRow, RoadRow, SceneBatch, SignalState, StopLine
from llm_hints.facts import MOST_AGENTS, AgentFact, Control, RoadFact, scene_facts
from llm_hints.geometry import NEVER_S
from llm_hints.hint import Direction
from tests.llm_hints.scenes import random_scene, rotated

ONE = np.array([0])


def road(speed: float = 10.0) -> SceneBatch:
    """An ego of 4 x 2 m at the origin that heads east, on a road without anybody."""
    scene = SceneBatch.empty(1, 8)
    scene.ego.block[EgoRow.SPEED], scene.ego.block[EgoRow.LENGTH], scene.ego.block[EgoRow.WIDTH] = speed, 4.0, 2.0
    block = scene.road.block
    block[RoadRow.SPEED_LIMIT], block[RoadRow.EDGE_LEFT], block[RoadRow.EDGE_RIGHT] = 14.0, 5.0, 2.0
    for row in (RoadRow.DISTANCE_TO_LANE_END, RoadRow.DISTANCE_TO_STOP_LINE, RoadRow.DISTANCE_TO_JUNCTION):
        block[row] = 200.0
    return scene


def put(
    scene: SceneBatch, slot: int, x: float, y: float, speed: float = 0.0, yaw: float = 0.0,
    kind: ActorKind = ActorKind.CAR, visible: bool = True,
) -> None:  # fmt: skip
    """Put a body of 4 x 2 m into a slot; its id is the slot's number plus 10."""
    block = scene.actors.block[:, 0, slot]
    block[ActorRow.VALID], block[ActorRow.VISIBLE] = 1, visible
    block[ActorRow.KIND], block[ActorRow.ID] = kind, slot + 10
    block[ActorRow.X], block[ActorRow.Y], block[ActorRow.YAW], block[ActorRow.SPEED] = x, y, yaw, speed
    block[ActorRow.VX], block[ActorRow.VY] = speed * math.cos(yaw), speed * math.sin(yaw)
    block[ActorRow.LENGTH], block[ActorRow.WIDTH] = 4.0, 2.0


def test_a_leader_by_hand() -> None:
    """30 m between centres are 26 m between bodies; at 4 m/s of approach they meet in 6.5 s."""
    scene = road()
    put(scene, 3, 30.0, 0.0, speed=6.0)
    facts = scene_facts(scene, ONE)
    agent = facts.agents[0, 0]
    assert facts.count.tolist() == [1]
    expected = {
        AgentFact.SLOT: 3, AgentFact.ID: 13, AgentFact.KIND: ActorKind.CAR, AgentFact.SECTOR: Direction.FRONT,
        AgentFact.GAP: 26.0, AgentFact.SIDE: 0.0, AgentFact.CLOSING: 4.0, AgentFact.DRIFT: 0.0,
        AgentFact.SAME_WAY: 1.0, AgentFact.SPEED: 6.0, AgentFact.HIT_S: 6.5, AgentFact.NEAR_S: 6.5,
        AgentFact.DISTANCE: 30.0, AgentFact.BEARING: 0.0,
    }  # fmt: skip
    for column, value in expected.items():
        assert agent[column] == pytest.approx(float(value)), column.name


def test_one_beside_that_drifts_over() -> None:
    """3 m to the right: 1 m between the bodies, which 0.5 m/s leaves 0.7 m above the margin of 0.3: 1.4 s."""
    scene = road()
    put(scene, 0, 0.0, -3.0)
    scene.actors.block[ActorRow.VX, 0, 0], scene.actors.block[ActorRow.VY, 0, 0] = 10.0, 0.5
    agent = scene_facts(scene, ONE).agents[0, 0]
    assert agent[AgentFact.SECTOR] == Direction.RIGHT and agent[AgentFact.SIDE] == pytest.approx(-1.0)
    assert agent[AgentFact.DRIFT] == pytest.approx(0.5) and agent[AgentFact.HIT_S] == pytest.approx(1.4)
    assert agent[AgentFact.NEAR_S] == 0.0 and agent[AgentFact.GAP] == 0.0


def test_who_drives_away_is_never_met() -> None:
    scene = road()
    put(scene, 0, 30.0, 0.0, speed=12.0)
    agent = scene_facts(scene, ONE).agents[0, 0]
    assert agent[AgentFact.HIT_S] == agent[AgentFact.NEAR_S] == NEVER_S and agent[AgentFact.CLOSING] == -2.0


def test_the_most_urgent_come_first_and_no_more_than_there_is_room_for() -> None:
    scene = road()
    for slot, x in enumerate((60.0, 20.0, 45.0, 30.0, 15.0, 52.0, 25.0)):
        put(scene, slot, x, 0.0)
    put(scene, 7, 8.0, 0.0, visible=False)
    facts = scene_facts(scene, ONE)
    assert facts.count[0] == MOST_AGENTS == 6
    assert facts.agents[0, :, AgentFact.DISTANCE].tolist() == [15.0, 20.0, 25.0, 30.0, 45.0, 52.0]
    assert facts.road[0, RoadFact.COUNT] == 5, "those within 50 m, told or not, and nobody who is hidden"


def test_a_walker_is_told_before_a_car_at_the_same_place() -> None:
    scene = road(speed=0.0)
    put(scene, 0, 20.0, 4.0)
    put(scene, 1, 20.0, 4.0, kind=ActorKind.PEDESTRIAN)
    assert scene_facts(scene, ONE).agents[0, :2, AgentFact.SLOT].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("signal", "line", "stood", "control"),
    [
        (SignalState.NONE, StopLine.NONE, 0, Control.NONE),
        (SignalState.GREEN, StopLine.SIGNAL, 0, Control.GREEN),
        (SignalState.RED, StopLine.SIGNAL, 0, Control.RED),
        (SignalState.NONE, StopLine.STOP_SIGN, 0, Control.STOP_SIGN),
        (SignalState.NONE, StopLine.STOP_SIGN, 1, Control.STOP_SIGN_OBEYED),
        (SignalState.NONE, StopLine.YIELD_SIGN, 0, Control.YIELD_SIGN),
    ],
)
def test_what_rules_the_lane(signal: SignalState, line: StopLine, stood: int, control: Control) -> None:
    scene = road()
    block = scene.road.block
    block[RoadRow.SIGNAL], block[RoadRow.STOP_LINE], block[RoadRow.STOOD] = signal, line, stood
    block[RoadRow.DISTANCE_TO_STOP_LINE] = 20.0
    facts = scene_facts(scene, ONE).road[0]
    assert facts[RoadFact.CONTROL] == control
    # 10 m/s over 20 m are 2.5 m/s2, where the line holds the ego.
    holds = control in (Control.RED, Control.STOP_SIGN)
    assert facts[RoadFact.NEEDED] == pytest.approx(2.5 if holds else 0.0)


def test_the_edge_is_the_nearer_one_from_the_body() -> None:
    assert scene_facts(road(), ONE).road[0, RoadFact.EDGE] == pytest.approx(1.0)


def test_facts_are_the_same_in_any_frame_and_order_of_slots() -> None:
    scene = random_scene(40, 8, np.random.default_rng(2))
    rows, told = np.arange(40), [c for c in AgentFact if c != AgentFact.SLOT]
    facts, turned = scene_facts(scene, rows), scene_facts(rotated(scene, 1.1, (300.0, -40.0)), rows)
    np.testing.assert_allclose(turned.agents, facts.agents, atol=1e-6)
    shuffled = scene.copy()
    shuffled.actors.block[:] = shuffled.actors.block[:, :, ::-1]
    np.testing.assert_array_equal(scene_facts(shuffled, rows).agents[:, :, told], facts.agents[:, :, told])
