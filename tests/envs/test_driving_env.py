"""The environment's own work, on a stand-in simulator whose future is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from envs.action import steer_limit
from envs.driving_env import DrivingConfig, DrivingEnv, DrivingVectorEnv
from envs.errors import EpisodeEndedError, InvalidActionError, InvalidConfigError, UnknownChoiceError
from envs.observation import ObservationConfig
from envs.termination import Outcome
from tests.envs.builders import LaneSource, StraightSimulator


def make(
    batch: int = 3, cells: tuple[int, ...] = (0, 1, 2), perception: str = "scan", **kwargs: Any
) -> DrivingVectorEnv:
    config = DrivingConfig(observation=ObservationConfig(perception=perception))
    return DrivingVectorEnv(StraightSimulator(batch, **kwargs), LaneSource(), cells, config)


def idle(env: DrivingVectorEnv) -> np.ndarray:
    return np.full((env.num_envs, 2), (env.config.action.coast_at, 0.0))


def test_spaces_and_metadata_describe_what_is_returned() -> None:
    env = make()
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    observation, info = env.reset(seed=1)
    assert env.observation_space.contains(observation)
    assert observation.shape == (3, env.layout.size)
    assert info["episode_seed"].shape == info["cell"].shape == (3,)
    observation, reward, terminated, truncated, infos = env.step(idle(env))
    assert env.observation_space.contains(observation)
    assert reward.shape == terminated.shape == truncated.shape == infos["outcome"].shape == (3,)
    assert infos["reward_terms"].shape == (3, 3)
    np.testing.assert_allclose(infos["reward_terms"].sum(axis=1), reward)


def test_the_same_seed_gives_the_same_episodes_and_another_others() -> None:
    first, second = make(), make()
    same = [first.reset(seed=5)[1], second.reset(seed=5)[1]]
    np.testing.assert_array_equal(same[0]["episode_seed"], same[1]["episode_seed"])
    assert not np.array_equal(second.reset(seed=6)[1]["episode_seed"], same[0]["episode_seed"])
    assert not np.array_equal(first.reset()[1]["episode_seed"], same[0]["episode_seed"])


def test_a_worlds_episodes_do_not_depend_on_the_other_worlds() -> None:
    few, many = make(2), make(5)
    first, second = few.reset(seed=9)[1], many.reset(seed=9)[1]
    np.testing.assert_array_equal(first["episode_seed"], second["episode_seed"][:2])
    few.restart(np.array([False, True]))
    many.restart(np.ones(5, bool))
    assert few.episode_seeds[1] == many.episode_seeds[1]
    assert few.episode_seeds[0] != many.episode_seeds[0]


def test_options_fix_the_episodes_exactly() -> None:
    env = make()
    _, info = env.reset(options={"episode_seeds": [4, 5, 6], "cells": [2, 0, 1]})
    assert info["episode_seed"].tolist() == env.scene.seed.tolist() == [4, 5, 6]
    assert info["cell"].tolist() == env.scene.cell.tolist() == [2, 0, 1]
    np.testing.assert_array_equal(env.scene.ego.speed, [9.0, 10.0, 11.0])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"episode_seed": [1, 2, 3]}, UnknownChoiceError, "Did you mean 'episode_seeds'"),
        ({"cells": [1, 2]}, InvalidConfigError, "3 integers"),
        ({"episode_seeds": [1, 2, -3]}, InvalidConfigError, ">= 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make().reset(options=options)


def test_an_ended_world_starts_again_in_the_same_step_and_its_end_is_kept() -> None:
    env = make(2)
    env.reset(options={"episode_seeds": [6, 0], "cells": [0, 0]})  # 11 m/s and 5 m/s
    for step in range(1, 100):  # noqa: B007
        observation, reward, terminated, _, infos = env.step(idle(env))
        if terminated.any():
            break
    assert step == 51  # 51 x 1.1 m = 56.1 m: the bodies of 4 m, 60 m apart, meet
    assert terminated.tolist() == [True, False]
    assert infos["outcome"].tolist() == [Outcome.COLLISION, Outcome.RUNNING]
    assert infos["_final_obs"].tolist() == infos["_final_info"].tolist() == [True, False]
    assert infos["final_obs"][1] is None and infos["final_obs"][0].shape == observation[0].shape
    assert infos["final_info"]["outcome"][0] == Outcome.COLLISION
    assert infos["episode_seed"][0] == 6 != env.episode_seeds[0]
    worlds, scene = env.final_scene or (None, None)
    assert worlds is not None and scene is not None
    assert worlds.tolist() == [0] and scene.ego.x[0] == pytest.approx(56.1)
    assert env.scene.ego.x[0] == 0.0 and env.scene.ego.x[1] == pytest.approx(51 * 0.5)
    safety, efficiency, _ = env.config.reward.reward_weights
    lost = 20.0 * 1.1 / 100.0 - 5.0 * 5.1 / 20.0  # the last step's progress, and 5.1 s of 20 s
    assert reward[0] == pytest.approx(safety * (-5.0 - 0.1) + efficiency * lost)
    env.step(idle(env))
    assert env.final_scene is None


def test_the_observation_after_autoreset_is_a_first_observation() -> None:
    env = make(1)
    env.reset(options={"episode_seeds": [6], "cells": [0]})
    for _ in range(51):
        observation, _, terminated, _, infos = env.step(idle(env))
    assert terminated[0]
    fixed = {"episode_seeds": env.episode_seeds.copy(), "cells": env.cells.copy()}
    expected, _ = make(1).reset(options=fixed)
    np.testing.assert_array_equal(observation, expected)
    assert not np.array_equal(infos["final_obs"][0], observation[0])


def test_the_commands_memory_ends_with_the_episode() -> None:
    env = make(1)
    env.reset(options={"episode_seeds": [0], "cells": [0]})
    full = np.ones((1, 2), np.float32)
    env.step(full)
    np.testing.assert_allclose(env.last_command, [[0.5, 0.25]])
    limit = steer_limit(5.0, 2.87 * 3.5, 0.913)  # the world starts at 5 m/s
    np.testing.assert_allclose(env.last_control, [[(0.5 + 0.4) / 1.4, 0.0, 0.25 * limit]])
    env.restart(np.array([True]))
    np.testing.assert_array_equal(env.last_command, [[0.0, 0.0]])
    env.step(full)
    np.testing.assert_allclose(env.last_command, [[0.5, 0.25]])


def test_the_first_step_of_an_episode_is_paid_for_its_own_progress() -> None:
    env = make(2)
    env.reset(options={"episode_seeds": [0, 0], "cells": [0, 0]})
    for _ in range(5):
        env.step(idle(env))
    env.restart(np.array([True, False]), episode_seeds=[0], cells=[0])
    _, _, _, _, infos = env.step(idle(env))
    np.testing.assert_allclose(infos["reward_terms"][:, 1], 20.0 * 0.5 / 100.0)


def test_advance_refuses_to_go_on_after_the_end() -> None:
    env = make(2, time_limit_s=0.1)
    with pytest.raises(EpisodeEndedError, match="reset"):
        env.advance(idle(env))
    env.reset(seed=0)
    made = env.advance(idle(env))
    assert made.any_ended and made.outcome.tolist() == [Outcome.TIMEOUT] * 2
    assert made.terminated.all() and not made.truncated.any()
    with pytest.raises(EpisodeEndedError, match=r"\[0, 1\]"):
        env.advance(idle(env))
    env.restart(np.array([True, False]))
    with pytest.raises(EpisodeEndedError, match=r"\[1\]"):
        env.advance(idle(env))
    env.restart(np.array([False, True]))
    env.advance(idle(env))


def test_a_failed_simulator_truncates() -> None:
    env = make(2)
    env.reset(seed=0)
    env.simulator.failed = np.array([False, True])  # type: ignore[attr-defined]
    _, _, terminated, truncated, infos = env.step(idle(env))
    assert terminated.tolist() == [False, False] and truncated.tolist() == [False, True]
    assert infos["outcome"][1] == Outcome.INFRASTRUCTURE


@pytest.mark.parametrize("perception", ["scan", "agents"])
def test_a_restored_state_has_the_same_future(perception: str) -> None:
    rng = np.random.default_rng(3)
    actions = rng.uniform(-1, 1, (120, 3, 2)).astype(np.float32)
    env = make(3, perception=perception)
    env.reset(seed=2)
    for action in actions[:40]:
        env.step(action)
    saved = env.state()
    expected = [env.step(action)[:4] for action in actions[40:]]
    other = make(3, perception=perception)
    np.testing.assert_array_equal(other.set_state(saved), saved["observation"])
    for action, wanted in zip(actions[40:], expected, strict=True):
        for mine, theirs in zip(other.step(action)[:4], wanted, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(other.episode_seeds, env.episode_seeds)


def test_a_state_of_another_observation_is_refused() -> None:
    env = make(2)
    env.reset(seed=0)
    with pytest.raises(InvalidConfigError, match="observations"):
        make(2, perception="agents").set_state(env.state())


def test_returned_arrays_are_not_written_again() -> None:
    env = make(2)
    first, _ = env.reset(seed=0)
    kept = first.copy()
    second, reward, *_ = env.step(idle(env))
    kept_second, kept_reward = second.copy(), reward.copy()
    env.step(np.ones((2, 2), np.float32))
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(second, kept_second)
    np.testing.assert_array_equal(reward, kept_reward)
    env.reset()
    np.testing.assert_array_equal(second, kept_second)


def test_one_world_is_the_first_row_of_many() -> None:
    single, vector = DrivingEnv(make(1)), make(1)
    observation, info = single.reset(seed=8)
    rows, infos = vector.reset(seed=8)
    np.testing.assert_array_equal(observation, rows[0])
    assert info == {"episode_seed": int(infos["episode_seed"][0]), "cell": int(infos["cell"][0])}
    for _ in range(30):
        action = np.array([0.3, 0.01], np.float32)
        observation, reward, terminated, truncated, info = single.step(action)
        rows, rewards, *_ = vector.step(action[None])
        if terminated:
            break
        np.testing.assert_array_equal(observation, rows[0])
        assert reward == rewards[0] and not truncated and "is_success" not in info


def test_one_world_stops_at_its_end() -> None:
    env = DrivingEnv(make(1))
    env.reset(options={"episode_seed": 6, "cell": 0})
    ended = False
    while not ended:
        _, _, ended, _, info = env.step(np.zeros(2, np.float32))
    assert info["outcome"] == Outcome.COLLISION and info["is_success"] is False and info["episode_seed"] == 6
    with pytest.raises(EpisodeEndedError):
        env.step(np.zeros(2, np.float32))
    with pytest.raises(UnknownChoiceError, match="Did you mean 'cell'"):
        env.reset(options={"cel": 0})
    env.close()
    assert env.vector.simulator.closed  # type: ignore[attr-defined]


def test_wrong_actions_and_wrong_batches_are_refused() -> None:
    env = make(2)
    env.reset(seed=0)
    with pytest.raises(InvalidActionError, match=r"\(2, 2\)"):
        env.step(np.zeros((3, 2), np.float32))
    with pytest.raises(InvalidActionError, match="world 1"):
        env.step(np.array([[0.0, 0.0], [np.nan, 0.0]], np.float32))
    with pytest.raises(InvalidConfigError, match="one world"):
        DrivingEnv(env)
    with pytest.raises(InvalidConfigError, match="cell"):
        make(2, cells=())


def test_episodes_cover_the_cells_evenly() -> None:
    env = make(300, cells=(3, 5, 8))
    env.reset(seed=0)
    counts = [int((env.cells == cell).sum()) for cell in (3, 5, 8)]
    assert sum(counts) == 300 and min(counts) > 70


def test_rendering_needs_a_mode() -> None:
    env = make(1)
    env.reset(seed=0)
    with pytest.raises(InvalidConfigError, match="render_mode"):
        env.render()
    with pytest.raises(UnknownChoiceError, match="rgb_array"):
        DrivingVectorEnv(StraightSimulator(1), LaneSource(), (0,), render_mode="rgb_aray")
