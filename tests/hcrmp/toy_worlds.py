"""Small VecEnvs for tests of the algorithm, with nothing of driving in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

AnyArray = npt.NDArray[Any]


class ToyWorlds(VecEnv):
    """B worlds in which each critic wants another action; observations are noise, reward terms come by ``infos``.

    Critic 0 wants action 0 at +0.6, critic 1 wants it at -0.6, any other wants it at 0; the reward of each is minus
    the squared distance, times its ``scales``. ``weights`` are what the hint says in every step. Episodes last
    ``length`` steps and then end, or are cut off where ``truncate``.
    """

    def __init__(
        self,
        worlds: int = 4,
        *,
        weights: Sequence[float] = (0.8, 0.1, 0.1),
        scales: Sequence[float] = (1.0,),
        state_size: int = 5,
        length: int = 16,
        truncate: bool = False,
        plain: bool = False,
        terms_as_attribute: bool = False,
        seed: int = 0,
    ) -> None:
        self.weights = np.asarray(weights, dtype=np.float32)
        self.scales = np.asarray(scales)
        self.targets = np.array([0.6, -0.6, *[0.0] * (len(weights) - 2)])[: len(weights)]
        self.length, self.truncate, self.plain = length, truncate, plain
        self.terms_as_attribute = terms_as_attribute
        self.rng = np.random.default_rng(seed)
        self.clock = np.zeros(worlds, dtype=np.int64)
        state = spaces.Box(-10.0, 10.0, (state_size,), np.float32)
        hint, lam = spaces.Box(-1.0, 1.0, (13,), np.float32), spaces.Box(0.0, 1.0, (len(weights),), np.float32)
        space = state if plain else spaces.Dict({"state": state, "hint": hint, "critic_weights": lam})
        super().__init__(worlds, space, spaces.Box(-1.0, 1.0, (2,), np.float32))

    def _observe(self) -> Any:
        state_space = self.observation_space if self.plain else self.observation_space["state"]  # type: ignore[index]
        state = self.rng.normal(size=(self.num_envs, *(state_space.shape or ()))).astype(np.float32)
        if self.plain:
            return state
        hint = np.zeros((self.num_envs, 13), dtype=np.float32)
        return {"state": state, "hint": hint, "critic_weights": np.tile(self.weights, (self.num_envs, 1))}

    def reset(self) -> Any:
        self.clock[:] = np.arange(self.num_envs) % self.length
        return self._observe()

    def step_async(self, actions: AnyArray) -> None:
        self.actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        terms = -self.scales * (self.actions[:, :1] - self.targets) ** 2
        self.clock += 1
        dones = self.clock >= self.length
        self.clock[dones] = 0
        observation = self._observe()
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if self.terms_as_attribute:
            self.reward_terms = terms
        else:
            infos = [{"reward_terms": row} for row in terms]
        for world in np.flatnonzero(dones):
            last = observation[world] if self.plain else {key: part[world] for key, part in observation.items()}
            infos[world] |= {"terminal_observation": last, "TimeLimit.truncated": self.truncate}
        return observation, terms.sum(axis=1).astype(np.float32), dones, infos

    def state(self) -> dict[str, Any]:
        return {"clock": self.clock.copy(), "rng": self.rng.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        self.clock[:] = state["clock"]
        self.rng.bit_generator.state = state["rng"]

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        if attr_name == "render_mode":
            return [None] * self.num_envs
        raise AttributeError(attr_name)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs
