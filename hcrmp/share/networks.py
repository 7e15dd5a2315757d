"""The networks of a planner without an environment: built from a document, and filled with weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

from envs.action import ACTION_SIZE
from envs.untrusted import UntrustedFileError
from hcrmp.algorithm_config import policy_arguments
from hcrmp.baselines import PpoOptions, SacOptions
from hcrmp.build import scan_place, without_pretraining
from hcrmp.policy import MultiCriticPolicy
from hcrmp.share.bounds import least_weights
from hcrmp.share.document import DistributionName, PlannerDocument
from hcrmp.train_config import Algorithm, HcrmpOptions
from hcrmp.untrusted.weights import check_finite, check_shapes

ACTIONS = spaces.Box(-1.0, 1.0, (ACTION_SIZE,), np.float32)


def filled_networks(document: PlannerDocument, weights: Mapping[str, th.Tensor], what: str) -> BasePolicy:
    """Return the networks of ``document`` with ``weights``, on the CPU; ``what`` names their file."""
    there = sum(tensor.numel() for tensor in weights.values())
    wanted = least_weights(document.algorithm, {name: part.shape for name, part in document.parts.items()})
    if wanted > there:
        raise UntrustedFileError(f"{what} has {there:,} weights, and its architecture needs {wanted:,} at least")
    check_finite(weights, what)
    # What networks begin with is drawn at random: whoever opens a planner keeps their own stream of numbers.
    with th.random.fork_rng(devices=[]):
        policy = build_networks(document)
    fill(policy, weights, what)
    return policy


def fill(policy: BasePolicy, weights: Mapping[str, th.Tensor], what: str) -> None:
    """Give networks their weights, each of which ``weights`` names once; they only act from then on."""
    wanted = policy.state_dict()
    owners = _owners(wanted)
    check_shapes(weights, {name: wanted[name] for name in owners.values()}, what)
    policy.load_state_dict({name: weights[owner] for name, owner in owners.items()})
    policy.set_training_mode(False)


def named_once(document: PlannerDocument, weights: Mapping[str, th.Tensor]) -> dict[str, th.Tensor]:
    """Return the weights of a checkpoint without those that stand there under a second name (a shared encoder's)."""
    with th.random.fork_rng(devices=[]):
        owners = _owners(build_networks(document).state_dict())
    return {name: tensor for name, tensor in weights.items() if owners.get(name, name) == name}


def _owners(state: Mapping[str, th.Tensor]) -> dict[str, str]:
    """Return for each name the first one of the same numbers."""
    first: dict[tuple[int, int], str] = {}
    return {name: first.setdefault((tensor.data_ptr(), tensor.numel()), name) for name, tensor in state.items()}


def build_networks(document: PlannerDocument) -> BasePolicy:
    """Return the networks with random weights."""
    options, space = document.algorithm, document.space()
    if isinstance(options, HcrmpOptions):
        arguments = policy_arguments(without_pretraining(options), document.inputs, scan_place(document.layout))
        return MultiCriticPolicy(space, ACTIONS, no_learning, **{**arguments, "fused_optimizer": False})
    layers = list(options.net_arch)
    if isinstance(options, PpoOptions):
        return ActorCriticPolicy(space, ACTIONS, no_learning, net_arch=layers, activation_fn=nn.Tanh)
    if isinstance(options, SacOptions):
        return SACPolicy(space, ACTIONS, no_learning, net_arch=layers)
    return TD3Policy(space, ACTIONS, no_learning, net_arch=layers)


def distribution_name(options: Algorithm) -> DistributionName:
    """Return which distribution the actor's numbers describe."""
    if isinstance(options, HcrmpOptions):
        return options.policy.distribution
    names: dict[str, DistributionName] = {"ppo": "gaussian", "sac": "squashed_gaussian", "td3": "deterministic"}
    return names[options.name]


def no_learning(_: float) -> float:
    """Return the learning rate of networks that only act."""
    return 0.0
