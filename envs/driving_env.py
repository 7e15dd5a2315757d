"""DrivingVectorEnv: B worlds of one simulator as a Gymnasium vector environment; ``DrivingEnv`` is its B = 1 view.

One step is ``advance`` (act, simulate, judge, reward, observe), then ``restart`` of the worlds that ended. ``step``
does both (autoreset in the same step); a caller that needs the last scene of an episode before it is gone, to record
it or to ask for a last hint, calls the two halves itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envs.action import ACTION_SIZE, ActionConfig, action_space, to_control
from envs.cameras import CameraConfig, Cameraman, Images, PictureStack
from envs.episodes import EpisodeStream
from envs.errors import EpisodeEndedError, InvalidConfigError, UnknownChoiceError
from envs.frames import RENDER_FPS, RENDER_MODES, Drawings, FrameMaker
from envs.observation import ObservationConfig, ObservationLayout, Observer
from envs.observations.block import Float32Array
from envs.reward import RewardConfig, RewardFunction
from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch
from envs.termination import EndsAt, Outcome, judge

if TYPE_CHECKING:
    from envs.rendering import RenderOverlay
    from envs.scenarios.scenario import ConcreteScenario
    from envs.simulator import Simulator

Frame = npt.NDArray[np.uint8]
Info = dict[str, Any]
RESET_OPTIONS = ("episode_seeds", "cells")


class ScenarioSource(Protocol):
    """What the environment needs of a scenario set: one case for a cell and a seed."""

    def sample(self, cell: int, seed: int) -> ConcreteScenario:
        """Return the case of ``cell`` that ``seed`` draws; the same always."""
        ...


@dataclass(frozen=True, slots=True)
class DrivingConfig:
    """How the planner acts, sees and is paid."""

    action: ActionConfig = field(default_factory=ActionConfig)
    """Limits between action and command."""
    observation: ObservationConfig = field(default_factory=ObservationConfig)
    """What is observed."""
    reward: RewardConfig = field(default_factory=RewardConfig)
    """Sizes of the reward terms."""
    ends_at: EndsAt = "violation"
    """What ends an episode early: anything against the rules, or a collision alone."""


class Transition(NamedTuple):
    """One step of B worlds.

    ``observation`` ``(B, n)`` (of an ended world: its last; ``restart`` overwrites that row in place), ``reward``
    ``(B,)`` the weighted sum, ``reward_terms`` ``(B, N)`` as ``RewardConfig.names``, ``outcome`` ``(B,)`` an
    ``Outcome``, ``terminated`` and ``truncated`` ``(B,)``, ``ended`` ``(B,)`` their union, ``any_ended``.
    """

    observation: Float32Array
    reward: FloatArray
    reward_terms: FloatArray
    outcome: IntArray
    terminated: BoolArray
    truncated: BoolArray
    ended: BoolArray
    any_ended: bool


class DrivingVectorEnv(VectorEnv[Float32Array, npt.NDArray[Any], npt.NDArray[Any]]):
    """B worlds, batch first.

    ``simulator`` has B worlds; ``scenarios`` gives a case for (cell, seed); ``cells`` are the cells to draw episodes
    from; ``drawings`` returns the road drawing of a map's name (needed for rendering only).

    ``reset(options={"episode_seeds": (B,), "cells": (B,)})`` fixes the episodes exactly; either may be left out.
    Infos are arrays over B and describe the transition just made: ``reward_terms`` ``(B, N)``, ``outcome``,
    ``episode_seed`` and ``cell``; ``final_obs`` and ``final_info`` as Gymnasium defines them for autoreset in the same
    step.
    """

    metadata: dict[str, Any] = {
        "autoreset_mode": AutoresetMode.SAME_STEP,
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
    }

    def __init__(
        self,
        simulator: Simulator,
        scenarios: ScenarioSource,
        cells: Sequence[int],
        config: DrivingConfig | None = None,
        render_mode: str | None = None,
        drawings: Drawings | None = None,
    ) -> None:
        self.config = DrivingConfig() if config is None else config
        self.simulator, self.scenarios = simulator, scenarios
        self.num_envs = simulator.batch_size
        self.render_mode = render_mode
        self._frames = FrameMaker(render_mode, drawings)
        self._observer = Observer(self.config.observation, self.num_envs)
        self._pictures = _pictures(self.config.observation.cameras, simulator)
        self._reward = RewardFunction(self.config.reward)
        self._stream = EpisodeStream(self.num_envs, cells)
        self.single_observation_space = self._observer.space
        self.single_action_space = action_space()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._allocate()

    def _allocate(self) -> None:
        batch = self.num_envs
        self._scene: SceneBatch | None = None
        self._observation = np.zeros((batch, self.layout.size), np.float32)
        self._command = np.zeros((batch, ACTION_SIZE))
        self._control = np.zeros((batch, 3))
        self._progress_m = np.zeros(batch)
        self._seeds, self._cells = np.zeros(batch, np.int64), np.zeros(batch, np.int64)
        self._broken = np.zeros(batch, np.int64)
        self._waiting = np.ones(batch, np.bool_)
        self._any_waiting = True
        self._final: tuple[IntArray, SceneBatch] | None = None

    # What a hint service, a recorder or a test may look at.

    @property
    def layout(self) -> ObservationLayout:
        """Where each block lies in the observation."""
        return self._observer.layout

    @property
    def scene(self) -> SceneBatch:
        """The present scene, valid until the next step or reset."""
        if self._scene is None:
            raise EpisodeEndedError("there is no scene yet: call reset() first")
        return self._scene

    @property
    def images(self) -> Images | None:
        """``(B, J, V, height, width, 3)`` uint8: the last frames of the cameras, oldest first; None without cameras."""
        return None if self._pictures is None else self._pictures.stacked()

    @property
    def last_command(self) -> FloatArray:
        """``(B, 2)`` the longitudinal and steer command applied in the last step, within the action limits."""
        return self._command

    @property
    def last_control(self) -> FloatArray:
        """``(B, 3)`` throttle, brake and steer given to the simulator in the last step."""
        return self._control

    @property
    def episode_seeds(self) -> IntArray:
        """``(B,)`` seeds of the present episodes."""
        return self._seeds

    @property
    def waiting(self) -> BoolArray:
        """``(B,)`` where an episode has ended and the next one has not begun."""
        return self._waiting

    @property
    def cells(self) -> IntArray:
        """``(B,)`` scenario cells of the present episodes."""
        return self._cells

    @property
    def final_scene(self) -> tuple[IntArray, SceneBatch] | None:
        """The worlds ``(M,)`` that ended in the last ``step`` and a copy of their last scenes (M rows), or None."""
        return self._final

    @property
    def stream(self) -> EpisodeStream:
        """Which episodes come next; a curriculum sets its weights."""
        return self._stream

    def case_name(self, world: int) -> str:
        """Return "condition, density" of a world's present episode."""
        case = self.scenarios.sample(int(self._cells[world]), int(self._seeds[world]))
        return f"{case.name}, {case.density}"

    # The Gymnasium interface.

    def reset(self, *, seed: int | None = None, options: Mapping[str, Any] | None = None) -> tuple[Float32Array, Info]:
        """Start an episode in every world; ``seed`` begins the worlds' episode streams anew."""
        super().reset(seed=seed)
        fixed = _reset_options(options, self.num_envs)
        if seed is not None or self._stream.root is None:
            self._stream.start(int(self.np_random.integers(2**31)))
        self._observation = np.empty_like(self._observation)
        self._final = None
        observation = self.restart(np.ones(self.num_envs, np.bool_), **fixed)
        return observation, {"episode_seed": self._seeds.copy(), "cell": self._cells.copy()}

    def step(
        self, actions: npt.NDArray[Any]
    ) -> tuple[Float32Array, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], Info]:
        """Advance every world by one decision, and start the next episode where one ended."""
        made = self.advance(actions)
        infos = self._infos(made)
        self._final = None
        if made.any_ended:
            self._keep_final(made, infos)
            self.restart(made.ended)
        self._frames.after_step(self)
        return made.observation, made.reward, made.terminated, made.truncated, infos

    def render(self) -> tuple[Frame, ...] | None:
        """Return one frame ``(H, W, 3)`` a world; None where the frames go to a window."""
        return self._frames.render(self)

    def render_world(self, world: int, overlay: RenderOverlay | None = None) -> Frame:
        """Return one world's frame, with the words and bars of ``overlay`` in place of the standard ones."""
        return self._frames.frame(self, world, overlay)

    def close_extras(self, **kwargs: Any) -> None:
        """Release the simulator and the window."""
        self._frames.close()
        self.simulator.close()

    # The two halves of a step.

    def advance(self, actions: npt.NDArray[Any]) -> Transition:
        """Act, simulate, judge, reward and observe, without starting anything anew."""
        self._refuse_ended()
        self._control, self._command = to_control(np.asarray(actions), self.scene, self._command, self.config.action)
        scene = self._scene = self.simulator.step(self._control)
        broken = self._broken if self.config.ends_at == "collision" else None
        verdict = judge(scene, getattr(self.simulator, "failed", None), broken)
        terms = np.empty((self.num_envs, len(self.config.reward.names)))
        reward = self._reward(scene, verdict.outcome, self._progress_m, terms)
        self._progress_m[:] = scene.route.progress_m
        self._observation = self._observer.encode(scene, self._command)
        if self._pictures is not None:
            self._pictures.push()
        self._waiting, self._any_waiting = verdict.ended, verdict.any_ended
        return Transition(self._observation, reward, terms, *verdict)

    def restart(
        self,
        mask: BoolArray,
        episode_seeds: npt.ArrayLike | None = None,
        cells: npt.ArrayLike | None = None,
    ) -> Float32Array:
        """Start the next episode in the worlds of ``mask`` ``(B,)``; return the observations ``(B, n)`` of all worlds.

        The rows of ``mask`` are written into the array that the last ``advance`` returned. ``episode_seeds`` and
        ``cells`` ``(M,)``, one for each true row in order, replace what the streams draw.
        """
        rows = np.flatnonzero(mask)
        seeds, drawn = self._stream.draw(rows)
        self._seeds[rows] = seeds if episode_seeds is None else episode_seeds
        self._cells[rows] = drawn if cells is None else cells
        cases = [self.scenarios.sample(int(self._cells[b]), int(self._seeds[b])) for b in rows]
        self._scene = self.simulator.reset(cases, mask)
        self._command[rows], self._control[rows], self._broken[rows] = 0.0, 0.0, 0
        self._progress_m[rows] = self._scene.route.progress_m[rows]
        self._waiting = self._waiting & ~mask
        self._any_waiting = bool(self._waiting.any())
        self._observer.restart(self._scene, self._command, mask, self._observation, self._seeds)
        if self._pictures is not None:
            self._pictures.restart(rows)
        return self._observation

    # Exact resume.

    def state(self) -> dict[str, Any]:
        """Return everything that the future depends on, as nested dicts of arrays."""
        return {
            "simulator": self.simulator.state(),
            "observer": self._observer.state(),
            "stream": self._stream.state(),
            "observation": self._observation.copy(),
            "command": self._command.copy(),
            "control": self._control.copy(),
            "progress_m": self._progress_m.copy(),
            "seeds": self._seeds.copy(),
            "cells": self._cells.copy(),
            "waiting": self._waiting.copy(),
            "broken": self._broken.copy(),
            **({} if self._pictures is None else {"pictures": self._pictures.state()}),
        }

    def set_state(self, state: Mapping[str, Any]) -> Float32Array:
        """Continue from what ``state`` returned; return the observations ``(B, n)`` that held then."""
        shape = np.shape(state["observation"])
        if shape != self._observation.shape:
            raise InvalidConfigError(
                f"the state is of observations {shape}; this environment has {self._observation.shape}"
            )
        self._scene = self.simulator.set_state(state["simulator"])
        self._observer.set_state(state["observer"])
        if self._pictures is not None:
            self._pictures.set_state(state["pictures"])
        self._stream.set_state(state["stream"])
        self._observation = np.array(state["observation"], dtype=np.float32)
        self._command, self._control = np.array(state["command"]), np.array(state["control"])
        self._progress_m = np.array(state["progress_m"])
        self._seeds, self._cells = np.array(state["seeds"]), np.array(state["cells"])
        self._waiting, self._broken = np.array(state["waiting"]), np.array(state["broken"])
        self._any_waiting = bool(self._waiting.any())
        self._final = None
        return self._observation

    def _refuse_ended(self) -> None:
        if self._any_waiting:
            worlds = np.flatnonzero(self._waiting)[:8].tolist()
            raise EpisodeEndedError(
                f"no episode runs in the worlds {worlds}: call reset() or restart(mask) before the next step"
            )

    def _infos(self, made: Transition) -> Info:
        return {
            "reward_terms": made.reward_terms,
            "outcome": made.outcome,
            "episode_seed": self._seeds.copy(),
            "cell": self._cells.copy(),
        }

    def _keep_final(self, made: Transition, infos: Info) -> None:
        """Keep what the restart will overwrite."""
        worlds = np.flatnonzero(made.ended)
        self._final = worlds, self.scene.rows(worlds)
        last = np.full(self.num_envs, None, dtype=object)
        for b in worlds:
            last[b] = made.observation[b].copy()
        infos["final_obs"], infos["_final_obs"] = last, made.ended.copy()
        infos["final_info"] = {
            **{key: infos[key].copy() for key in ("reward_terms", "outcome", "episode_seed", "cell")},
            **{f"_{key}": made.ended.copy() for key in ("reward_terms", "outcome", "episode_seed", "cell")},
        }
        infos["_final_info"] = made.ended.copy()


class DrivingEnv(gym.Env[Float32Array, npt.NDArray[Any]]):
    """One world: the B = 1 view of a ``DrivingVectorEnv``, without autoreset.

    ``reset(options={"episode_seed": 7, "cell": 0})`` fixes the episode exactly. ``info`` carries
    ``reward_terms`` ``(N,)``, ``outcome`` (an int, see ``Outcome``), ``episode_seed``, ``cell`` and, at the end,
    ``is_success``.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}

    def __init__(self, vector: DrivingVectorEnv) -> None:
        if vector.num_envs != 1:
            raise InvalidConfigError(
                f"DrivingEnv shows one world, and this simulator has {vector.num_envs}: use DrivingVectorEnv"
            )
        self.vector = vector
        self.observation_space = vector.single_observation_space
        self.action_space = vector.single_action_space
        self.render_mode = vector.render_mode

    @property
    def scene(self) -> SceneBatch:
        """The present scene (B = 1), valid until the next step or reset."""
        return self.vector.scene

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Float32Array, Info]:
        """Start an episode; ``seed`` begins the episode stream anew."""
        super().reset(seed=seed)
        several = {_plural(key): [value] for key, value in (options or {}).items()}
        observation, infos = self.vector.reset(seed=seed, options=several)
        return observation[0], {key: int(values[0]) for key, values in infos.items()}

    def step(self, action: npt.NDArray[Any]) -> tuple[Float32Array, float, bool, bool, Info]:
        """Advance by one decision."""
        made = self.vector.advance(np.asarray(action)[None])
        self.vector._frames.after_step(self.vector)
        info: Info = {
            "reward_terms": made.reward_terms[0],
            "outcome": int(made.outcome[0]),
            "episode_seed": int(self.vector.episode_seeds[0]),
            "cell": int(self.vector.cells[0]),
        }
        if made.any_ended:
            info["is_success"] = info["outcome"] == Outcome.SUCCESS
        return made.observation[0], float(made.reward[0]), bool(made.terminated[0]), bool(made.truncated[0]), info

    def render(self) -> Frame | None:
        """Return the frame ``(H, W, 3)``; None where it goes to a window."""
        frames = self.vector.render()
        return None if frames is None else frames[0]

    def close(self) -> None:
        """Release the simulator and the window."""
        self.vector.close()


def _pictures(config: CameraConfig, simulator: object) -> PictureStack | None:
    """Return the memory of the cameras' frames; refuse cameras where the simulator draws nothing."""
    if not config.views:
        return None
    if not isinstance(simulator, Cameraman):
        raise InvalidConfigError(
            "observation.cameras needs a simulator with cameras: simulator=carla (hcrmp serve draws them without CARLA)"
        )
    return PictureStack(config, simulator)


def _plural(option: str) -> str:
    names = {"episode_seed": "episode_seeds", "cell": "cells"}
    if option not in names:
        raise UnknownChoiceError("reset option", option, names)
    return names[option]


def _reset_options(options: Mapping[str, Any] | None, batch: int) -> dict[str, IntArray]:
    """Return the options as arrays ``(B,)``; refuse unknown names and wrong lengths."""
    fixed = {}
    for name, values in (options or {}).items():
        if name not in RESET_OPTIONS:
            raise UnknownChoiceError("reset option", name, RESET_OPTIONS)
        array = np.asarray(values, dtype=np.int64)
        if array.shape != (batch,) or (array < 0).any():
            raise InvalidConfigError(
                f"reset option {name!r} must be {batch} integers >= 0, one a world; got {values!r}"
            )
        fixed[name] = array
    return fixed
