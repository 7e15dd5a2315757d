"""The model card of a shared planner: what it is, what it was trained on, how it drove, how it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch as th
from jinja2 import Environment, PackageLoader, StrictUndefined

from envs.scenarios.catalogue import GROUPS
from hcrmp.errors import RunFolderError
from hcrmp.robustness.planners import method_words
from hcrmp.run_folder import RunFolder, read_json
from hcrmp.share.document import ONNX_FILE, WEIGHTS_FILE, PlannerDocument

METRICS = (
    ("SR", "success %", 100.0), ("CR", "collisions %", 100.0), ("off_road", "off road %", 100.0),
    ("timeout", "timeouts %", 100.0), ("violation", "violations %", 100.0), ("AS", "speed m/s", 1.0),
)  # fmt: skip
"""Metrics of ``hcrmp.metrics``, their headings and factors."""


@dataclass(frozen=True)
class Measured:
    """One evaluation of the run: its name, how it was made, and its rows (cell, episodes, a text for each metric)."""

    label: str
    command: str
    seed: int
    rows: tuple[tuple[str, ...], ...]


def measured_tables(folder: RunFolder) -> list[Measured]:
    """Return the evaluations of a run's planner; those of other drivers are left out."""
    tables = []
    for path in sorted(folder.evaluation.glob("*.json")):
        try:
            found = read_json(path)
            (planner,) = found["planners"]
            if planner["kind"] != "driver":
                tables.append(_measured(found, planner["summaries"]))
        except (RunFolderError, KeyError, TypeError, ValueError, AttributeError):
            continue  # another kind of file, or one that is being written: the card tells of what can be read
    return tables


def _measured(found: Mapping[str, Any], summaries: Sequence[Mapping[str, Any]]) -> Measured:
    config = found["config"]
    asked = [_scenarios(tuple(config["scenario"]["families"]))]
    asked += [f"{key}={config[key]}" for key in ("density", "episodes", "seed")]
    rows = tuple(_row(summary) for summary in summaries)
    return Measured(str(found["label"]), " ".join(asked), int(config["seed"]), rows)


def _scenarios(families: tuple[str, ...]) -> str:
    """Return the choice of scenarios as a word of the command line."""
    group = next((name for name, members in GROUPS.items() if members == families), "")
    return f"scenario={group or families[0]}" if group or len(families) == 1 else f"scenario.families={list(families)}"


def _row(summary: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(summary["cell"]), str(summary["episodes"]), *(_told(summary["metrics"], *one) for one in METRICS))


def _told(metrics: Mapping[str, Any], name: str, heading: str, factor: float) -> str:
    estimate = metrics.get(name) or {}
    numbers = [float(estimate[key]) for key in ("value", "low", "high") if estimate.get(key) is not None]
    if len(numbers) < 3:
        return "-"
    value, low, high = (f"{factor * number:.{0 if factor > 1 else 1}f}" for number in numbers)
    return f"{value} ({low}..{high})"


def model_card(
    document: PlannerDocument,
    files: Mapping[str, bytes],
    weights: Mapping[str, th.Tensor],
    measured: list[Measured],
) -> str:
    """Return the card in Markdown."""
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
        headings=[heading for _, heading, _ in METRICS],
    )
