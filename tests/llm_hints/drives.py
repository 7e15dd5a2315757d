"""Services and drives in simulated time, for tests of when hints are sought and what holds meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envs.scene import ActorKind, RoadCategory, SceneBatch
from llm_hints.hint import Density, Direction, Entity, Hint, HintBatch
from llm_hints.providers.scripted import ScriptedProvider
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from tests.envs.builders import make_scene


def hint(safety: float) -> Hint:
    """Return a hint with one entity that its safety weight tells apart."""
    weights = {"safety": safety, "efficiency": 1 - safety, "comfort": 0.0}
    return Hint(RoadCategory.URBAN, Density.MEDIUM, (Entity(ActorKind.CAR, Direction.LEFT),), weights)


def drive(service: HintService, scene: SceneBatch, seconds: float) -> Iterator[tuple[float, HintBatch]]:
    """Reset and then poll at 10 Hz; yield time (s) and hints of each step."""
    scene.time_s[:], scene.step[:] = 0.0, 0
    yield 0.0, service.reset(None, scene)
    for step in range(1, round(10 * seconds) + 1):
        scene.time_s[:], scene.step[:] = scene.time_s + 0.1, step
        yield step / 10, service.poll(scene)


def trace(service: HintService, seconds: float, scene: SceneBatch | None = None) -> list[tuple[float, int, float]]:
    """Return (time, source, safety weight) of a drive of one world, at each change only."""
    changes: list[tuple[float, int, float]] = []
    for time_s, hints in drive(service, scene or make_scene(1), seconds):
        now = (int(hints.source[0]), round(float(hints.weights[0, 0]), 4))
        if not changes or now != changes[-1][1:]:
            changes.append((time_s, *now))
    return changes


def serve(script: Any, latency_s: float = 0.0, **config: Any) -> tuple[HintService, ScriptedProvider]:
    """Return a service of one world and its scripted provider."""
    provider = ScriptedProvider(script, latency_s)
    return HintService(provider, HintServiceConfig(**config)), provider
