"""A scenario as data: where it happens, who takes part, what they do, and the ranges from which a seed samples.

``Scenario`` is the template, ``ConcreteScenario`` one sampled case, the same for every simulator.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from envs.scene import ActorKind, BoolArray, FloatArray, IntArray
from envs.traffic.agents import ActionKind, TriggerKind
from envs.traffic.paths import PATH_LANES
from envs.traffic.walk_state import PedestrianRow

BODY_SIZES_M = {
    ActorKind.CAR: (4.6, 1.9),
    ActorKind.TRUCK: (8.4, 2.5),
    ActorKind.BUS: (11.0, 2.5),
    ActorKind.MOTORCYCLE: (2.2, 0.8),
    ActorKind.PEDESTRIAN: (0.5, 0.5),
    ActorKind.CYCLIST: (1.8, 0.6),
    ActorKind.STATIC: (1.0, 1.0),
}
"""Length and width of each kind's body, metres."""


@dataclass(frozen=True, slots=True)
class Range:
    """A closed interval from which a seed draws uniformly; ``Range(x, x)`` is the constant x."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse an interval that is upside down."""
        if not self.low <= self.high:
            raise ValueError(f"Range({self.low}, {self.high}): the first bound must not exceed the second")


def exactly(value: float) -> Range:
    """Return the range that holds ``value`` alone."""
    return Range(value, value)


@dataclass(frozen=True, slots=True)
class LaneAnchor:
    """A lane by its OpenDRIVE address: road id, lane section (counted from 0) and lane id."""

    road: int
    lane: int
    section: int = 0


@dataclass(frozen=True, slots=True)
class RoadSpec:
    """The road of a scenario: variants of one generated map (one is drawn) and names for its lanes."""

    maps: tuple[str, ...]
    lanes: dict[str, LaneAnchor]


@dataclass(frozen=True, slots=True)
class PlaceSpec:
    """The road of a scenario as a kind of place (``envs.scenarios.places.PLACES``) on maps: all such places are found.

    ``length`` that the own lane must have (m), or its approach to the junction.
    """

    maps: tuple[str, ...]
    kind: str
    length: float = 0.0


@dataclass(frozen=True, slots=True)
class Placement:
    """One place where a scenario happens, in the lanes of its map.

    ``ways``: by name the lanes of a way in the order of driving; ``marks``: named places on the way "ego" (m from its
    beginning); ``meets``: by the name of another way, where it meets the ego's: (m on the ego's, m on the other).
    """

    map_name: str
    ways: dict[str, tuple[int, ...]]
    marks: dict[str, float] = field(default_factory=dict)
    meets: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Driver:
    """Ranges of the driver models' parameters (IDM and MOBIL; units as in ``AgentRow``).

    ``heedless`` drivers go through junctions on red and whoever has the right of way.
    """

    headway: Range = Range(0.8, 1.6)
    min_gap: Range = Range(1.5, 2.5)
    max_acceleration: Range = Range(1.0, 2.0)
    comfort_brake: Range = Range(2.0, 3.0)
    hardest_brake: Range = Range(6.0, 8.0)
    politeness: Range = Range(0.1, 0.5)
    change_threshold: Range = Range(0.2, 0.5)
    changes_lane: bool = False
    yield_probability: float = 0.0
    heedless: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """A scripted action and what starts it; see ``TriggerKind`` and ``ActionKind`` for the numbers' meaning.

    ``probability`` that the actor has it at all: what might happen must not be certain.
    """

    trigger: TriggerKind
    value: Range
    action: ActionKind
    first: Range
    second: Range = Range(0.0, 0.0)
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class ActorSpec:
    """One participant.

    ``lane`` a lane or way of the scenario's road; ``after`` the participant from whose centre ``distance`` (m along the
    road, positive ahead in the *ego's* direction) is counted: "ego", another actor's name or a mark of the place;
    ``arrives`` in its stead, on a way that meets the ego's: how long after the ego it would be there if both kept their
    first speeds (s); ``lateral`` offset (m, positive to the lane's left); ``speed`` at the start and ``desired_speed``
    (m/s); ``yaw`` against the lane (rad, pedestrians face their crossing); ``kinds`` one is drawn; ``probability`` of
    taking part at all; ``parked`` vehicles never move; ``walks`` straight along its yaw, whatever its kind.
    """

    name: str
    lane: str
    distance: Range = Range(0.0, 0.0)
    after: str = "ego"
    arrives: Range | None = None
    kinds: tuple[ActorKind, ...] = (ActorKind.CAR,)
    speed: Range = Range(0.0, 0.0)
    desired_speed: Range | None = None
    lateral: Range = Range(0.0, 0.0)
    yaw: Range = Range(0.0, 0.0)
    driver: Driver = field(default_factory=Driver)
    scripts: tuple[Script, ...] = ()
    parked: bool = False
    probability: float = 1.0
    walks: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A family member: one condition at one density.

    ``ego_lane`` and ``ego_at`` (m along that lane, from the mark ``ego_after`` where there is one) and ``ego_speed``
    (m/s) start the ego; ``route`` names the lanes or ways that it should follow; the goal lies ``goal`` metres ahead
    along them, of the ego or of the mark ``goal_after``, and must be reached within ``time_limit`` (s);
    ``wrong_way_limit_s`` is how long the ego may use an oncoming lane. ``green``: the ego's signal is green when it
    would arrive.
    """

    name: str
    density: str
    road: RoadSpec | PlaceSpec
    ego_lane: str
    ego_at: Range
    ego_speed: Range
    route: tuple[str, ...]
    goal: Range
    time_limit: Range
    actors: tuple[ActorSpec, ...]
    wrong_way_limit_s: float = 10.0
    ego_after: str = ""
    goal_after: str = "ego"
    green: bool = False


ROUTE_LANES = 64
"""Most lanes of one route."""


@dataclass(frozen=True, slots=True)
class ConcreteScenario:
    """One sampled case, ready for a simulator.

    ``map_name`` of ``envs.scenarios.maps``; lanes are indices in that map's own lane graph; ``agents``
    ``(len(AgentRow), A)``; ``bodies`` ``(5, A)`` rows kind, length, width (m), yaw against the lane (rad), slot id;
    ``scripts`` ``(A, SCRIPTS_PER_AGENT, len(ScriptRow))``; ``pedestrians`` ``(len(PedestrianRow), P)`` who roam the
    map's walk graph, in its own numbers of nodes and crosswalks (``walk_state.place_pedestrians``); ``paths``
    ``(at most A, PATH_LANES)`` the lanes that the first agents will drive, padded with -1: beyond them turns are drawn;
    ``world_seed`` that the clocks of signals hash, ``seed`` where None. ``route_spans`` ``(n, 2)`` the part of each
    lane of ``route`` ``(n,)`` that is driven, from and to (m along it), where lanes are changed
    (``roads.route_plan``); None: all of each. ``ambient`` ``(at most A,)`` the agents that drive about without a part
    of their own, which a server's Traffic Manager may drive.
    """

    name: str
    density: str
    cell: int
    seed: int
    map_name: str
    ego_lane: int
    ego_s: float
    ego_speed: float
    route: IntArray
    goal_m: float
    time_limit_s: float
    wrong_way_limit_s: float
    agents: FloatArray
    bodies: FloatArray
    scripts: FloatArray
    pedestrians: FloatArray = field(default_factory=lambda: np.zeros((len(PedestrianRow), 0)))
    paths: IntArray = field(default_factory=lambda: np.full((0, PATH_LANES), -1))
    world_seed: int | None = None
    route_spans: FloatArray | None = None
    ambient: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_))
