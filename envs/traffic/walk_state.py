"""The state of pedestrians who roam a ``WalkGraph``, the graph as their kernels take it, and where they begin."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from envs.roads.walk_graph import WalkGraph
from envs.scene import FloatArray, IntArray

SLOWEST_WALK, FASTEST_WALK = 1.0, 1.6
"""Range of desired speeds (m/s, ours; signals are timed for 1.07 m/s, MUTCD 2009 section 4E.06)."""

LEAST_ASIDE_M, MOST_ASIDE_M = 0.3, 0.6
"""Range of the personal offset to the right of a graph's edge (m): two who meet pass at least 0.6 m apart."""

JAYWALK_CHANCE = 0.1
"""Probability that a jaywalker crosses at a place that it passes, one each 6 m in our town (ours)."""


class PedestrianPhase(IntEnum):
    """What a pedestrian does."""

    UNUSED = 0
    WALKS = 1
    WAITS = 2
    """Stands at the kerb of its crosswalk until it may enter."""
    CROSSES = 3
    """Is on its crosswalk, from kerb to kerb."""
    LOOKS = 4
    """Goes to the kerb, or stands there, until it finds a gap to cross where there is no crosswalk."""
    JAYWALKS = 5
    """Is on its way over the street where there is no crosswalk, from kerb to kerb."""


class PedestrianRow(IntEnum):
    """Rows of the pedestrians' block ``(len(PedestrianRow), B, P)``.

    ``PHASE`` a ``PedestrianPhase``; ``X``, ``Y`` (m), ``YAW`` (rad), ``SPEED`` of the last period (m/s);
    ``DESIRED_SPEED`` (m/s); ``PREVIOUS``, ``TARGET`` the nodes of the edge that it walks; ``ASIDE`` how far to the
    right of the edge its personal line runs (m); ``CROSSWALK`` that it waits at or crosses, or -1; ``WAITED`` at this
    kerb so far (s); ``COUNTER`` how many random numbers it has drawn; ``JAYWALKS`` probability that it crosses the
    street at a place of ``jaywalk_places`` that it passes (0: it never does); ``PLACE`` the one where it crosses, or
    the last that it has passed, or -1.
    """

    PHASE = 0
    X = 1
    Y = 2
    YAW = 3
    SPEED = 4
    DESIRED_SPEED = 5
    PREVIOUS = 6
    TARGET = 7
    ASIDE = 8
    CROSSWALK = 9
    WAITED = 10
    COUNTER = 11
    JAYWALKS = 12
    PLACE = 13


class WalkArrays(NamedTuple):
    """Arrays of a ``WalkGraph``, see there."""

    nodes: FloatArray
    start: IntArray
    neighbours: IntArray
    edge_crosswalk: IntArray
    node_crosswalk: IntArray
    crosswalk_ends: FloatArray
    crossing_start: IntArray
    crossing_from: FloatArray
    crossing_to: FloatArray
    crossing_near: FloatArray
    crossing_far: FloatArray
    approach_start: IntArray
    approach_lane: IntArray
    approach_begin: FloatArray


def walk_arrays(graph: WalkGraph) -> WalkArrays:
    """Return the arrays of ``graph`` that the pedestrians' kernels read."""
    return WalkArrays(**{name: getattr(graph, name) for name in WalkArrays._fields})


class Sidewalks(NamedTuple):
    """The directed edges of a walk graph that are part of a sidewalk, n of them.

    ``tails``, ``heads`` ``(n,)`` their nodes; ``vectors`` ``(n, 2)`` from tail to head, ``lengths`` ``(n,)`` (m).
    """

    tails: IntArray
    heads: IntArray
    vectors: FloatArray
    lengths: FloatArray


def sidewalks(graph: WalkGraph, nodes: tuple[int, int] | None = None) -> Sidewalks:
    """Return the sidewalks of ``graph`` among the ``nodes`` of a range (default: all)."""
    first, last = (0, graph.node_count) if nodes is None else nodes
    tails, heads = _sidewalk_edges(graph, first, last)
    vectors = graph.nodes[heads] - graph.nodes[tails]
    return Sidewalks(tails, heads, vectors, np.hypot(vectors[:, 0], vectors[:, 1]))


def place_pedestrians(
    graph: WalkGraph,
    count: int,
    rng: np.random.Generator,
    nodes: tuple[int, int] | None = None,
    on: Sidewalks | None = None,
    jaywalkers: float = 0.0,
) -> FloatArray:
    """Return the block ``(len(PedestrianRow), count)`` of one world: anywhere on the sidewalks, evenly by length.

    ``nodes``: the range of the world's own map in an atlas (default: all); ``on``: its sidewalks, where they are known
    already; ``jaywalkers``: the share of them who cross streets where they like (in [0, 1]), each drawn for itself.
    Raises ``ValueError`` where pedestrians are wanted and there is no sidewalk.
    """
    people = np.zeros((len(PedestrianRow), count))
    if count == 0:
        return people
    tails, heads, vectors, lengths = on or sidewalks(graph, nodes)
    if not len(tails):
        raise ValueError(f"{count} pedestrians for the map {graph.name}, which has no sidewalk; ask for 0")
    chosen = rng.choice(len(tails), size=count, p=lengths / lengths.sum())
    fraction, aside = rng.uniform(size=count), rng.uniform(LEAST_ASIDE_M, MOST_ASIDE_M, count)
    forward = vectors[chosen] / lengths[chosen, None]
    people[PedestrianRow.PHASE] = PedestrianPhase.WALKS
    people[PedestrianRow.DESIRED_SPEED] = rng.uniform(SLOWEST_WALK, FASTEST_WALK, count)
    people[PedestrianRow.PREVIOUS], people[PedestrianRow.TARGET] = tails[chosen], heads[chosen]
    people[PedestrianRow.ASIDE] = aside
    people[PedestrianRow.X], people[PedestrianRow.Y] = (
        graph.nodes[tails[chosen]] + fraction[:, None] * vectors[chosen]
    ).T + aside * np.stack([forward[:, 1], -forward[:, 0]])
    people[PedestrianRow.YAW] = [math.atan2(y, x) for x, y in forward]
    people[PedestrianRow.CROSSWALK], people[PedestrianRow.PLACE] = -1.0, -1.0
    if jaywalkers > 0.0:
        people[PedestrianRow.JAYWALKS] = np.where(rng.uniform(size=count) < jaywalkers, JAYWALK_CHANCE, 0.0)
    return people


def _sidewalk_edges(graph: WalkGraph, first: int, last: int) -> tuple[IntArray, IntArray]:
    """Return the two ends ``(n,)`` of every directed edge that is part of a sidewalk, among the nodes of a range."""
    tails = np.repeat(np.arange(graph.node_count), np.diff(graph.start))
    heads = graph.neighbours
    inside = (tails >= first) & (tails < last) & (graph.edge_crosswalk < 0)
    inside &= (graph.node_crosswalk[tails] < 0) & (graph.node_crosswalk[heads] < 0)
    inside &= np.hypot(*(graph.nodes[heads] - graph.nodes[tails]).T) > 1e-6
    return tails[inside], heads[inside]
