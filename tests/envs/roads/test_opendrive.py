"""The reader: what it reads, and that every broken map is one clear line."""

from __future__ import annotations

import random
import re

import pytest

from envs.roads.compiler import compile_lane_graph
from envs.roads.elements import Arc, OpenDriveError, ParamPoly3, RoadLink
from envs.roads.generate import OnRampRoad, Street
from envs.roads.opendrive import parse_opendrive, read_opendrive

TINY = """<OpenDRIVE>
 <road id="7" name="High Street" length="100" junction="-1">
  <link><predecessor elementType="junction" elementId="5"/></link>
  <type s="0" type="town"><speed max="36" unit="km/h"/></type>
  <planView>
   <geometry s="0" x="1" y="2" hdg="0.5" length="60"><arc curvature="0.01"/></geometry>
   <geometry s="60" x="50" y="2" hdg="1.1" length="40">
    <paramPoly3 pRange="arcLength" aU="0" bU="1" cU="0" dU="0" aV="0" bV="0" cV="0.001" dV="0"/>
   </geometry>
  </planView>
  <lanes>
   <laneOffset s="0" a="0.5" b="0" c="0" d="0"/>
   <laneSection s="0">
    <center><lane id="0" type="none"><roadMark sOffset="0" type="solid" color="yellow"/></lane></center>
    <right>
     <lane id="-1" type="driving"><link><successor id="-1"/></link><width sOffset="0" a="3" b="0" c="0" d="0"/>
      <speed sOffset="0" max="20" unit="mph"/></lane>
     <lane id="-2" type="parking"><width sOffset="0" a="2" b="0" c="0" d="0"/></lane>
    </right>
   </laneSection>
   <laneSection s="30">
    <center><lane id="0" type="none"/></center>
    <right><lane id="-1" type="driving"><width sOffset="0" a="3" b="0" c="0" d="0"/></lane></right>
   </laneSection>
  </lanes>
 </road>
 <junction id="5" name="j"/>
</OpenDRIVE>"""


def test_reads_what_is_written() -> None:
    opendrive = parse_opendrive(TINY, "tiny")
    road = opendrive.roads["7"]
    assert (road.name, road.length, road.junction) == ("High Street", 100.0, "-1")
    assert road.predecessor == RoadLink(True, "5", "") and road.successor is None
    assert [record.limit_mps for record in road.types] == pytest.approx([10.0])
    assert road.geometries[0].shape == Arc(0.01)
    assert road.geometries[1].shape == ParamPoly3((0, 1, 0, 0), (0, 0, 0.001, 0), normalized=False)
    assert road.lane_offsets.tolist() == [[0.0, 0.5, 0.0, 0.0, 0.0]]
    assert [(section.s_start, section.s_end) for section in road.sections] == [(0.0, 30.0), (30.0, 100.0)]
    lane = road.sections[0].lanes[-1]
    assert (lane.kind, lane.successor, lane.predecessor) == ("driving", -1, None)
    assert lane.speeds[0].limit_mps == pytest.approx(8.9408)
    assert road.sections[0].lanes[0].marks[0].color == "yellow"


def test_namespaces_are_ignored() -> None:
    text = TINY.replace("<OpenDRIVE>", '<OpenDRIVE xmlns="http://code.asam.net/simulation/standard/opendrive_schema">')
    assert list(parse_opendrive(text, "tiny").roads) == ["7"]


ARC = '<arc curvature="0.01"/>'
BROKEN = [
    ("</OpenDRIVE>", "", "not well-formed XML"),
    ("OpenDRIVE>", "OpenSCENARIO>", "root element is <OpenSCENARIO>, expected <OpenDRIVE>"),
    ('id="7"', "", "road: attribute 'id' is missing"),
    ('length="100"', 'length="hundred"', "road 7: attribute 'length' is 'hundred', expected a finite number"),
    ('length="100"', 'length="nan"', "road 7: attribute 'length' is 'nan', expected a finite number"),
    ('length="100"', 'length="-3"', "road 7: length is -3 m"),
    ('length="100"', 'length="1e15"', "road 7: length is 1e+15 m"),
    ('length="100"', 'length="200"', "road 7: length is 200 m, but its plan view ends at 100 m"),
    ('length="60"', "", "road 7: geometry at s=0: attribute 'length' is missing"),
    ('length="60"', 'length="0"', "road 7: geometry at s=0: length is 0 m"),
    ('hdg="0.5"', 'hdg="inf"', "road 7: geometry at s=0: attribute 'hdg' is 'inf', expected a finite number"),
    (ARC, '<banana curvature="0.01"/>', "unknown shape <banana>; allowed are line, arc, spiral, poly3 and paramPoly3"),
    (ARC, "", "road 7: geometry at s=0: no shape"),
    (ARC, '<arc curvature="1e9"/>', "turns by"),
    ('pRange="arcLength"', 'pRange="x"', "pRange is 'x', allowed are normalized and arcLength"),
    ('elementId="5"', 'elementId="6"', "road 7: predecessor names junction '6', which is not there"),
    ('elementType="junction"', 'elementType="tram"', "link to an element of type 'tram'"),
    ('unit="km/h"', 'unit="knots"', "speed unit 'knots', allowed are m/s, km/h and mph"),
    ('max="36"', 'max="9999"', "speed limit of 2777.5 m/s"),
    ('<laneSection s="30">', '<laneSection s="0">', "lane sections start at 0, 0; expected 0 first, ascending"),
    ('<laneSection s="30">', '<laneSection s="100">', "lane sections start at 0, 100"),
    ('<lane id="-2"', '<lane id="-1"', "laneSection at s=0: lane -1 is twice there"),
    ('<lane id="-2"', '<lane id="-3"', "lane ids [-1, -3] leave a gap"),
    ('<lane id="-2"', '<lane id="2"', "lane 2 is twice there or on the wrong side (<right>)"),
    ('<lane id="-2"', '<lane id="two"', "attribute 'id' is 'two', expected a whole number"),
    ('a="3"', 'a="1e300"', "lane -1: leaves the range of 1e+07 m"),
    ('type="driving"', 'type="sidewalk"', "no driving lanes"),
    ("<planView>", "<planview>", "not well-formed XML"),
    ("planView>", "planview>", "road 7: no <planView>"),
    ('junction="-1"', 'junction="-1" rule="LHT"', "only right-hand traffic (RHT) is supported"),
    ("<road ", "<rod ", "not well-formed XML"),
]


@pytest.mark.parametrize(("old", "new", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_map_is_one_clear_line(old: str, new: str, message: str) -> None:
    assert old in TINY
    with pytest.raises(OpenDriveError, match=re.escape(message)) as caught:
        compile_lane_graph(parse_opendrive(TINY.replace(old, new), "tiny"))
    assert str(caught.value).startswith("map tiny: ")
    assert "\n" not in str(caught.value)


def test_a_map_without_roads_and_a_road_that_is_twice_there() -> None:
    with pytest.raises(OpenDriveError, match="no <road> element"):
        parse_opendrive("<OpenDRIVE/>", "empty")
    road = TINY[TINY.index(" <road") : TINY.index(" <junction")]
    with pytest.raises(OpenDriveError, match="road 7 is there twice"):
        parse_opendrive(TINY.replace(road, road + road), "double")


def test_an_id_with_a_line_break_stays_one_line() -> None:
    with pytest.raises(OpenDriveError) as caught:
        parse_opendrive(TINY.replace('id="7"', 'id="&#9;&#10;7"').replace('hdg="0.5"', 'hdg=""'), "tiny")
    assert str(caught.value).startswith("map tiny: road \\t\\n7: geometry at s=0: attribute 'hdg' is ''")


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(OpenDriveError, match="cannot read the map no/such.xodr: No such file"):
        read_opendrive("no/such.xodr")


_VALUES = ["", "nan", "-1", "0", "1e308", "-1e308", "1e-300", "x", "99999", "start", "-7", "3.5", "1e9"]


def _mutated(text: str, rng: random.Random) -> str:
    """Change, drop or double some attribute values, tags or stretches of the text."""
    for _ in range(rng.randint(1, 4)):
        kind = rng.randrange(4)
        if kind < 2:
            found = rng.choice(list(re.finditer(r'"[^"]*"', text)))
            text = f'{text[: found.start()]}"{rng.choice(_VALUES)}"{text[found.end() :]}'
        elif kind == 2:
            found = rng.choice(list(re.finditer(r"<[^>]*/>", text)) or list(re.finditer(r'"[^"]*"', text)))
            text = text[: found.start()] + found.group() * rng.choice([0, 2]) + text[found.end() :]
        else:
            start = rng.randrange(len(text))
            text = text[:start] + text[start + rng.randint(1, 40) :]
    return text


@pytest.mark.parametrize("source", ["tiny", "ramp", "street"])
def test_mutated_maps_compile_or_are_refused(source: str) -> None:
    sources = {
        "tiny": TINY,
        "ramp": OnRampRoad(curvature=0.002).opendrive(),
        "street": Street(crosswalk_s_m=9.0).opendrive(),
    }
    rng = random.Random(source)
    refused = 0
    for _ in range(150):
        try:
            compile_lane_graph(parse_opendrive(_mutated(sources[source], rng), source))
        except OpenDriveError as error:
            refused += 1
            assert "\n" not in str(error)
    assert 20 < refused < 150
