"""A small junction as OpenDRIVE text, with whatever signals a test asks for.

Road 1 (two-way, 100 m, east) leads into junction 10; roads 21 (straight on) and 22 (left) lead on to roads 3 (east) and
4 (north), road 23 brings road 3's traffic back (straight, its lane 1 runs against s) to road 1's lane 1. Lane -1 of
road 1 is 100 m long and in two sections (70 m and 30 m).
"""

from __future__ import annotations

Lanes = tuple[int, int]
"""The first and last lane of a validity."""

_LANE = '<lane id="{id}" type="driving"><link>{links}</link><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>'


def crossing(header: str = "", junction: str = "", controllers: str = "", **of_road: str) -> str:
    """Return the map; ``r1="<signals>...</signals>"`` puts elements into road 1."""
    to_junction, line = '<successor elementType="junction" elementId="10"/>', "<line/>"
    from_junction = '<predecessor elementType="junction" elementId="10"/>'
    both = _section(0, _lane(1) + _CENTRE + _lane(-1))
    two = _section(0, _lane(1, after=1) + _CENTRE + _lane(-1, after=-1))
    two += _section(70, _lane(1, before=1) + _CENTRE + _lane(-1, before=-1))
    ahead = _section(0, _CENTRE + _lane(-1, before=-1, after=-1))
    back = _section(0, _lane(1, before=1, after=1) + _CENTRE)
    roads = [
        _road("1", "-1", 100, (0, 0, 0), to_junction, line, two, of_road),
        _road("3", "-1", 80, (120, 0, 0), from_junction, line, both, of_road),
        _road("4", "-1", 80, (120, 20, 1.5707963), from_junction, line, both, of_road),
        _road("21", "10", 20, (100, 0, 0), _from_to("1", "3"), line, ahead, of_road),
        _road("22", "10", 31.415926, (100, 0, 0), _from_to("1", "4"), '<arc curvature="0.05"/>', ahead, of_road),
        _road("23", "10", 20, (100, 0, 0), _from_to("1", "3"), line, back, of_road),
    ]
    links = _connection(0, "1", "21", "start", -1) + _connection(1, "1", "22", "start", -1)
    links += _connection(2, "3", "23", "end", 1)
    name = f'<junction id="10" name="">{links}{junction}</junction>'
    return f"<OpenDRIVE><header {header}/>{''.join(roads)}{controllers}{name}</OpenDRIVE>"


def signalised() -> str:
    """Return the map with two heads on references, as CARLA's towns have them."""
    return crossing(
        header='vendor="VectorZero"',
        r3=signals(signal("A", 5, "-", validity=(0, 0)) + signal("B", 1, "+", validity=(0, 0))),
        r21=signals(reference("A", 0.5, "-", validity=(-1, -1))),
        r22=signals(reference("A", 0.4, "-", validity=(-1, -1))),
        r23=signals(reference("B", 19.5, "+", validity=(1, 1))),
        controllers=controller("c1", 0, "A", "A") + controller("c2", 1, "B"),
        junction='<controller id="c1" type="0" sequence="1"/><controller id="c2" type="0" sequence="0"/>',
    )


def signals(elements: str) -> str:
    """Wrap signals and references of a road."""
    return f"<signals>{elements}</signals>"


def signal(
    name: str, s: float, orientation: str, kind: str = "1000001", validity: Lanes | None = None, more: str = ""
) -> str:
    """Return a signal."""
    place = f'id="{name}" s="{s}" t="-4" orientation="{orientation}"'
    return f'<signal {place} dynamic="yes" type="{kind}" subtype="-1" {more}>{_validity(validity)}</signal>'


def reference(name: str, s: float, orientation: str, validity: Lanes | None = None) -> str:
    """Return a reference to a signal."""
    place = f'id="{name}" s="{s}" t="0" orientation="{orientation}"'
    return f"<signalReference {place}>{_validity(validity)}</signalReference>"


def controller(name: str, sequence: int, *heads: str) -> str:
    """Return a controller."""
    controls = "".join(f'<control signalId="{head}" type=""/>' for head in heads)
    return f'<controller id="{name}" name="" sequence="{sequence}">{controls}</controller>'


def _validity(lanes: Lanes | None) -> str:
    return "" if lanes is None else f'<validity fromLane="{lanes[0]}" toLane="{lanes[1]}"/>'


_CENTRE = '<center><lane id="0" type="none"/></center>'


def _lane(lane: int, before: int | None = None, after: int | None = None) -> str:
    links = "" if before is None else f'<predecessor id="{before}"/>'
    links += "" if after is None else f'<successor id="{after}"/>'
    side = "left" if lane > 0 else "right"
    return f"<{side}>{_LANE.format(id=lane, links=links)}</{side}>"


def _section(s: float, lanes: str) -> str:
    return f'<laneSection s="{s}">{lanes}</laneSection>'


def _road(
    name: str,
    junction: str,
    length: float,
    pose: tuple[float, float, float],
    links: str,
    shape: str,
    sections: str,
    more: dict[str, str],
) -> str:
    x, y, heading = pose
    plan = f'<geometry s="0" x="{x}" y="{y}" hdg="{heading}" length="{length}">{shape}</geometry>'
    kind = '<type s="0" type="town"><speed max="50" unit="km/h"/></type>' if junction == "-1" else ""
    return (
        f'<road id="{name}" length="{length}" junction="{junction}"><link>{links}</link>{kind}'
        f"<planView>{plan}</planView><lanes>{sections}</lanes>{more.get(f'r{name}', '')}</road>"
    )


def _from_to(before: str, after: str) -> str:
    return (
        f'<predecessor elementType="road" elementId="{before}" contactPoint="end"/>'
        f'<successor elementType="road" elementId="{after}" contactPoint="start"/>'
    )


def _connection(number: int, incoming: str, connecting: str, contact: str, lane: int) -> str:
    return (
        f'<connection id="{number}" incomingRoad="{incoming}" connectingRoad="{connecting}" contactPoint="{contact}">'
        f'<laneLink from="{lane}" to="{lane}"/></connection>'
    )
