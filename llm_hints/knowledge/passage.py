"""Passage: one short piece of traffic law or safety guidance, and the kinds of scene that it speaks of."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from llm_hints.hint import CRITICS

SCENE_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "overtaking": "overtake pass get past slower vehicle ahead",
        "merging": "merge join enter on-ramp ramp slip road acceleration lane ends zipper gap",
        "lane_change": "change lane switch move over next neighbouring adjacent lane blind spot mirror",
        "cut_in": "cut in squeeze dart swerve enter own lane in front",
        "following": "follow tailgate close behind vehicle ahead leader gap headway distance",
        "queue": "queue jam congestion standstill standing traffic stop and go dense bumper crawl",
        "emergency_braking": "emergency brake slam hard imminent collision contact time to collision evade",
        "oncoming": "oncoming opposite direction opposing towards head-on",
        "pedestrian": "pedestrian person people on foot walker walk man woman child",
        "crossing": "pedestrian crossing crosswalk zebra stripes",
        "occlusion": "occluded hidden blocked view sight behind parked vehicle step out",
        "cyclist": "cyclist bicycle bike cycle rider",
        "motorcycle": "motorcycle motorbike scooter moped rider",
        "truck_bus": "truck lorry bus coach heavy large vehicle stop passengers",
        "emergency_vehicle": "emergency vehicle ambulance fire engine police siren flashing blue lights",
        "junction_signal": "junction intersection crossroads traffic light signal red yellow amber green stop line",
        "junction_stop": "junction intersection crossroads stop sign",
        "junction_yield": "junction intersection crossroads priority yield give way sign side minor road",
        "left_turn": "turn left across oncoming",
        "right_turn": "turn right near side corner",
        "roundabout": "roundabout ring circle circulating",
        "obstacle": "obstacle object stationary parked broken-down debris lost load blocks lane",
        "road_works": "road works construction site cones lane closed workers",
        "speed": "speed limit above exceed too fast slow down",
        "curve": "curve curvature bend winding",
        "free_road": "free empty clear road alone nobody ahead no traffic",
        "highway": "highway motorway expressway",
        "rural": "rural country road two-lane",
        "urban": "urban city street town",
        "comfort": "comfort smooth jerk gentle calm passengers",
        "principle": "general duty of care",
    }
)
"""The fixed vocabulary, and for each kind the words that scenes use for it: a search reads them with the passage.

``left_turn`` is the turn across oncoming traffic, ``right_turn`` that to the near side, as where traffic keeps right;
passages of countries where it keeps left are tagged by the same meaning.
"""

TITLE_LENGTH = (3, 80)
TEXT_LENGTH = (60, 600)
SOURCE_LENGTH = (3, 160)
"""Least and most characters; a prompt carries three passages, so that they have to be short."""


class PassageError(ValueError):
    """A passage, or a file of passages, that does not have the agreed form; says what came and what is allowed."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage, in our own words or a user's.

    ``id`` unique in a knowledge base; ``title``, ``text`` what a prompt shows; ``source`` the document and, where it is
    known, its article; ``kinds`` of scene, at least one of ``SCENE_KINDS``; ``emphasis`` how strongly the passage
    argues for each of ``CRITICS``, in that order, each in [0, 1], sum 1: what a small model reads in place of the
    prose. Ours: from (.25, .60, .15), as the rules expert weighs a free road, to (.90, .05, .05), more than it weighs
    danger. Where a text ends with what follows for a planner, that is ours and not the source's.
    """

    id: str
    title: str
    text: str
    source: str
    kinds: tuple[str, ...]
    emphasis: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse what a prompt or a retriever could not use."""
        if not self.id or not all(part.isalnum() for part in self.id.split("-")):
            raise PassageError(f"id {self.id!r} came; words of letters and digits joined by hyphens are needed")
        for name, (least, most) in (("title", TITLE_LENGTH), ("text", TEXT_LENGTH), ("source", SOURCE_LENGTH)):
            length = len(getattr(self, name).strip())
            if not least <= length <= most:
                raise PassageError(f"{name} has {length} characters; {least} to {most} are allowed")
        _check_kinds(self.kinds)
        if any(not 0.0 <= part <= 1.0 for part in self.emphasis) or not math.isclose(sum(self.emphasis), 1.0):
            named = ", ".join(f"{name} {part:g}" for name, part in zip(CRITICS, self.emphasis, strict=True))
            raise PassageError(f"emphasis ({named}) came; each must be in [0, 1] and their sum 1")

    @property
    def kind_words(self) -> str:
        """Words that scenes of the passage's kinds use."""
        return " ".join(SCENE_KINDS[kind] for kind in self.kinds)

    @property
    def searched(self) -> str:
        """What a search reads of the passage."""
        return f"{self.title}. {self.text} {self.kind_words}"


def _check_kinds(kinds: tuple[str, ...]) -> None:
    """Refuse no, repeated and unknown kinds."""
    if not kinds or len(set(kinds)) != len(kinds):
        raise PassageError(f"kinds {list(kinds)} came; name each once, and one at least")
    for kind in kinds:
        if kind not in SCENE_KINDS:
            near = difflib.get_close_matches(kind, SCENE_KINDS, n=1, cutoff=0.5)
            guess = f" Did you mean {near[0]}?" if near else ""
            raise PassageError(f"unknown kind {kind!r}.{guess} Valid: {', '.join(SCENE_KINDS)}")
