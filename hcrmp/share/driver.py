"""A shared planner as a driver of an evaluation, after its observation is found to be the environment's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from gymnasium import spaces

from envs.observation import ObservationLayout
from envs.scene import SceneBatch
from hcrmp.drivers import Driver, Numbers
from hcrmp.encoders import STATE_KEY, WEIGHTS_KEY
from hcrmp.hinted_env import HintedVecEnv, Observation
from hcrmp.share.document import SharedPlannerError
from hcrmp.share.opening import load_policy
from hcrmp.share.policies import Policy

if TYPE_CHECKING:
    from hcrmp.course import Course


class SharedDriver:
    """Drives by a policy; it sees the observation alone."""

    def __init__(self, name: str, policy: Policy) -> None:
        self.name = name
        self.policy = policy

    def act(self, observation: Observation, scene: SceneBatch) -> Numbers:
        """Return the actions ``(B, 2)``."""
        return self.policy.act(observation)

    def values(self, observation: Observation) -> Numbers | None:
        """Return what its critics expect ``(B, N)``, as many as the worlds reward; None for a planner with others."""
        return _fitting(self.policy.values(observation), observation)

    def weights(self, observation: Observation) -> Numbers | None:
        """Return the weights of its critics ``(B, N)``, as many as the worlds reward; None: it has others."""
        return _fitting(self.policy.weights(observation), observation)


def _fitting(numbers: Numbers | None, observation: Observation) -> Numbers | None:
    return numbers if numbers is not None and numbers.shape[1:] == observation[WEIGHTS_KEY].shape[1:] else None


def open_planner(path: Path | str, course: Course, env: HintedVecEnv, deterministic: bool = True) -> Driver:
    """Return the planner at ``path`` (see ``load_policy``) as a driver of ``env``, a world of ``course``.

    Raises:
        UntrustedFileError: the file cannot be opened, or the planner observes something else than ``env`` shows.
    """
    policy = load_policy(path, deterministic=deterministic, state_size=env.driving.layout.size)
    check_fits(policy, env, str(path))
    return SharedDriver(policy.name, policy)


def check_fits(policy: Policy, env: HintedVecEnv, what: str) -> None:
    """Refuse a planner whose observation is not that of ``env``; the line names the first difference."""
    assert isinstance(env.observation_space, spaces.Dict)
    if policy.layout is not None:
        _check_layout(policy.layout, env.driving.layout, what)
    for name, part in policy.parts.items():
        space = env.observation_space.spaces.get(name)
        if not isinstance(space, spaces.Box) or space.shape != part.shape or space.dtype != np.dtype(part.dtype):
            shown = "absent" if space is None else space.shape
            raise SharedPlannerError(f"{what} reads {name} of the shape {part.shape}, which is {shown} here")


def _check_layout(theirs: ObservationLayout, ours: ObservationLayout, what: str) -> None:
    wanted, here = _told(theirs), _told(ours)
    for name in {**wanted, **here}:
        if wanted.get(name) != here.get(name):
            raise SharedPlannerError(
                f"{what} observes something else: {name} is {wanted.get(name, 'absent')} there and "
                f"{here.get(name, 'absent')} here. Use the observation that it was trained with."
            )


def _told(layout: ObservationLayout) -> Mapping[str, object]:
    """Return what a layout says by name."""
    return {
        **{f"block {name}": shape for name, shape in layout.blocks},
        **dict(layout.settings),
        **{f"{STATE_KEY}[{index}]": feature for index, feature in enumerate(layout.features)},
    }
