"""What a recorder is told of every world at its present scene."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from envs.recording import Tick
from envs.recording.schema import MORE_TRACES
from hcrmp.drivers import Driver, Numbers, tell
from hcrmp.encoders import STATE_KEY
from hcrmp.hinted_env import HintedVecEnv, Observation
from llm_hints.hint import HintBatch, HintSource


@dataclass
class TickWriter:
    """The ticks of the worlds of ``env``; hints are put into words anew only where one has changed."""

    env: HintedVecEnv
    _seen: dict[int, bytes] = field(default_factory=dict)
    _texts: dict[int, str] = field(default_factory=dict)

    def ticks(
        self, driver: Driver, observation: Observation, actions: Numbers | None = None, terms: Numbers | None = None
    ) -> list[Tick]:
        """Return the ticks of the present scenes: ``actions`` (B, 2) led there and earned ``terms`` (B, N).

        A branch keeps the three critics of every drive, and no others.
        """
        env, told = self.env, tell(driver, observation)
        hints = env.service.hints
        texts, ages = self._words(hints), hints.age_s(env.driving.scene.time_s)
        nothing = np.zeros((env.num_envs, 3))
        return [
            Tick(
                action=(0.0, 0.0) if actions is None else actions[b],
                control=nothing[b] if actions is None else env.driving.last_control[b],
                reward_terms=nothing[b] if terms is None else terms[b, : nothing.shape[1]],
                hint_state=hints.state[b],
                hint_weights=hints.weights[b],
                observation=observation[STATE_KEY][b],
                **{name: numbers[b] for name, numbers in told.items() if name not in MORE_TRACES},
                hint_text=texts[b],
                hint_source=HintSource(int(hints.source[b])).name.lower(),
                hint_age_s=float(ages[b]),
            )
            for b in range(env.num_envs)
        ]

    def _words(self, hints: HintBatch) -> list[str]:
        for world in range(self.env.num_envs):
            numbers = hints.state[world].tobytes() + hints.weights[world].tobytes()
            if numbers != self._seen.get(world):
                self._seen[world], self._texts[world] = numbers, hints.hint(world).text()
        return [self._texts[world] for world in range(self.env.num_envs)]
