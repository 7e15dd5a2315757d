"""Zips of Stable-Baselines3 act as the model that saved them, and nothing of them is unpickled."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from gymnasium import spaces
from stable_baselines3 import A2C, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor

from envs.untrusted import UntrustedFileError
from hcrmp.drivers import in_chunks
from hcrmp.share import load_policy
from tests.fuzz.planner_corpus import toy_model
from tests.fuzz.planner_mutations import packed
from tests.hcrmp.share.planners import observation
from tests.hcrmp.toy_worlds import ToyWorlds

STATE = 5


def made(algorithm: type[BaseAlgorithm], plain: bool = True, size: int = STATE, **kwargs: Any) -> BaseAlgorithm:
    few: dict[str, Any] = {"n_steps": 4} if algorithm in (PPO, A2C) else {"buffer_size": 10}
    few |= {"batch_size": 8} if algorithm is PPO else {}
    world = ToyWorlds(2, plain=plain, state_size=size)
    maker: Any = algorithm
    model: BaseAlgorithm = maker("MlpPolicy" if plain else "MultiInputPolicy", world, seed=3, device="cpu",
                                 policy_kwargs={"net_arch": [8, 6], **kwargs}, **few)  # fmt: skip
    return model


def saved(model: BaseAlgorithm, folder: Path) -> Path:
    model.save(folder / "model.zip")
    return folder / "model.zip"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("algorithm", [PPO, A2C, SAC, TD3])
@pytest.mark.parametrize("plain", [True, False])
def test_it_acts_bit_for_bit_as_the_model(algorithm: Any, plain: bool, tmp_path: Path) -> None:
    model = made(algorithm, plain, activation_fn=th.nn.ELU)
    policy = load_policy(saved(model, tmp_path))
    rows = observation(policy.parts)
    expected = in_chunks(lambda part: model.predict(part, deterministic=True)[0], rows["state"] if plain else rows)
    assert np.array_equal(policy.act(rows), expected)
    assert list(policy.parts) == (["state"] if plain else ["critic_weights", "hint", "state"])


def test_a_state_with_a_hint_behind_it_is_read_as_both(tmp_path: Path) -> None:
    model = made(PPO, size=STATE + 13)
    path = saved(model, tmp_path)
    policy = load_policy(path, state_size=STATE)
    rows = observation(policy.parts)
    assert {key: part.shape for key, part in policy.parts.items()} == {"state": (STATE,), "hint": (13,)}
    together = np.concatenate([rows["state"], rows["hint"]], axis=1)
    assert np.array_equal(policy.act(rows), load_policy(path).act({"state": together}))


def test_separate_layers_and_the_default_activation(tmp_path: Path) -> None:
    model = made(PPO, net_arch={"pi": [4], "vf": [7, 9, 5]})
    policy = load_policy(saved(model, tmp_path))
    rows = observation(policy.parts)
    expected = in_chunks(lambda part: model.predict(part, deterministic=True)[0], rows["state"])
    assert np.array_equal(policy.act(rows), expected)


# ---- what is refused


def changed(path: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """Change the members of a zip."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    path.write_bytes(packed(list(members.items())))
    return path


def in_data(**changes: Any) -> Callable[[dict[str, bytes]], object]:
    def change(members: dict[str, bytes]) -> None:
        members["data"] = json.dumps({**json.loads(members["data"]), **changes}).encode()

    return change


def weights(value: Any) -> Callable[[dict[str, bytes]], object]:
    def change(members: dict[str, bytes]) -> None:
        stream = io.BytesIO()
        th.save(value, stream)
        members["policy.pth"] = stream.getvalue()

    return change


BOX = {":type:": "<class 'gymnasium.spaces.box.Box'>", "dtype": "float32"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update({"policy.pth": pickle.dumps({"a": 1})}), "no zip archive of torch.save"),
        (weights({"a": 1}), "other things than weights"),
        (weights({"a": th.ones(2)}), "no networks of PPO, A2C, SAC or TD3"),
        (weights({"mlp_extractor.policy_net.0.weight": th.ones(10**5, 0)}), "has layers of"),
        (weights({"mlp_extractor.policy_net.0.weight": th.tensor(float("nan"))}), "holds NaN"),
        (weights({"mlp_extractor.policy_net.0.weight": th.tensor(1.0)}), "has layers of"),
        (in_data(use_sde=True), "use_sde"),
        (in_data(policy_kwargs={"features_extractor_class": {}}), "features_extractor_class, which stands in it as"),
        (in_data(policy_kwargs={"activation_fn": "<class 'evil.Act'>"}), "has the activation Act"),
        (in_data(policy_kwargs=[]), "policy_kwargs"),
        (in_data(observation_space={**BOX, "_shape": "[7]"}), "in its architecture"),
        (in_data(observation_space={**BOX, "_shape": "[3 224 224]"}), "observes no vector"),
        (in_data(observation_space={**BOX, "_shape": "[9999999]"}), "observes no vector"),
        (in_data(observation_space={"x": 1}), "observes no vector"),
        (in_data(observation_space=3), "observes no vector"),
        (in_data(action_space={"_shape": "[2]", "low": "[-2. -2.]", "high": "[2. 2.]"}), r"acts in \[-2.0, -2.0\]"),
        (in_data(action_space="x"), "does not say what its actions are"),
        (lambda m: m.pop("data"), "has no data"),
        (lambda m: m.pop("policy.pth"), "has no policy.pth"),
        (lambda m: m.update({"../evil": b""}), "leads out"),
        (lambda m: m.update(data=b"{"), "no JSON"),
    ],
)  # fmt: skip
def test_a_zip_that_needs_pickles_or_lies_is_refused(
    change: Callable[[dict[str, bytes]], object], words: str, tmp_path: Path
) -> None:
    path = changed(saved(made(PPO), tmp_path), change)
    with pytest.raises(UntrustedFileError, match=words) as error:
        load_policy(path)
    assert str(error.value).isprintable()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_networks_that_stand_in_it_as_pickles_alone(tmp_path: Path) -> None:
    class Own(FlattenExtractor):
        def __init__(self, space: spaces.Space[Any]) -> None:
            super().__init__(space)

    for model, words in ((made(PPO, features_extractor_class=Own), "features_extractor_class"),
                         (toy_model(), "share its run with 'hcrmp share RUN'")):  # fmt: skip
        with pytest.raises(UntrustedFileError, match=words):
            load_policy(saved(model, tmp_path))
