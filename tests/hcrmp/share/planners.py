"""Small planners without a training: a document, random weights, and the files of both."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch as th

from envs.observation import ObservationConfig, ObservationLayout
from hcrmp.baselines import PpoOptions, SacOptions, Td3Options
from hcrmp.camera_encoder import CameraEncoderConfig
from hcrmp.policy import PolicyConfig
from hcrmp.share.config import SharedAs
from hcrmp.share.document import FORMAT, HINT_LAYOUT, VERSION, ActionSpec, PlannerDocument, World, part_of
from hcrmp.share.job import planner_files
from hcrmp.share.networks import build_networks, distribution_name, named_once
from hcrmp.train_config import Algorithm, HcrmpOptions

LAYOUT = ObservationLayout(
    (("ego", (3,)), ("scan", (2, 8, 2))), tuple(f"number {index}" for index in range(35)), (("range_m", 60.0),)
)
"""Three numbers of the ego and a scan of two frames of eight rays."""

GRU = PolicyConfig((8,), (8,), encoder="gru", share_encoder=False, critic_trunk="separate")
SMALL = PolicyConfig((8,), (8,))
ALGORITHMS: dict[str, Algorithm] = {
    "hcrmp": HcrmpOptions(policy=SMALL),
    "gru": HcrmpOptions(policy=GRU, weights_in_state=True),
    "attention": HcrmpOptions(policy=SMALL, csa="attention"),
    "anchored": HcrmpOptions(policy=SMALL, csa="mean_anchored"),
    "llm_reward": HcrmpOptions(policy=SMALL, weights_on="reward", scale_terms=True),
    "gaussian": HcrmpOptions(policy=PolicyConfig((8,), (8,), distribution="gaussian")),
    "ppo": PpoOptions(net_arch=(8,)),
    "sac": SacOptions(net_arch=(8,), hint_in_state=True),
    "td3": Td3Options(net_arch=(8,)),
}
SEEING = HcrmpOptions(policy=PolicyConfig((8,), (8,), camera=CameraEncoderConfig(8, 8)))


def document_of(algorithm: Algorithm, pictures: bool = False) -> PlannerDocument:
    """Return the document of a planner that nobody trained."""
    shapes: dict[str, tuple[int, ...]] = {"state": (LAYOUT.size,), "hint": (13,), "critic_weights": (3,)}
    if pictures:
        shapes["images"] = (2, 1, 32, 40, 3)
    return PlannerDocument(
        FORMAT, VERSION, "small", algorithm, {name: part_of(name, shape) for name, shape in shapes.items()}, LAYOUT,
        HINT_LAYOUT, ActionSpec(distribution=distribution_name(algorithm)), ("safety", "efficiency", "comfort"),
        World(ObservationConfig(rays=8)), training={"decisions": 10, "packages": {"hcrmp": "0.1.0"}},
    )  # fmt: skip


def planner(algorithm: Algorithm, pictures: bool = False) -> tuple[PlannerDocument, dict[str, th.Tensor]]:
    """Return a document and random weights, always the same ones, of a size that makes actions differ."""
    document = document_of(algorithm, pictures)
    with th.random.fork_rng(devices=[]):
        th.manual_seed(0)
        weights = build_networks(document).state_dict()
        weights = {name: weight + 0.3 * th.randn_like(weight) if _moved(name, weight) else weight
                   for name, weight in weights.items()}  # fmt: skip
    return document, named_once(document, weights)


def _moved(name: str, weight: th.Tensor) -> bool:
    return weight.is_floating_point() and name.startswith(("action_net", "actor.mu"))


def shared(folder: Path, algorithm: Algorithm, to: SharedAs = "safetensors", pictures: bool = False) -> Path:
    """Write a small planner to ``folder`` and return it."""
    return write(folder, files_of(algorithm, to, pictures))


@cache
def files_of(algorithm: Algorithm, to: SharedAs = "safetensors", pictures: bool = False) -> Mapping[str, bytes]:
    """Return the files of a small planner."""
    return MappingProxyType(planner_files(*planner(algorithm, pictures), to))


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def observation(parts: Mapping[str, Any], rows: int = 5, seed: int = 0) -> dict[str, np.ndarray]:
    """Return random rows of the parts of an observation, within their bounds."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.uniform(part.low, part.high, (rows, *part.shape)).astype(part.dtype) for name, part in parts.items()
    }
