"""Drives recorded while they happen: what the worlds, the planner and the hints know goes to a ``BatchRecorder``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from envs.driving_env import Transition
from envs.embedded.simulator import EmbeddedSimulator
from envs.recording import BatchRecorder, DriveStart, HintTold, TickLayout, recover_drives
from envs.recording.assembly import Row
from envs.recording.names import weather_words
from envs.recording.schema import REWARD_NAMES, TRACE_WIDTHS
from envs.recording.ticks import PLANNER
from envs.roads.drawing import RoadDrawing
from envs.scenarios.catalogue import ScenarioSet
from envs.scene import FloatArray, IntArray, SceneBatch
from hcrmp.encoders import STATE_KEY
from hcrmp.hinted_env import HintedVecEnv, Observation
from llm_hints.hint import HintBatch, HintSource

Told = Mapping[str, npt.NDArray[Any]]

SOURCES = tuple(source.name.lower() for source in HintSource)


def hint_words(state: FloatArray, weights: FloatArray) -> list[str]:
    """Return hints of numbers ``(k, 13)`` and weights ``(k, 3)`` in words."""
    return [_words(numbers.tobytes(), weight.tobytes()) for numbers, weight in zip(state, weights, strict=True)]


@lru_cache(maxsize=4096)
def _words(state: bytes, weights: bytes) -> str:
    """Return one hint in words; most hints come again."""
    nothing = np.zeros(1)
    rows = np.frombuffer(state)[None], np.frombuffer(weights)[None]
    return HintBatch(*rows, nothing.astype(np.int64), nothing).hint(0).text()


def save_left_drives(folder: Path) -> list[Path]:
    """Write the drives that killed processes left in ``folder`` to files there; return these."""
    return recover_drives(folder, hint_words, SOURCES)


Tell = Callable[[Observation], Told]
"""What a planner knows of an observation ``(n, ...)``: arrays ``(n, width)`` by names of ``PlannerTrace``."""


@runtime_checkable
class HasWeather(Protocol):
    """A simulator that knows the weather of its worlds."""

    def weather(self, world: int) -> Mapping[str, float]:
        """Return the weather of a world's present episode, numbers by name."""
        ...


class WorldsRecorder:
    """Records drives of the worlds ``rows`` of ``env`` (all by default) into ``folder``.

    ``begin`` after an episode's start, ``tick`` where the planner decides, ``advanced`` after ``env.advance``, then, of
    episodes that have ended, ``last_tick`` and ``end`` before the restart. Worlds count from 0 within ``rows``.
    A planner that ``learns`` tells of last scenes at once, another of many together, later.
    """

    def __init__(
        self, env: HintedVecEnv, folder: Path, tell: Tell, rows: IntArray | None = None, *, learns: bool
    ) -> None:
        self.env, self.folder, self._learns = env, folder, learns
        self.paths: list[Path] = []
        self._tell_of = tell
        self._rows = rows
        self._places = {world: place for place, world in enumerate(range(env.num_envs) if rows is None else rows)}
        self._drawings: dict[str, RoadDrawing] = {}
        self._batch: BatchRecorder | None = None
        self._done: dict[str, npt.NDArray[Any]] = {}
        self._starts: tuple[IntArray, Sequence[DriveStart]] | None = None
        self._first_talk: list[tuple[int, HintTold]] = []
        self._seen: dict[int, Row] = {}  # last, in worlds whose episodes have ended
        env.service.talk.on = True
        save_left_drives(folder)

    def drawing(self, map_name: str) -> RoadDrawing:
        """Return the drawing of a map, the same object for all drives on it."""
        if map_name not in self._drawings:
            scenarios = self.env.driving.scenarios
            assert isinstance(scenarios, ScenarioSet)
            self._drawings[map_name] = scenarios.maps.drawing(map_name)
        return self._drawings[map_name]

    def map_name(self, world: int) -> str:
        """Return the map of a world's present episode."""
        driving = self.env.driving
        if isinstance(driving.simulator, EmbeddedSimulator):
            return driving.simulator.map_name(world)
        return driving.scenarios.sample(int(driving.cells[world]), int(driving.episode_seeds[world])).map_name

    def weather(self, world: int) -> dict[str, str]:
        """Return the weather of a world's present episode in words; none where the simulator has no weather."""
        simulator = self.env.driving.simulator
        return weather_words(simulator.weather(world)) if isinstance(simulator, HasWeather) else {}

    def begin(self, places: IntArray, starts: Sequence[DriveStart]) -> None:
        """Begin the drives of the worlds at ``places`` with the next ``tick``."""
        talk = self._talk()
        if self._batch is None:
            self._starts = places, starts  # what a planner tells is known when it has decided
        else:
            self._batch.begin(places, starts)
        self._pass_on(talk)

    def tick(self, observation: Observation, told: Told) -> None:
        """Add what is seen now, with what the planner tells of it."""
        numbers = {**self._numbers(observation), **told}
        if not self._done:
            rows, terms = len(numbers["observation"]), np.zeros((1, len(self.env.critics)))
            widths = _DONE | {name: part.shape[1] for name, part in self._terms(terms).items()}
            self._done = {name: np.zeros((rows, width)) for name, width in widths.items()}
        if self._starts is not None:
            self._batch = self._open(numbers)
            self._batch.begin(*self._starts)
            self._starts = None
            self._pass_on(self._first_talk)
        if self._batch is not None:
            self._batch.tick(self._scene(), numbers | self._done)

    def advanced(self, actions: npt.NDArray[Any], made: Transition) -> None:
        """Note what came of ``actions`` ``(B, 2)``."""
        done = {"action": actions, "control": self.env.driving.last_control, **self._terms(made.reward_terms)}
        self._done = done if self._rows is None else {name: array[self._rows] for name, array in done.items()}
        self._pass_on(self._talk())

    def last_tick(self, places: IntArray, observation: Observation) -> None:
        """Add the last scenes of the worlds at ``places``, which their restart is about to replace."""
        if self._batch is None or not len(places):
            return
        worlds = places if self._rows is None else self._rows[places]
        seen = {key: part[worlds] for key, part in observation.items()}
        numbers = {name: array[places] for name, array in (self._numbers(observation) | self._done).items()}
        if self._learns:
            numbers |= self._tell_of(seen)
        else:
            rows = ({key: part[k] for key, part in seen.items()} for k in range(len(places)))
            self._seen |= dict(zip(places.tolist(), rows, strict=True))
        self._batch.last_tick(places, self._scene(), numbers)

    def end(self, place: int, outcome: str, extra: Mapping[str, str] | None = None) -> None:
        """End the drive of a world."""
        if self._batch is not None:
            self._batch.end(place, outcome, extra, self._seen.pop(place, None))

    def drop(self, place: int) -> None:
        """Forget the drive of a world."""
        if self._batch is not None:
            self._seen.pop(place, None)
            self._batch.drop(np.array([place]))

    def close(self, *, failed: bool = False) -> None:
        """Write what is left; drives under way are kept, as cut short, where the driving ``failed``."""
        self.env.service.talk.on = False
        if self._batch is not None:
            self._batch.close(failed=failed)

    def _terms(self, terms: FloatArray) -> dict[str, FloatArray]:
        """Return reward terms ``(B, N)`` as drives keep them."""
        three = len(REWARD_NAMES)
        more = {"more_reward_terms": terms[:, three:]} if terms.shape[1] > three else {}
        return {"reward_terms": terms[:, :three], **more}

    def _open(self, numbers: Told) -> BatchRecorder:
        told = tuple(name for name in PLANNER if name in numbers)
        scene = self._scene()
        more = self.env.critics[len(REWARD_NAMES) :]
        layout = TickLayout(scene.actor_slots, numbers["observation"].shape[1], told, more)
        return BatchRecorder(
            self.folder, layout, scene.batch_size, words=hint_words, sources=SOURCES, written=self.paths.append,
            tell_last=self._tell_last,
        )  # fmt: skip

    def _tell_last(self, seen: Sequence[Row]) -> Told:
        """Return what the planner tells of rows of observation."""
        return self._tell_of({key: np.stack([row[key] for row in seen]) for key in seen[0]})

    def _scene(self) -> SceneBatch:
        scene = self.env.driving.scene
        return scene if self._rows is None else scene.rows(self._rows)

    def _numbers(self, observation: Observation) -> dict[str, npt.NDArray[Any]]:
        """Return what is recorded of every scene besides the scene and the planner."""
        hints = self.env.service.hints
        numbers = {
            "observation": observation[STATE_KEY],
            "hint_state": hints.state,
            "hint_weights": hints.weights,
            "hint_source": hints.source,
            "hint_issued_at_s": hints.issued_at_s,
        }
        return numbers if self._rows is None else {name: array[self._rows] for name, array in numbers.items()}

    def _talk(self) -> list[tuple[int, HintTold]]:
        """Return what language models were asked and said in the last poll about the worlds that are recorded."""
        return [
            (self._places[told.world], HintTold(told.asked_at_s, told.prompt, told.answer, told.fate))
            for told in self.env.service.talk.told
            if told.world in self._places
        ]

    def _pass_on(self, talk: list[tuple[int, HintTold]]) -> None:
        if self._batch is None:
            self._first_talk = talk
            return
        for place, hint in talk:
            self._batch.tell(place, hint)


_DONE = {name: TRACE_WIDTHS[name] for name in ("action", "control")}
