"""Ways along one road: from a lane of one of its sections to the lanes at which traffic enters or leaves the road."""

from __future__ import annotations

from envs.roads.elements import OpenDrive, Road
from envs.roads.lane_graph import LaneGraph
from envs.roads.signal_places import section_at, share_ahead


class RoadWays:
    """The lanes of ``graph`` by where the map has them."""

    def __init__(self, opendrive: OpenDrive, graph: LaneGraph) -> None:
        """Index the lanes by road and section."""
        self.graph = graph
        self._roads = opendrive.roads
        self._lanes: dict[tuple[str, int], list[int]] = {}
        for lane, key in enumerate(zip(graph.road_ids, graph.section.tolist(), strict=True)):
            self._lanes.setdefault(key, []).append(lane)

    def lanes_at(self, road: Road, s: float) -> list[int]:
        """Return the driving lanes at ``s`` (m) of a road."""
        return self._lanes.get((road.id, section_at(road, s)), [])

    def first(self, lane: int) -> list[int]:
        """Return the lanes at which traffic on ``lane`` may have entered the road."""
        entered: list[int] = []
        layer = {lane}
        while layer:  # one section of the road after the other
            before = {item: self._before(item) for item in layer}
            entered += [item for item in sorted(layer) if not before[item]]
            layer = {item for items in before.values() for item in items}
        return entered

    def ends(self, road: Road, lane: int, s: float) -> dict[int, float]:
        """Return the lanes by which traffic on ``lane`` may leave the road, each with the metres from ``s`` to its end.

        Of several ways to one of them the shortest counts.
        """
        share = share_ahead(road.sections[self.graph.section[lane]], int(self.graph.lane[lane]), s)
        left: dict[int, float] = {}
        layer = {lane: share * float(self.graph.length[lane])}
        while layer:
            following: dict[int, float] = {}
            for item, gap in sorted(layer.items()):
                after = [way for way in self.following(item) if self._is_next(item, way)]
                if not after:
                    left[item] = gap
                for way in after:
                    further = gap + float(self.graph.length[way])
                    following[way] = min(further, following.get(way, further))
            layer = following
        return left

    def following(self, lane: int) -> list[int]:
        """Return the lanes that follow."""
        return [item for item in self.graph.successors[lane].tolist() if item >= 0]

    def _before(self, lane: int) -> list[int]:
        return [item for item in self.graph.predecessors[lane].tolist() if item >= 0 and self._is_next(item, lane)]

    def _is_next(self, lane: int, following: int) -> bool:
        """Say whether ``following`` is in the next section of the same road (a ring road also follows itself)."""
        graph = self.graph
        if graph.road_ids[lane] != graph.road_ids[following]:
            return False
        onward = 1 if graph.lane[lane] < 0 else -1
        return int(graph.section[following] - graph.section[lane]) == onward
