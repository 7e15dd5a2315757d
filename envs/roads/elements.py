"""The elements of an OpenDRIVE file that driving needs, as typed frozen dataclasses.

Names follow ASAM OpenDRIVE 1.4 (chapter 5). Units are SI, the frame is right-handed (x east, y north), ``s`` runs along
a road's reference line, ``t`` to its left. Elevation tells bridges from crossings; every world of this project is flat.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from envs.scene import FloatArray


class OpenDriveError(ValueError):
    """A map is malformed or uses something that we do not support; the message is one line."""

    def __init__(self, message: str) -> None:
        """Take the message; characters that do not print (ids may have line breaks) are written as escapes."""
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in message))


@dataclass(frozen=True, slots=True)
class Line:
    """A straight piece."""


@dataclass(frozen=True, slots=True)
class Arc:
    """A piece of constant ``curvature`` (1/m, positive left)."""

    curvature: float


@dataclass(frozen=True, slots=True)
class Spiral:
    """A clothoid whose curvature runs linearly from ``start`` to ``end`` (1/m)."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Poly3:
    """A cubic ``v(u) = a + b u + c u2 + d u3`` in the frame of the piece's start (m)."""

    coefficients: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ParamPoly3:
    """Two cubics ``u(p)``, ``v(p)``; ``p`` runs over [0, 1] if ``normalized``, else over the arc length."""

    u: tuple[float, float, float, float]
    v: tuple[float, float, float, float]
    normalized: bool


Shape = Line | Arc | Spiral | Poly3 | ParamPoly3


@dataclass(frozen=True, slots=True)
class Geometry:
    """One piece of a reference line: where it starts (``s``, ``x``, ``y`` in m, ``heading`` in rad), ``length`` (m)."""

    s: float
    x: float
    y: float
    heading: float
    length: float
    shape: Shape


@dataclass(frozen=True, slots=True)
class RoadMark:
    """The marking of a lane's outer border from ``s_offset`` (m after the section's start) on."""

    s_offset: float
    kind: str
    color: str
    lane_change: str


@dataclass(frozen=True, slots=True)
class SpeedRecord:
    """A speed limit (m/s; None where the file says "no limit" or "undefined") from ``s`` (m) on."""

    s: float
    limit_mps: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One lane of a section.

    ``widths`` and ``borders`` are ``(n, 5)``: columns s_offset (m), a, b, c, d. Where ``borders`` has rows and
    ``widths`` has none, the outer border is given directly as ``t``. ``predecessor`` and ``successor`` are lane ids or
    None.
    """

    id: int
    kind: str
    widths: FloatArray
    borders: FloatArray
    marks: tuple[RoadMark, ...]
    speeds: tuple[SpeedRecord, ...]
    predecessor: int | None
    successor: int | None


@dataclass(frozen=True, slots=True, eq=False)
class LaneSection:
    """The cross section of a road over ``[s_start, s_end]`` (m); ``lanes`` by id, the centre lane 0 included."""

    s_start: float
    s_end: float
    lanes: dict[int, Lane]


@dataclass(frozen=True, slots=True)
class RoadLink:
    """What a road's end is linked to: a road (then ``contact`` is "start" or "end") or a junction."""

    is_junction: bool
    element_id: str
    contact: str


@dataclass(frozen=True, slots=True)
class RoadType:
    """The road's type (``town``, ``motorway``, ...) from ``s`` (m) on, and its speed limit (m/s) where said."""

    s: float
    kind: str
    limit_mps: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Crosswalk:
    """The outline ``(n, 2)`` of a crosswalk in the world frame (m)."""

    outline: FloatArray


@dataclass(frozen=True, slots=True)
class Signal:
    """A traffic light or a sign.

    ``direction``: 1 for traffic along s, -1 for traffic against s, 0 for both (see ``opendrive_signals``). ``validity``
    inclusive ranges of lane ids, empty where the file says none; (0, 0) is a signal for no lane of this road.
    ``value`` None where the file says none.
    """

    id: str
    s: float
    t: float
    direction: int
    dynamic: bool
    kind: str
    subtype: str
    value: float | None
    unit: str
    validity: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SignalReference:
    """A signal that stands elsewhere and holds here, too; columns as in ``Signal``."""

    signal_id: str
    s: float
    t: float
    direction: int
    validity: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class StopLine:
    """A painted stop line at ``s`` (m) that covers the lateral positions ``t_right`` to ``t_left`` (m)."""

    s: float
    t_right: float
    t_left: float


@dataclass(frozen=True, slots=True)
class Controller:
    """Signals that always show the same state."""

    id: str
    sequence: int
    signal_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JunctionController:
    """A controller of a junction and its place in the order of phases."""

    controller_id: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Priority:
    """Of two connecting roads of a junction the one whose traffic goes first."""

    high: str
    low: str


@dataclass(frozen=True, slots=True, eq=False)
class Road:
    """One road; ``lane_offsets`` is ``(n, 5)``: columns s (m), a, b, c, d. ``junction`` is "-1" outside junctions.

    ``elevation`` ``(n, 5)`` in the same columns: the height of the reference line (m); empty: 0.
    """

    id: str
    name: str
    length: float
    junction: str
    predecessor: RoadLink | None
    successor: RoadLink | None
    types: tuple[RoadType, ...]
    geometries: tuple[Geometry, ...]
    lane_offsets: FloatArray
    sections: tuple[LaneSection, ...]
    crosswalks: tuple[Crosswalk, ...]
    signals: tuple[Signal, ...] = ()
    signal_references: tuple[SignalReference, ...] = ()
    stop_lines: tuple[StopLine, ...] = ()
    elevation: FloatArray = field(default_factory=lambda: np.zeros((0, 5)))


@dataclass(frozen=True, slots=True)
class Connection:
    """One way through a junction; ``lane_links`` are pairs (incoming lane id, connecting lane id)."""

    incoming_road: str
    connecting_road: str
    contact: str
    lane_links: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """A junction, its connections, the controllers of its signals and the priorities among its roads."""

    id: str
    connections: tuple[Connection, ...]
    controllers: tuple[JunctionController, ...] = ()
    priorities: tuple[Priority, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class OpenDrive:
    """A map: ``roads``, ``junctions`` and ``controllers`` by id, in the order of the file.

    ``geo_reference`` the PROJ string of the header, empty where there is none.
    """

    name: str
    roads: dict[str, Road]
    junctions: dict[str, Junction]
    controllers: dict[str, Controller] = field(default_factory=dict)
    geo_reference: str = ""
