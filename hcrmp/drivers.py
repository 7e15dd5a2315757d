"""Who can drive an evaluation: a planner, trained or not, and the scripted drivers, behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch as th
from stable_baselines3.common.base_class import BaseAlgorithm

from envs.action import ACTION_SIZE
from envs.drivers.law_abiding import LawAbidingDriver
from envs.drivers.naive import CruiseDriver, FullThrottleDriver, KeepLaneDriver
from envs.drivers.reference import PATIENT, ReferenceConfig, ReferenceDriver
from envs.embedded.simulator import EmbeddedSimulator
from envs.scenarios.families import CONDITIONS
from envs.scene import FloatArray, IntArray, SceneBatch
from hcrmp.algorithm import MultiCriticPPO
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.baselines import PpoOptions
from hcrmp.build import build_algorithm
from hcrmp.encoders import WEIGHTS_KEY
from hcrmp.errors import UserError
from hcrmp.hinted_env import FlatObservation, HintedVecEnv, Observation
from hcrmp.sections import Driver as DriverName
from hcrmp.train_config import TrainConfig
from hcrmp.weights import CRITIC_NAMES, HINTED, constant_weights

CHUNK = 64
"""Rows in every pass of a network. The last bits of a matrix product may depend on its number of rows, and after a
hundred decisions two drives that differ in a last bit differ in everything: so that number is always the same (one,
where rows hold pictures, which would make a padded pass dear)."""

SMALL_CHUNK = 8
"""Rows in every pass where only a few are told of."""

Numbers = npt.NDArray[Any]


class Driver(Protocol):
    """Somebody who drives B worlds."""

    @property
    def name(self) -> str:
        """Name in tables and records."""
        ...

    def act(self, observation: Observation, scene: SceneBatch) -> Numbers:
        """Return the actions ``(B, 2)`` in [-1, 1]."""
        ...

    def values(self, observation: Observation) -> Numbers | None:
        """Return what its critics expect ``(B, N)``, the three first, where it has these."""
        ...

    def weights(self, observation: Observation) -> Numbers | None:
        """Return the weights of its critics ``(B, N)``, the three first, where it has these."""
        ...


class Decision(NamedTuple):
    """``actions`` ``(B, 2)``, and what a planner tells of them: ``PlannerTrace``'s arrays ``(B, width)`` by name."""

    actions: Numbers
    told: dict[str, Numbers]


def decide(driver: Driver, observation: Observation, scene: SceneBatch, *, told: bool) -> Decision:
    """Return what a driver decides, and, if it is to be ``told``, what it knows about that."""
    if told and isinstance(driver, PlannerDriver):
        return driver.decide(observation, scene)
    return Decision(driver.act(observation, scene), tell(driver, observation) if told else {})


def tell(driver: Driver, observation: Observation) -> dict[str, Numbers]:
    """Return what a driver knows of an observation, by names of ``PlannerTrace``."""
    if isinstance(driver, PlannerDriver):
        return driver.tell(observation)
    known = {"values": driver.values(observation), "weights": driver.weights(observation)}
    return split_critics(known)


def has_the_three(critics: Sequence[str]) -> bool:
    """Return whether the first critics are the three that drives and pages tell of by name."""
    return tuple(critics[: len(CRITIC_NAMES)]) == CRITIC_NAMES


def split_critics(known: Mapping[str, Numbers | None]) -> dict[str, Numbers]:
    """Return ``values`` and ``weights`` ``(B, N)`` as drives keep them: the three's, then ``more_`` of the others."""
    three = len(CRITIC_NAMES)
    told = {name: numbers[:, :three] for name, numbers in known.items() if numbers is not None}
    more = {name: numbers[:, three:] for name, numbers in known.items() if numbers is not None}
    return told | {f"more_{name}": numbers for name, numbers in more.items() if numbers.shape[1]}


class Relief(Protocol):
    """What drives some of B worlds, and others only from a moment on."""

    def stand_by(self, rows: IntArray) -> None:
        """Leave the worlds ``rows`` (n,) to somebody else until it takes over."""
        ...

    def take_over(self, rows: IntArray, command: FloatArray) -> None:
        """Drive the worlds ``rows`` (n,) from here on; ``command`` (n, 2) was the last one given there."""
        ...


class ScriptedDriver:
    """A driver without networks, which sees the scene.

    ``relief``: for those whose acting costs much, or depends on what was commanded before.
    """

    def __init__(self, name: str, act: Callable[[SceneBatch], Numbers], relief: Relief | None = None) -> None:
        self.name = name
        self.relief = relief
        self._act = act

    def act(self, observation: Observation, scene: SceneBatch) -> Numbers:
        """Return the actions ``(B, 2)``."""
        return self._act(scene)

    def values(self, observation: Observation) -> None:
        """Return None: it has no critics."""

    def weights(self, observation: Observation) -> None:
        """Return None: it has no critics."""


class PlannerDriver:
    """A planner of any Stable-Baselines3 algorithm; it sees the observation alone.

    The actions of a world do not depend on how many others are driven beside it, where ``deterministic``.
    """

    def __init__(self, name: str, model: BaseAlgorithm, deterministic: bool = True) -> None:
        self.name = name
        self.model = model
        self._deterministic = deterministic
        env = model.get_env()
        self._flat = env if isinstance(env, FlatObservation) else None

    def act(self, observation: Observation, scene: SceneBatch) -> Numbers:
        """Return the actions ``(B, 2)``."""
        model = self.model
        seen = self._flat.flatten(observation) if self._flat is not None else observation
        return in_chunks(
            lambda part: model.predict(part, deterministic=self._deterministic)[0], seen, _rows_in_pass(model)
        )

    def decide(self, observation: Observation, scene: SceneBatch) -> Decision:
        """Return the actions that ``act`` returns, and what it knows about them, in one pass of its networks."""
        model = self.model
        if not isinstance(model, MultiCriticPPO):
            return Decision(self.act(observation, scene), {})
        return self._decide(model, observation, self._deterministic, _rows_in_pass(model))

    def tell(self, observation: Observation) -> dict[str, Numbers]:
        """Return what it knows of a few rows of observation, without deciding (which may draw a random number)."""
        model = self.model
        if not isinstance(model, MultiCriticPPO):
            return {}
        # Nothing is driven by these numbers, so that their last bits may depend on how many there are.
        return self._decide(model, observation, True, min(SMALL_CHUNK, _rows_in_pass(model))).told

    def _decide(self, model: MultiCriticPPO, observation: Observation, deterministic: bool, chunk: int) -> Decision:
        made = in_chunks(lambda part: _pass(model, part, deterministic), observation, chunk)
        actions, distribution, values = np.split(made, [ACTION_SIZE, 3 * ACTION_SIZE], axis=1)
        known = values if has_the_three(model.config.value_names) else None
        told = split_critics({"values": known, "weights": self.weights(observation)})
        return Decision(actions, {"distribution": distribution, **told})

    def values(self, observation: Observation) -> Numbers | None:
        """Return what its critics expect ``(B, N)``; None for a planner without the three."""
        told = self.tell(observation)
        parts = [told[name] for name in ("values", "more_values") if name in told]
        return np.concatenate(parts, axis=1) if parts else None

    def weights(self, observation: Observation) -> Numbers | None:
        """Return the weights of its critics ``(B, N)``; None for a planner without the three."""
        model = self.model
        if not isinstance(model, MultiCriticPPO) or not has_the_three(model.config.critics):
            return None
        if model.config.csa in HINTED:
            anchor, hinted = model.policy.mean_anchor, observation[WEIGHTS_KEY]
            return hinted if anchor is None else anchor.anchored(hinted)
        constant = constant_weights(model.config.csa, len(model.config.critics), model.config.fixed_weights)
        if constant is not None:
            return np.tile(constant, (len(observation[WEIGHTS_KEY]), 1))
        learnt = model.policy.attention_weights
        return in_chunks(lambda part: learnt(_rows(model, part)).cpu().numpy(), observation, _rows_in_pass(model))


def _pass(model: MultiCriticPPO, part: Mapping[str, Numbers], deterministic: bool) -> Numbers:
    """Return actions, distribution and values of some rows, side by side."""
    if model.policy.training:
        model.policy.set_training_mode(False)
    made: Numbers = th.cat(model.policy.decide(_rows(model, part), deterministic), dim=1).cpu().numpy()
    # As SB3's predict: what a Gaussian samples may lie outside of the action space.
    np.clip(made[:, :ACTION_SIZE], -1.0, 1.0, out=made[:, :ACTION_SIZE])
    return made


def in_chunks(
    function: Callable[[Any], Numbers], observation: Numbers | Mapping[str, Numbers], chunk: int = CHUNK
) -> Numbers:
    """Return ``function`` of an observation (each part ``(B, ...)``), computed ``chunk`` padded rows at a time."""
    parts = observation if isinstance(observation, Mapping) else {"": observation}
    count = len(next(iter(parts.values())))
    results = []
    for start in range(0, count, chunk):
        piece = {key: _padded(part[start : start + chunk], chunk) for key, part in parts.items()}
        with th.no_grad():
            result = function(piece if isinstance(observation, Mapping) else piece[""])
        results.append(result[: count - start])
    return np.concatenate(results)


def _padded(rows: Numbers, chunk: int) -> Numbers:
    """Return ``rows`` with the last one repeated until there are ``chunk``."""
    return rows if len(rows) == chunk else rows[np.minimum(np.arange(chunk), len(rows) - 1)]


def _rows_in_pass(model: BaseAlgorithm) -> int:
    pictured = isinstance(model, MultiCriticPPO) and bool(model.policy.layout.bytes_of)
    return 1 if pictured else CHUNK


def _rows(model: MultiCriticPPO, observation: Mapping[str, Numbers]) -> th.Tensor:
    count = len(next(iter(observation.values())))
    rows = np.empty((count, model.policy.layout.size), dtype=np.float32)
    model.policy.layout.write(observation, rows)
    return th.from_numpy(rows).to(model.device)


def scripted_driver(name: DriverName, config: TrainConfig, env: HintedVecEnv) -> ScriptedDriver:
    """Return the scripted driver of that name for ``env``."""
    if name == "keep_lane":
        return ScriptedDriver(name, KeepLaneDriver(config.action).act)
    if name == "full_throttle":
        return ScriptedDriver(name, FullThrottleDriver(config.action).act)
    if name == "cruise":
        return ScriptedDriver(name, CruiseDriver(config.action).act)
    if name == "law_abiding":
        return ScriptedDriver(name, LawAbidingDriver(env.num_envs, config.action).act)
    if name == "autopilot":
        return ScriptedDriver(name, lambda scene: np.zeros((scene.batch_size, 2), np.float32))
    simulator = env.driving.simulator
    if not isinstance(simulator, EmbeddedSimulator):
        raise UserError("driver=reference tries its manoeuvres in copies of the world: use simulator=embedded")
    # The paper's conditions leave no time for patience, all others do.
    hurried = any(family in CONDITIONS for family in config.scenario.families)
    settings = ReferenceConfig() if hurried else PATIENT
    reference = ReferenceDriver(simulator, config.action, settings)
    return ScriptedDriver(name, reference.act, reference)


def planner_without_training(config: TrainConfig, env: HintedVecEnv) -> BaseAlgorithm:
    """Return the planner of ``config`` before its first update, with no room for a rollout or a replay."""
    options = config.algo
    small: Any
    if isinstance(options, (HcrmpConfig, PpoOptions)):
        small = replace(options, n_steps=2, batch_size=2 * env.num_envs)
    else:
        small = replace(options, buffer_size=env.num_envs)
    return build_algorithm(replace(config, algo=small, device="cpu"), env)
