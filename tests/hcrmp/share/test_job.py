"""``hcrmp share``: what it writes, that it drives as the run, and that its card's code runs as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from gymnasium import spaces

from hcrmp.algorithm import MultiCriticPPO
from hcrmp.baselines import SacOptions
from hcrmp.build import build_environment
from hcrmp.camera_encoder import CameraEncoderConfig
from hcrmp.checkpoint import save_checkpoint
from hcrmp.cli import main
from hcrmp.course import make_course, trained_config
from hcrmp.drivers import PlannerDriver
from hcrmp.errors import UserError
from hcrmp.evaluate import evaluate, open_folder, shared_file
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.evaluation import make_driver
from hcrmp.results import read_records
from hcrmp.run_folder import RunFolder
from hcrmp.share import load_policy
from hcrmp.share.config import ShareConfig
from hcrmp.share.document import CARD_FILE, DOCUMENT_FILE, ONNX_FILE, WEIGHTS_FILE, SharedPlannerError
from hcrmp.share.driver import open_planner
from hcrmp.share.job import share
from hcrmp.share.opening import hints_note
from hcrmp.train_config import HcrmpOptions, TrainConfig, load_train, plain_config
from tests.hcrmp.share.planners import ALGORITHMS, SEEING, document_of, observation, shared
from tests.hcrmp.tiny import MERGING, evaluate_config, quiet, tiny_run
from tests.hcrmp.toy_worlds import ToyWorlds


@pytest.fixture(autouse=True)
def one_thread() -> None:
    th.set_num_threads(1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return tiny_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def planner(run: RunFolder) -> Path:
    """The run's planner, shared in both forms."""
    pytest.importorskip("onnx")
    evaluate(evaluate_config(run), run, quiet())
    share(ShareConfig(run=str(run.path), to="all"))
    return run.path / "shared"


@pytest.fixture(scope="module")
def world(run: RunFolder) -> Iterator[Any]:
    course = make_course(load_train(run.config()), MERGING, "low", 4)
    env = course.environment(4)
    yield course, env
    env.close()


def test_it_drives_bit_for_bit_as_the_run(run: RunFolder, planner: Path, world: Any) -> None:
    course, env = world
    in_run, shown = make_driver("planner", course, env, run), open_planner(planner, course, env)
    again, in_onnx = open_planner(run.path, course, env), open_planner(planner / ONNX_FILE, course, env)
    observed = env.reset()
    for _ in range(20):
        scene = env.driving.scene
        actions = in_run.act(observed, scene)
        assert np.array_equal(shown.act(observed, scene), actions)
        assert np.array_equal(again.act(observed, scene), actions)
        assert np.abs(in_onnx.act(observed, scene) - actions).max() <= 1e-5
        for asked in ("values", "weights"):
            # A run's driver computes its values in the pass that chooses the actions: their last bits may differ.
            np.testing.assert_allclose(getattr(shown, asked)(observed), getattr(in_run, asked)(observed), atol=1e-6)
        observed = env.observe(env.advance(actions).observation)


def test_evaluation_takes_a_folder_and_a_file(run: RunFolder, planner: Path) -> None:
    own = read_records(run.evaluation / "planner-merging-low.json")
    for named, place in ((planner, planner), (planner / ONNX_FILE, planner / "planner_onnx")):
        config = evaluate_config(run, run=str(named))
        results, drives = evaluate(config, open_folder(config), quiet())
        assert [one.outcome for one in results.records] == [one.outcome for one in own]
        share(ShareConfig(run=str(run.path), to="all"))  # results are in nobody's way
        assert (place / "evaluation" / "planner-merging-low.json").is_file() and drives[0].parent == place / "drives"
    assert read_records(planner / "evaluation" / "planner-merging-low.json") == own


def test_nothing_is_made_for_a_file_that_is_no_planner(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(SharedPlannerError, match="is no planner"):
        open_folder(EvaluateConfig(run=str(tmp_path / "notes.md")))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.md"]


def test_the_worlds_are_those_of_the_training(run: RunFolder, planner: Path) -> None:
    own = load_train(run.config())
    for named in (planner, planner / ONNX_FILE):
        config = EvaluateConfig(run=str(named))
        told = trained_config(open_folder(config), shared_file(config))
        for part in ("observation", "action", "reward", "algo", "scenario", "density"):
            assert getattr(told, part) == getattr(own, part), part


def test_another_observation_is_named(planner: Path, run: RunFolder) -> None:
    config = load_train(run.config())
    narrow = replace(config, observation=replace(config.observation, rays=36))
    env = build_environment(narrow, 1)
    with pytest.raises(SharedPlannerError, match=r"block scan is \(2, 72, 2\) there and \(2, 36, 2\) here"):
        open_planner(planner, make_course(narrow, MERGING, "low", 1), env)
    env.close()
    far = replace(config, observation=replace(config.observation, range_m=50.0))
    env = build_environment(far, 1)
    with pytest.raises(SharedPlannerError, match=r"range_m is 60.0 there and 50.0 here"):
        open_planner(planner, make_course(far, MERGING, "low", 1), env)
    env.close()


def test_a_planner_that_sees_needs_cameras(world: Any, tmp_path: Path) -> None:
    course, env = world
    document = replace(document_of(SEEING, pictures=True), layout=env.driving.layout)
    blind = load_policy(shared(tmp_path, SEEING, pictures=True))
    blind.layout = document.layout  # type: ignore[misc]
    from hcrmp.share.driver import check_fits

    blind.parts = {"images": blind.parts["images"]}  # type: ignore[misc]
    with pytest.raises(SharedPlannerError, match=r"reads images of the shape .* which is absent here"):
        check_fits(blind, env, "it")


def test_a_baseline_is_shared_too(tmp_path: Path) -> None:
    options = SacOptions(net_arch=(8,), hint_in_state=True, learning_starts=8, buffer_size=200, batch_size=8)
    folder = tiny_run(tmp_path, algo=options)
    share(ShareConfig(run=str(folder.path)))
    policy, own = load_policy(folder.path / "shared"), load_policy(folder.path)
    rows = observation(policy.parts)
    assert np.array_equal(policy.act(rows), own.act(rows)) and list(policy.parts) == ["state", "hint"]


def test_nothing_of_who_trained_it_goes_along(planner: Path, run: RunFolder) -> None:
    """No path, no server, no key."""
    for path in planner.iterdir():
        if path.is_file():
            content = path.read_bytes()
            for secret in (str(run.path.parent), "127.0.0.1", "api_key", "runs_dir"):
                assert secret.encode() not in content, (path.name, secret)


def test_the_file_of_pretrained_weights_is_not_named() -> None:
    from hcrmp.build import without_pretraining

    seeing = CameraEncoderConfig(norm="frozen_batch", weights="/home/me/imagenet.pth")
    options = HcrmpOptions(policy=replace(SEEING.policy, camera=seeing))
    assert "imagenet" not in document_of(without_pretraining(options)).text()


# ---- the card


def blocks(card: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", card, re.DOTALL)


def test_the_cards_code_runs_as_it_stands(planner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(planner)
    code = blocks((planner / CARD_FILE).read_text())
    assert len(code) == 2
    for block in code:
        names: dict[str, Any] = {}
        exec(block, names)
        assert names["action"].shape == (1, 2) and np.abs(names["action"]).max() <= 1.0


def test_the_card_tells_what_it_is_and_how_it_drove(planner: Path, run: RunFolder) -> None:
    card = (planner / CARD_FILE).read_text()
    (measured,) = json.loads((run.evaluation / "planner-merging-low.json").read_text())["planners"]
    result = measured["summaries"][0]["metrics"]["SR"]
    numbers = " ".join(f"{100 * result[key]:.0f}" for key in ("value", "low", "high"))
    value, low, high = numbers.split()
    assert f"| merging/low | 2 | {value} ({low}..{high}) |" in card
    assert "`hcrmp evaluate run=FOLDER scenario=merging density=low episodes=2 seed=0 ends_at=violation`" in card
    assert "HCRMP" in card and "128 decisions" in card and "seed 0" in card
    for name in (WEIGHTS_FILE, DOCUMENT_FILE, ONNX_FILE):
        assert f"| `{name}` | {(planner / name).stat().st_size:,} |" in card


def test_a_card_without_measurements_says_so(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path)
    (folder.evaluation / "keep_lane.json").write_text('{"planners": [{"kind": "driver", "summaries": []}]}')
    (folder.evaluation / "broken.json").write_text('{"driver": "planner"')
    share(ShareConfig(run=str(folder.path), output=str(tmp_path / "out")))
    assert "Nothing: the run holds no evaluation" in (tmp_path / "out" / CARD_FILE).read_text()


# ---- the job


def test_sharing_again_leaves_nothing_of_the_other_form(planner: Path, run: RunFolder, tmp_path: Path) -> None:
    config = ShareConfig(run=str(run.path), output=str(tmp_path / "out"))
    share(replace(config, to="all"))
    share(replace(config, to="onnx"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {ONNX_FILE, CARD_FILE}
    share(config)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {WEIGHTS_FILE, DOCUMENT_FILE, CARD_FILE}


def test_a_folder_with_other_things_is_left_alone(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UserError, match=r"holds other things \(mine.txt\)"):
        share(ShareConfig(run=str(run.path), output=str(tmp_path)))
    with pytest.raises(UserError, match="is a file"):
        share(ShareConfig(run=str(run.path), output=str(tmp_path / "mine.txt")))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_hints_that_differ_are_told(tmp_path: Path) -> None:
    document = document_of(ALGORITHMS["hcrmp"])
    for hints, told in (("rules", False), ("none", False), ("openai", True)):
        path = tmp_path / hints
        path.mkdir()
        (path / DOCUMENT_FILE).write_text(replace(document, world=replace(document.world, hints=hints)).text())
        assert ("trained with hints from openai" in hints_note(path)) is told


def test_a_run_with_cameras_is_shared_and_its_encoder_written_once(tmp_path: Path) -> None:
    document = document_of(SEEING, pictures=True)
    world = ToyWorlds(2)
    world.observation_space = spaces.Dict({name: part.space() for name, part in document.parts.items()})
    options = replace(SEEING, n_steps=2, batch_size=4)
    model = MultiCriticPPO(env=world, config=options, seed=4, device="cpu")
    folder = RunFolder.create(tmp_path / "run", plain_config(TrainConfig(algo=options)), seed=0)
    save_checkpoint(folder.latest_checkpoint, model, layout=document.layout.as_dict())
    share(ShareConfig(run=str(folder.path)))
    policy, rows = load_policy(folder.path / "shared"), observation(document.parts, 3)
    expected = PlannerDriver("x", model).act(rows, None)  # type: ignore[arg-type]
    assert np.array_equal(policy.act(rows), expected)
    bytes_of_weights = sum(tensor.numel() * tensor.element_size() for tensor in model.policy.parameters())
    assert (folder.path / "shared" / WEIGHTS_FILE).stat().st_size < 1.2 * bytes_of_weights


def test_the_planner_in_the_box_is_shared_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["share", "run=bundled", f"runs_dir={tmp_path}"]) == 2
    assert "shared already: its files lie in" in capsys.readouterr().err
