"""The small causal language model of hints: how it is built, and how it is asked in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch as th
from torch import nn
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from llm_hints.compact import AGENT_FIELDS, ROAD_FIELDS, SLOTS, WIDTH, CompactLayout, agent_ends


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the network (a Llama)."""

    width: int = 128
    """Hidden size."""
    layers: int = 5
    """Layers."""
    heads: int = 4
    """Attention heads."""
    inner: int = 344
    """Width of the feed-forward layers."""


def make_network(config: NetworkConfig, layout: CompactLayout, seed: int) -> LlamaForCausalLM:
    """Return an untrained model whose words of numbers begin near those of neighbouring numbers."""
    th.manual_seed(seed)
    llama = LlamaConfig(
        vocab_size=len(layout.words),
        hidden_size=config.width,
        intermediate_size=config.inner,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.heads,
        max_position_embeddings=WIDTH + len(SLOTS),
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=layout.words.index("<scene>"),
        eos_token_id=None,
    )
    model = LlamaForCausalLM(llama)
    with th.no_grad():
        _smooth_numbers(model.model.embed_tokens.weight, layout, th.Generator().manual_seed(seed))
    return model


def _smooth_numbers(embedding: th.Tensor, layout: CompactLayout, generator: th.Generator) -> None:
    """Give the words of each field of numbers one part in common and one that turns with the number."""
    width = embedding.shape[1]
    for field in (*ROAD_FIELDS, *AGENT_FIELDS):
        if field.numbers is None:
            continue
        ids = th.as_tensor([layout.words.index(word) for word in field.words])
        place = th.linspace(0.0, 1.0, len(ids))[:, None]
        phase = 2.0 * np.pi * th.rand((1, width), generator=generator)
        turns = 4.0 * th.rand((1, width), generator=generator)
        common = th.randn((1, width), generator=generator)
        embedding[ids] = 0.02 * (common + 1.4 * th.cos(2.0 * np.pi * turns * place + phase))


class Pupil(nn.Module):
    """The model with the places at which it is asked; ``losses`` is what training lowers."""

    def __init__(self, model: LlamaForCausalLM, layout: CompactLayout) -> None:
        super().__init__()
        self.model = model
        self.questions = list(range(WIDTH - len(SLOTS), WIDTH))
        self.ends = agent_ends().tolist()
        self.allowed = [th.as_tensor(layout.answers[name]) for name in SLOTS]
        self.risks = th.as_tensor(layout.risks)

    def logits(self, rows: th.Tensor) -> tuple[list[th.Tensor], th.Tensor]:
        """Return the logits of the allowed answers, each ``(n, answers)``, and of the risks ``(n, ends, risks)``."""
        hidden = self.model.model(input_ids=rows, use_cache=False).last_hidden_state
        words: Any = self.model.lm_head.weight
        asked = [hidden[:, place] @ words[ids].T for place, ids in zip(self.questions, self.allowed, strict=True)]
        return asked, hidden[:, self.ends] @ words[self.risks].T

    def losses(self, rows: th.Tensor, answers: th.Tensor, risks: th.Tensor) -> tuple[th.Tensor, th.Tensor]:
        """Return the mean cross entropy of each question ``(len(SLOTS),)``, and that of the risks."""
        asked, of_risks = self.logits(rows)
        each = [functional.cross_entropy(logits, answers[:, n]) for n, logits in enumerate(asked)]
        return th.stack(each), functional.cross_entropy(of_risks.flatten(0, 1), risks.flatten())


def parameter_groups(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return the matrices between the layers, and all other parameters."""
    words = ("embed_tokens", "lm_head")
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and not any(word in name for word in words)]
    chosen = {id(p) for p in matrices}
    return matrices, [p for p in model.parameters() if id(p) not in chosen]
