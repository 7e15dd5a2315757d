"""Reading of signals, their references and controllers, and of the priorities of junctions.

Orientation: by ASAM OpenDRIVE 1.4 (5.3.8.1) "+" is a signal for traffic along s. RoadRunner, which CARLA's towns come
from, writes where the signal *looks*: "-" for traffic along s. ``Signal.direction`` has one meaning for both.

Two kinds of objects of CARLA's towns are read as signs. ``Speed_30`` is a limit (type 274) of 30 km/h: so CARLA reads
it, whose sign ``traffic.speed_limit.30`` gives its vehicles 30 km/h (the "mph" of its landmarks is a label). The word
STOP painted on a lane (``Stencil_STOP``) is a stop sign (type 206) here; CARLA places those by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

from envs.roads.attributes import integer, number, text
from envs.roads.elements import (
    Controller,
    Junction,
    JunctionController,
    OpenDriveError,
    Priority,
    Road,
    Signal,
    SignalReference,
)

TRAFFIC_LIGHT, STOP_SIGN, YIELD_SIGN, SPEED_SIGN = "1000001", "206", "205", "274"
"""Signal types as CARLA knows them: OpenDRIVE's own number of the three-light head, German numbers of signs."""

_ORIENTATIONS = {"+": 1, "-": -1, "none": 0, "": 0}
_SPEED_OBJECT = re.compile(r"speed_(\d{1,3})", re.IGNORECASE | re.ASCII)
_STOP_OBJECT = "Stencil_STOP"


def signals_face_traffic(root: Element) -> bool:
    """Say whether the file's orientations name where a signal looks (RoadRunner), not whom it is for (the standard)."""
    header = root.find("header")
    return header is not None and header.get("vendor", "").startswith("VectorZero")


def read_signals(road: Element, where: str, facing: bool) -> tuple[Signal, ...]:
    """Return the signals of a road, its signs that are written as objects last."""
    signals = [_signal(item, where, facing) for item in road.findall("signals/signal")]
    signals += [_object_sign(item, where, facing) for item in road.findall("objects/object") if _is_sign(item)]
    return tuple(signals)


def read_signal_references(road: Element, where: str, facing: bool) -> tuple[SignalReference, ...]:
    """Return the references of a road to signals that stand elsewhere."""
    return tuple(_reference(item, where, facing) for item in road.findall("signals/signalReference"))


def read_controller(element: Element) -> Controller:
    """Return a controller; a signal that it lists twice counts once."""
    controller_id = text(element, "id", "controller")
    where = f"controller {controller_id}"
    signals = dict.fromkeys(text(item, "signalId", f"{where}: control") for item in element.findall("control"))
    return Controller(controller_id, _sequence(element, where), tuple(signals))


def read_junction_controllers(junction: Element, where: str) -> tuple[JunctionController, ...]:
    """Return the controllers of a junction."""
    return tuple(
        JunctionController(text(item, "id", f"{where}: controller"), _sequence(item, f"{where}: controller"))
        for item in junction.findall("controller")
    )


def read_priorities(junction: Element, where: str) -> tuple[Priority, ...]:
    """Return which road goes before which; a priority with one side only says nothing and is left out."""
    return tuple(
        Priority(text(item, "high", f"{where}: priority"), text(item, "low", f"{where}: priority"))
        for item in junction.findall("priority")
        if item.get("high") and item.get("low")
    )


def check_signals(
    roads: Mapping[str, Road], junctions: Mapping[str, Junction], controllers: Mapping[str, Controller]
) -> None:
    """Raise ``OpenDriveError`` where a reference, a control or a junction names what is not there."""
    known: set[str] = set()
    for where, signal_id in ((f"road {road.id}", signal.id) for road in roads.values() for signal in road.signals):
        if signal_id in known:
            raise OpenDriveError(f"{where}: signal {signal_id} is there twice")
        known.add(signal_id)
    for where, signal_id in _named_signals(roads, controllers):
        if signal_id not in known:
            raise OpenDriveError(f"{where} names signal {signal_id!r}, which is not there")
    for junction in junctions.values():
        for item in junction.controllers:
            if item.controller_id not in controllers:
                raise OpenDriveError(f"junction {junction.id} names controller {item.controller_id!r}, not there")


def _named_signals(
    roads: Mapping[str, Road], controllers: Mapping[str, Controller]
) -> Iterator[tuple[str, str]]:
    """Yield (who names it, signal id)."""
    for road in roads.values():
        yield from ((f"road {road.id}: signalReference", item.signal_id) for item in road.signal_references)
    for controller in controllers.values():
        yield from ((f"controller {controller.id}: control", signal_id) for signal_id in controller.signal_ids)


def _signal(element: Element, road: str, facing: bool) -> Signal:
    signal_id = text(element, "id", f"{road}: signal")
    where = f"{road}: signal {signal_id}"
    return Signal(
        id=signal_id,
        s=number(element, "s", where),
        t=number(element, "t", where, 0.0),
        direction=_direction(element, where, facing),
        dynamic=element.get("dynamic", "no") == "yes",
        kind=element.get("type", ""),
        subtype=element.get("subtype", ""),
        value=number(element, "value", where) if element.get("value") else None,
        unit=element.get("unit", ""),
        validity=_validity(element, where),
    )


def _is_sign(element: Element) -> bool:
    name = element.get("name", "")
    return name == _STOP_OBJECT or _SPEED_OBJECT.fullmatch(name) is not None


def _object_sign(element: Element, road: str, facing: bool) -> Signal:
    name = element.get("name", "")
    where = f"{road}: object {name}"
    speed = _SPEED_OBJECT.fullmatch(name)
    return Signal(
        id=f"object {text(element, 'id', where)}",  # objects count on their own: their ids may be those of signals
        s=number(element, "s", where),
        t=number(element, "t", where, 0.0),
        direction=_direction(element, where, facing),
        dynamic=False,
        kind=SPEED_SIGN if speed else STOP_SIGN,
        subtype=speed[1] if speed else "",
        value=float(speed[1]) if speed else None,
        unit="km/h" if speed else "",
        validity=(),
    )


def _reference(element: Element, road: str, facing: bool) -> SignalReference:
    signal_id = text(element, "id", f"{road}: signalReference")
    where = f"{road}: signalReference {signal_id}"
    return SignalReference(
        signal_id=signal_id,
        s=number(element, "s", where),
        t=number(element, "t", where, 0.0),
        direction=_direction(element, where, facing),
        validity=_validity(element, where),
    )


def _direction(element: Element, where: str, facing: bool) -> int:
    orientation = element.get("orientation", "none")
    if orientation not in _ORIENTATIONS:
        raise OpenDriveError(f"{where}: orientation is {orientation!r}, allowed are +, - and none")
    direction = _ORIENTATIONS[orientation]
    return -direction if facing else direction


def _validity(element: Element, where: str) -> tuple[tuple[int, int], ...]:
    inside = f"{where}: validity"
    ranges = [[integer(item, key, inside) for key in ("fromLane", "toLane")] for item in element.findall("validity")]
    return tuple((min(pair), max(pair)) for pair in ranges)


def _sequence(element: Element, where: str) -> int:
    return integer(element, "sequence", where) if element.get("sequence") else 0
