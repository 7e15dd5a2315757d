"""A run made again: identical where nothing differs, and each thing that does not is found and named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch as th

from hcrmp import cli
from hcrmp.checkpoint import PARAMETERS
from hcrmp.errors import UserError
from hcrmp.evaluate import evaluate
from hcrmp.mapping import from_mapping
from hcrmp.reproduce import compare, job
from hcrmp.reproduce.config import ReproduceConfig
from hcrmp.reproduce.job import reproduce
from hcrmp.reproduce.surroundings import Change, advice, changes
from hcrmp.run_folder import RunFolder, dump_yaml, read_json, write_json, write_text
from tests.envs.drive_builder import make_drive
from tests.hcrmp.tiny import evaluate_config, quiet, tiny_run


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tiny_run(tmp_path_factory.mktemp("runs"), tensorboard=True)
    evaluate(evaluate_config(folder), folder, quiet())
    return folder


@pytest.fixture
def run(original: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the run that a test may change."""
    shutil.copytree(original.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def again(folder: RunFolder, **changes: Any) -> tuple[int, dict[str, Any]]:
    """Return the exit status of the command and what it wrote."""
    words = [f"{key}={value}" for key, value in changes.items()]
    status = cli.main(["reproduce", str(folder.path), "progress=false", *words])
    return status, read_json(folder.path.with_name(f"{folder.path.name}-again") / "reproduction.json")


def changed_file(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = read_json(path)
    change(content)
    write_json(path, content)


def test_a_run_is_the_same_again_bit_by_bit(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    status, told = again(run)
    assert (status, told["identical"], told["look_at"]) == (0, True, [])
    assert told["training"]["parameters"]["changed"] == 0 and told["training"]["parameters"]["tensors"] > 10
    assert told["training"]["diverged_at"] is None
    (one,) = told["evaluations"]
    assert (one["episodes"], one["changed"], one["drives"], one["drives_changed"]) == (2, [], 1, [])
    assert told["provenance"]["command"] and told["of"] == str(run.path)
    assert capsys.readouterr().out.startswith("identical\n")
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before, "it was left alone"


def test_another_planner_is_found_and_where_its_logs_part(
    run: RunFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if from a clean checkout, whatever that of the tests is.
    changed_file(run.path / "provenance.json", lambda found: found.update(commit="0123456789"))
    monkeypatch.setattr(job, "provenance", lambda seed: run.provenance())
    config = run.config()
    config["algo"]["learning_rate"] = 2 * config["algo"]["learning_rate"]
    write_text(run.path / "config.yaml", dump_yaml(config))
    status, told = again(run, what="training")
    assert (status, told["identical"], told["evaluations"]) == (1, False, [])
    assert told["training"]["parameters"]["changed"] > 5 and told["training"]["parameters"]["largest"] > 0
    assert told["training"]["diverged_at"] == 128, "the first update is logged with the second rollout"
    printed = capsys.readouterr()
    assert "tensors differ, by up to" in printed.err and "it differs" in printed.out
    assert "nothing around it differs" in printed.out


def test_an_evaluation_alone_uses_the_run_s_own_planner(run: RunFolder) -> None:
    path = run.evaluation / "planner-merging-low.json"
    changed_file(path, lambda content: content["episodes"][1].update(time_s=0.5, outcome="collision"))
    status, told = again(run, what="evaluation")
    assert status == 1 and told["training"] is None
    (drift,) = told["evaluations"][0]["changed"]
    assert drift["then"] == "collision" and "time_s" in drift["fields"] and drift["cell"] == "merging/low"
    assert len(told["evaluations"][0]["changed"]) == 1


def test_a_drive_that_went_another_way_is_found(run: RunFolder) -> None:
    (name,) = read_json(run.evaluation / "planner-merging-low.json")["drives"]
    make_drive(12).save(run.drives / name)
    status, told = again(run, what="evaluation")
    assert (status, told["evaluations"][0]["drives_changed"], told["evaluations"][0]["changed"]) == (1, [name], [])


def test_an_evaluation_of_another_version_is_told_not_fatal(run: RunFolder) -> None:
    changed_file(run.evaluation / "planner-merging-low.json", lambda content: content["config"].update(bygone=1))
    status, told = again(run, what="evaluation")
    assert status == 1 and "unknown key" in told["evaluations"][0]["problem"]


def test_what_was_different_is_said_first_with_what_to_do(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    made_by = run.path / "provenance.json"
    changed_file(made_by, lambda found: found["packages"].update(numpy="1.0"))
    changed_file(made_by, lambda found: found.update(commit="0123456789abcdef-dirty"))
    changed_file(run.evaluation / "planner-merging-low.json", lambda content: content["episodes"][0].update(time_s=0.5))
    status, told = again(run, what="evaluation")
    assert status == 1
    assert {change["what"] for change in told["surroundings"]} == {"commit", "numpy"}
    printed = capsys.readouterr()
    assert "numpy" in printed.err and printed.err.index("numpy") < printed.err.index("episodes identical")
    assert "pip install numpy==1.0" in printed.out and "in no commit beside 0123456789" in printed.out


def test_a_repetition_never_overwrites(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    place = run.path.with_name("run-again")
    place.mkdir()
    (place / "thesis.tex").write_text("mine")
    assert cli.main(["reproduce", str(run.path)]) == 2
    assert "exists already: choose another output=" in capsys.readouterr().err
    assert [path.name for path in place.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (
            lambda run: None,
            {"labels": ("planner-mergin-low",)},
            "has no evaluation planner-mergin-low; it has pl",
        ),
        (lambda run: shutil.rmtree(run.evaluation), {"what": "evaluation"}, "has no evaluation to repeat"),
        (lambda run: _more_steps(run), {}, "was stopped after 128 of its 900 decisions"),
    ],
)
def test_what_cannot_be_repeated_is_refused_before_any_work(
    run: RunFolder, change: Callable[[RunFolder], None], words: dict[str, Any], message: str
) -> None:
    change(run)
    with pytest.raises(UserError, match=message):
        reproduce(from_mapping(ReproduceConfig, {"run": str(run.path), **words}), run, quiet())
    assert not run.path.with_name("run-again").exists()


def _more_steps(run: RunFolder) -> None:
    write_text(run.path / "config.yaml", dump_yaml(run.config() | {"total_steps": 900}))


def test_parameters_are_compared_bit_by_bit(run: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "other")
    other = RunFolder(tmp_path / "other")
    assert compare.parameters(run, other).identical
    file = other.latest_checkpoint / PARAMETERS
    found = th.load(file, weights_only=True)
    name = next(name for name, tensor in found["policy"].items() if tensor.numel() > 3)
    found["policy"][name].view(-1)[2] += 0.25
    th.save(found, file)
    drift = compare.parameters(run, other)
    assert (drift.changed, drift.where) == (1, f"policy/{name}")
    assert drift.largest == pytest.approx(0.25, abs=1e-6)
    del found["policy"][name]
    th.save(found, file)
    assert compare.parameters(run, other).largest == float("inf")


def test_negative_zero_and_nan_are_bits_too() -> None:
    zero, nan = th.tensor([0.0]), th.tensor([float("nan")])
    assert not compare._same_bits(zero, -zero) and compare._same_bits(nan, nan.clone())


def test_fields_of_one_version_alone_are_no_drift() -> None:
    row = {"scenario": "merging", "density": "low", "seed": 1, "outcome": "success", "time_s": 1.0}
    assert compare.episodes([row], [row | {"trace_hash": "x"}]) == (1, [])
    count, (drift,) = compare.episodes([row | {"trace_hash": "y"}], [row | {"trace_hash": "x"}])
    assert (count, drift.fields) == (1, ("trace_hash",))
    _, (missing,) = compare.episodes([row], [])
    assert missing.now == "not driven"


def test_changes_leave_out_what_always_differs() -> None:
    then = {"created": "a", "command": ["x"], "seed": 1, "commit": "c", "python": "3", "packages": {"numpy": "1"}}
    now = then | {"created": "b", "command": ["y"], "packages": {"numpy": "2"}, "machine": {"cpu": "new"}}
    assert changes(then, now) == [Change("numpy", "1", "2"), Change("cpu", "unknown", "new")]
    assert list(advice([Change("hcrmp", "1", "2")], {"packages": {"hcrmp": "1"}})) == ["the version of hcrmp"]
