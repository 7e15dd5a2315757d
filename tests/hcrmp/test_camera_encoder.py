"""Pictures: packed into rows and back, encoded, and learnt from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn
from torch import nn

from hcrmp.algorithm import MultiCriticPPO
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.camera_encoder import CameraEncoder, CameraEncoderConfig
from hcrmp.drivers import PlannerDriver
from hcrmp.encoders import IMAGES_KEY, InputLayout
from hcrmp.policy import PolicyConfig
from hcrmp.shufflenet import FrozenBatchNorm, ShuffleNetV2
from tests.hcrmp.toy_worlds import ToyWorlds

CAMERA = CameraEncoderConfig(embedding=16, hidden=16)


def space_of(*shape: int) -> spaces.Dict:
    return spaces.Dict(
        {"images": spaces.Box(0, 255, shape, np.uint8), "state": spaces.Box(-1.0, 1.0, (5,), np.float32)}
    )


# ---- rows


@given(st.integers(1, 3), st.integers(1, 13), st.integers(0, 2**32 - 1))
def test_bytes_survive_the_row_whatever_numbers_they_spell(rows: int, width: int, seed: int) -> None:
    """Four bytes may spell a NaN: nothing may change them on their way."""
    layout = InputLayout(space_of(2, width, 3), ("images", "state"))
    rng = np.random.default_rng(seed)
    images = rng.choice(np.array([0, 1, 127, 128, 255], np.uint8), (rows, 2, width, 3))
    state = rng.normal(size=(rows, 5)).astype(np.float32)
    packed = np.empty((rows, layout.size), np.float32)
    layout.write({"images": images, "state": state}, packed)
    assert layout.numbers == 5 and layout.size == 5 + -(-2 * width * 3 // 4)
    order = np.random.default_rng(seed).permutation(rows)
    moved = th.from_numpy(packed).index_select(0, th.from_numpy(order))
    np.testing.assert_array_equal(layout.pictures(moved, "images").numpy(), images[order])
    np.testing.assert_array_equal(packed[:, :5], state)
    # Stable-Baselines3's own way gives the same row.
    as_tensors = {"images": th.from_numpy(images).float(), "state": th.from_numpy(state)}
    assert layout.gather(as_tensors).numpy().tobytes() == packed.tobytes()


# ---- the network


def test_the_network_is_shufflenet_v2_of_width_one_half() -> None:
    """1,366,792 parameters with the classifier of 1024 x 1000 + 1000 (torchvision's count); ours has none."""
    network = ShuffleNetV2(frozen_batch_norm=True)
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_366_792 - 1_025_000
    names = set(network.state_dict())
    assert {"conv1.0.weight", "conv1.1.running_mean", "conv5.1.bias", "stage2.0.branch1.3.running_var"} <= names
    assert {"stage3.7.branch2.5.weight", "stage4.3.branch2.6.bias", "stage2.3.branch2.3.weight"} <= names
    assert network(th.zeros(2, 90, 120, 3, dtype=th.uint8)).shape == (2, 1024)


@pytest.mark.parametrize("frozen", [True, False])
def test_what_flows_through_keeps_its_size(frozen: bool) -> None:
    th.manual_seed(0)
    network = ShuffleNetV2(frozen)
    network.initialise()
    features = network(th.randint(0, 256, (8, 48, 64, 3), dtype=th.uint8)).detach()
    assert 0.05 < float(features.std()) < 20.0 and float(features.std(dim=0).mean()) > 1e-3


def test_frozen_norms_mean_the_same_in_training_and_keep_their_statistics(tmp_path: Path) -> None:
    th.manual_seed(0)
    source = ShuffleNetV2(frozen_batch_norm=True)
    for module in source.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2.0)  # type: ignore[union-attr]
    file = tmp_path / "shufflenetv2_x0.5.pth"
    th.save(source.state_dict() | {"fc.weight": th.zeros(1000, 1024), "fc.bias": th.zeros(1000)}, file)
    encoder = CameraEncoder(replace(CAMERA, norm="frozen_batch", weights=str(file)), views=2)
    encoder.initialise()
    pictures = th.randint(0, 256, (3, 4, 2, 32, 40, 3), dtype=th.uint8)
    collected = encoder.eval()(pictures)
    assert th.equal(encoder.train()(pictures), collected) and collected.shape == (3, 16)
    expected = source.stage2[0].branch2[1].running_mean  # type: ignore[index, union-attr]
    assert th.equal(encoder.pictures.stage2[0].branch2[1].running_mean, expected)  # type: ignore[index, union-attr]
    assert isinstance(encoder.pictures.conv1[1], FrozenBatchNorm)


@pytest.mark.parametrize("content", [b"no weights", None], ids=["text", "missing"])
def test_a_file_without_the_weights_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "weights.pth"
    if content is not None:
        file.write_bytes(content)
    encoder = CameraEncoder(replace(CAMERA, norm="frozen_batch", weights=str(file)), views=1)
    with pytest.raises(ValueError, match=r"weights.pth does not hold the weights of ShuffleNetV2"):
        encoder.initialise()


def test_weights_need_the_norms_that_they_are_made_for() -> None:
    with pytest.raises(ValueError, match="norm=frozen_batch"):
        CameraEncoderConfig(weights="x.pth")


# ---- learning


class Signs(ToyWorlds):
    """Worlds whose pictures alone tell what the single critic wants: bright: action 0 at +0.6, dark: at -0.6.

    The picture that counts is the oldest of two frames, so that whoever forgets the frames' order cannot know.
    """

    def __init__(self, worlds: int, seed: int = 0, blind: bool = False) -> None:
        super().__init__(worlds, weights=(1.0,), seed=seed)
        self.blind = blind
        parts = dict(self.observation_space.spaces)  # type: ignore[attr-defined]
        self.observation_space = spaces.Dict(parts | {IMAGES_KEY: spaces.Box(0, 255, (2, 1, 16, 16, 3), np.uint8)})
        self.bright = np.zeros(worlds, bool)

    def _observe(self) -> Any:
        seen = super()._observe()
        seen["state"][:] = 0.0
        self.bright = self.rng.random(self.num_envs) < 0.5
        images = self.rng.integers(0, 60, (self.num_envs, 2, 1, 16, 16, 3)).astype(np.uint8)
        other = self.rng.random(self.num_envs) < 0.5
        if not self.blind:
            images[self.bright, 0] += 190
        images[other, 1] += 190
        return seen | {IMAGES_KEY: images}

    def step_wait(self) -> VecEnvStepReturn:
        self.targets = np.where(self.bright, 0.6, -0.6)[:, None]
        observation, _, dones, infos = super().step_wait()
        return observation, np.array([float(info["reward_terms"][0]) for info in infos], np.float32), dones, infos


def gap(blind: bool) -> float:
    """Train, and return how far the action in bright worlds lies above that in dark ones."""
    policy = PolicyConfig(actor_layers=(16,), critic_layers=(16,), camera=CAMERA)
    config = HcrmpConfig(
        critics=("all",),
        policy=policy,
        n_steps=32,
        batch_size=16,
        n_epochs=4,
        learning_rate=1e-3,
        final_learning_rate_share=1.0,
        gamma=0.0,
        ent_coef=0.0,
    )
    env = Signs(8, blind=blind)
    model = MultiCriticPPO(env=env, config=config, seed=0, device="cpu").learn(9 * 8 * 32)
    driver, actions, bright = PlannerDriver("signs", model), [], []
    for _ in range(4):
        observation = env._observe()
        actions.append(driver.act(observation, None)[:, 0])  # type: ignore[arg-type]
        bright.append(env.bright)
    sees, told = np.concatenate(actions), np.concatenate(bright)
    return float(sees[told].mean() - sees[~told].mean())


def test_a_planner_learns_from_pictures_alone_and_from_the_frame_that_counts() -> None:
    th.set_num_threads(1)
    assert gap(blind=False) > 0.4


def test_a_planner_that_is_shown_nothing_learns_nothing() -> None:
    th.set_num_threads(1)
    assert abs(gap(blind=True)) < 0.15


def test_the_networks_of_pictures_learn_with_their_share_of_the_rate() -> None:
    policy = PolicyConfig(camera=replace(CAMERA, learning_rate_share=0.25))
    config = HcrmpConfig(critics=("all",), policy=policy, n_steps=4, batch_size=16, n_epochs=1, learning_rate=1e-3)
    model = MultiCriticPPO(env=Signs(4), config=config, seed=0, device="cpu")
    small, seeing = model.policy.optimizer.param_groups
    assert (small["lr"], seeing["lr"]) == pytest.approx((1e-3, 2.5e-4))
    assert len(small["params"]) + len(seeing["params"]) == len(list(model.policy.parameters()))
    model.learn(2 * 16)
    assert seeing["lr"] == pytest.approx(0.25 * small["lr"]) and small["lr"] < 1e-3
