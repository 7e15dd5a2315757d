"""Habits 7 and 9: the weights decide what is learnt; the same seed gives the same training."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch as th
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger

from hcrmp.algorithm import MultiCriticPPO
from hcrmp.algorithm_config import HcrmpConfig, LinearSchedule
from hcrmp.policy import PolicyConfig
from tests.hcrmp.toy_worlds import ToyWorlds

SMALL = PolicyConfig(actor_layers=(16,), critic_layers=(16,))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    th.set_num_threads(1)


def config_of(**changes: Any) -> HcrmpConfig:
    settings: dict[str, Any] = {"policy": SMALL, "n_steps": 32, "batch_size": 64, "n_epochs": 4, "learning_rate": 3e-3}
    return HcrmpConfig(**{**settings, **changes})


def learnt_action(config: HcrmpConfig, weights: tuple[float, float, float], updates: int = 30, **world: Any) -> float:
    """Train, and return the mean of the deterministic action that two critics want at +0.6 and at -0.6."""
    env = ToyWorlds(8, weights=weights, **world)
    model = MultiCriticPPO(env=env, config=config, seed=0, device="cpu").learn(updates * 8 * 32)
    actions, _ = model.predict(env.reset(), deterministic=True)
    return float(actions[:, 0].mean())


# ---- the mechanism


@pytest.mark.parametrize("csa", ["hint", "fixed"])
def test_flipping_the_weights_flips_the_action(csa: Any) -> None:
    first, second = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05)
    assert learnt_action(config_of(csa=csa, fixed_weights=first), first) > 0.3
    assert learnt_action(config_of(csa=csa, fixed_weights=second), second) < -0.3


def test_control_ignored_weights_do_not_flip_the_action() -> None:
    """With the mechanism switched off (equal weights) the same two hints lead to the same action, bit for bit."""
    first, second = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05)
    actions = [learnt_action(config_of(csa="equal"), weights, updates=4) for weights in (first, second)]
    assert actions[0] == actions[1]


def test_the_weights_hold_however_large_a_reward_stream_is() -> None:
    """A critic with 100 times the reward does not win against the weights: each advantage is standardised first."""
    first = (0.9, 0.05, 0.05)
    assert learnt_action(config_of(), first, scales=(1.0, 100.0, 1.0)) > 0.3
    assert learnt_action(config_of(standardise_before=False), first, scales=(1.0, 100.0, 1.0)) < -0.3


def test_mean_anchored_weights_undo_a_constant_drift() -> None:
    """A hint that always says "critic 1" is pulled back to the prior, which here wants critic 0."""
    config = config_of(csa="mean_anchored", anchor_prior=(0.9, 0.05, 0.05))
    assert learnt_action(config, (0.05, 0.9, 0.05)) > 0.3


def test_attention_weights_train_and_stay_a_distribution() -> None:
    env = ToyWorlds(4)
    model = MultiCriticPPO(env=env, config=config_of(csa="attention"), seed=0, device="cpu").learn(3 * 4 * 32)
    rows = th.from_numpy(model.rollout_buffer.rows[0])
    weights = model.policy.attention_weights(rows).detach()
    assert weights.sum(dim=1).numpy() == pytest.approx(1.0, abs=1e-5)
    assert not th.allclose(weights, th.full_like(weights, 1 / 3), atol=1e-5)


def test_both_ways_of_giving_reward_terms_are_the_same() -> None:
    results = [learnt_action(config_of(), (0.9, 0.05, 0.05), 2, terms_as_attribute=flag) for flag in (False, True)]
    assert results[0] == results[1]


def test_critics_learn_unweighted_returns() -> None:
    """A change of weights moves no critic's target: the returns of the first rollout are the same under any hint."""
    returns = []
    for weights in ((0.9, 0.05, 0.05), (0.05, 0.05, 0.9)):
        model = MultiCriticPPO(env=ToyWorlds(4, weights=weights), config=config_of(), seed=0, device="cpu")
        returns.append(model.learn(4 * 32).rollout_buffer.returns.copy())
    assert np.array_equal(returns[0], returns[1])


# ---- weights on the reward


def test_flipping_the_weights_on_the_reward_flips_the_action() -> None:
    config = config_of(weights_on="reward")
    assert learnt_action(config, (0.9, 0.05, 0.05)) > 0.3
    assert learnt_action(config, (0.05, 0.9, 0.05)) < -0.3


def test_a_single_critic_learns_the_sum_that_held_step_by_step() -> None:
    """By hand, under hints that change every step: the reward is 3 sum_i lambda_i r_i, with the terms as they came."""
    env = ToyWorlds(4)
    rng = np.random.default_rng(1)

    class Hint(BaseCallback):
        def _on_step(self) -> bool:
            env.weights = rng.dirichlet(np.ones(3)).astype(np.float32)
            return True

    model = MultiCriticPPO(env=env, config=config_of(weights_on="reward"), seed=0, device="cpu")
    buffer = model.learn(4 * 32, callback=Hint()).rollout_buffer
    distance = buffer.actions[..., :1] - env.targets
    assert buffer.reward_terms == pytest.approx(-(distance**2), abs=1e-6)
    assert len({tuple(row) for row in buffer.weights[:, 0]}) == 31, "a new hint in every step but the second"
    expected = 3 * np.einsum("tbk,tbk->tb", buffer.weights, buffer.reward_terms)
    assert buffer.rewards[..., 0] == pytest.approx(expected, abs=1e-5)
    assert buffer.values.shape == buffer.advantages.shape == (32, 4, 1)


def test_scaled_terms_let_the_weights_decide_however_large_a_reward_term_is() -> None:
    first, scales = (0.9, 0.05, 0.05), (1.0, 100.0, 1.0)
    assert learnt_action(config_of(weights_on="reward", scale_terms=True), first, scales=scales) > 0.3
    assert learnt_action(config_of(weights_on="reward"), first, scales=scales) < -0.3


def test_a_mean_anchor_works_on_the_reward_too() -> None:
    config = config_of(weights_on="reward", csa="mean_anchored", anchor_prior=(0.9, 0.05, 0.05))
    assert learnt_action(config, (0.05, 0.9, 0.05)) > 0.3


# ---- determinism, logs, callbacks


def test_reward_terms_are_scaled_by_the_deviation_of_their_return() -> None:
    """By hand, with a discount of 0.5 and one world: returns from the back, cut at the end of an episode."""
    config = config_of(weights_on="reward", scale_terms=True, gamma=0.5, n_steps=4, batch_size=2)
    model = MultiCriticPPO(env=ToyWorlds(1), config=config, seed=0, device="cpu").learn(4)
    buffer = model.rollout_buffer
    buffer.reward_terms[:, 0] = [[1, 2, 0], [2, 4, 0], [4, 8, 0], [8, 16, 0]]
    buffer.episode_starts[:, 0] = [1, 0, 1, 0]
    expected = np.array([[2, 4, 0], [2, 4, 0], [8, 16, 0], [8, 16, 0]])
    assert np.array_equal(buffer.returns_of_terms()[:, 0], expected)
    buffer.weights[:, 0] = (0.5, 0.25, 0.25)
    buffer.weigh_rewards(expected.std(axis=0) + [0, 0, 0.01])
    # Standard deviations 3 and 6: each step is 3 (0.5 r_0 / 3 + 0.25 r_1 / 6) with r_1 = 2 r_0.
    assert buffer.rewards[:, 0, 0] == pytest.approx(0.75 * np.array([1, 2, 4, 8]))


@pytest.mark.parametrize("csa", ["hint", "attention", "mean_anchored", "shuffled"])
def test_same_seed_same_training(csa: Any) -> None:
    runs = [
        MultiCriticPPO(env=ToyWorlds(4), config=config_of(csa=csa), seed=5, device="cpu").learn(3 * 4 * 32)
        for _ in range(2)
    ]
    assert np.array_equal(runs[0].rollout_buffer.actions, runs[1].rollout_buffer.actions)
    for one, other in zip(runs[0].policy.parameters(), runs[1].policy.parameters(), strict=True):
        assert th.equal(one, other)
    other_seed = MultiCriticPPO(env=ToyWorlds(4), config=config_of(csa=csa), seed=6, device="cpu").learn(3 * 4 * 32)
    assert not np.array_equal(runs[0].rollout_buffer.actions, other_seed.rollout_buffer.actions)


class Recorder(KVWriter):
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0) -> None:
        self.values.update(key_values)

    def close(self) -> None:
        pass


def test_every_critic_is_logged() -> None:
    recorder = Recorder()
    model = MultiCriticPPO(env=ToyWorlds(4), config=config_of(), seed=0, device="cpu")
    model.set_logger(Logger(None, [recorder]))
    model.learn(2 * 4 * 32)
    for critic, weight in zip(("safety", "efficiency", "comfort"), (0.8, 0.1, 0.1), strict=True):
        assert recorder.values[f"critics/weight_{critic}"] == pytest.approx(weight)
        for name in ("value_loss", "explained_variance", "return", "reward", "return_scale"):
            assert np.isfinite(recorder.values[f"critics/{name}_{critic}"])
    for name in ("approx_kl", "clip_fraction", "entropy_loss", "value_loss", "policy_gradient_loss", "learning_rate"):
        assert np.isfinite(recorder.values[f"train/{name}"])


class Listener(BaseCallback):
    """Counts the calls; stops after ``limit`` steps."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit, self.starts, self.ends = limit, 0, 0

    def _on_rollout_start(self) -> None:
        self.starts += 1

    def _on_rollout_end(self) -> None:
        self.ends += 1

    def _on_step(self) -> bool:
        assert self.locals["dones"].shape == (4,)
        return self.n_calls < self.limit


def test_callbacks_hear_the_borders_of_rollouts_and_can_stop() -> None:
    listener = Listener(limit=40)
    model = MultiCriticPPO(env=ToyWorlds(4), config=config_of(), seed=0, device="cpu")
    model.learn(10_000, callback=listener)
    assert (listener.starts, listener.ends, model.num_timesteps) == (2, 1, 160)


def test_target_kl_stops_an_update_early() -> None:
    model = MultiCriticPPO(env=ToyWorlds(4), config=config_of(target_kl=1e-9, n_epochs=9), seed=0, device="cpu")
    assert model.learn(4 * 32)._n_updates < 9


def test_learning_rate_falls_to_its_share() -> None:
    schedule = LinearSchedule(1e-3, 0.1)
    assert [schedule(p) for p in (1.0, 0.5, 0.0)] == pytest.approx([1e-3, 5.5e-4, 1e-4])
    # The last rollout of a training goes beyond its end, by many times where that is short.
    assert schedule(-16383.0) == pytest.approx(1e-4)


# ---- refusals


class NoTerms(ToyWorlds):
    def step_wait(self) -> Any:
        observation, rewards, dones, _ = super().step_wait()
        return observation, rewards, dones, [{} for _ in range(self.num_envs)]


@pytest.mark.parametrize(
    ("env", "changes", "message"),
    [
        (ToyWorlds(2, plain=True), {}, "without 'hint'"),
        (ToyWorlds(2, plain=True), {"asr": False}, "without 'critic_weights'"),
        (ToyWorlds(2, weights=(0.5, 0.5)), {}, r"critic_weights has shape \(2,\)"),
        (NoTerms(2), {}, "no reward terms"),
        (ToyWorlds(2, weights=(0.5, 0.5)), {"csa": "equal"}, r"reward_terms has shape \(2, 2\)"),
        (ToyWorlds(2, weights=(0.9, 0.9, 0.0)), {}, "sum to 1"),
        (ToyWorlds(2, weights=(1.5, -0.5, 0.0)), {}, "negative or not finite"),
        (ToyWorlds(2, weights=(np.nan, 0.5, 0.5)), {}, "negative or not finite"),
        (ToyWorlds(2, weights=(0.9, 0.9, 0.0)), {"weights_on": "reward"}, "sum to 1"),
    ],
)
def test_what_does_not_fit_is_refused(env: ToyWorlds, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultiCriticPPO(env=env, config=config_of(**changes), seed=0, device="cpu").learn(64)


@pytest.mark.parametrize(
    "changes",
    [
        {"csa": "fixed", "fixed_weights": (1.0, 2.0)},
        {"csa": "attention", "weights_on": "reward"},
        {"batch_size": 1},
    ],
)
def test_settings_that_contradict_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="fixed_weights|attention|batch_size"):
        HcrmpConfig(**changes)


def test_actions_stay_within_bounds() -> None:
    model = MultiCriticPPO(env=ToyWorlds(4), config=config_of(), seed=0, device="cpu").learn(4 * 32)
    actions: npt.NDArray[np.float32] = model.rollout_buffer.actions
    assert np.abs(actions).max() < 1.0 and actions.std() > 0.1
