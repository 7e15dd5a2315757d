"""Hints per second of language models: ``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_hint_models``.

The bundled model on one CPU thread and, where there is one, on the GPU, beside the rules expert; with ``--billions 0.5
7`` also models of that many billion parameters with random weights that are asked in English (what they answer is
noise, how long they take is not; their tokenizer is a small one of ours, so that a prompt has about twice the usual
tokens).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch as th
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from envs.scene import SceneBatch
from llm_hints.facts import scene_facts
from llm_hints.providers.english_lm import EnglishScorer
from llm_hints.providers.rules import RulesProvider
from llm_hints.providers.transformers_config import TransformersConfig
from llm_hints.providers.transformers_lm import TransformersProvider
from tests.benchmarks.machine import machine
from tests.llm_hints.scenes import random_scene
from tests.llm_hints.small_models import english_model

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_hint_models"
SHAPES = {0.5: (1024, 24, 16), 1.0: (2048, 16, 16), 3.0: (3072, 24, 24), 7.0: (4096, 32, 32)}
"""Width, layers and heads by billions of parameters, about."""


def hints_per_s(ask: Callable[[SceneBatch], Any], scenes: list[SceneBatch]) -> list[float]:
    """Return hints per second for each of ``scenes`` after the first, which warms up."""
    ask(scenes[0])
    speeds = []
    for scene in scenes[1:]:
        begin = time.perf_counter()
        ask(scene)
        speeds.append(scene.batch_size / (time.perf_counter() - begin))
    return speeds


def random_model(billions: float, device: str) -> tuple[Any, int]:
    """Return a scorer with random weights on ``device`` and the number of its parameters."""
    width, layers, heads = SHAPES[billions]
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = AutoTokenizer.from_pretrained(english_model(Path(folder)))
    config = LlamaConfig(
        vocab_size=32_000, hidden_size=width, intermediate_size=int(2.75 * width), num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=max(heads // 4, 1), max_position_embeddings=8192,
    )  # fmt: skip
    with th.device(device):
        made: Any = LlamaForCausalLM(config)
    model = made.bfloat16().eval()
    return EnglishScorer(model, tokenizer, 16), sum(parameter.numel() for parameter in model.parameters())


def rows(batch: int, rounds: int, billions: list[float]) -> list[tuple[str, list[float]]]:
    """Return the name and the speeds of each model."""
    scenes = [random_scene(batch, 12, np.random.default_rng(seed)) for seed in range(rounds + 1)]
    every = np.arange(batch)
    devices = ["cpu", *(["cuda"] if th.cuda.is_available() else [])]
    found = [("rules expert", hints_per_s(lambda scene: RulesProvider().ask(scene, every), scenes))]
    for device in devices:
        provider = TransformersProvider(TransformersConfig(device=device))
        speeds = hints_per_s(lambda scene, asked=provider: asked.ask(scene, every), scenes)  # type: ignore[misc]
        found.append((f"bundled, {device}", speeds))
    for size in billions:
        scorer, parameters = random_model(size, devices[-1])
        speeds = hints_per_s(lambda scene, asked=scorer: asked.ask(scene_facts(scene, every)), scenes)  # type: ignore[misc]
        found.append((f"{parameters / 1e9:.2f} billion random weights, English, {devices[-1]}", speeds))
    return found


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--billions", type=float, nargs="*", default=[], choices=list(SHAPES))
    options = parser.parse_args()
    th.set_num_threads(1)
    print(f"`{COMMAND}`\n\n{machine()}; batches of {options.batch}, medians of {options.rounds}\n")
    print("| model | hints/s | range |\n|---|---|---|")
    for name, speeds in rows(options.batch, options.rounds, options.billions):
        print(f"| {name} | {statistics.median(speeds):,.0f} | {min(speeds):,.0f}-{max(speeds):,.0f} |", flush=True)


if __name__ == "__main__":
    main()
