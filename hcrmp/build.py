"""From configuration to objects: the only place that puts components together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3 import PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from torch import nn

from envs.carla_backend.config import first_servers
from envs.driving_env import DrivingConfig, DrivingVectorEnv
from envs.factory import make_vector_env
from envs.observation import ObservationLayout
from envs.scenarios.catalogue import ScenarioSet
from envs.termination import EndsAt
from envs.user_cache import user_cache
from hcrmp.algorithm import MultiCriticPPO
from hcrmp.algorithm_config import HcrmpConfig, LinearSchedule
from hcrmp.baselines import PpoOptions, SacOptions, Td3Options
from hcrmp.checkpoint import load_checkpoint
from hcrmp.curriculum import Curriculum
from hcrmp.encoders import ScanPlace
from hcrmp.errors import UserError
from hcrmp.hinted_env import FlatObservation, HintedVecEnv
from hcrmp.run_folder import RunFolder
from hcrmp.sections import CarlaOptions, HintsConfig
from hcrmp.train_config import HcrmpOptions, TrainConfig, load_train
from llm_hints.cache import SemanticCache
from llm_hints.knowledge.anchoring import SceneAnchors
from llm_hints.knowledge.base import build_knowledge
from llm_hints.knowledge.errors import KnowledgeError
from llm_hints.knowledge.passage import PassageError
from llm_hints.providers.base import HintProvider
from llm_hints.providers.faulty import FaultConfig, FaultyProvider
from llm_hints.providers.openai_http import OpenAiConfig, OpenAiProvider
from llm_hints.providers.rules import RulesProvider
from llm_hints.providers.silent import SilentProvider
from llm_hints.service import HintService


def build_provider(config: HintsConfig, rng: np.random.Generator) -> HintProvider:
    """Return the source of hints; ``rng`` decides the faults of ``faulty``."""
    if config.provider == "faulty":
        inner = replace(config, provider=config.faulty_of, faults=FaultConfig())
        return FaultyProvider(build_provider(inner, rng), config.faults, rng)
    if config.provider == "none":
        return SilentProvider()
    if config.provider == "transformers":
        # Imported here: transformers takes seconds, which nobody else need wait for.
        from llm_hints.providers.transformers_lm import TransformersProvider

        return TransformersProvider(config.transformers, build_anchors(config), rng)
    if config.provider == "openai":
        return _build_openai(config.openai, build_anchors(config))
    return RulesProvider(config.rules)


def build_anchors(config: HintsConfig) -> SceneAnchors | None:
    """Return what finds the passages for a scene; None where none go into a prompt."""
    if not config.anchored:
        return None
    try:
        base = build_knowledge(config.knowledge, user_cache() / "knowledge")
    except (PassageError, KnowledgeError) as error:
        raise UserError(f"hints.knowledge: {error}") from error
    return SceneAnchors(base, config.knowledge.anchors)


def _build_openai(config: OpenAiConfig, anchors: SceneAnchors | None) -> OpenAiProvider:
    try:
        return OpenAiProvider(config, anchors)
    except ValueError as error:  # the environment does not hold the key
        raise UserError(f"hints.openai: {error}") from error


def build_cache(config: HintsConfig) -> SemanticCache:
    """Return the bank in the ``cache_file`` where there is one, else an empty one."""
    if not config.cache_file:
        return SemanticCache(config.cache)
    return SemanticCache.open(Path(config.cache_file), config.cache)


def build_service(config: HintsConfig, batch_size: int, seed: int) -> HintService:
    """Return the hint service of ``batch_size`` worlds, with what the bank in its ``cache_file`` knows."""
    provider_rng, service_rng = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
    cache = build_cache(config) if config.service.cache else None
    return HintService(build_provider(config, provider_rng), config.service, batch_size, service_rng, cache)


def build_driving(
    config: TrainConfig, worlds: int, render_mode: str | None = None, ends_at: EndsAt = "violation"
) -> DrivingVectorEnv:
    """Return the worlds that ``config`` describes, without hints; a CARLA server for each, if it is CARLA."""
    simulator = config.simulator
    driving = DrivingConfig(config.action, config.observation, config.reward, ends_at)
    return make_vector_env(
        worlds,
        config.scenario.families,
        config.density,
        simulator=first_servers(simulator, worlds) if isinstance(simulator, CarlaOptions) else simulator.name,
        config=driving,
        render_mode=render_mode,
        map=config.map,
        randomise=config.randomise,
    )


def build_environment(
    config: TrainConfig, worlds: int, hints: HintsConfig | None = None, ends_at: EndsAt = "violation"
) -> HintedVecEnv:
    """Return ``worlds`` hinted worlds; ``hints`` replace those of ``config``; ``ends_at`` ends episodes early.

    There are no more of them than CARLA servers, if it is CARLA.
    """
    if isinstance(config.simulator, CarlaOptions):
        worlds = min(worlds, len(config.simulator.addresses))
    service = build_service(hints or config.hints, worlds, config.seed)
    return HintedVecEnv(build_driving(config, worlds, ends_at=ends_at), service)


def build_curriculum(config: TrainConfig, env: HintedVecEnv) -> Curriculum | None:
    """Return the curriculum of a training in ``env``; None where every cell is as likely as the others."""
    scenarios = env.driving.scenarios
    if config.curriculum.name == "none":
        return None
    assert isinstance(scenarios, ScenarioSet)
    return Curriculum(config.curriculum, [scenario.density for scenario in scenarios.scenarios])


def build_algorithm(config: TrainConfig, env: HintedVecEnv, tensorboard: Path | None = None) -> BaseAlgorithm:
    """Return the untrained planner of ``config`` on ``env``."""
    common: dict[str, Any] = {
        "seed": config.seed,
        "device": config.device,
        "tensorboard_log": None if tensorboard is None else str(tensorboard),
    }
    options = config.algo
    if isinstance(options, HcrmpConfig):
        return MultiCriticPPO(env=env, config=options, scan=scan_place(env.driving.layout), **common)
    if config.observation.cameras.views:
        raise UserError(f"algo={options.name} reads no pictures: take algo=hcrmp for observation=cameras")
    flat = FlatObservation(env, options.hint_in_state)
    if isinstance(options, PpoOptions):
        return _build_ppo(options, flat, common)
    return _build_off_policy(options, flat, common)


def _build_ppo(options: PpoOptions, env: FlatObservation, common: dict[str, Any]) -> PPO:
    return PPO(
        "MlpPolicy",
        env,
        learning_rate=LinearSchedule(options.learning_rate, options.final_learning_rate_share),
        n_steps=options.n_steps,
        batch_size=options.batch_size,
        n_epochs=options.n_epochs,
        gamma=options.gamma,
        gae_lambda=options.gae_lambda,
        clip_range=options.clip_range,
        ent_coef=options.ent_coef,
        vf_coef=options.vf_coef,
        max_grad_norm=options.max_grad_norm,
        policy_kwargs={"net_arch": list(options.net_arch), "activation_fn": nn.Tanh},
        **common,
    )


def _build_off_policy(options: SacOptions | Td3Options, env: FlatObservation, common: dict[str, Any]) -> SAC | TD3:
    common |= {
        "learning_rate": options.learning_rate,
        "buffer_size": options.buffer_size,
        "learning_starts": options.learning_starts,
        "batch_size": options.batch_size,
        "gamma": options.gamma,
        "tau": options.tau,
        "train_freq": options.train_freq,
        "gradient_steps": options.gradient_steps,
        "policy_kwargs": {"net_arch": list(options.net_arch)},
    }
    if isinstance(options, SacOptions):
        return SAC("MlpPolicy", env, **common)
    return TD3(
        "MlpPolicy", env, action_noise=NormalActionNoise(np.zeros(2), np.full(2, options.action_noise)), **common
    )


def scan_place(layout: ObservationLayout) -> ScanPlace | None:
    """Return where the range scan lies in the state, for the GRU encoder; None where there is no scan."""
    if "scan" not in layout.slices:
        return None
    frames, rays, channels = layout.shapes["scan"]
    return ScanPlace(layout.slices["scan"].start, frames, rays, channels)


def without_pretraining(options: HcrmpOptions) -> HcrmpOptions:
    """Return ``options`` without the file of weights that a training begins with: its result needs none of it."""
    return replace(options, policy=replace(options.policy, camera=replace(options.policy.camera, weights="")))


def load_planner(folder: RunFolder, env: HintedVecEnv) -> BaseAlgorithm:
    """Return the trained planner of a run, on ``env``, whose observation must be the run's."""
    config = load_train(folder.config())
    if isinstance(config.algo, HcrmpOptions):
        config = replace(config, algo=without_pretraining(config.algo))
    model = build_algorithm(config, env)
    load_checkpoint(folder.latest_checkpoint, model, layout=env.driving.layout.as_dict())
    return model
