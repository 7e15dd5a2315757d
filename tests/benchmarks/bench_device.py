"""Where the networks should live: training on the CPU and on the GPU, with small networks and with those of cameras.

``python -m tests.benchmarks.bench_device`` prints a table in Markdown. ``scan``: the default planner on 64 embedded
worlds. ``cameras``: the paper's three 90 x 120 views of four frames, from an environment of noise, so that the networks
alone are measured. Device and device take turns, one rollout and its update each; medians over the rounds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm

from envs.cameras import CameraConfig
from hcrmp.algorithm import MultiCriticPPO
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.build import build_algorithm, build_environment
from hcrmp.config import load
from hcrmp.encoders import IMAGES_KEY
from tests.benchmarks.machine import machine
from tests.hcrmp.toy_worlds import ToyWorlds

COMMAND = "python -m tests.benchmarks.bench_device"
VIEWS = CameraConfig(views=("left", "front", "right"))


class Noise(ToyWorlds):
    """Worlds that show noise in the size of the paper's pictures."""

    def __init__(self, worlds: int) -> None:
        super().__init__(worlds)
        assert isinstance(self.observation_space, spaces.Dict)
        shape = (VIEWS.frames, *VIEWS.shape)
        parts = dict(self.observation_space.spaces) | {IMAGES_KEY: spaces.Box(0, 255, shape, np.uint8)}
        self.observation_space = spaces.Dict(parts)
        self._noise = self.rng.integers(0, 256, (worlds, *shape), np.uint8)

    def _observe(self) -> Any:
        return super()._observe() | {IMAGES_KEY: self._noise}


def scan_planner(device: str, arguments: argparse.Namespace) -> BaseAlgorithm:
    """Return the default planner on embedded worlds."""
    config = replace(load("train"), device=device)
    return build_algorithm(config, build_environment(config, arguments.worlds))


def camera_planner(device: str, arguments: argparse.Namespace) -> BaseAlgorithm:
    """Return a planner that sees pictures."""
    config = HcrmpConfig(n_steps=arguments.camera_steps, batch_size=64)
    return MultiCriticPPO(env=Noise(arguments.camera_worlds), config=config, seed=0, device=device)


PLANNERS = {"scan": scan_planner, "cameras": camera_planner}


def seconds_of(model: BaseAlgorithm) -> float:
    """Train for one rollout and its update; return the wall time (s)."""
    start = time.perf_counter()
    model.learn(model.n_steps * model.n_envs, reset_num_timesteps=False)  # type: ignore[attr-defined]
    return time.perf_counter() - start


def main() -> None:
    """Measure in rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worlds", type=int, default=64)
    parser.add_argument("--camera-worlds", type=int, default=2)
    parser.add_argument("--camera-steps", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU")
    arguments = parser.parse_args()
    th.set_num_threads(arguments.threads)
    devices = ["cpu", "cuda"] if th.cuda.is_available() else ["cpu"]
    gpu = th.cuda.get_device_name() if th.cuda.is_available() else "no GPU"
    print(f"`{COMMAND}`\n\n{machine()}, {gpu}, torch {th.__version__} on {arguments.threads} thread(s)\n")
    print("| networks | device | decisions/s | range | of the CPU's |\n|---|---|---|---|---|")
    for name, make in PLANNERS.items():
        models = {device: make(device, arguments) for device in devices}
        for model in models.values():
            seconds_of(model)
        times = np.array([[seconds_of(model) for model in models.values()] for _ in range(arguments.rounds)])
        for column, (device, model) in enumerate(models.items()):
            speed = model.n_steps * model.n_envs / times[:, column]  # type: ignore[attr-defined]
            ratio = np.median(times[:, 0] / times[:, column])
            print(
                f"| {name} | {device} | {np.median(speed):,.0f} | {speed.min():,.0f}-{speed.max():,.0f} | {ratio:.2f} |"
            )


if __name__ == "__main__":
    main()
