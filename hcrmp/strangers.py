"""What a configuration from a stranger's file must lose before anything is built from it: the code that it names.

A configuration names code of the user's own (``envs.own_code``), and it is imported where worlds are built. The user's
command line and run folders may say so; a shared planner or a drive may not, whoever wrote into it. Acting needs
neither a reward term's code nor a scenario's; a planner that sees through its maker's code cannot act without.
"""

from __future__ import annotations

from dataclasses import replace

from envs.own_code import names_code, without_folder
from hcrmp.sections import ScenarioConfig
from hcrmp.train_config import TrainConfig


def without_code(config: TrainConfig) -> TrainConfig:
    """Return ``config`` naming no code: own reward terms are 0, own scenarios and observation blocks are gone."""
    reward = config.reward
    terms = {name: replace(term, function="") for name, term in reward.extra_terms.items()}
    known = tuple(family for family in config.scenario.families if not names_code(family))
    return replace(
        config,
        reward=replace(reward, extra_terms=terms),
        observation=replace(config.observation, extra_blocks={}),
        scenario=ScenarioConfig(known) if known else ScenarioConfig(),
    )


def without_folders(config: TrainConfig) -> TrainConfig:
    """Return ``config`` naming files of code without their folders, which are nobody else's business."""
    reward, observation, scenario = config.reward, config.observation, config.scenario
    terms = {name: replace(term, function=without_folder(term.function)) for name, term in reward.extra_terms.items()}
    blocks = {name: without_folder(code) for name, code in observation.extra_blocks.items()}
    return replace(
        config,
        reward=replace(reward, extra_terms=terms),
        observation=replace(observation, extra_blocks=blocks),
        scenario=ScenarioConfig(tuple(map(without_folder, scenario.families))),
    )
