"""Who looks on while the episodes of an evaluation are driven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from envs.driving_env import Transition
from envs.scene import IntArray
from hcrmp.drivers import Numbers
from hcrmp.episode_record import EpisodeRecord
from hcrmp.hinted_env import Observation

if TYPE_CHECKING:
    from hcrmp.course import Episode


class Recorder(Protocol):
    """What is told while episodes are driven; see ``hcrmp.drive_recorder.EvaluationRecorder``."""

    def begin(self, worlds: IntArray, episodes: Sequence[Episode]) -> None:
        """Episodes begin in ``worlds``, one each."""
        ...

    def tick(self, observation: Observation, told: Mapping[str, Numbers]) -> None:
        """The driver has decided on ``observation`` ``(B, ...)``; ``told`` is what it knows of that."""
        ...

    def advanced(self, actions: Numbers, made: Transition) -> None:
        """The worlds have moved by ``actions`` ``(B, 2)``."""
        ...

    def last_tick(self, worlds: IntArray, observation: Observation) -> None:
        """The episodes of ``worlds`` have ended; they are restarted next."""
        ...

    def end(self, world: int, record: EpisodeRecord) -> None:
        """The episode of a world has been measured."""
        ...


class NotRecording:
    """Nobody listens."""

    def begin(self, worlds: IntArray, episodes: Sequence[Episode]) -> None:
        """Do nothing."""

    def tick(self, observation: Observation, told: Mapping[str, Numbers]) -> None:
        """Do nothing."""

    def advanced(self, actions: Numbers, made: Transition) -> None:
        """Do nothing."""

    def last_tick(self, worlds: IntArray, observation: Observation) -> None:
        """Do nothing."""

    def end(self, world: int, record: EpisodeRecord) -> None:
        """Do nothing."""
