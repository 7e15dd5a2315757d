"""Cost of training without a world: HCRMP against SB3's PPO on the same dummy VecEnv.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_update [--device cuda]`` prints medians over rounds in which
the algorithms take turns, and the median ratio of a round, so that a busy machine slows both sides of it; the second
ratio is of processor time, which other programs move less. The world costs next to nothing here; in a real
training, where it costs the same for all, the ratio is nearer to 1.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch as th
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from hcrmp.algorithm import MultiCriticPPO
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.encoders import ScanPlace
from hcrmp.policy import PolicyConfig
from tests.hcrmp.toy_worlds import ToyWorlds

WORLDS, STATE, STEPS = 64, 160, 128


class Noise(ToyWorlds):
    """Observations from a pool made beforehand, random reward terms, episodes of 100 steps."""

    def __init__(self, plain: bool) -> None:
        super().__init__(WORLDS, state_size=STATE, length=100, plain=plain, terms_as_attribute=True)
        self.pool = [self._observe() for _ in range(16)]
        self.terms = self.rng.normal(size=(16, WORLDS, 3))
        self.infos: list[dict[str, Any]] = [{} for _ in range(WORLDS)]
        self.tick = 0

    def step_wait(self) -> VecEnvStepReturn:
        """Return the next entry of the pool."""
        self.tick = (self.tick + 1) % 16
        self.clock = (self.clock + 1) % self.length
        self.reward_terms = self.terms[self.tick]
        return self.pool[self.tick], self.reward_terms.sum(axis=1), self.clock == 0, self.infos


def models(device: str) -> dict[str, PPO]:
    """Return what is compared: SB3's PPO on the state alone, and HCRMP in its variants on state, hint and weights."""
    layers: dict[str, Any] = {"net_arch": {"pi": [128, 128], "vf": [128, 128]}}
    ppo = PPO("MlpPolicy", Noise(True), n_steps=STEPS, batch_size=512, n_epochs=5, policy_kwargs=layers, device=device)
    variants = {
        "hcrmp": HcrmpConfig(),
        "hcrmp, separate critics": HcrmpConfig(policy=PolicyConfig(critic_trunk="separate")),
        "hcrmp, attention weights": HcrmpConfig(csa="attention"),
        "hcrmp, GRU over 2 x 36 rays": HcrmpConfig(policy=PolicyConfig(encoder="gru")),
    }
    scan = ScanPlace(start=0, frames=2, rays=36)
    ours = {name: MultiCriticPPO(env=Noise(False), config=c, scan=scan, device=device) for name, c in variants.items()}
    return {"SB3 PPO": ppo, **ours}


def main() -> None:
    """Print steps per second of each, and the ratio to SB3's PPO."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    th.set_num_threads(1)
    compared = models(arguments.device)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in compared}
    for model in compared.values():
        model.learn(WORLDS * STEPS)
    for _ in range(arguments.rounds):
        for name, model in compared.items():
            wall, processor = time.perf_counter(), time.process_time()
            model.learn(2 * WORLDS * STEPS, reset_num_timesteps=False)
            seconds[name].append((time.perf_counter() - wall, time.process_time() - processor))
    baseline = np.array(seconds["SB3 PPO"])
    for name, rounds in seconds.items():
        speed = 2 * WORLDS * STEPS / np.median(np.array(rounds)[:, 0])
        ratio, processor_ratio = np.median(baseline / np.array(rounds), axis=0)
        print(f"{name:30s} {speed:9.0f} steps/s   {ratio:5.2f} of SB3 PPO ({processor_ratio:.2f} in processor time)")


if __name__ == "__main__":
    main()
