"""Plans and XML text of what OpenDRIVE 1.4 says at a junction: connections, priorities, signals, controllers.

Sources: OpenDRIVE 1.4H, sections 5.3.8 (signals), 5.4 (controllers) and 5.5 (junctions). A signal's ``orientation`` is
the direction of the traffic that it is for ("+": along s), as the standard says; files of some editors have it the
other way round, so ``<validity>`` is always written and names the lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

TRAFFIC_LIGHT, STOP_SIGN, YIELD_SIGN = "1000001", "206", "205"
"""Signal types: the first is OpenDRIVE's own catalogue (three lights), the signs are those of the German StVO."""

_LOOKS = {
    TRAFFIC_LIGHT: ("traffic light", "yes", "OpenDRIVE", 1.0, 0.4),
    STOP_SIGN: ("stop sign", "no", "DE", 0.9, 0.9),
    YIELD_SIGN: ("yield sign", "no", "DE", 0.9, 0.9),
}
_LINE_DEPTH_M = 0.4
_SIGN_HEIGHT_M = 2.2


@dataclass(frozen=True, slots=True)
class SignalPlan:
    """A light or a sign of ``kind`` (a signal type) at (``s_m``, ``t_m``) for the lanes ``lanes`` of one direction."""

    id: int
    kind: str
    s_m: float
    t_m: float
    lanes: Sequence[int]


@dataclass(frozen=True, slots=True)
class StopLinePlan:
    """A stop line across lanes of one direction: centred on (``s_m``, ``t_m``), ``width_m`` across the road.

    ``forward``: it is for the traffic along s.
    """

    s_m: float
    t_m: float
    width_m: float
    forward: bool


@dataclass(frozen=True, slots=True)
class ControllerPlan:
    """A controller: the signals that always show the same, one phase of a junction; phases run by ``sequence``."""

    id: int
    name: str
    sequence: int
    signals: Sequence[int]


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """A way from ``incoming_road`` over ``connecting_road`` (from its start); pairs of lane ids (incoming, its own)."""

    incoming_road: int
    connecting_road: int
    lane_links: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class JunctionPlan:
    """A junction: ``priorities`` are pairs of connecting roads that conflict (the first goes before the second)."""

    id: int
    name: str
    connections: Sequence[ConnectionPlan]
    priorities: Sequence[tuple[int, int]] = ()
    controllers: Sequence[ControllerPlan] = ()


def number(value: float) -> str:
    """Return a number that reads back as the same one (and no negative zero)."""
    return repr(float(value) + 0.0)


def signal_lines(signals: Sequence[SignalPlan]) -> list[str]:
    """Return the ``<signals>`` of a road."""
    if not signals:
        return []
    return ["    <signals>", *(f"      {_signal_text(signal)}" for signal in signals), "    </signals>"]


def _signal_text(signal: SignalPlan) -> str:
    name, dynamic, country, height, width = _LOOKS[signal.kind]
    orientation = "+" if signal.lanes[0] < 0 else "-"
    place = f's="{number(signal.s_m)}" t="{number(signal.t_m)}" zOffset="{_SIGN_HEIGHT_M}" orientation="{orientation}"'
    turned = 'hOffset="0.0" pitch="0.0" roll="0.0"'
    kind = f'country="{country}" type="{signal.kind}" subtype="-1" value="-1"'
    size = f'height="{height}" width="{width}"'
    lanes = f'<validity fromLane="{min(signal.lanes)}" toLane="{max(signal.lanes)}"/>'
    title = f'name="{name}" id="{signal.id}"'
    return f'<signal {title} {place} {turned} dynamic="{dynamic}" {kind} {size}>{lanes}</signal>'


def stop_line_text(line: StopLinePlan) -> str:
    """Return an ``<object>`` after its id."""
    place = f's="{number(line.s_m)}" t="{number(line.t_m)}" zOffset="0.0" hdg="0.0"'
    size = f'length="{_LINE_DEPTH_M}" width="{number(line.width_m)}" height="0.0"'
    return f'name="StopLine" type="roadMark" {place} orientation="{"+" if line.forward else "-"}" {size}/>'


def controller_lines(controller: ControllerPlan) -> list[str]:
    """Return a ``<controller>``."""
    title = f'id="{controller.id}" name={quoteattr(controller.name)} sequence="{controller.sequence}"'
    controls = [f'    <control signalId="{signal}" type="0"/>' for signal in controller.signals]
    return [f"  <controller {title}>", *controls, "  </controller>"]


def junction_lines(junction: JunctionPlan) -> list[str]:
    """Return a ``<junction>``."""
    lines = [f'  <junction id="{junction.id}" name={quoteattr(junction.name)}>']
    for index, way in enumerate(junction.connections):
        roads = f'incomingRoad="{way.incoming_road}" connectingRoad="{way.connecting_road}" contactPoint="start"'
        links = "".join(f'<laneLink from="{lane}" to="{own}"/>' for lane, own in way.lane_links)
        lines.append(f'    <connection id="{index}" {roads}>{links}</connection>')
    lines += [f'    <priority high="{high}" low="{low}"/>' for high, low in junction.priorities]
    lines += [f'    <controller id="{item.id}" type="0" sequence="{item.sequence}"/>' for item in junction.controllers]
    return [*lines, "  </junction>"]
