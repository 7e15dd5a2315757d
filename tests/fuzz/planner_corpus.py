"""Sound planner files to mutate, in every format that is opened, each as a set of files of one folder."""

from __future__ import annotations

import io
import re
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch as th
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm

from hcrmp.algorithm import MultiCriticPPO
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.checkpoint import save_checkpoint
from hcrmp.policy import PolicyConfig
from hcrmp.share.job import planner_files
from tests.fuzz.planner_mutations import Files, packed
from tests.hcrmp.share.planners import ALGORITHMS, planner
from tests.hcrmp.toy_worlds import ToyWorlds

ROWS = 4
SMALL: dict[str, Any] = {"policy_kwargs": {"net_arch": [8], "activation_fn": th.nn.ReLU}, "device": "cpu", "seed": 0}


def toy_model() -> MultiCriticPPO:
    """Return the model whose checkpoint is in the corpus."""
    config = HcrmpConfig(policy=PolicyConfig((8,), (8,)), n_steps=ROWS, batch_size=8, n_epochs=1)
    return MultiCriticPPO(env=ToyWorlds(2), config=config, seed=1, device="cpu")


def corpus() -> dict[str, Files]:
    """Return the sets of files by name; the word before ``/`` says how one is opened."""
    found: dict[str, Files] = {}
    for name in ("hcrmp", "gru", "sac"):
        found[f"folder/{name}"] = planner_files(*planner(ALGORITHMS[name]), "safetensors")
    for name in ("hcrmp", "gru", "td3"):
        found[f"onnx/{name}"] = planner_files(*planner(ALGORITHMS[name]), "onnx")
    plain = ToyWorlds(2, plain=True)
    found["zip/ppo"] = {"planner.zip": zipped(PPO("MlpPolicy", plain, n_steps=ROWS, batch_size=8, **SMALL))}
    found["zip/sac"] = {"planner.zip": zipped(SAC("MlpPolicy", plain, buffer_size=10, **SMALL))}
    found["checkpoint/toy"] = checkpoint_files()
    return found


def zipped(model: BaseAlgorithm) -> bytes:
    """Return the zip that SB3 writes of a model, without its time and the addresses in it, which differ each time."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(stream)
    with zipfile.ZipFile(stream) as archive:
        return packed([(name, re.sub(rb" at 0x[0-9a-f]+", b"", archive.read(name))) for name in archive.namelist()])


def checkpoint_files() -> Files:
    """Return the files of a checkpoint after a rollout."""
    model = toy_model()
    model.learn(2 * ROWS)
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder) / "latest", model, {"numbers": np.arange(5), "name": "x"})
        return {path.name: path.read_bytes() for path in (Path(folder) / "latest").iterdir()}
