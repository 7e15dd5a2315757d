"""What the algorithm reads from a VecEnv's step beyond SB3's scalars: reward terms and cut-off episodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env import VecEnv


def get_reward_terms(
    env: VecEnv, infos: list[dict[str, Any]], rewards: npt.NDArray[Any], critics: int
) -> npt.NDArray[Any]:
    """Return the reward terms ``(B, N)`` of the last step, in the order of the critics.

    They are the environment's attribute ``reward_terms`` ``(B, N)`` where it has one (no loop), else
    ``infos[i]["reward_terms"]``. A single critic reads the scalar rewards ``(B,)``.
    """
    if critics == 1:
        return rewards.reshape(-1, 1)
    terms = getattr(env, "reward_terms", None)
    if terms is None:
        if "reward_terms" not in infos[0]:
            raise ValueError('the environment gives no reward terms: add infos[i]["reward_terms"] or .reward_terms')
        terms = np.stack([info["reward_terms"] for info in infos])
    if terms.shape != (len(rewards), critics):
        raise ValueError(f"reward_terms has shape {terms.shape}, expected {(len(rewards), critics)}: one per critic")
    return np.asarray(terms)


def truncated_episodes(
    step: int, dones: npt.NDArray[np.bool_], infos: list[dict[str, Any]]
) -> list[tuple[int, int, Any]]:
    """Return (step, environment, last observation) of each episode that ended by a time limit alone."""
    return [
        (step, int(world), infos[world]["terminal_observation"])
        for world in np.flatnonzero(dones)
        if infos[world].get("TimeLimit.truncated", False) and infos[world].get("terminal_observation") is not None
    ]


def stack_observations(observations: tuple[Any, ...]) -> Any:
    """Return single observations (arrays, or mappings of them) as one batch, each part ``(M, ...)``."""
    if isinstance(observations[0], Mapping):
        return {key: np.stack([observation[key] for observation in observations]) for key in observations[0]}
    return np.stack(observations)
