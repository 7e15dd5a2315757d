"""A ``.zip`` that Stable-Baselines3 wrote, opened without unpickling anything of it.

Such a zip holds pickled Python beside a plain description of it. Only the latter is read: the shapes of the spaces, the
name of the activation, and the weights, whose own shapes say how large the networks are. What cannot be known so (own
feature extractors, state-dependent exploration) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy, MultiInputActorCriticPolicy
from stable_baselines3.sac.policies import MultiInputPolicy as SacMultiInputPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import MultiInputPolicy as Td3MultiInputPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

from envs.action import ACTION_SIZE
from envs.untrusted.archives import Archive
from envs.untrusted.documents import parse_json, read_bytes
from hcrmp.encoders import HINT_KEY, STATE_KEY
from hcrmp.observation_bounds import MOST_INPUTS
from hcrmp.share.bounds import MOST_CRITICS, MOST_LAYERS, WIDEST
from hcrmp.share.document import Part, SharedPlannerError
from hcrmp.share.networks import ACTIONS, fill, no_learning
from hcrmp.share.policies import TorchPolicy
from hcrmp.untrusted.torch_archives import read_torch
from hcrmp.untrusted.weights import LARGEST_WEIGHTS, check_finite
from llm_hints.hint import STATE_SIZE

LARGEST_DATA = 1 << 24
DATA, WEIGHTS = "data", "policy.pth"
ACTIVATIONS = {module.__name__: module for module in (nn.Tanh, nn.ReLU, nn.ELU, nn.LeakyReLU, nn.SiLU, nn.GELU)}
HARMLESS = {":type:", ":serialized:", "net_arch", "activation_fn", "optimizer_class", "optimizer_kwargs", "use_sde",
            "n_critics", "ortho_init", "log_std_init", "share_features_extractor", "normalize_images"}  # fmt: skip
"""Keys of ``policy_kwargs`` beside which weights and activation say all. What is learnt is not made of the others."""
_CLASS = re.compile(r"<class '([\w.]+)'>")
_BOX = re.compile(r"'(\w+)': Box\((\S+), (\S+), \((\d+),\), float32\)")


@dataclass(frozen=True)
class _Family:
    """One architecture of Stable-Baselines3: how its weights are called, and its classes."""

    actor: str
    critic: str
    plain: type[BasePolicy]
    mixed: type[BasePolicy]
    activation: type[nn.Module]
    critics: str


FAMILIES = (
    _Family("mlp_extractor.policy_net", "mlp_extractor.value_net", ActorCriticPolicy, MultiInputActorCriticPolicy,
            nn.Tanh, "vf"),
    _Family("actor.latent_pi", "critic.qf0", SACPolicy, SacMultiInputPolicy, nn.ReLU, "qf"),
    _Family("actor.mu", "critic.qf0", TD3Policy, Td3MultiInputPolicy, nn.ReLU, "qf"),
)  # fmt: skip
"""PPO and A2C, SAC, TD3."""


def open_zip(path: Path, deterministic: bool = True, state_size: int | None = None) -> TorchPolicy:
    """Return the planner in a zip of SB3's PPO, A2C, SAC or TD3.

    Its observation is ``state``, or, where it reads ``state_size`` and a hint's 13 numbers, ``state`` and ``hint``; of
    a Dict observation those of its names.
    """
    what = str(path)
    archive = Archive(read_bytes(path, LARGEST_WEIGHTS), what, LARGEST_WEIGHTS)
    if archive.size(DATA) > LARGEST_DATA:
        raise SharedPlannerError(f"{what} has {archive.size(DATA):,} bytes of data, at most {LARGEST_DATA:,} are read")
    data = parse_json(archive.read(DATA), f"{what}: data", most=LARGEST_DATA, constants=True)
    weights = read_torch(archive.read(WEIGHTS), f"{what}: {WEIGHTS}", LARGEST_WEIGHTS)
    if not isinstance(weights, dict) or not all(isinstance(tensor, th.Tensor) for tensor in weights.values()):
        raise SharedPlannerError(f"{what}: {WEIGHTS} holds other things than weights")
    check_finite(weights, what)
    _check_readable(data, what)
    _check_actions(data.get("action_space"), what)
    parts = _parts(data.get("observation_space"), what)
    networks = _networks(data, weights, parts, what)
    return TorchPolicy(path.stem, _split(parts, state_size), networks, deterministic)


def _check_readable(data: Mapping[str, Any], what: str) -> None:
    kind = data.get("policy_class")
    module = str(kind.get("__module__") if isinstance(kind, dict) else kind)
    if module.startswith("hcrmp."):
        raise SharedPlannerError(
            f"{what} is a planner of hcrmp in SB3's own file: share its run with 'hcrmp share RUN'"
        )
    arguments = data.get("policy_kwargs", {})
    strange = sorted(set(arguments) - HARMLESS) if isinstance(arguments, dict) else ["policy_kwargs"]
    if strange or data.get("use_sde"):
        raise SharedPlannerError(
            f"{what} has networks with {strange[0] if strange else 'use_sde'}, which stands in it as pickled objects "
            "alone: those could run code and are not read. Networks of fully connected layers are"
        )


def _numbers(space: Mapping[str, Any], key: str) -> list[float]:
    """Return the numbers of a field such as ``"[-1. -1.]"`` or ``[5]``."""
    return [float(number) for number in re.findall(r"[-+.\w]+", str(space.get(key))[:1000])]


def _check_actions(space: Any, what: str) -> None:
    try:
        found = [_numbers(space, key) for key in ("_shape", "low", "high")]
    except (AttributeError, ValueError) as error:
        raise SharedPlannerError(f"{what} does not say what its actions are ({error})") from error
    if found != [[ACTION_SIZE], [-1.0] * ACTION_SIZE, [1.0] * ACTION_SIZE]:
        raise SharedPlannerError(f"{what} acts in {found[1][:8]} to {found[2][:8]}, here actions are two in [-1, 1]")


def _parts(space: Any, what: str) -> dict[str, Part]:
    """Return the parts of the observation by name; one without a name is the state."""
    kind = _CLASS.match(str(space.get(":type:"))) if isinstance(space, dict) else None
    name = kind.group(1).rpartition(".")[2] if kind else ""
    widths: dict[str, int] = {}
    if name == "Dict":
        found = _BOX.findall(str(space.get("spaces"))[:10_000])
        widths = {key: int(width) for key, _, _, width in found if len(width) < 8}
        name = name if len(found) == str(space.get("spaces")).count("Box(") else ""
    elif name == "Box" and space.get("dtype") == "float32":
        shape = re.fullmatch(r"[\[(](\d{1,7}),?[\])]", str(space.get("_shape")))
        widths = {STATE_KEY: int(shape.group(1))} if shape else {}
    if not widths or not name or not all(1 <= width <= MOST_INPUTS for width in widths.values()):
        raise SharedPlannerError(
            f"{what} observes no vector of 32-bit numbers, nor a Dict of such, which is what is read"
        )
    return {key: Part((width,), "float32", -1.0, 1.0) for key, width in widths.items()}


def _split(parts: dict[str, Part], state_size: int | None) -> dict[str, Part]:
    """Return ``state`` and ``hint`` where a plain vector is as long as both."""
    if state_size is None or list(parts) != [STATE_KEY] or parts[STATE_KEY].shape != (state_size + STATE_SIZE,):
        return parts
    return {STATE_KEY: Part((state_size,), "float32", -1.0, 1.0), HINT_KEY: Part((STATE_SIZE,), "float32", -1.0, 1.0)}


def _networks(
    data: Mapping[str, Any], weights: Mapping[str, th.Tensor], parts: Mapping[str, Part], what: str
) -> BasePolicy:
    family = next((one for one in FAMILIES if f"{one.actor}.0.weight" in weights), None)
    if family is None:
        raise SharedPlannerError(f"{what} holds no networks of PPO, A2C, SAC or TD3 with fully connected layers")
    hidden = {"pi": _layers(weights, family.actor, what), family.critics: _layers(weights, family.critic, what)}
    if family.plain is not ActorCriticPolicy:
        # There the last layer of the stack is the output; SAC's actor has its outputs apart.
        hidden["qf"] = hidden["qf"][:-1]
        hidden["pi"] = hidden["pi"] if family.plain is SACPolicy else hidden["pi"][:-1]
    arguments: dict[str, Any] = {"net_arch": hidden, "activation_fn": _activation(data, family, what)}
    if family.critics == "qf":
        arguments["n_critics"] = sum(f"critic.qf{n}.0.weight" in weights for n in range(MOST_CRITICS))
    plain = list(parts) == [STATE_KEY] and "Dict" not in str(data["observation_space"].get(":type:"))
    space = _space(parts, plain)
    with th.random.fork_rng(devices=[]):
        policy = (family.plain if plain else family.mixed)(space, ACTIONS, no_learning, **arguments)
    fill(policy, weights, what)
    return policy


def _space(parts: Mapping[str, Part], plain: bool) -> spaces.Space[Any]:
    boxes: dict[str, spaces.Space[Any]] = {
        key: spaces.Box(-np.inf, np.inf, part.shape, np.float32) for key, part in parts.items()
    }
    # As a sequence of pairs: a mapping would be sorted, and the order is that of the weights' columns.
    return boxes[STATE_KEY] if plain else spaces.Dict(list(boxes.items()))


def _layers(weights: Mapping[str, th.Tensor], stack: str, what: str) -> list[int]:
    """Return the widths of the layers of a stack, as its weights have them."""
    found = re.compile(re.escape(stack) + r"\.(\d{1,3})\.weight")
    places = sorted(int(match.group(1)) for name in weights if (match := found.fullmatch(name)))
    widths = [int(weights[f"{stack}.{place}.weight"].shape[0]) if weights[f"{stack}.{place}.weight"].ndim else 0
              for place in places]  # fmt: skip
    if len(widths) > MOST_LAYERS + 1 or not all(1 <= width <= WIDEST for width in widths):
        raise SharedPlannerError(f"{what}: {stack} has layers of {widths[:12]}, allowed are {MOST_LAYERS} of {WIDEST}")
    return widths


def _activation(data: Mapping[str, Any], family: _Family, what: str) -> type[nn.Module]:
    told = data.get("policy_kwargs", {}).get("activation_fn")
    if told is None:
        return family.activation
    name = str(told).rstrip("'>").rpartition(".")[2]
    if name not in ACTIVATIONS:
        raise SharedPlannerError(f"{what} has the activation {name[:60]}, known are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
