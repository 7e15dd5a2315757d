"""The Gymnasium ids: made by name, checked by Gymnasium's and Stable-Baselines3's own checkers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.env_checker import check_env as sb3_check

import envs
from envs.driving_env import DrivingConfig, DrivingEnv, DrivingVectorEnv
from envs.observation import ObservationConfig
from envs.registration import ENV_IDS, register_envs
from envs.roads.town import Town


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_gymnasium_and_sb3_find_nothing_wrong(env_id: str) -> None:
    env = gym.make(env_id)
    gymnasium_check(env.unwrapped, skip_render_check=True)
    sb3_check(env.unwrapped, warn=True, skip_render_check=True)
    env.close()


@pytest.mark.parametrize("env_id", ENV_IDS)
@pytest.mark.parametrize("observation", ["scan", "agents"])
def test_many_worlds_drive_through_several_episodes(env_id: str, observation: str) -> None:
    env = gym.make_vec(env_id, num_envs=4, density="all", observation=observation)
    assert isinstance(env, DrivingVectorEnv) and env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    env.action_space.seed(0)
    seen, _ = env.reset(seed=0)
    ended = 0
    for _ in range(400):
        assert env.observation_space.contains(seen)
        seen, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        assert np.isfinite(reward).all() and not truncated.any()
        ended += int(terminated.sum())
    assert ended > 4
    env.close()


def test_the_vector_environment_and_the_single_one_see_the_same() -> None:
    single, vector = gym.make(ENV_IDS[0], density="low"), gym.make_vec(ENV_IDS[0], num_envs=2, density="low")
    one, info = single.reset(seed=3)
    many, infos = vector.reset(seed=3)
    assert info["episode_seed"] == infos["episode_seed"][0]
    np.testing.assert_array_equal(one, many[0])
    action = np.array([0.5, 0.01], np.float32)
    for _ in range(20):
        one, reward, *_ = single.step(action)
        many, rewards, *_ = vector.step(np.stack([action, -action]))
        np.testing.assert_array_equal(one, many[0])
        assert reward == rewards[0]


def test_settings_reach_the_environment() -> None:
    env = gym.make(ENV_IDS[1], observation=ObservationConfig(perception="scan", rays=36, frames=3)).unwrapped
    assert isinstance(env, DrivingEnv) and env.vector.layout.shapes["scan"] == (3, 36, 2)
    config = DrivingConfig(observation=ObservationConfig(perception="agents", agents_per_place=1))
    env = gym.make(ENV_IDS[1], config=config).unwrapped
    assert isinstance(env, DrivingEnv) and env.vector.config is config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"density": "hihg"}, "high"),
        ({"observation": "scans"}, "Did you mean 'scan'"),
        ({"simulator": "embeded"}, "Did you mean 'embedded'"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gym.make(ENV_IDS[0], **settings)


def test_a_wrong_id_is_answered_with_the_nearest() -> None:
    with pytest.raises(gym.error.NameNotFound, match="Overtaking"):
        gym.make("hcrmp/Overtakin-v0")


def test_registering_twice_is_harmless() -> None:
    assert envs.__name__ == "envs"
    register_envs()
    assert set(ENV_IDS) <= set(gym.registry)


def test_importing_envs_registers_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, envs, gymnasium; assert 'hcrmp/Merging-v0' in gymnasium.registry; "
        "heavy = {'numba', 'PIL', 'pygame', 'envs.driving_env', 'torch'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_frame_shows_the_drive() -> None:
    env = gym.make(ENV_IDS[2], render_mode="rgb_array")
    env.reset(seed=0)
    first = np.asarray(env.render())
    for _ in range(8):
        env.step(np.array([1.0, 0.0], np.float32))
    later = np.asarray(env.render())
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape == later.shape and first.shape[2] == 3
    assert (first != later).any()
    env.close()


def test_a_window_shows_the_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gym.make(ENV_IDS[0], render_mode="human")
    env.reset(seed=0)
    env.step(np.zeros(2, np.float32))
    assert env.render() is None
    env.close()


def test_a_route_lies_on_the_map_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "mine.xodr"
    file.write_text(Town(block_m=95.0).opendrive())
    env = gym.make("hcrmp/Route-v0", map=str(file), density="low")
    assert isinstance(env.unwrapped, DrivingEnv)
    env.reset(seed=0)
    case = env.unwrapped.vector.scenarios.sample(0, 0)
    assert case.map_name == str(file)
    env.close()
    many = gym.make_vec("hcrmp/Route-v0", num_envs=2, map="town", density="low")
    assert isinstance(many, DrivingVectorEnv) and many.scenarios.sample(0, 0).map_name == "town"
    many.close()
