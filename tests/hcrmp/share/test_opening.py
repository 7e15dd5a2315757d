"""A shared planner acts as the networks that it was made from, and says in one line where it cannot be opened."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th

from envs.scene import ActorKind, RoadCategory
from envs.untrusted import UntrustedFileError
from hcrmp.share import load_policy
from hcrmp.share.document import DOCUMENT_FILE, HINT_LAYOUT, SharedPlannerError, parse_document, plain_name
from hcrmp.share.networks import filled_networks
from llm_hints.hint import Density, Direction, Entity, Hint
from tests.hcrmp.share.planners import ALGORITHMS, SEEING, document_of, observation, planner, shared


@pytest.fixture(autouse=True)
def one_thread() -> None:
    th.set_num_threads(1)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_acts_bit_for_bit_as_its_networks(name: str, tmp_path: Path) -> None:
    policy = load_policy(shared(tmp_path, ALGORITHMS[name]))
    document, weights = planner(ALGORITHMS[name])
    networks = filled_networks(document, weights, "x")
    rows = observation(policy.parts, 64)
    flat = np.concatenate([rows[key] for key in policy.parts], axis=1)
    expected = networks.predict(flat if name in ("ppo", "sac", "td3") else rows, deterministic=True)[0]
    actions = policy.act(rows)
    assert np.array_equal(actions, expected) and actions.std(axis=0).min() > 0.01
    assert np.array_equal(policy.act({key: part[:3] for key, part in rows.items()}), expected[:3])


def test_it_reads_pictures(tmp_path: Path) -> None:
    policy = load_policy(shared(tmp_path, SEEING, pictures=True))
    rows = observation(policy.parts, 2)
    assert policy.act(rows).shape == (2, 2)
    assert not np.array_equal(policy.act(rows), policy.act({**rows, "images": rows["images"] // 2}))


def test_values_and_weights_are_those_of_the_method(tmp_path: Path) -> None:
    rows = observation(document_of(ALGORITHMS["hcrmp"]).parts, 5)
    told: dict[str, Any] = {name: load_policy(shared(tmp_path / name, ALGORITHMS[name])) for name in ALGORITHMS}
    assert told["hcrmp"].values(rows).shape == (5, 3) and told["llm_reward"].values(rows).shape == (5, 1)
    assert np.array_equal(told["hcrmp"].weights(rows), rows["critic_weights"])
    assert np.allclose(told["attention"].weights(rows), 1.0 / 3.0)
    assert told["ppo"].values(rows) is None and told["ppo"].weights(rows) is None


def test_samples_differ_and_the_caller_keeps_his_random_numbers(tmp_path: Path) -> None:
    folder = shared(tmp_path, ALGORITHMS["hcrmp"])
    th.manual_seed(5)
    expected = th.rand(3)
    th.manual_seed(5)
    policy = load_policy(folder, deterministic=False)
    assert th.equal(th.rand(3), expected)
    rows = observation(policy.parts)
    assert not np.array_equal(policy.act(rows), policy.act(rows))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: {"state": rows["state"]}, r"no 'hint': give state \(B, 35\), hint \(B, 13\)"),
        (lambda rows: {**rows, "state": rows["state"][:, :-1]}, r"state has the shape \(5, 34\), expected \(B, 35"),
        (lambda rows: {**rows, "state": rows["state"][0]}, r"state has the shape \(35,\)"),
        (lambda rows: {**rows, "state": rows["state"][:2]}, "different B"),
    ],
)
def test_an_observation_that_does_not_fit_is_named(
    change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]], words: str, tmp_path: Path
) -> None:
    policy = load_policy(shared(tmp_path, ALGORITHMS["hcrmp"]))
    with pytest.raises(SharedPlannerError, match=words):
        policy.act(change(observation(policy.parts)))


# ---- what is refused


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the document in ``folder``."""
    path = folder / DOCUMENT_FILE
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    return folder


def in_policy(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda values: values["algorithm"]["policy"].update(changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.update(version=2), "version 2, this program reads 1"),
        (lambda v: v.update(format="other"), "no planner of this program"),
        (lambda v: v.update(more=1), "unknown key more"),
        (lambda v: v.update(hint_layout=2), "hints have layout 2"),
        (lambda v: v["algorithm"].update(name="dqn"), "unknown value algorithm.name=dqn"),
        (in_policy(actor_layers=[10**9]), "width of a layer is 1000000000, allowed is 1 to 4096"),
        (in_policy(actor_layers=[8] * 9), "9 layers, at most 8"),
        (in_policy(actor_layers=[4096] * 8), "needs? .* weights"),
        (in_policy(actor_layers=[2048, 2048]), "has 854 weights, and its architecture needs 4,"),
        (in_policy(actor_layers=[-1]), "actor_layers must be at least 1, got -1"),
        (in_policy(encoder="gru", gru={"embedding": 8, "hidden": 10**7}), "width of the GRU is 10000000"),
        (lambda v: v["algorithm"].update(critics=["c"] * 100), "100 critics, allowed is 1 to 16"),
        (in_policy(actor_layers=[9]), r"are float32 \(8, 48\) there and float32 \(9, 48\) in its architecture"),
        (in_policy(encoder="gru"), "absent"),
        (lambda v: v["parts"]["state"].update(shape=[36]), r"state has the shape \(36,\)"),
        (lambda v: v["parts"]["state"].update(shape=[]), "has the shape"),
        (lambda v: v["parts"]["state"].update(shape=[10**12]), "beyond 131,072"),
        (lambda v: v["parts"]["state"].update(low=-1e999), "Infinity is no number"),
        (lambda v: v["parts"]["state"].update(low=-2.0), "expected Part"),
        (lambda v: v["parts"].pop("hint"), "hint.* is not described"),
        (lambda v: v["layout"]["blocks"].append(["b", [-1]]), "a block of the layout has no size"),
        (lambda v: v["world"]["observation"].update(rays=10**9), "beyond bounds"),
        (lambda v: v["world"]["observation"].update(perception="x"), "observation.perception"),
        (lambda v: v["action"].update(low=-5.0), "actions are two numbers"),
        (lambda v: v.update(seed=-1), "seed is -1"),
        (lambda v: v.update(name="../../x"), "is no name of a run"),
        (lambda v: v.update(name=".."), "is no name of a run"),
        (lambda v: v.update(name="\x1b[31m" * 500, version=7), "version 7"),
        (lambda v: v.update(checksums={}), "is damaged, or was not shared with this"),
    ],
)
def test_a_document_that_lies_is_refused(
    change: Callable[[dict[str, Any]], object], words: str, tmp_path: Path
) -> None:
    folder = changed(shared(tmp_path, ALGORITHMS["hcrmp"]), change)
    with pytest.raises(UntrustedFileError, match=words) as error:
        load_policy(folder)
    assert str(error.value).isprintable()


def test_no_file_that_a_document_names_is_read(tmp_path: Path) -> None:
    """An encoder may begin with a file of weights; a stranger's document cannot make that file be read."""
    folder = shared(tmp_path / "a", SEEING, pictures=True)
    (tmp_path / "trap").write_bytes(b"not weights")
    cameras = {"norm": "frozen_batch", "weights": str(tmp_path / "trap"), "embedding": 8, "hidden": 8}
    with pytest.raises(UntrustedFileError, match="in its architecture"):
        load_policy(changed(folder, in_policy(camera=cameras)))


def test_files_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "planner.txt").write_text("x")
    for path, words in ((tmp_path / "none", "no planner at"), (tmp_path, "is no planner: name a folder with"),
                        (tmp_path / "planner.txt", "is no planner")):  # fmt: skip
        with pytest.raises(UntrustedFileError, match=words):
            load_policy(path)


@pytest.mark.parametrize("name", ["hcrmp", "gaussian", "ppo", "sac"])
def test_an_action_that_is_no_number_is_told(name: str, tmp_path: Path) -> None:
    policy = load_policy(shared(tmp_path, ALGORITHMS[name]))
    with pytest.raises(SharedPlannerError, match="gives no action|no numbers"):
        policy.act({key: np.full_like(part, np.nan) for key, part in observation(policy.parts).items()})


def test_the_document_survives_its_text() -> None:
    for algorithm in ALGORITHMS.values():
        document = document_of(algorithm)
        assert parse_document(document.text().encode(), "x") == document


@pytest.mark.parametrize(("name", "plain"), [("tuned-3", "tuned-3"), ("a/b\x1b(1)", "a_b__1_"), ("..", "planner"),
                                              ("ü" * 200, "ü" * 100)])  # fmt: skip
def test_names_become_plain(name: str, plain: str) -> None:
    assert plain_name(name) == plain
    document = replace(document_of(ALGORITHMS["ppo"]), name=plain)
    assert parse_document(document.text().encode(), "x").train_config().run == plain


def test_worlds_of_a_stranger_name_no_server_and_no_file() -> None:
    config = document_of(ALGORITHMS["hcrmp"]).train_config()
    assert config.hints.provider == "rules" and config.simulator.name == "embedded" and config.map == ""


def test_the_layout_of_hints_is_the_one_that_its_version_names() -> None:
    """Who changes what the 13 numbers mean counts ``HINT_LAYOUT`` up: shared planners were taught these."""
    hint = Hint(RoadCategory.URBAN, Density.HIGH, (Entity(ActorKind.PEDESTRIAN, Direction.LEFT),),
                {"safety": 0.5, "efficiency": 0.3, "comfort": 0.2})  # fmt: skip
    kind = (int(ActorKind.PEDESTRIAN) + 1) / 6
    road = [float(category is RoadCategory.URBAN) for category in sorted(RoadCategory)]
    assert HINT_LAYOUT == 1 and hint.state().tolist() == [*road, 1.0, kind, 0.0, 1.0, *[0.0] * 6]
