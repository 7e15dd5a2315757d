"""From the last frames of several cameras to features: ShuffleNetV2 for each picture, a GRU over the frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch as th
from torch import nn

from hcrmp.shufflenet import FEATURES, ShuffleNetV2


@dataclass(frozen=True)
class CameraEncoderConfig:
    """The encoder of the pictures (the paper names the networks and gives no sizes: those are ours)."""

    embedding: int = 128
    """Features of one frame of all views, which the GRU reads."""
    hidden: int = 128
    """Features of the GRU, which actor and critics read."""
    learning_rate_share: float = 0.3
    """Share of the learning rate that these networks learn with: in our trials they died at the 1e-3 that suits the
    small networks behind them."""
    norm: Literal["group", "frozen_batch"] = "group"
    """Group norms, or batch norms that keep the statistics of ``weights``."""
    weights: str = ""
    """File of ImageNet weights of torchvision's shufflenet_v2_x0_5, with ``norm=frozen_batch``; "": random weights."""

    def __post_init__(self) -> None:
        """Refuse weights that the norms cannot take."""
        if self.learning_rate_share <= 0.0:
            raise ValueError(f"learning_rate_share must be more than 0, got {self.learning_rate_share}")
        if self.weights and self.norm != "frozen_batch":
            raise ValueError(f"weights {self.weights} are those of batch norms: add norm=frozen_batch beside them")


class CameraEncoder(nn.Module):
    """Pictures ``(M, J, V, height, width, 3)`` uint8 to features ``(M, hidden)``; the views share one network."""

    def __init__(self, config: CameraEncoderConfig, views: int) -> None:
        super().__init__()
        self.config = config
        self.pictures = ShuffleNetV2(config.norm == "frozen_batch")
        # The norm keeps the tanh from saturating: a thousand features that are never negative move a sum together.
        self.embed = nn.Sequential(
            nn.Linear(views * FEATURES, config.embedding), nn.LayerNorm(config.embedding), nn.Tanh()
        )
        self.gru = nn.GRU(config.embedding, config.hidden, batch_first=True)

    def initialise(self) -> None:
        """Give the networks of the pictures their first weights."""
        self.pictures.initialise()
        if self.config.weights:
            self.pictures.load(Path(self.config.weights).expanduser())

    def forward(self, pictures: th.Tensor) -> th.Tensor:
        """Return the last hidden state of the GRU."""
        frames, views, height, width, colours = (int(side) for side in pictures.shape[1:])
        features = self.pictures(pictures.reshape(-1, height, width, colours))
        _, hidden = self.gru(self.embed(features.view(-1, frames, views * FEATURES)))
        last: th.Tensor = hidden[-1]
        return last
