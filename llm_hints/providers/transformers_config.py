"""Settings of the ``transformers`` provider, readable without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from llm_hints.prompts import Style

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
LmMode = Literal["scoring", "generation"]
BUNDLED = "bundled"
"""Name of the model that comes with the package."""


@dataclass(frozen=True, slots=True)
class TransformersConfig:
    """Which language model, and how it is asked."""

    model: str = BUNDLED
    """A model of the hub by name, the path of a folder, or ``bundled``."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:1``; ``auto``: a GPU where there is one."""
    dtype: Dtype = "auto"
    """Numbers of the weights; ``auto``: as they are stored, but float32 on a CPU."""
    batch_size: int = 0
    """Scenes in a pass of the network, always so many, so that an answer does not depend on who else asks;
    0: 64 on a GPU; on a CPU, where a cache leaves few questions at a time and long texts fill it alone, 2 of the
    compact layout, 1 in English."""
    mode: LmMode = "scoring"
    """Of a model that is asked in English: ``scoring`` compares the allowed answers in one pass and gives each a
    probability; ``generation`` lets it write JSON. A model of the compact layout always scores."""
    style: Style = "original"
    """How the English prompt is written."""
    check_scene: bool = True
    """Refuse a written hint that names who is not in its scene."""
    max_new_tokens: int = 220
    """Longest answer of ``generation`` (tokens)."""
    temperature: float = 0.0
    """0: the weights are their means. Above: they are drawn, at 1 by the model's own probabilities."""
    anchor_share: float = 0.0
    """Share that the passages of the knowledge base have in the weights of a model that reads no prose (the compact
    layout's), in [0, 1): the weights that they argue for are mixed in."""
    min_confidence: float = 0.0
    """An answer whose least certain field is below this probability is no valid one, in [0, 1]."""

    def __post_init__(self) -> None:
        """Refuse what no model can be asked with."""
        for name, allowed in (("dtype", get_args(Dtype)), ("mode", get_args(LmMode)), ("style", get_args(Style))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"transformers {name} {getattr(self, name)!r} came; allowed: {', '.join(allowed)}")
        if not self.model:
            raise ValueError("no model is named: give hints.transformers.model=FOLDER, a name of the hub, or bundled")
        if self.batch_size < 0 or self.max_new_tokens < 1:
            raise ValueError(
                f"transformers batch_size = {self.batch_size}, max_new_tokens = {self.max_new_tokens} came; "
                "needed is batch_size >= 0 (0: by the device) and max_new_tokens >= 1"
            )
        for name in ("min_confidence", "anchor_share"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"transformers {name} = {getattr(self, name)} came; allowed is [0, 1)")
        if not 0.0 <= self.temperature <= 10.0:
            raise ValueError(f"transformers temperature = {self.temperature} came; allowed is 0 to 10")
