"""The model card of a shared planner: what it is, what it was trained on, how it drove, how it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch as th
from jinja2 import Environment, PackageLoader, StrictUndefined

from hcrmp.bundled import BUNDLED_PLANNER
from hcrmp.robustness.planners import method_words
from hcrmp.share.again import training_command
from hcrmp.share.document import ONNX_FILE, WEIGHTS_FILE, PlannerDocument
from hcrmp.share.measured import Measured


def model_card(
    document: PlannerDocument,
    files: Mapping[str, bytes],
    weights: Mapping[str, th.Tensor],
    measured: Sequence[Measured],
    licence: str = "",
) -> str:
    """Return the card in Markdown; ``licence`` of the weights, "": whoever reads it is to name one."""
    templates = Environment(
        loader=PackageLoader("hcrmp.share", "."), undefined=StrictUndefined, autoescape=False,
        keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return templates.get_template("card.md.j2").render(
        planner=document,
        method=method_words(document.train_config()),
        weights=sum(tensor.numel() for tensor in weights.values()),
        files={name: len(content) for name, content in files.items()},
        onnx=ONNX_FILE in files,
        safetensors=WEIGHTS_FILE in files,
        measured=measured,
        named=BUNDLED_PLANNER if document.name == BUNDLED_PLANNER else "FOLDER",
        command=training_command(document),
        in_carla="carla" in {document.training.get("simulator"), *(one.simulator for one in measured)},
        licence=licence,
    )
