"""Frames of an environment's worlds, for ``render_mode``: pictures as arrays, or in a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from envs.errors import InvalidConfigError, UnknownChoiceError
from envs.simulator import DECISION_PERIOD_S
from envs.termination import Outcome, judge

if TYPE_CHECKING:
    from envs.driving_env import DrivingVectorEnv
    from envs.human_window import HumanWindow
    from envs.rendering import RenderOverlay, SceneRenderer
    from envs.roads.drawing import RoadDrawing

RENDER_MODES = ("rgb_array", "human")
RENDER_FPS = round(1.0 / DECISION_PERIOD_S)
Drawings = Callable[[str], "RoadDrawing"]
"""From a map's name to its road drawing."""


class FrameMaker:
    """Draws worlds, keeping one renderer a map; ``mode`` is a Gymnasium render mode or None."""

    def __init__(self, mode: str | None, drawings: Drawings | None) -> None:
        if mode is not None and mode not in RENDER_MODES:
            raise UnknownChoiceError("render_mode", mode, RENDER_MODES)
        self.mode = mode
        self._drawings = drawings
        self._renderers: dict[str, SceneRenderer] = {}
        self._window: HumanWindow | None = None

    def after_step(self, env: DrivingVectorEnv) -> None:
        """Show world 0 where a person is watching."""
        if self.mode == "human":
            self._show(self.frame(env, 0))

    def render(self, env: DrivingVectorEnv) -> tuple[npt.NDArray[np.uint8], ...] | None:
        """Return a frame a world in ``rgb_array`` mode; in ``human`` mode show world 0."""
        if self.mode is None:
            raise InvalidConfigError(
                f"nothing is rendered: make the environment with render_mode, one of {RENDER_MODES}"
            )
        if self.mode == "human":
            self._show(self.frame(env, 0))
            return None
        return tuple(self.frame(env, b) for b in range(env.num_envs))

    def frame(self, env: DrivingVectorEnv, world: int, overlay: RenderOverlay | None = None) -> npt.NDArray[np.uint8]:
        """Return the frame ``(H, W, 3)`` of one world."""
        case = env.scenarios.sample(int(env.cells[world]), int(env.episode_seeds[world]))
        words = _overlay(env, world, f"{case.name}, {case.density}") if overlay is None else overlay
        return self._renderer(case.map_name).render(env.scene, world, words)

    def close(self) -> None:
        """Close the window, where there is one."""
        if self._window is not None:
            self._window.close()

    def _renderer(self, map_name: str) -> SceneRenderer:
        if self._drawings is None:
            raise InvalidConfigError("this environment has no road drawings: give DrivingVectorEnv drawings=")
        if map_name not in self._renderers:
            from envs.rendering import SceneRenderer

            self._renderers[map_name] = SceneRenderer(self._drawings(map_name))
        return self._renderers[map_name]

    def _show(self, frame: npt.NDArray[np.uint8]) -> None:
        if self._window is None:
            from envs.human_window import HumanWindow

            self._window = HumanWindow(rate_hz=RENDER_FPS)
        self._window.show(frame)


def _overlay(env: DrivingVectorEnv, world: int, title: str) -> RenderOverlay:
    from envs.rendering import RenderOverlay

    outcome = Outcome(int(judge(env.scene).outcome[world]))
    ended = "" if outcome is Outcome.RUNNING else outcome.word
    return RenderOverlay(title=title, subtitle=f"seed {int(env.episode_seeds[world])}", outcome=ended)
