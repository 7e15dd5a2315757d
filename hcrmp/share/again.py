"""The command that trains a shared planner again, as far as its document says how it was trained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hcrmp.composition import grammar, options
from hcrmp.config import load
from hcrmp.scenario_options import scenario_option
from hcrmp.share.document import PlannerDocument
from hcrmp.train_config import TrainConfig, plain_config

SECTIONS = ("scenario", "density", "observation", "action", "reward", "algo")
"""Keys of a training that the document holds whole."""


def training_command(document: PlannerDocument) -> str:
    """Return the command line of ``hcrmp train``.

    It names what differs from the usual. What was randomised, the settings of a curriculum and those of the hints stay
    with the run.
    """
    config = plain_config(document.train_config())
    option = scenario_option(document.world.scenario.families)
    choices = [f"scenario={option}" if option else "", _other("algo", document, "hcrmp")]
    choices += [f"hints={hints}" for hints in (document.world.hints,) if hints != "rules" and hints in options("hints")]
    chosen = [choice for choice in choices if choice]
    usual = plain_config(load("train", chosen))
    changed = [word for key in SECTIONS for word in _changes(usual[key], config[key], key)]
    return " ".join(["hcrmp train", *chosen, *map(_quoted, changed), *_extent(document)])


def _other(group: str, document: PlannerDocument, usual: str) -> str:
    name = document.algorithm.name
    return "" if name == usual else f"{group}={name}"


def _extent(document: PlannerDocument) -> Iterator[str]:
    """Yield how long it was trained, and with which seed."""
    usual, training = TrainConfig(), document.training
    for key, name in (("worlds", "worlds"), ("total_steps", "planned_decisions")):
        if name in training and training[name] != getattr(usual, key):
            yield f"{key}={training[name]}"
    if training.get("curriculum", "none") != "none":
        yield f"curriculum={training['curriculum']}"
    yield f"seed={document.seed}"


def _changes(usual: Any, value: Any, key: str) -> Iterator[str]:
    """Yield an override for each leaf of ``value`` that is not the ``usual`` one."""
    if isinstance(value, Mapping) and isinstance(usual, Mapping):
        for name in value:
            yield from _changes(usual.get(name), value[name], f"{key}.{name}")
    elif json.dumps(usual) != json.dumps(value):
        yield f"{key}={grammar(value)}"


def _quoted(word: str) -> str:
    """Return an override as a shell takes it."""
    return f"'{word}'" if any(letter in word for letter in '[]{}" ') else word
