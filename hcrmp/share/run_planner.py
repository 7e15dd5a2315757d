"""The planner of a run folder as a document and weights: what is shared, and what is opened where a run is named."""

from __future__ import annotations

from math import prod
from typing import Any

import torch as th

from envs.observation import ObservationLayout
from hcrmp.build import without_pretraining
from hcrmp.checkpoint import CheckpointParts, read_checkpoint
from hcrmp.encoders import HINT_KEY, IMAGES_KEY, STATE_KEY, WEIGHTS_KEY
from hcrmp.mapping import from_mapping
from hcrmp.run_folder import RunFolder
from hcrmp.share.document import (
    FORMAT,
    HINT_LAYOUT,
    VERSION,
    ActionSpec,
    Part,
    PlannerDocument,
    SharedPlannerError,
    World,
    part_of,
    plain_name,
)
from hcrmp.share.networks import distribution_name, named_once
from hcrmp.strangers import without_folders
from hcrmp.train_config import Algorithm, HcrmpOptions, TrainConfig, load_train
from llm_hints.hint import STATE_SIZE

KEPT = ("created", "commit", "python", "packages")
"""What of a run's provenance goes along: its command and machine would tell of who trained it."""


def planner_of_run(folder: RunFolder) -> tuple[PlannerDocument, dict[str, th.Tensor]]:
    """Return the document of a run's last checkpoint, and the weights of its networks."""
    config = load_train(folder.config())
    checkpoint = read_checkpoint(folder.latest_checkpoint)
    weights = checkpoint.parameters.get("policy")
    if not isinstance(weights, dict) or not all(isinstance(tensor, th.Tensor) for tensor in weights.values()):
        raise SharedPlannerError(f"{folder.latest_checkpoint} holds no networks of a planner")
    document = document_of(folder, config, checkpoint)
    return document, named_once(document, weights)


def document_of(folder: RunFolder, config: TrainConfig, checkpoint: CheckpointParts) -> PlannerDocument:
    """Return the document, without checksums."""
    options: Algorithm = config.algo
    if isinstance(options, HcrmpOptions):
        options = without_pretraining(options)
    return PlannerDocument(
        format=FORMAT,
        version=VERSION,
        name=plain_name(folder.path.resolve().name),
        algorithm=options,
        parts=_parts(config, checkpoint),
        layout=from_mapping(ObservationLayout, checkpoint.layout, "layout"),
        hint_layout=HINT_LAYOUT,
        action=ActionSpec(distribution=distribution_name(options), config=config.action),
        critics=_critics(options),
        world=_world(config),
        seed=config.seed,
        training=_training(folder, config, checkpoint),
    )


def _world(config: TrainConfig) -> World:
    """Return where it was trained; of the trainer's own code the names alone, which nobody imports from there."""
    told = without_folders(config)
    return World(told.observation, told.reward, told.scenario, config.density, config.hints.words)


def _parts(config: TrainConfig, checkpoint: CheckpointParts) -> dict[str, Part]:
    """Return the parts of the observation that the environment has, of which a baseline reads some."""
    shapes: dict[str, Any] = {
        STATE_KEY: (sum(prod(shape) for _, shape in checkpoint.layout["blocks"]),),
        HINT_KEY: (STATE_SIZE,),
        WEIGHTS_KEY: (len(config.reward.names),),
    }
    if IMAGES_KEY in checkpoint.spaces:
        shapes[IMAGES_KEY] = tuple(checkpoint.spaces[IMAGES_KEY])
    return {name: part_of(name, shape) for name, shape in shapes.items()}


def _critics(options: Algorithm) -> tuple[str, ...]:
    if isinstance(options, HcrmpOptions):
        return options.value_names
    return ("reward",) if options.name == "ppo" else ("Q1", "Q2")


def _training(folder: RunFolder, config: TrainConfig, checkpoint: CheckpointParts) -> dict[str, Any]:
    made_by = folder.provenance()
    return {
        "decisions": checkpoint.steps,
        "planned_decisions": config.total_steps,
        "worlds": config.worlds,
        "simulator": config.simulator.name,
        "randomised": sorted(config.randomise),
        "curriculum": config.curriculum.name,
        **{name: made_by.get(name) for name in KEPT},
    }
