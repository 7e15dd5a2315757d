"""The environment that planners train on: driving worlds x hint service, as a Stable-Baselines3 VecEnv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from envs.driving_env import DrivingVectorEnv, Transition
from envs.rendering import RenderOverlay
from envs.scene import BoolArray, FloatArray
from envs.termination import Outcome
from hcrmp.encoders import HINT_KEY, IMAGES_KEY, STATE_KEY, WEIGHTS_KEY
from llm_hints.hint import STATE_SIZE, HintSource
from llm_hints.service import HintService

Observation = dict[str, npt.NDArray[Any]]


class StepWatcher(Protocol):
    """Somebody who looks on while others step the worlds."""

    def advanced(self, actions: npt.NDArray[Any], made: Transition, observation: Observation) -> None:
        """The worlds have moved by ``actions`` ``(B, 2)``; nothing has been restarted yet."""
        ...

    def decided(self) -> None:
        """The planner has decided on what is to be seen now; nothing has moved yet."""
        ...


class HintedVecEnv(VecEnv):
    """B driving worlds with hints.

    The observation is a Dict of ``state`` ``(B, n)``, ``hint`` ``(B, 13)``, ``critic_weights`` ``(B, N)`` and, with
    cameras, ``images`` ``(B, J, V, height, width, 3)`` uint8.

    ``reward_terms`` ``(B, N)`` are those of the last step, in the order of ``critics``: the hint's three, then those of
    ``RewardConfig.extra_terms``, whose weights are fixed shares while the hint's are scaled to the rest; the scalar
    reward is their weighted sum (``RewardConfig.reward_weights``). Of an ended episode, ``infos[b]`` holds
    ``terminal_observation``, ``outcome`` (an ``Outcome``), ``is_success``, ``cell``, ``episode_seed``, SB3's
    ``episode`` (return, length) and ``hints``, what happened to the episode's hints (``llm_hints.counters``). Wall
    times are in ``service.latency`` alone, so that equal drives have equal infos.
    """

    def __init__(self, driving: DrivingVectorEnv, service: HintService) -> None:
        self.driving = driving
        self.service = service
        reward = driving.config.reward
        self.critics = reward.names
        self._shares = np.array([term.weight for term in reward.extra_terms.values()], np.float32)
        parts: dict[str, gym.Space[Any]] = {
            STATE_KEY: driving.single_observation_space,
            HINT_KEY: gym.spaces.Box(-1.0, 1.0, (STATE_SIZE,), np.float32),
            WEIGHTS_KEY: gym.spaces.Box(0.0, 1.0, (len(self.critics),), np.float32),
        }
        images = driving.images
        if images is not None:
            parts[IMAGES_KEY] = gym.spaces.Box(0, 255, images.shape[1:], np.uint8)
        space = gym.spaces.Dict(parts)
        self.render_mode = driving.render_mode
        super().__init__(driving.num_envs, space, driving.single_action_space)
        self.reward_terms: FloatArray = np.zeros((self.num_envs, len(self.critics)))
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, dtype=np.int64)
        self._actions: npt.NDArray[Any] = np.zeros((self.num_envs, 2), np.float32)
        self.watcher: StepWatcher | None = None
        """Who is told of every step: when it is decided, and before worlds whose episodes have ended are restarted."""

    def reset(self) -> Observation:
        """Start an episode in every world."""
        # SB3 hands a seed over once: it begins the episode streams anew.
        seed = self._seeds[0]
        self._reset_seeds()
        state, _ = self.driving.reset(seed=seed)
        self.service.reset(None, self.driving.scene)
        self._returns[:], self._lengths[:] = 0.0, 0
        return self.observe(state)

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Take the actions ``(B, 2)`` for the next ``step_wait``."""
        self._actions = actions
        if self.watcher is not None:
            self.watcher.decided()

    def step_wait(self) -> VecEnvStepReturn:
        """Advance every world by one decision; where an episode ended the next one begins."""
        made = self.advance(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        observation = self.observe(made.observation)
        if self.watcher is not None:
            self.watcher.advanced(self._actions, made, observation)
        if made.any_ended:
            self._describe_ends(made, observation, infos)
            self.restart(made.ended)
            observation = self.observe(made.observation)
        return observation, made.reward.astype(np.float32), made.ended, infos

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """``(B,)`` decisions of the present episodes."""
        return self._lengths

    # The two halves of a step, for whoever records or evaluates.

    def advance(self, actions: npt.NDArray[Any]) -> Transition:
        """Step the worlds and poll the hints, without starting anything anew."""
        made = self.driving.advance(actions)
        self.service.poll(self.driving.scene)
        self.reward_terms = made.reward_terms
        self._returns += made.reward
        self._lengths += 1
        return made

    def restart(
        self, mask: BoolArray, episode_seeds: npt.ArrayLike | None = None, cells: npt.ArrayLike | None = None
    ) -> Observation:
        """Start the next episode in the worlds of ``mask`` ``(B,)``; see ``DrivingVectorEnv.restart``."""
        state = self.driving.restart(mask, episode_seeds, cells)
        self.service.reset(mask, self.driving.scene)
        self._returns[mask], self._lengths[mask] = 0.0, 0
        return self.observe(state)

    def observe(self, state: npt.NDArray[np.float32]) -> Observation:
        """Return the Dict observation of ``state`` ``(B, n)``, with the hints that hold now."""
        hints, images = self.service.hints, self.driving.images
        return {
            STATE_KEY: state,
            HINT_KEY: hints.state.astype(np.float32),
            WEIGHTS_KEY: self._weights(hints.weights.astype(np.float32)),
            **({} if images is None else {IMAGES_KEY: images}),
        }

    def _weights(self, hinted: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the weights ``(B, N)`` of all critics, of sum 1, from the hint's ``(B, 3)``."""
        if not len(self._shares):
            return hinted
        fixed = np.broadcast_to(self._shares, (len(hinted), len(self._shares)))
        return np.concatenate([hinted * (1.0 - self._shares.sum()), fixed], axis=1)

    def _describe_ends(self, made: Transition, observation: Observation, infos: list[dict[str, Any]]) -> None:
        for b in np.flatnonzero(made.ended):
            outcome = Outcome(int(made.outcome[b]))
            infos[b] = {
                "terminal_observation": {key: part[b].copy() for key, part in observation.items()},
                "TimeLimit.truncated": bool(made.truncated[b] and not made.terminated[b]),
                "episode": {"r": float(self._returns[b]), "l": int(self._lengths[b]), "t": 0.0},
                "outcome": outcome,
                "is_success": outcome is Outcome.SUCCESS,
                "cell": int(self.driving.cells[b]),
                "episode_seed": int(self.driving.episode_seeds[b]),
                "hints": self.service.episode_counters(int(b)).told(),
            }

    # Exact resume.

    def state(self) -> dict[str, Any]:
        """Return everything that the future depends on, as nested dicts of arrays."""
        return {
            "driving": self.driving.state(),
            "service": self.service.state(),
            "returns": self._returns.copy(),
            "lengths": self._lengths.copy(),
        }

    def set_state(self, state: Mapping[str, Any]) -> Observation:
        """Continue from what ``state`` returned; return the observation that held then."""
        driving_state = self.driving.set_state(state["driving"])
        self.service.set_state(state["service"])
        self._returns, self._lengths = np.array(state["returns"]), np.array(state["lengths"])
        return self.observe(driving_state)

    # The rest of SB3's interface.

    def close(self) -> None:
        """Release simulator, hint provider and window."""
        self.service.close()
        self.driving.close()

    def get_images(self) -> Sequence[npt.NDArray[np.uint8] | None]:
        """Return one frame a world."""
        return [self.driving.render_world(world, self._overlay(world)) for world in range(self.num_envs)]

    def _overlay(self, world: int) -> RenderOverlay:
        hints = self.service.hints
        age_s = float(self.driving.scene.time_s[world] - hints.issued_at_s[world])
        return RenderOverlay(
            title=self.driving.case_name(world),
            subtitle=f"seed {self.driving.episode_seeds[world]}",
            hint_text=hints.hint(world).text(),
            hint_source=HintSource(int(hints.source[world])).name.lower(),
            hint_age_s=age_s,
            weights=hints.weights[world],
        )

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return the attribute once for each chosen world: the worlds share this object."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refuse: the worlds share one object, so an attribute cannot be set for some of them."""
        raise NotImplementedError(
            f"{attr_name!r} cannot be set for single worlds of a batch; configure the environment"
        )

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Call the method once, for all worlds; the result is repeated for each chosen one."""
        result = getattr(self, method_name)(*args, **kwargs)
        return [result] * len(list(self._get_indices(indices)))

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """Return False for each chosen world: there are no single environments to wrap."""
        return [False] * len(list(self._get_indices(indices)))


class FlatObservation(VecEnvWrapper):
    """The view of a single-critic baseline: ``state`` alone, or with the state hint behind it, as one Box."""

    def __init__(self, venv: HintedVecEnv, with_hint: bool = False) -> None:
        self.hinted = venv
        self.with_hint = with_hint
        state = venv.driving.single_observation_space
        assert isinstance(state, gym.spaces.Box)
        size = state.shape[0] + (STATE_SIZE if with_hint else 0)
        super().__init__(venv, gym.spaces.Box(-1.0, 1.0, (size,), np.float32))

    def flatten(self, observation: Mapping[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        """Return ``(B, n)`` from the Dict observation."""
        if not self.with_hint:
            return observation[STATE_KEY]
        return np.concatenate([observation[STATE_KEY], observation[HINT_KEY]], axis=-1)

    def reset(self) -> npt.NDArray[np.float32]:
        """Start an episode in every world."""
        return self.flatten(self.hinted.reset())

    def step_wait(self) -> VecEnvStepReturn:
        """Advance by one decision."""
        observation, rewards, dones, infos = self.hinted.step_wait()
        assert isinstance(observation, dict)
        for b in np.flatnonzero(dones):
            infos[b]["terminal_observation"] = self.flatten(infos[b]["terminal_observation"])
        return self.flatten(observation), rewards, dones, infos
