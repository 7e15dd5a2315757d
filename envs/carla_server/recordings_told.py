"""What a recording holds, as text: its events, who collided with whom, who stood; in CARLA's own form of lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from envs.carla_recording import Packet, RecordedFrame, Recording, Records
from envs.scene import FloatArray

_CATEGORIES = "ovwtha"
"""Letters of the kinds of actors: other, vehicle, walker, traffic light, hero, any."""

_NOBODY = 2**32 - 1
_SHOWN = {
    Packet.POSITIONS: "Positions", Packet.LIGHTS: "State traffic lights", Packet.DRIVEN: "Vehicle animations",
    Packet.WALKED: "Walker animations", Packet.LAMPS: "Vehicle light animations",
}  # fmt: skip


def file_info(recording: Recording, everything: bool) -> str:
    """Return the events of a recording, or (``everything``) all its numbers."""
    lines = _head(recording)
    for frame in recording.frames:
        told = [*_events(frame), *(_tables(frame) if everything else ())]
        if told or everything:
            lines += [f"Frame {frame.number} at {frame.elapsed_s:g} seconds", *told]
    return "\n".join([*lines, *_foot(recording)])


def collisions(recording: Recording, first: str, second: str) -> str:
    """Return when actors of two categories (letters of ``_CATEGORIES``) began to touch."""
    lines = [*_head(recording), f"{'Time':>8} {'Types':>6} {'Id':>6} {'Actor 1':<35} {'Id':>6} {'Actor 2':<35}"]
    kinds: dict[int, tuple[int, str]] = {}
    before: set[tuple[int, int]] = set()
    for frame in recording.frames:
        kinds.update((actor.id, (actor.kind, actor.type_id)) for actor in frame.added())
        now: set[tuple[int, int]] = set()
        for row in frame.table(Packet.COLLISIONS):
            a, b = _side(kinds, row, "first"), _side(kinds, row, "second")
            if a.is_of(first) and b.is_of(second):
                now.add((a.id, b.id))
                if (a.id, b.id) not in before:
                    lines.append(
                        f"{frame.elapsed_s:>8.0f}   {a.letter} {b.letter}  {a.id:>6} {a.type_id:<35} "
                        f"{b.id:>6} {b.type_id:<35}"
                    )
        before = now
    return "\n".join([*lines, *_foot(recording)])


def actors_blocked(recording: Recording, least_s: float, distance_cm: float) -> str:
    """Return who moved by less than a distance (cm) for at least so long (s), longest first."""
    stood: list[tuple[float, str]] = []
    actors: dict[int, _Standing] = {}
    for frame in recording.frames:
        actors.update((actor.id, _Standing(actor.id, actor.type_id)) for actor in frame.added())
        for row in frame.table(Packet.POSITIONS):
            actor = actors.setdefault(int(row["id"]), _Standing(int(row["id"]), ""))
            here = row["location_cm"].astype(np.float64)
            if float(np.linalg.norm(here - actor.place)) < distance_cm:
                actor.since_s = frame.elapsed_s if actor.duration_s == 0.0 else actor.since_s
                actor.duration_s += frame.duration_s
            else:
                stood += actor.told(least_s)
                actor.place, actor.duration_s = here, 0.0
    stood += [row for actor in actors.values() for row in actor.told(least_s)]
    listed = [line for _, line in sorted(stood, key=lambda item: -item[0])]
    head = f"{'Time':>8} {'Id':>6} {'Actor':<35} {'Duration':>10}"
    return "\n".join([*_head(recording), head, *listed, *_foot(recording)])


@dataclass(slots=True)
class _Standing:
    """Since when an actor has been within a distance of ``place`` (cm)."""

    id: int
    type_id: str
    place: FloatArray = field(default_factory=lambda: np.full(3, np.inf))
    since_s: float = 0.0
    duration_s: float = 0.0

    def told(self, least_s: float) -> list[tuple[float, str]]:
        if self.duration_s < max(least_s, 1e-9):
            return []
        line = f"{self.since_s:>8.0f} {self.id:>6} {self.type_id:<35} {self.duration_s:>10.0f}"
        return [(self.duration_s, line)]


@dataclass(frozen=True, slots=True)
class _Side:
    """One of two who touch."""

    id: int
    letter: str
    type_id: str
    hero: bool

    def is_of(self, category: str) -> bool:
        return category in ("a", self.letter) or (category == "h" and self.hero)


def _side(kinds: dict[int, tuple[int, str]], row: Records, name: str) -> _Side:
    actor_id = int(row[name])
    kind, type_id = kinds.get(actor_id, (0, ""))
    letter = _CATEGORIES[kind] if kind < len(_CATEGORIES) and actor_id != _NOBODY else "o"
    return _Side(actor_id, letter, type_id, bool(row[f"{name}_hero"]))


def _head(recording: Recording) -> list[str]:
    # The start is told as it was recorded: a local time would make the same file another text elsewhere.
    return [f"Version: {recording.version}", f"Map: {recording.map_name}", f"Date: {recording.started_unix_s} s", ""]


def _foot(recording: Recording) -> list[str]:
    last = recording.frames[-1]
    return ["", f"Frames: {len(recording.frames)}", f"Duration: {last.elapsed_s:g} seconds", ""]


def _events(frame: RecordedFrame) -> Iterator[str]:
    for actor in frame.added():
        x, y, z = actor.location_cm
        yield f" Create {actor.id}: {actor.type_id} ({actor.kind}) at ({x:g}, {y:g}, {z:g})"
        yield from (f"  {name} = {value}" for name, _, value in actor.attributes)
    for row in frame.table(Packet.REMOVED):
        yield f" Destroy {row['id']}"
    for row in frame.table(Packet.PARENTS):
        yield f" Parenting {row['id']} with {row['parent']} (parent)"
    for row in frame.table(Packet.COLLISIONS):
        heroes = [" (hero)" if row[name] else "" for name in ("first_hero", "second_hero")]
        yield f" Collision id {row['number']} between {row['first']}{heroes[0]} with {row['second']}{heroes[1]}"


def _tables(frame: RecordedFrame) -> Iterator[str]:
    for kind, title in _SHOWN.items():
        table = frame.table(kind)
        yield f" {title}: {len(table)}"
        for row in table:
            shown = (f"{name}: {_text(row[name])}" for name in (table.dtype.names or ())[1:])
            yield f"  Id: {row['id']} " + " ".join(shown)


def _text(value: FloatArray) -> str:
    return f"({', '.join(f'{item:g}' for item in value)})" if np.ndim(value) else f"{float(value):g}"
