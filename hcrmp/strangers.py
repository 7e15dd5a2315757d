"""What a configuration from a stranger's file must lose before anything is built from it: code, servers, keys, files.

A configuration names code of the user's own (``envs.own_code``), and it is imported where worlds are built. The user's
command line and run folders may say so; a shared planner or a drive may not, whoever wrote into it. Acting needs
neither a reward term's code nor a scenario's; a planner that sees through its maker's code cannot act without. It also
names who is asked for hints: a stranger's endpoint would be sent the key in whichever variable of the environment his
file names.
"""

from __future__ import annotations

from dataclasses import replace

from envs.own_code import names_code, without_folder
from hcrmp.sections import HintsConfig, ScenarioConfig
from hcrmp.train_config import TrainConfig
from llm_hints.knowledge.base import KnowledgeConfig
from llm_hints.providers.openai_http import OpenAiConfig
from llm_hints.providers.transformers_config import BUNDLED, TransformersConfig


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


def without_reach(hints: HintsConfig) -> HintsConfig:
    """Return ``hints`` that ask nobody and read nothing beside this package: the rules expert in their place.

    Those of the rules, of nobody and of the model in the box, with faults or without, are left as they are.
    """
    provider = "rules" if _reaches(hints.provider, hints) else hints.provider
    faulty_of = "rules" if _reaches(hints.faulty_of, hints) else hints.faulty_of
    bundled, knowledge = hints.transformers.model == BUNDLED, hints.knowledge
    return replace(
        hints,
        provider=provider,
        faulty_of=faulty_of,
        openai=OpenAiConfig(),
        transformers=hints.transformers if bundled else TransformersConfig(),
        knowledge=KnowledgeConfig() if knowledge.files or knowledge.model else knowledge,
        cache_file="",
    )


def _reaches(provider: str, hints: HintsConfig) -> bool:
    return provider == "openai" or (provider == "transformers" and hints.transformers.model != BUNDLED)


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
