"""The memory of the cameras' frames, and who may have cameras at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.cameras import CameraConfig, Images, PictureStack
from envs.errors import EnvsError
from envs.factory import make_vector_env
from envs.observation import ObservationConfig

CONFIG = CameraConfig(views=("left", "front"), width=8, height=8, frames=3, frame_stride=2)


class Numbered:
    """Shows pictures that are as bright as ``marks`` say, a number for each world."""

    def __init__(self, worlds: int) -> None:
        self.marks = np.zeros(worlds, np.uint8)

    @property
    def images(self) -> Images:
        shown: Images = np.tile(self.marks[:, None, None, None, None], (1, *CONFIG.shape))
        return shown


def marks(stack: PictureStack) -> list[list[int]]:
    shown = stack.stacked()
    assert shown.shape[2:] == CONFIG.shape and shown.dtype == np.uint8
    return [[int(frame.min()) for frame in world] for world in shown]


def test_frames_come_oldest_first_and_so_many_decisions_apart() -> None:
    source = Numbered(2)
    stack = PictureStack(CONFIG, source)
    for step in range(1, 8):
        source.marks[:] = (step, 100 + step)
        stack.push()
    assert marks(stack) == [[3, 5, 7], [103, 105, 107]]


def test_a_world_that_starts_has_seen_its_first_frame_all_the_time() -> None:
    source = Numbered(2)
    stack = PictureStack(CONFIG, source)
    for step in range(1, 8):
        source.marks[:] = (step, 100 + step)
        stack.push()
    source.marks[:] = (50, 0)
    stack.restart(np.array([0]))
    assert marks(stack) == [[50, 50, 50], [103, 105, 107]]
    source.marks[:] = (51, 108)
    stack.push()
    assert marks(stack) == [[50, 50, 51], [104, 106, 108]]


def test_a_state_brings_the_frames_back() -> None:
    source = Numbered(1)
    stack, other = PictureStack(CONFIG, source), PictureStack(CONFIG, source)
    for step in range(1, 7):
        source.marks[:] = step
        stack.push()
    other.set_state(stack.state())
    for seen in (stack, other):
        source.marks[:] = 9
        seen.push()
    assert marks(stack) == marks(other) == [[3, 5, 9]]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"views": ("up",)}, "front"),
        ({"views": ("front", "front")}, "repeats"),
        ({"width": 4}, "width must be at least 8"),
        ({"frames": 0}, "frames must be at least 1"),
        ({"fov_deg": 179.0}, "10 to 150"),
    ],
)
def test_cameras_that_cannot_be_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(EnvsError, match=message):
        replace(CONFIG, **wrong)


def test_the_embedded_simulator_has_no_cameras_and_says_who_has() -> None:
    with pytest.raises(EnvsError, match="simulator=carla .*hcrmp serve"):
        make_vector_env(1, "merging", observation=ObservationConfig(perception="none", cameras=CONFIG))
