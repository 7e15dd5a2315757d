"""Habit 9: save, load, same actions; resume, same next update; and what a damaged checkpoint says."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback

from hcrmp.algorithm import MultiCriticPPO
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.checkpoint import (
    COUNTERS,
    CheckpointError,
    has_checkpoint,
    load_checkpoint,
    load_networks,
    save_checkpoint,
)
from hcrmp.checkpoint_files import ARRAYS, META, PARAMETERS, checksums_of
from hcrmp.policy import PolicyConfig
from hcrmp.state_tree import join_tree, split_tree
from tests.hcrmp.toy_worlds import ToyWorlds

ROLLOUT = 4 * 16
LAYOUT = {"blocks": [["ego", [3]], ["scan", [2, 1]]], "features": ["a", "b", "c", "d", "e"]}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    th.set_num_threads(1)


def make(csa: Any = "mean_anchored", seed: int = 1, layers: int = 8, **world: Any) -> tuple[ToyWorlds, MultiCriticPPO]:
    env = ToyWorlds(4, **world)
    policy = PolicyConfig(actor_layers=(layers,), critic_layers=(layers,))
    config = HcrmpConfig(csa=csa, policy=policy, n_steps=16, batch_size=32, n_epochs=2)
    return env, MultiCriticPPO(env=env, config=config, seed=seed, device="cpu")


def trained(folder: Path) -> tuple[ToyWorlds, MultiCriticPPO]:
    env, model = make()
    model.learn(2 * ROLLOUT)
    save_checkpoint(folder, model, {"env": env.state()}, LAYOUT)
    return env, model


def test_load_gives_the_same_actions(tmp_path: Path) -> None:
    env, model = trained(tmp_path / "last")
    _, other = make(seed=99)
    load_checkpoint(tmp_path / "last", other, LAYOUT)
    observation = env.reset()
    for deterministic in (True, False):
        th.manual_seed(0)
        expected = model.predict(observation, deterministic=deterministic)[0]
        th.manual_seed(0)
        assert np.array_equal(expected, other.predict(observation, deterministic=deterministic)[0])


@pytest.mark.parametrize("csa", ["hint", "mean_anchored", "attention"])
def test_resumed_training_is_the_uninterrupted_one_bit_for_bit(tmp_path: Path, csa: Any) -> None:
    """Two rollouts, a checkpoint, two more: the same as four, learning rate and running statistics included."""
    total = 4 * ROLLOUT
    _, expected = make(csa)
    expected.learn(total)
    env, model = make(csa)
    with pytest.raises(_BetweenUpdates):
        model.learn(total, callback=_StopAfter(2))
    save_checkpoint(tmp_path / csa, model, {"env": env.state()})
    resumed_env, resumed = make(csa, seed=77)
    resumed_env.set_state(load_checkpoint(tmp_path / csa, resumed)["env"])
    resumed.learn(total - resumed.num_timesteps, reset_num_timesteps=False)
    assert np.array_equal(expected.rollout_buffer.actions, resumed.rollout_buffer.actions)
    assert expected.num_timesteps == resumed.num_timesteps and expected._n_updates == resumed._n_updates
    for name, tensor in expected.policy.state_dict().items():
        assert th.equal(tensor, resumed.policy.state_dict()[name]), name


class _BetweenUpdates(Exception):
    """Where a job may be stopped so that it resumes exactly."""


class _StopAfter(BaseCallback):
    def __init__(self, rollouts: int) -> None:
        super().__init__()
        self.left = rollouts

    def _on_rollout_start(self) -> None:
        if self.left == 0:
            raise _BetweenUpdates
        self.left -= 1

    def _on_step(self) -> bool:
        return True


def test_saving_again_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    _, model = trained(tmp_path / "last")
    model.learn(ROLLOUT, reset_num_timesteps=False)
    save_checkpoint(tmp_path / "last", model, layout=LAYOUT)
    _, other = make()
    load_checkpoint(tmp_path / "last", other, LAYOUT)
    assert other.num_timesteps == 3 * ROLLOUT
    assert [path.name for path in tmp_path.iterdir()] == ["last"]


def test_a_crash_while_writing_keeps_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, model = trained(tmp_path / "last")
    steps, rename = model.num_timesteps, Path.rename

    def crash(self: Path, target: Any) -> Path:
        if self.name == "last.new":
            raise KeyboardInterrupt
        return rename(self, target)

    model.learn(ROLLOUT, reset_num_timesteps=False)
    monkeypatch.setattr(Path, "rename", crash)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "last", model)
    monkeypatch.undo()
    assert has_checkpoint(tmp_path / "last")
    _, other = make()
    load_checkpoint(tmp_path / "last", other)
    assert other.num_timesteps == steps
    save_checkpoint(tmp_path / "last", model)
    assert [path.name for path in tmp_path.iterdir()] == ["last"]


def test_sb3s_own_models_can_be_kept_too(tmp_path: Path) -> None:
    def ppo(seed: int) -> PPO:
        return PPO("MlpPolicy", ToyWorlds(4, plain=True), n_steps=16, batch_size=32, seed=seed, device="cpu")

    model, other = ppo(0).learn(ROLLOUT), ppo(1)
    save_checkpoint(tmp_path / "ppo", model)
    load_checkpoint(tmp_path / "ppo", other)
    observation = np.ones((1, 5), dtype=np.float32)
    expected = model.predict(observation, deterministic=True)[0]
    assert np.array_equal(expected, other.predict(observation, deterministic=True)[0])


def test_what_sac_learns_outside_of_its_networks_is_kept(tmp_path: Path) -> None:
    def sac(seed: int) -> SAC:
        return SAC("MlpPolicy", ToyWorlds(4, plain=True), buffer_size=200, learning_starts=10, seed=seed, device="cpu")

    model, other = sac(0), sac(1)
    model.learn(100)
    save_checkpoint(tmp_path / "sac", model)
    load_checkpoint(tmp_path / "sac", other)
    assert model.log_ent_coef is not None and other.log_ent_coef is not None
    assert model.log_ent_coef.item() < -1e-3 and th.equal(model.log_ent_coef, other.log_ent_coef)
    assert other.ent_coef_optimizer is not None
    assert other.ent_coef_optimizer.param_groups[0]["params"][0] is other.log_ent_coef  # which it goes on moving


def test_networks_alone_begin_with_a_fresh_optimiser(tmp_path: Path) -> None:
    _, model = trained(tmp_path / "last")
    _, other = make(seed=99)
    load_networks(tmp_path / "last", other, LAYOUT)
    assert all(
        th.equal(ours, theirs)
        for ours, theirs in zip(other.policy.parameters(), model.policy.parameters(), strict=True)
    )
    assert other.num_timesteps == 0 and not other.policy.optimizer.state and model.policy.optimizer.state


def test_sb3s_own_save_and_load_work(tmp_path: Path) -> None:
    env, model = make()
    model.learn(ROLLOUT).save(tmp_path / "model.zip")
    other = MultiCriticPPO.load(tmp_path / "model.zip", device="cpu")
    observation = env.reset()
    expected = model.predict(observation, deterministic=True)[0]
    assert np.array_equal(expected, other.predict(observation, deterministic=True)[0])


# ---- what is refused, in one line


def one_line(error: pytest.ExceptionInfo[CheckpointError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_no_checkpoint(tmp_path: Path) -> None:
    _, model = make()
    with pytest.raises(CheckpointError, match="no checkpoint in") as error:
        load_checkpoint(tmp_path / "nowhere", model)
    assert not has_checkpoint(tmp_path / "nowhere")
    one_line(error)


def test_another_observation_layout_is_named(tmp_path: Path) -> None:
    trained(tmp_path / "last")
    _, model = make()
    other = {**LAYOUT, "blocks": [["ego", [3]], ["scan", [4, 1]]]}
    with pytest.raises(CheckpointError, match="blocks/scan/0 is 2 there and 4 here") as error:
        load_checkpoint(tmp_path / "last", model, other)
    one_line(error)


def test_another_size_of_the_state_is_named(tmp_path: Path) -> None:
    trained(tmp_path / "last")
    _, model = make(state_size=7)
    with pytest.raises(CheckpointError, match="state/0 is 5 there and 7 here"):
        load_checkpoint(tmp_path / "last", model)


def test_other_networks_are_named(tmp_path: Path) -> None:
    trained(tmp_path / "last")
    _, model = make(layers=12)
    with pytest.raises(CheckpointError, match=r"other networks: .* there and .* here") as error:
        load_checkpoint(tmp_path / "last", model)
    one_line(error)


def test_another_algorithm_is_named(tmp_path: Path) -> None:
    trained(tmp_path / "last")
    model = PPO("MlpPolicy", ToyWorlds(4, plain=True), n_steps=16, batch_size=32, device="cpu")
    with pytest.raises(CheckpointError, match="MultiCriticPPO, the model is PPO"):
        load_checkpoint(tmp_path / "last", model)


@pytest.mark.parametrize("name", ["state.npz", "parameters.pt", "meta.json"])
def test_a_file_cut_short_is_named(tmp_path: Path, name: str) -> None:
    trained(tmp_path / "last")
    path = tmp_path / "last" / name
    path.write_bytes(path.read_bytes()[:-100])
    _, model = make()
    with pytest.raises(CheckpointError, match=f"{name} is damaged") as error:
        load_checkpoint(tmp_path / "last", model)
    one_line(error)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    trained(tmp_path / "last")
    (tmp_path / "last" / "state.npz").unlink()
    with pytest.raises(CheckpointError, match="state.npz is missing"):
        load_checkpoint(tmp_path / "last", make()[1])


def test_a_refused_checkpoint_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    trained(tmp_path / "last")
    (tmp_path / "last" / "parameters.pt").write_bytes(b"")
    _, model = make()
    before = {name: tensor.clone() for name, tensor in model.policy.state_dict().items()}
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "last", model)
    assert model.num_timesteps == 0
    assert all(th.equal(before[name], tensor) for name, tensor in model.policy.state_dict().items())


# ---- a stranger's checkpoint: its checksums fit, whatever is in it


def forged(folder: Path, **files: bytes) -> Path:
    """Replace files of a checkpoint and write the checksums that fit."""
    names = {"meta": META, "arrays": ARRAYS, "parameters": PARAMETERS}
    for name, content in files.items():
        (folder / names[name]).write_bytes(content)
    meta = json.loads((folder / META).read_bytes())
    meta["checksums"] = checksums_of({name: (folder / name).read_bytes() for name in (ARRAYS, PARAMETERS)})
    (folder / META).write_text(json.dumps(meta))
    return folder


def changed_state(folder: Path, **changes: Any) -> bytes:
    meta = json.loads((folder / META).read_bytes())
    meta["state"].update(changes)
    return json.dumps(meta).encode()


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit",)


def npz(compressed: bool = False, **arrays: Any) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **arrays)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("parameters", pickle.dumps(Evil()), "could run code"),
        ("arrays", npz(array_0=np.array([Evil()], dtype=object)), "pickled objects"),
        ("arrays", npz(compressed=True, array_0=np.zeros(1 << 24)), "zip bomb"),
        ("arrays", npz(), "a state that is none"),
        ("arrays", pickle.dumps(Evil()), "no zip archive"),
    ],
)
def test_files_that_would_run_or_swell_are_refused(tmp_path: Path, file: str, content: bytes, words: str) -> None:
    trained(tmp_path / "last")
    with pytest.raises(CheckpointError, match=words) as error:
        load_checkpoint(forged(tmp_path / "last", **{file: content}), make()[1])
    one_line(error)


@pytest.mark.parametrize(
    "changes", [{"model": {}}, {"random": {"python": 1}}, {"model": {"counters": []}}, {"extra": {"__array__": "no"}}]
)
def test_a_state_that_is_none_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    trained(tmp_path / "last")
    content = changed_state(tmp_path / "last", **changes)
    with pytest.raises(CheckpointError, match="a state that is none") as error:
        load_checkpoint(forged(tmp_path / "last", meta=content), make()[1])
    one_line(error)


def test_a_state_sets_no_attribute_but_its_counters(tmp_path: Path) -> None:
    _, model = trained(tmp_path / "last")
    counters = {name: getattr(model, name) for name in COUNTERS} | {"predict": "not a method"}
    state = json.loads((tmp_path / "last" / META).read_bytes())["state"]["model"]
    content = changed_state(tmp_path / "last", model={**state, "counters": counters})
    _, other = make()
    load_checkpoint(forged(tmp_path / "last", meta=content), other)
    assert callable(other.predict) and other.num_timesteps == model.num_timesteps


@pytest.mark.parametrize("content", [b"[" * 10**6, b"[]", b'{"format": 1}', b'{"format": "\x1b[31m"}', b"\xff"])
def test_a_document_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    trained(tmp_path / "last")
    (tmp_path / "last" / META).write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged|has format") as error:
        load_checkpoint(tmp_path / "last", make()[1])
    assert one_line(error).isprintable()


# ---- the state tree


def test_a_state_tree_comes_back() -> None:
    tree: dict[str, Any] = {
        "a": [1, 2.5, None, "x", True],
        "b": {"c": np.arange(6).reshape(2, 3)},
        "big": 2**127,
        "n": np.float32(0.5),
    }
    document, arrays = split_tree(tree)
    back = join_tree(json.loads(json.dumps(document)), arrays)
    assert np.array_equal(back["b"]["c"], tree["b"]["c"])
    assert {key: back[key] for key in ("a", "big", "n")} == {key: tree[key] for key in ("a", "big", "n")}


@pytest.mark.parametrize("bad", [{"a": object()}, {1: 2}, {"a": np.array([object()])}, {"a": {1, 2}}])
def test_what_would_need_pickling_is_refused(bad: Any) -> None:
    with pytest.raises(TypeError, match="allowed|keys are texts"):
        split_tree(bad)
