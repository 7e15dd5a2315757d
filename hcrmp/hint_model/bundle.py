"""A taught model as a folder that the ``transformers`` provider loads: weights, tokenizer, layout, model card."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from envs.scene import FloatArray, IntArray
from hcrmp.hint_model.examples import Examples, Lessons
from llm_hints.compact import BEGIN, LAYOUT, SLOTS, CompactLayout
from llm_hints.providers.compact_lm import DESCRIPTION, CompactModel


def save_bundle(model: LlamaForCausalLM, temperatures: Mapping[str, float], card: str, folder: Path) -> None:
    """Write the folder; the weights in bfloat16, which halves the file and costs nothing that can be measured."""
    layout = CompactLayout()
    folder.mkdir(parents=True, exist_ok=True)
    half: Any = copy.deepcopy(model).bfloat16()
    half.save_pretrained(folder)
    make_tokenizer(layout).save_pretrained(folder)
    described = {"layout": LAYOUT, "temperatures": {name: round(value, 3) for name, value in temperatures.items()}}
    (folder / DESCRIPTION).write_text(json.dumps(described, indent=1) + "\n", "utf-8")
    (folder / "README.md").write_text(card, "utf-8")


def make_tokenizer(layout: CompactLayout) -> PreTrainedTokenizerFast:
    """Return the tokenizer of a layout: a word is what stands between two spaces."""
    words = {word: n for n, word in enumerate(layout.words)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unknown>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast: Any = PreTrainedTokenizerFast
    made: PreTrainedTokenizerFast = fast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unknown>", bos_token=BEGIN
    )
    return made


def fit_temperatures(model: CompactModel, lessons: Lessons) -> dict[str, float]:
    """Return for each question the temperature of least cross entropy on scenes that were not taught (Guo et al.)."""
    examples = Examples.of(lessons, model.layout)
    logits = model.logits(examples.rows.astype(np.int64))
    return {name: _best_temperature(logits[name], examples.answers[:, n]) for n, name in enumerate(SLOTS)}


def _best_temperature(logits: FloatArray, codes: IntArray | Any) -> float:
    rows = np.arange(len(codes))

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        top = scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled - top).sum(axis=1)) + top[:, 0] - scaled[rows, codes]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 2.5), method="bounded").x))
