"""Language models made on the spot, with random weights: what they say is noise, how they are asked is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch as th
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from llm_hints.facts import scene_facts
from llm_hints.prompts import hint_messages
from tests.llm_hints.scenes import random_scene

TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}<|assistant|>"


def english_model(folder: Path, template: bool = True, seed: int = 0) -> Path:
    """Write a tiny model that reads English, with a byte-level tokenizer of its own, to ``folder``."""
    tokenizer = _tokenizer()
    if template:
        tokenizer.chat_template = TEMPLATE
    th.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=4096, initializer_range=0.3,
            bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer() -> PreTrainedTokenizerFast:
    scene = random_scene(8, 6, np.random.default_rng(0))
    facts = scene_facts(scene, np.arange(8))
    texts = [message["content"] for row in range(8) for message in hint_messages(facts, row)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer)
    fast: Any = PreTrainedTokenizerFast
    made: PreTrainedTokenizerFast = fast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>")
    return made
