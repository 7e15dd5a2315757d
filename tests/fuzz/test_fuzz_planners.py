"""A short, deterministic run of the planners' fuzz, and that it would notice."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch as th

from tests.fuzz import fuzz_planners
from tests.fuzz.fuzz_planners import Watch, fuzz_file, verdict
from tests.fuzz.planner_corpus import corpus
from tests.fuzz.planner_mutations import Files
from tests.fuzz.value_mutations import Payload

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def sound() -> dict[str, Files]:
    th.set_num_threads(1)
    return corpus()


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


def test_the_sound_files_act(sound: dict[str, Files], watch: Watch, tmp_path: Path) -> None:
    for number, name in enumerate(sound):
        assert verdict(name, sound[name], tmp_path / str(number), watch) == "acts", name


def test_two_hundred_files_act_or_are_refused(sound: dict[str, Files], watch: Watch, tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    for index in range(200):
        name, files = fuzz_file(sound, 0, index)
        outcomes[verdict(name, files, tmp_path / str(index), watch)] += 1
    assert outcomes["acts"] > 10 and outcomes["refused"] > 100


def test_a_file_depends_on_seed_and_number_alone(sound: dict[str, Files]) -> None:
    assert fuzz_file(sound, 3, 7) == fuzz_file(sound, 3, 7)
    assert fuzz_file(sound, 3, 7) != fuzz_file(sound, 3, 8)


def test_a_pickle_that_is_run_is_noticed(
    sound: dict[str, Files], watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(path: Path) -> Any:
        return pickle.loads((path / "evil").read_bytes())

    monkeypatch.setattr(fuzz_planners, "load_policy", careless)
    with pytest.raises(AssertionError, match=r"was run.*pickle\.find_class"):
        verdict("folder/x", {"evil": pickle.dumps(Payload())}, tmp_path, watch)


def test_a_file_that_is_written_is_noticed(watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_planners, "load_policy", lambda path: (path / "new").write_text("x"))
    with pytest.raises(AssertionError, match="open .*new"):
        verdict("folder/x", {"a": b""}, tmp_path, watch)
