"""How large a stranger's networks may be: checked on the numbers that describe them, before anything is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod

from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.encoders import IMAGES_KEY
from hcrmp.observation_bounds import MOST_BYTES, MOST_INPUTS
from hcrmp.train_config import Algorithm

MOST_LAYERS, WIDEST = 8, 4096
MOST_CRITICS = 16
MOST_WEIGHTS = 1 << 26


def check_architecture(algorithm: Algorithm, shapes: Mapping[str, Sequence[int]]) -> None:
    """Raise ``ValueError`` where the networks or the observation (``shapes`` of a row's parts) are beyond bounds."""
    for name, shape in shapes.items():
        most = MOST_BYTES if name == IMAGES_KEY else MOST_INPUTS
        if not 1 <= len(shape) <= 6 or any(side < 1 for side in shape) or prod(shape) > most:
            raise ValueError(f"the part {name} of the observation has the shape {list(shape)[:8]}, beyond {most:,}")
    for name, value in _widths(algorithm):
        if not 1 <= value <= WIDEST:
            raise ValueError(f"{name} is {value}, allowed is 1 to {WIDEST}")
    for layers in _stacks(algorithm):
        if len(layers) > MOST_LAYERS:
            raise ValueError(f"a network has {len(layers)} layers, at most {MOST_LAYERS} are built")
    if isinstance(algorithm, HcrmpConfig) and not 1 <= len(algorithm.critics) <= MOST_CRITICS:
        raise ValueError(f"there are {len(algorithm.critics)} critics, allowed is 1 to {MOST_CRITICS}")
    weights = least_weights(algorithm, shapes)
    if weights > MOST_WEIGHTS:
        raise ValueError(f"its networks need {weights:,} weights, at most {MOST_WEIGHTS:,} are built")


def least_weights(algorithm: Algorithm, shapes: Mapping[str, Sequence[int]]) -> int:
    """Return how many weights the fully connected layers have at least: fewer in a file are not those of the networks.

    A GRU makes the first layer narrower than the observation: then that layer is not counted.
    """
    encoded = isinstance(algorithm, HcrmpConfig) and algorithm.policy.encoder == "gru"
    first = 0 if encoded else shapes["state"][0]
    return sum(_dense([first, *layers]) for layers in _stacks(algorithm))


def _stacks(algorithm: Algorithm) -> list[tuple[int, ...]]:
    """Return the hidden layers of every network."""
    if not isinstance(algorithm, HcrmpConfig):
        return [algorithm.net_arch, algorithm.net_arch]
    policy = algorithm.policy
    copies = len(algorithm.value_names) if policy.critic_trunk == "separate" else 1
    return [policy.actor_layers, *[policy.critic_layers] * min(copies, MOST_CRITICS)]


def _widths(algorithm: Algorithm) -> list[tuple[str, int]]:
    widths = [("the width of a layer", width) for layers in _stacks(algorithm) for width in layers]
    if isinstance(algorithm, HcrmpConfig):
        policy = algorithm.policy
        widths += [("the width of the GRU", width) for width in (policy.gru.embedding, policy.gru.hidden)]
        widths += [("the width of the cameras", width) for width in (policy.camera.embedding, policy.camera.hidden)]
    return widths


def _dense(widths: Sequence[int]) -> int:
    return sum(before * after for before, after in pairwise(widths))
