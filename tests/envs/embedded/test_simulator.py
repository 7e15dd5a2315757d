"""The embedded simulator: bit-identical replay, independent worlds, saved and copied states, clear errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.scenarios.catalogue import ScenarioSet, scenario_set
from envs.scene import ActorKind, ActorRow, SceneBatch
from envs.simulator import Simulator
from tests.envs.traffic.worlds import SLOTS, Body, case, maps, start


@pytest.fixture(scope="module")
def cells() -> ScenarioSet:
    return scenario_set("paper")


def simulator(cells: ScenarioSet, batch: int) -> EmbeddedSimulator:
    return EmbeddedSimulator(batch, cells.maps, EmbeddedConfig(actors=cells.most_actors))


def controls(seed: int, steps: int, batch: int) -> np.ndarray:
    """Return throttle, brake and some steering ``(steps, B, 3)``, each world's from its own generator."""
    per_world = [np.random.default_rng([seed, b]).uniform(0.0, 1.0, (steps, 3)) for b in range(batch)]
    drawn = np.stack(per_world, axis=1)
    drawn[..., 1] *= drawn[..., 1] > 0.8
    drawn[..., 2] = 0.1 * (drawn[..., 2] - 0.5)
    return drawn


def numbers(scene: SceneBatch) -> dict[str, np.ndarray]:
    return {
        "time": scene.time_s, "step": scene.step, "cell": scene.cell, "seed": scene.seed, "ego": scene.ego.block,
        "actors": scene.actors.block, "road": scene.road.block, "route": scene.route.block,
        "points": scene.route.points, "events": scene.events.block,
    }  # fmt: skip


def assert_same(first: SceneBatch, second: SceneBatch) -> None:
    for (name, a), b in zip(numbers(first).items(), numbers(second).values(), strict=True):
        assert np.array_equal(a, b), name


def started(cells: ScenarioSet, batch: int) -> EmbeddedSimulator:
    world = simulator(cells, batch)
    world.reset([cells.sample(b % len(cells), b) for b in range(batch)])
    return world


def test_implements_the_protocol(cells: ScenarioSet) -> None:
    assert isinstance(simulator(cells, 1), Simulator)


def test_the_same_seeds_replay_bit_for_bit(cells: ScenarioSet) -> None:
    first, second = started(cells, 12), started(cells, 12)
    for control in controls(0, 80, 12):
        assert_same(first.step(control), second.step(control))


def test_a_reset_world_replays_bit_for_bit(cells: ScenarioSet) -> None:
    """Nothing of an episode is left over for the next one in the same world."""
    world = started(cells, 12)
    steps = controls(1, 60, 12)
    first = [world.step(control).copy() for control in steps]
    world.reset([cells.sample((b + 5) % 12, 900 + b) for b in range(12)])
    for control in controls(2, 30, 12):
        world.step(control)
    world.reset([cells.sample(b % 12, b) for b in range(12)])
    for control, before in zip(steps, first, strict=True):
        assert_same(world.step(control), before)


def test_a_world_does_not_know_its_batch(cells: ScenarioSet) -> None:
    """World k of 64 equals the same world alone, bit for bit."""
    batch = started(cells, 64)
    steps = controls(3, 60, 64)
    history = [batch.step(control).copy() for control in steps]
    for k in (0, 7, 23, 63):
        alone = simulator(cells, 1)
        alone.reset([cells.sample(k % len(cells), k)])
        for control, scene in zip(steps, history, strict=True):
            assert_same(alone.step(control[k : k + 1]), scene.rows([k]))


def test_state_and_set_state_continue_bit_for_bit(cells: ScenarioSet) -> None:
    world = started(cells, 12)
    steps = controls(4, 60, 12)
    for control in steps[:30]:
        world.step(control)
    kept = world.state()
    expected = [world.step(control).copy() for control in steps[30:]]
    other = simulator(cells, 12)
    other.set_state(kept)
    for control, scene in zip(steps[30:], expected, strict=True):
        assert_same(other.step(control), scene)
    assert [other.map_name(b) for b in range(12)] == [world.map_name(b) for b in range(12)]
    # The state is a copy: going on did not change it.
    assert_same(world.set_state(kept), other.set_state(kept))


def test_load_rows_branches_off(cells: ScenarioSet) -> None:
    world = started(cells, 12)
    steps = controls(5, 40, 12)
    for control in steps[:20]:
        world.step(control)
    rows = [3, 3, 11, 0]
    branch = simulator(cells, 4)
    assert_same(branch.load_rows(world, rows), world.scene.rows(rows))
    for control in steps[20:]:
        assert_same(branch.step(control[rows]), world.step(control).rows(rows))
    assert [branch.map_name(k) for k in range(4)] == [world.map_name(row) for row in rows]


def test_looking_ahead_does_not_touch_the_original(cells: ScenarioSet) -> None:
    world = started(cells, 12)
    before = world.scene.copy()
    branch = simulator(cells, 12)
    branch.load_rows(world, np.arange(12))
    for control in controls(6, 20, 12):
        branch.step(control)
    assert_same(world.scene, before)


def test_stepping_some_worlds_leaves_the_others_where_they_are(cells: ScenarioSet) -> None:
    world, twin = started(cells, 12), started(cells, 12)
    rows, others = np.array([1, 4, 11]), np.array([0, 2, 3, 5, 6, 7, 8, 9, 10])
    before = world.scene.copy()
    for control in controls(9, 20, 12):
        world.step_rows(control, rows)
        twin.step(control)
    assert_same(world.scene.rows(others), before.rows(others))
    # Sight is all that a look ahead leaves out.
    for each in (world, twin):
        each.scene.actors.block[ActorRow.VISIBLE] = 0.0
    assert_same(world.scene.rows(rows), twin.scene.rows(rows))


def test_reset_of_some_worlds_leaves_the_others_untouched(cells: ScenarioSet) -> None:
    world, twin = started(cells, 12), started(cells, 12)
    steps = controls(7, 40, 12)
    for control in steps[:20]:
        world.step(control)
        twin.step(control)
    mask = np.zeros(12, dtype=bool)
    mask[[2, 9]] = True
    world.reset([cells.sample(4, 77), cells.sample(8, 78)], mask)
    others = np.flatnonzero(~mask)
    assert_same(world.scene.rows(others), twin.scene.rows(others))
    for control in steps[20:]:
        assert_same(world.step(control).rows(others), twin.step(control).rows(others))
    assert world.scene.step[[2, 9]].tolist() == [20, 20]
    assert world.scene.seed[[2, 9]].tolist() == [77, 78]


def test_a_fresh_world() -> None:
    world = start(case("multi_lane_0", ((1, -2), 50.0), 9.0, [Body((1, -1), 70.0, speed=5.0, kind=ActorKind.TRUCK)]))
    scene = world.scene
    assert (scene.time_s[0], scene.step[0]) == (0.0, 0)
    assert (scene.ego.x[0], scene.ego.y[0], scene.ego.speed[0]) == pytest.approx((50.0, -5.25, 9.0))
    assert scene.actors.valid[0].tolist() == [True] + [False] * (SLOTS - 1)
    assert scene.actors.visible[0, 0]
    assert scene.actors.kind[0, 0] == ActorKind.TRUCK
    assert (scene.actors.x[0, 0], scene.actors.y[0, 0]) == pytest.approx((70.0, -1.75))
    assert (scene.actors.vx[0, 0], scene.actors.vy[0, 0]) == pytest.approx((5.0, 0.0))
    assert not scene.events.collision[0]
    assert scene.events.collision_actor[0] == -1
    assert np.all(scene.actors.block[:, 0, 1:] == 0.0)


def test_time_and_steps_count_decisions() -> None:
    world = start(case("multi_lane_0", ((1, -2), 50.0), 9.0))
    for _ in range(25):
        scene = world.step(np.zeros((1, 3)))
    assert scene.step[0] == 25
    assert scene.time_s[0] == pytest.approx(2.5)


def test_never_a_number_that_is_none(cells: ScenarioSet) -> None:
    world = started(cells, 24)
    for control in controls(8, 300, 24):
        scene = world.step(control)
    for name, block in numbers(scene).items():
        assert np.isfinite(block).all(), name


def simple_case(**changes: Any) -> Any:
    return case("multi_lane_0", ((1, -2), 50.0), **changes)


def test_closed() -> None:
    world = start(simple_case())
    world.close()
    with pytest.raises(RuntimeError, match="closed; make a new one"):
        world.step(np.zeros((1, 3)))
    with pytest.raises(RuntimeError, match="closed; make a new one"):
        world.reset([simple_case()])


def test_wrong_number_of_scenarios() -> None:
    world = start(simple_case(), simple_case())
    with pytest.raises(ValueError, match="1 scenarios for 2 worlds"):
        world.reset([simple_case()])


def test_too_many_actors() -> None:
    bodies = [Body((1, -1), 20.0 + 10.0 * k, parked=True) for k in range(SLOTS + 1)]
    with pytest.raises(ValueError, match=r"7 actors, the simulator 6 slots; raise EmbeddedConfig\.actors"):
        start(simple_case(bodies=bodies))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2), (3, 1)])
def test_a_control_of_another_shape(shape: tuple[int, ...]) -> None:
    world = start(simple_case())
    with pytest.raises(ValueError, match=r"control has shape .*expected \(1, 3\)"):
        world.step(np.zeros(shape))


def test_a_control_of_single_precision_is_taken() -> None:
    first, second = start(simple_case(ego_speed=5.0)), start(simple_case(ego_speed=5.0))
    assert_same(first.step(np.full((1, 3), 0.5, np.float32)), second.step(np.full((1, 3), 0.5)))


def test_a_state_of_another_shape() -> None:
    state = start(simple_case()).state()
    with pytest.raises(ValueError, match="this simulator"):
        start(simple_case(), simple_case()).set_state(state)


def test_rows_that_do_not_fill_the_batch() -> None:
    world, branch = start(simple_case(), simple_case()), start(*[simple_case()] * 3)
    with pytest.raises(ValueError, match="2 rows for 3 worlds"):
        branch.load_rows(world, [0, 1])


def test_a_route_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="65 lanes"):
        start(simple_case(route=[(1, -2)] * 65))


def test_an_unknown_map() -> None:
    with pytest.raises(KeyError, match="unknown map"):
        EmbeddedSimulator(1, type(maps())(["atlantis"]))
