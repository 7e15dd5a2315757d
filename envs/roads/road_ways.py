"""Ways along one road: from a lane of one of its sections to the lanes at which traffic enters or leaves the road."""

from __future__ import annotations

from collections.abc import Iterator

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

    def first(self, lane: int) -> Iterator[int]:
        """Yield the lanes at which traffic on ``lane`` may have entered the road."""
        before = [item for item in self.graph.predecessors[lane].tolist() if self._is_next(item, lane)]
        for item in before:
            yield from self.first(item)
        if not before:
            yield lane

    def ends(self, road: Road, lane: int, s: float) -> Iterator[tuple[int, float]]:
        """Yield (lane, metres from ``s`` to its end) of the lanes by which traffic on ``lane`` may leave the road."""
        share = share_ahead(road.sections[self.graph.section[lane]], int(self.graph.lane[lane]), s)
        yield from self._ends(lane, share * float(self.graph.length[lane]))

    def _ends(self, lane: int, gap: float) -> Iterator[tuple[int, float]]:
        after = [item for item in self.following(lane) if self._is_next(lane, item)]
        for item in after:
            yield from self._ends(item, gap + float(self.graph.length[item]))
        if not after:
            yield lane, gap

    def following(self, lane: int) -> list[int]:
        """Return the lanes that follow."""
        return [item for item in self.graph.successors[lane].tolist() if item >= 0]

    def _is_next(self, lane: int, following: int) -> bool:
        """Say whether ``following`` is in the next section of the same road (a ring road also follows itself)."""
        graph = self.graph
        if lane < 0 or graph.road_ids[lane] != graph.road_ids[following]:
            return False
        onward = 1 if graph.lane[lane] < 0 else -1
        return int(graph.section[following] - graph.section[lane]) == onward
