"""Observation blocks of the user's own: where their numbers stand, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from envs.errors import InvalidConfigError
from envs.observation import ObservationConfig, Observer
from envs.own_code import OwnCodeError
from envs.scene import EgoRow
from tests.envs.builders import make_scene

MINE = """
import numpy as np
from envs.observations.block import ObservationBlock

class Steps(ObservationBlock):
    names = ("steps/10", "speed/5mps")
    def __init__(self, batch_size):
        self.steps = np.zeros(batch_size)
    def write(self, scene, command, rows, out, start, fresh):
        self.steps[rows] = 0.0 if fresh else self.steps[rows] + 1.0
        out[rows, start] = self.steps[rows] / 10.0
        out[rows, start + 1] = scene.ego.speed[rows] / 5.0
    def state(self):
        return {"steps": self.steps.copy()}
    def set_state(self, state):
        self.steps = np.array(state["steps"])

class Nothing(Steps):
    def write(self, scene, command, rows, out, start, fresh):
        out[rows, start] = np.nan

class Crooked(Steps):
    shape = (3,)

class Bare(ObservationBlock):
    def __init__(self, batch_size): ...

class Needy(Steps):
    def __init__(self): ...
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(MINE)
    return str(tmp_path / "mine.py")


def observer(mine: str, name: str = "Steps") -> Observer:
    return Observer(ObservationConfig(perception="none", extra_blocks={"mine": f"{mine}:{name}"}), 2)


def test_its_numbers_stand_behind_the_others_and_it_remembers(mine: str) -> None:
    watching, plain = observer(mine), Observer(ObservationConfig(perception="none"), 2)
    scene, command = make_scene(2, ego={EgoRow.SPEED: 4.0}), np.zeros((2, 2))
    assert watching.layout.features == (*plain.layout.features, "mine.steps/10", "mine.speed/5mps")
    assert watching.layout.fingerprint() != plain.layout.fingerprint()
    out = np.zeros((2, watching.layout.size), np.float32)
    watching.restart(scene, command, np.ones(2, np.bool_), out)
    watching.encode(scene, command)
    kept = watching.state()
    seen = watching.encode(scene, command)
    assert np.array_equal(seen[:, : plain.layout.size], plain.encode(scene, command))
    assert seen[:, -2:].tolist() == pytest.approx(np.array([[0.2, 0.8]] * 2))
    resumed = observer(mine)
    resumed.set_state(kept)
    assert np.array_equal(resumed.encode(scene, command), seen)


def test_numbers_are_clipped(mine: str) -> None:
    seen = observer(mine).encode(make_scene(2, ego={EgoRow.SPEED: 20.0}), np.zeros((2, 2)))
    assert seen[:, -1].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Crooked", r"2 names and the shape \(3,\)"),
        ("Bare", "needs names and a shape"),
        ("Needy", "is made with the number of worlds"),
        ("np", "is no class made from"),
    ],
)
def test_what_is_no_block_is_refused(mine: str, name: str, words: str) -> None:
    with pytest.raises(OwnCodeError, match=rf"observation\.extra_blocks\.mine.*{words}"):
        observer(mine, name)


def test_what_is_no_number_and_a_taken_name_are_refused(mine: str) -> None:
    with pytest.raises(OwnCodeError, match="wrote nan"):
        observer(mine, "Nothing").encode(make_scene(2), np.zeros((2, 2)))
    with pytest.raises(InvalidConfigError, match="'scan' is no name, or one of ego"):
        ObservationConfig(extra_blocks={"scan": f"{mine}:Steps"})
