"""A planner that only acts: observation in, actions out, with neither environment nor training around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy

from envs.observation import ObservationLayout
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.drivers import CHUNK, Numbers, in_chunks
from hcrmp.encoders import IMAGES_KEY, STATE_KEY, WEIGHTS_KEY
from hcrmp.policy import MultiCriticPolicy
from hcrmp.share.document import Part, PlannerDocument, SharedPlannerError
from hcrmp.train_config import Algorithm
from hcrmp.weights import HINTED, constant_weights

Observation = Mapping[str, Numbers]
ROUNDING = 1e-5
"""By how much an action may be beyond its bounds."""


class Policy(Protocol):
    """What ``load_policy`` returns, whatever the file."""

    @property
    def name(self) -> str:
        """Name of the planner."""
        ...

    @property
    def parts(self) -> Mapping[str, Part]:
        """Parts of the observation that it reads, each a row's shape, type and bounds."""
        ...

    @property
    def layout(self) -> ObservationLayout | None:
        """What each number of ``state`` is; None where the file does not say."""
        ...

    def act(self, observation: Observation) -> Numbers:
        """Return the actions ``(B, 2)`` in [-1, 1]: longitudinal (throttle above 0) and steer (left above 0)."""
        ...

    def values(self, observation: Observation) -> Numbers | None:
        """Return what its critics expect ``(B, N)``, where they judge the state alone."""
        ...

    def weights(self, observation: Observation) -> Numbers | None:
        """Return the weights of its critics ``(B, N)``, where it has any."""
        ...


class TorchPolicy:
    """A planner in torch, as training had it: the same actions, bit for bit, as the run that it was made from.

    ``document`` is what ``planner.json`` says; a zip of Stable-Baselines3 has none.
    """

    def __init__(
        self,
        name: str,
        parts: Mapping[str, Part],
        networks: BasePolicy,
        deterministic: bool = True,
        document: PlannerDocument | None = None,
    ) -> None:
        self.name, self.parts, self.networks = name, parts, networks
        self.document, self.layout = document, document.layout if document is not None else None
        self._deterministic = deterministic

    @classmethod
    def of(cls, document: PlannerDocument, networks: BasePolicy, deterministic: bool = True) -> TorchPolicy:
        """Return the planner of a document and its networks."""
        parts = {key: document.parts[key] for key in document.inputs}
        return cls(document.name, parts, networks, deterministic, document)

    def act(self, observation: Observation) -> Numbers:
        """Return the actions ``(B, 2)``."""
        seen = self._seen(observation)

        def predicted(part: Any) -> Numbers:
            return self.networks.predict(part, deterministic=self._deterministic)[0]

        try:
            actions = in_chunks(predicted, seen, rows_in_pass(self.parts))
        except ValueError as error:  # a distribution of no numbers
            raise SharedPlannerError(f"{self.name} gives no action: {error}") from error
        return sound(actions, self.name)

    def values(self, observation: Observation) -> Numbers | None:
        """Return what its critics expect ``(B, N)``; None for a baseline."""
        networks = self.networks
        if not isinstance(networks, MultiCriticPolicy):
            return None
        values = networks.predict_row_values
        return self._of_rows(values, observation)

    def weights(self, observation: Observation) -> Numbers | None:
        """Return the weights of its critics ``(B, N)``; None for a baseline."""
        if not isinstance(self.networks, MultiCriticPolicy) or self.networks.weight_net is None:
            return None if self.document is None else known_weights(self.document.algorithm, observation)
        return self._of_rows(self.networks.attention_weights, observation)

    def _seen(self, observation: Observation) -> Any:
        checked = checked_parts(observation, self.parts)
        if isinstance(self.networks.observation_space, spaces.Dict):
            return checked
        return np.concatenate([checked[key] for key in self.parts], axis=-1)

    def _of_rows(self, function: Any, observation: Observation) -> Numbers:
        networks = self.networks
        assert isinstance(networks, MultiCriticPolicy)

        def computed(part: Observation) -> Numbers:
            rows = np.empty((len(part[STATE_KEY]), networks.layout.size), np.float32)
            networks.layout.write(part, rows)
            numbers: Numbers = function(th.from_numpy(rows)).cpu().numpy()
            return numbers

        return in_chunks(computed, checked_parts(observation, self.parts), rows_in_pass(self.parts))


def sound(actions: Numbers, name: str) -> Numbers:
    """Return ``actions``, all of which must be numbers in [-1, 1]: sound weights may still be made to harm."""
    if not (np.abs(actions) <= 1.0 + ROUNDING).all():
        raise SharedPlannerError(f"{name} gives actions beyond [-1, 1], or no numbers: it is damaged, or made to harm")
    return actions


def rows_in_pass(parts: Mapping[str, Part]) -> int:
    """Return the rows of every pass of the networks: as ``hcrmp.drivers`` has them, so that the bits are the same."""
    return 1 if IMAGES_KEY in parts else CHUNK


def known_weights(options: Algorithm, observation: Observation) -> Numbers | None:
    """Return the weights ``(B, N)`` of a planner's critics where no network gives them, else None."""
    if not isinstance(options, HcrmpConfig):
        return None
    if options.csa in HINTED:
        return observation.get(WEIGHTS_KEY)
    constant = constant_weights(options.csa, len(options.critics), options.fixed_weights)
    return None if constant is None else np.tile(constant, (len(observation[STATE_KEY]), 1))


def checked_parts(observation: Observation, parts: Mapping[str, Part]) -> dict[str, Numbers]:
    """Return the ``parts`` of an observation as arrays of their types; raises where one is missing or misshapen."""
    found = {}
    for key, part in parts.items():
        if key not in observation:
            wanted = ", ".join(f"{name} (B, {', '.join(map(str, one.shape))})" for name, one in parts.items())
            raise SharedPlannerError(f"the observation has no {key!r}: give {wanted}")
        rows = np.asarray(observation[key], dtype=part.dtype)
        if rows.shape[1:] != part.shape or rows.ndim != len(part.shape) + 1:
            raise SharedPlannerError(f"{key} has the shape {rows.shape}, expected (B, {str(part.shape)[1:]}")
        found[key] = rows
    if len({len(rows) for rows in found.values()}) > 1:
        raise SharedPlannerError(f"the parts have different B: { ({key: len(rows) for key, rows in found.items()}) }")
    return found
