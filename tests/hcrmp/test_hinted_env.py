"""The environment of planners: what SB3 relies on, in every step and at every episode's end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

from envs.termination import Outcome
from hcrmp.build import build_environment
from hcrmp.encoders import HINT_KEY, STATE_KEY, WEIGHTS_KEY
from hcrmp.hinted_env import FlatObservation, HintedVecEnv
from hcrmp.sections import HintsConfig
from llm_hints.hint import PRIOR_WEIGHTS
from llm_hints.providers.faulty import FaultConfig
from tests.hcrmp.tiny import all_of, tiny_config

WORLDS = 3
STEPS = 300
"""More than the longest episode of merging."""


def make(hints: HintsConfig | None = None) -> HintedVecEnv:
    return build_environment(tiny_config(Path("runs")), WORLDS, hints)


@pytest.fixture
def env() -> Iterator[HintedVecEnv]:
    made = make()
    yield made
    made.close()


def actions(seed: int = 0) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    while True:
        yield rng.uniform((-0.3, -0.2), (1.0, 0.2), (WORLDS, 2)).astype(np.float32)


def rollout(env: VecEnv, seed: int, steps: int = STEPS) -> list[tuple[Any, ...]]:
    env.seed(seed)
    chosen = actions()
    return [(env.reset(),), *(env.step(next(chosen)) for _ in range(steps))]


def same(first: Any, second: Any) -> bool:
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(same(a, b) for a, b in zip(first, second, strict=True))
    return bool(np.array_equal(first, second))


def part(observation: Any, key: str) -> Any:
    """Return a part of what SB3's types call an observation of any kind."""
    return observation[key]


def test_every_observation_lies_in_its_space(env: HintedVecEnv) -> None:
    observation = env.reset()
    chosen = actions()
    for _ in range(STEPS):
        for world in range(WORLDS):
            row = {key: part[world] for key, part in observation.items()}
            assert env.observation_space.contains(row)
        assert observation[WEIGHTS_KEY].sum(1) == pytest.approx(1.0, abs=1e-5)
        observation, rewards, dones, infos = env.step(next(chosen))  # type: ignore[assignment]
        assert rewards.dtype == np.float32 and rewards.shape == dones.shape == (WORLDS,) and len(infos) == WORLDS


def test_an_ended_episode_tells_how_and_with_what_it_ended(env: HintedVecEnv) -> None:
    twin = make()
    for either in (env, twin):
        either.seed(5)
        either.reset()
    ends, returns, lengths = 0, np.zeros(WORLDS), np.zeros(WORLDS, np.int64)
    for _, action in zip(range(STEPS), actions(), strict=False):
        observation, rewards, dones, infos = env.step(action)
        made = twin.advance(action)
        last, cells, seeds = (
            twin.observe(made.observation.copy()),
            twin.driving.cells.copy(),
            twin.driving.episode_seeds.copy(),
        )
        if made.any_ended:
            twin.restart(made.ended)
        returns += made.reward
        lengths += 1
        assert np.array_equal(dones, made.ended) and rewards == pytest.approx(made.reward.astype(np.float32))
        for world in np.flatnonzero(dones):
            info = infos[world]
            assert same(info["terminal_observation"], {key: part[world] for key, part in last.items()})
            assert not same(info["terminal_observation"][STATE_KEY], part(observation, STATE_KEY)[world])
            assert info["outcome"] == Outcome(made.outcome[world]) and info["is_success"] == (info["outcome"] == 1)
            assert (info["cell"], info["episode_seed"]) == (cells[world], seeds[world]) and seeds[world] < 2**31
            assert info["episode"]["r"] == pytest.approx(returns[world]) and info["episode"]["l"] == lengths[world]
            assert not info["TimeLimit.truncated"], "a timeout is a true end: the remaining time is observed"
            ends += 1
        returns[dones], lengths[dones] = 0.0, 0
    twin.close()
    assert ends >= WORLDS


def test_the_reward_is_the_weighted_sum_of_the_three_terms(env: HintedVecEnv) -> None:
    env.reset()
    weights = env.driving.config.reward.reward_weights
    for _, action in zip(range(50), actions(), strict=False):
        _, rewards, _, _ = env.step(action)
        assert rewards == pytest.approx(env.reward_terms @ np.asarray(weights), abs=1e-5)


def test_the_same_seed_gives_the_same_rollout(env: HintedVecEnv) -> None:
    first = rollout(env, 7)
    assert same(first, rollout(env, 7))
    assert not same(first, rollout(env, 8))


def test_a_restored_state_goes_on_as_the_original(env: HintedVecEnv) -> None:
    faults = HintsConfig(provider="faulty", faults=FaultConfig(wrong=0.3, late=0.3, missing=0.3))
    original, restored = make(faults), make(faults)
    restored.reset()
    rollout(original, 3, steps=40)
    observation = restored.set_state(original.state())
    assert same(observation, original.observe(original.driving.state()["observation"]))
    for _, action in zip(range(STEPS), actions(1), strict=False):
        assert same(original.step(action), restored.step(action))
    original.close()
    restored.close()


def test_without_hints_the_state_hint_is_empty_and_the_weights_are_the_priors() -> None:
    env = make(HintsConfig(provider="none"))
    for observation, *_ in rollout(env, 0, steps=30):
        assert not observation[HINT_KEY].any()
        assert observation[WEIGHTS_KEY] == pytest.approx(np.tile(PRIOR_WEIGHTS, (WORLDS, 1)))
    env.close()


@pytest.mark.parametrize("fault", ["malformed", "late", "missing"])
def test_a_hint_that_fails_changes_neither_worlds_nor_ends(env: HintedVecEnv, fault: str) -> None:
    spoilt = make(HintsConfig(provider="faulty", faults=all_of(fault)))
    for either in (env, spoilt):
        either.seed(2)
        either.reset()
    for _, action in zip(range(STEPS), actions(), strict=False):
        good, bad = env.step(action), spoilt.step(action)
        assert same(part(good[0], STATE_KEY), part(bad[0], STATE_KEY)) and same(good[1:3], bad[1:3])
        assert [info.get("outcome") for info in good[3]] == [info.get("outcome") for info in bad[3]]
    spoilt.close()


@pytest.mark.parametrize("with_hint", [False, True])
def test_the_flat_view_is_the_state_with_the_hint_behind_it(env: HintedVecEnv, with_hint: bool) -> None:
    flat = FlatObservation(env, with_hint)
    flat.seed(1)
    observation: Any = flat.reset()
    ends = 0
    for _, action in zip(range(STEPS), actions(), strict=False):
        full = env.observe(env.driving.state()["observation"])
        parts = [full[STATE_KEY], full[HINT_KEY]] if with_hint else [full[STATE_KEY]]
        assert np.array_equal(observation, np.concatenate(parts, axis=1))
        assert flat.observation_space.contains(observation[0])
        observation, _, dones, infos = flat.step(action)
        for world in np.flatnonzero(dones):
            assert infos[world]["terminal_observation"].shape == flat.observation_space.shape
            ends += 1
    assert ends


def test_sb3s_own_wrappers_and_calls_work(env: HintedVecEnv) -> None:
    monitored = VecMonitor(env)
    monitored.reset()
    monitored.step(next(actions()))
    assert env.get_attr("num_envs") == [WORLDS] * WORLDS and env.get_attr("num_envs", [0]) == [WORLDS]
    assert env.env_is_wrapped(object) == [False] * WORLDS  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="single worlds"):
        env.set_attr("x", 1)


def test_a_frame_shows_the_hint_and_its_weights(env: HintedVecEnv) -> None:
    """The lower panel has words and bars that the frame of the world alone lacks; the road above is the same."""
    env.reset()
    hinted, plain = env.get_images()[0], env.driving.render_world(0)
    assert hinted is not None and hinted.shape == plain.shape
    height = len(plain)
    assert np.array_equal(hinted[height // 10 : height // 2], plain[height // 10 : height // 2])
    assert not np.array_equal(hinted[-height // 5 :], plain[-height // 5 :])
