"""The reference driver: it masters what the naive ones cannot, repeats itself, and leaves the world alone."""

from __future__ import annotations

import numpy as np
import pytest

from envs.action import ActionConfig, to_control
from envs.drivers.reference import ReferenceDriver
from envs.embedded.simulator import EmbeddedSimulator
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import ActorKind, SceneBatch
from envs.termination import Outcome, judge
from envs.traffic.agents import ActionKind, TriggerKind
from tests.envs.traffic.worlds import Body, case, hold, script, start

RIGHT, LEFT = (1, -2), (1, -1)


def driven(world: EmbeddedSimulator, driver: ReferenceDriver, steps: int) -> tuple[list[int], list[SceneBatch]]:
    """Return how the worlds ended (0: not) and all scenes."""
    command, scenes = np.zeros((world.batch_size, 2)), []
    outcome = np.zeros(world.batch_size, dtype=np.int64)
    for _ in range(steps):
        control, command = to_control(driver.act(world.scene), world.scene, command, ActionConfig())
        scenes.append(world.step(control).copy())
        outcome = np.where(outcome == Outcome.RUNNING, judge(world.scene).outcome, outcome)
    return outcome.tolist(), scenes


def parked_ahead(goal_m: float = 120.0) -> ConcreteScenario:
    return case("multi_lane_0", (RIGHT, 50.0), 8.0, [Body(RIGHT, 110.0, parked=True)], goal_m=goal_m)


def hidden_walker() -> ConcreteScenario:
    """A pedestrian behind a parked lorry steps out when the ego is 1.5 s away."""
    step_out = script(TriggerKind.EGO_ARRIVAL, 1.5, ActionKind.WALK, 1.6, 9.0)
    bodies = [
        Body((1, -1), 90.0, d=-2.85, kind=ActorKind.TRUCK, parked=True),
        Body((1, -1), 96.0, d=-3.0, kind=ActorKind.PEDESTRIAN, yaw=1.57, scripts=(step_out,)),
    ]
    return case("street_0", ((1, -1), 30.0), 9.0, bodies, goal_m=110.0)


def must_merge() -> ConcreteScenario:
    bodies = [Body((2, -2), s, speed=9.0, desired_speed=10.0, headway=0.6) for s in (-5.0 + 25.0, 40.0, 62.0)]
    return case("on_ramp_0", ((2, -3), 10.0), 8.0, bodies, route=[(2, -2), (3, -2)], goal_m=180.0)


@pytest.mark.parametrize("scenario", [parked_ahead, hidden_walker, must_merge])
def test_masters(scenario: type) -> None:
    world = start(scenario())
    outcome, _ = driven(world, ReferenceDriver(world), 300)
    assert outcome == [Outcome.SUCCESS]


def test_looking_ahead_leaves_the_world_alone() -> None:
    world, untouched = start(parked_ahead()), start(parked_ahead())
    ReferenceDriver(world).act(world.scene)
    before, after = untouched.state(), world.state()
    for name, array in before.items():
        assert np.array_equal(array, after[name]), name


def test_repeats_itself() -> None:
    first, second = start(must_merge()), start(must_merge())
    _, once = driven(first, ReferenceDriver(first), 60)
    _, again = driven(second, ReferenceDriver(second), 60)
    for a, b in zip(once, again, strict=True):
        assert np.array_equal(a.ego.block, b.ego.block)


def test_a_world_is_driven_the_same_in_any_batch() -> None:
    alone, among = start(must_merge()), start(parked_ahead(), must_merge(), hidden_walker())
    _, one = driven(alone, ReferenceDriver(alone), 60)
    _, three = driven(among, ReferenceDriver(among), 60)
    for a, b in zip(one, three, strict=True):
        assert np.array_equal(a.ego.block[:, 0], b.ego.block[:, 1])


def test_worlds_out_of_step_with_each_other() -> None:
    """Worlds that were started at different times are planned for at their own steps."""
    world = start(parked_ahead(), parked_ahead())
    for _ in range(4):
        hold(world)
    world.reset([parked_ahead()], np.array([False, True]))
    outcome, _ = driven(world, ReferenceDriver(world), 300)
    assert outcome == [Outcome.SUCCESS] * 2


def test_it_takes_over_at_once_from_the_command_that_holds() -> None:
    free = case("multi_lane_0", (RIGHT, 50.0), 8.0, [], goal_m=200.0)
    world = start(free, free)
    driver = ReferenceDriver(world)
    driver.stand_by(np.array([0, 1]))
    command, held = np.zeros((2, 2)), np.array([[0.3, 0.0], [0.3, 0.0]])
    for _ in range(4):
        driver.act(world.scene)
        control, command = to_control(held, world.scene, command, ActionConfig())
        world.step(control)
    # At a step at which it would choose nothing by itself; the way is free, so it drives on.
    driver.take_over(np.array([1]), command[1:])
    action = driver.act(world.scene)
    assert action[1, 0] > 0.0 and abs(action[1, 1]) < 0.05
    # Who stands by tracks whatever it chose first, to stop beside the lane; nobody asks it.
    assert action[0, 0] < 0.0
