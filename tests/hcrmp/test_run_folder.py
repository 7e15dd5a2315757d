"""A run folder: what it holds, and the one clear line for each way in which it can be wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hcrmp import run_folder
from hcrmp.errors import RunFolderError
from hcrmp.locate import locate_run
from hcrmp.mapping import to_mapping
from hcrmp.run_folder import RunFolder
from hcrmp.train_config import TrainConfig, load_train

CONFIG = {"algo": {"name": "ppo", "net_arch": [8, 8]}, "seed": 3, "time_limit_s": None, "rate": 1e-4, "on": True}


def with_checkpoint(folder: RunFolder) -> RunFolder:
    folder.latest_checkpoint.mkdir(parents=True)
    (folder.latest_checkpoint / "meta.json").write_text("{}")
    return folder


def test_a_new_run_holds_its_configuration_and_provenance(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "runs" / "one", CONFIG, seed=3)
    assert folder.name == "one"
    assert folder.config() == CONFIG
    found = folder.provenance()
    assert found["seed"] == 3
    assert found["packages"]["torch"] and found["machine"]["cores"] >= 1 and found["command"]
    assert {entry.name for entry in folder.path.iterdir() if entry.is_dir()} == {
        "checkpoints",
        "tensorboard",
        "evaluation",
        "drives",
    }


def test_a_whole_training_configuration_survives_the_file(tmp_path: Path) -> None:
    config = TrainConfig(run="x", time_limit_s=float("inf"))
    folder = RunFolder.create(tmp_path / "x", to_mapping(config), seed=0)
    assert load_train(folder.config()) == config


def test_an_existing_run_is_not_overwritten(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "one", CONFIG, seed=0)
    before = (folder.path / "config.yaml").read_bytes()
    with pytest.raises(RunFolderError, match="exists already: give the run another name, or remove it"):
        RunFolder.create(tmp_path / "one", {"other": 1}, seed=0)
    # Nothing to go on from: the advice would lead in a circle.
    with pytest.raises(RunFolderError, match="exists already: give the run another name, or remove it"):
        RunFolder.create(tmp_path / "one", {"other": 1}, seed=0, resume_hint="go on with resume=true")
    assert (folder.path / "config.yaml").read_bytes() == before


def test_a_file_that_is_no_planner_is_named_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("mine")
    assert locate_run("a.txt", "runs") == Path("a.txt")
    with pytest.raises(RunFolderError, match=r"a\.txt is a file, and no planner: .*\.onnx"):
        RunFolder.open(locate_run("a.txt", "runs"))
    RunFolder.create(Path("runs/a.txt"), CONFIG, seed=0)
    assert locate_run("a.txt", "runs") == Path("runs/a.txt")


def test_a_file_or_an_unrelated_folder_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.tex").write_text("mine")
    for name in ("file", "folder"):
        with pytest.raises(RunFolderError, match="exists already"):
            RunFolder.create(tmp_path / name, CONFIG, seed=0)


def test_a_run_opens_when_it_has_a_checkpoint(tmp_path: Path) -> None:
    folder = with_checkpoint(RunFolder.create(tmp_path / "one", CONFIG, seed=0))
    assert RunFolder.open(tmp_path / "one") == folder


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"no run folder at .*nowhere\. Make one with 'hcrmp train'"):
        RunFolder.open(tmp_path / "nowhere")
    with pytest.raises(RunFolderError, match="is no run folder: it has no config.yaml"):
        RunFolder.open(tmp_path)
    RunFolder.create(tmp_path / "one", CONFIG, seed=0)
    with pytest.raises(RunFolderError, match="one has no checkpoint: train it first"):
        RunFolder.open(tmp_path / "one")


def test_a_missing_run_names_its_neighbours(tmp_path: Path) -> None:
    for name in ("alpha", "beta"):
        RunFolder.create(tmp_path / name, CONFIG, seed=0)
    with pytest.raises(RunFolderError, match="Runs in .*: alpha, beta"):
        RunFolder.open(tmp_path / "alhpa")


def test_an_unfinished_checkpoint_is_none(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "one", CONFIG, seed=0)
    (folder.checkpoints / "latest.new").mkdir()
    (folder.checkpoints / "latest.new" / "meta.json").write_text("{}")
    assert not folder.has_checkpoint()
    # A crash between two renames leaves the predecessor, which can be loaded.
    (folder.checkpoints / "latest.previous").mkdir()
    (folder.checkpoints / "latest.previous" / "meta.json").write_text("{}")
    assert folder.has_checkpoint()


@pytest.mark.parametrize("text", ["{a: [", "- 1\n- 2\n", "a: b: c", "\x00"])
def test_a_broken_configuration_is_one_line(tmp_path: Path, text: str) -> None:
    folder = RunFolder.create(tmp_path / "one", CONFIG, seed=0)
    (folder.path / "config.yaml").write_text(text)
    with pytest.raises(RunFolderError) as caught:
        folder.config()
    assert "config.yaml" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b'{"a": 1', b"[1]", b"\xff\xfe"])
def test_broken_json_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"a\.json"):
        run_folder.read_json(tmp_path / "a.json")


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    run_folder.write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        run_folder.write_json(path, {"a": float("nan")})
    with pytest.raises(TypeError):
        run_folder.write_bytes(path, 3)  # type: ignore[arg-type]
    assert json.loads(path.read_text()) == {"a": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_result_is_as_readable_as_any_other_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    run_folder.write_json(tmp_path / "result.json", {})
    assert (tmp_path / "result.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_configuration_that_swells_is_refused(tmp_path: Path) -> None:
    """Ten references to a list of ten references to ...: a few lines of YAML that no memory holds."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (tmp_path / "config.yaml").write_text("\n".join(lines))
    with pytest.raises(RunFolderError, match="repeats values by reference"):
        run_folder.load_yaml(tmp_path / "config.yaml")


def test_a_line_of_provenance_can_be_typed_again() -> None:
    made_by = {"packages": {"hcrmp": "0.1.0"}, "commit": "abc", "seed": 3, "command": ["/x/cli.py", "report", "a b"]}
    assert run_folder.provenance_line(made_by) == "hcrmp 0.1.0, commit abc, seed 3: hcrmp report 'a b'"
    assert run_folder.command_of({"command": ["/usr/bin/my.py", "x"]}) == "/usr/bin/my.py x"
    assert run_folder.command_of({}) == run_folder.command_of({"command": "hcrmp"}) == ""
    assert run_folder.provenance_line({}) == "hcrmp unknown, commit unknown, seed None: unknown command"
