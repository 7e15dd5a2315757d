"""The key of the semantic cache: a scene as one numeric feature vector (for the paper's SCM; the features are ours).

Numbers, not text: for "do these two scenes deserve the same hint?" text embeddings cannot tell left from right.
The cosine of two keys is their similarity, so every feature is scaled to about one and then weighted by how much
it decides the hint; ``CENTRE`` is taken off first, because cosine measures directions from the origin and raw
features, all positive, would point nearly the same way. Both are fixed numbers, so a stored bank keeps its meaning.

The risk is what graded weights follow, and how much it differs shows in no nearness (a walker who leaves the path
is as near as one who enters it). On a half circle it takes the same share of every key's length, so that a hit
bounds the difference in risk; as one number, a large one would drown the other features of dangerous scenes.

==== ==== ===========================================================================
0-2       road category, one-hot
3         speed / 15 m/s
4         speed / speed limit, at most 2
5, 6      a lane to the left, to the right
7         the left lane is oncoming
8         nearness of the lane's end (1 at 0 m, 0 at 120 m)
9         nearness of a stop line that holds the ego: red, yellow, stop sign (1 at 0 m, 0 at 60 m)
10        in a junction
11        visible road users within 50 m / 8, at most 1
12-19     per direction: nearness of the nearest visible actor (1 at 0 m, 0 at 50 m)
20-27     per direction: highest urgency of contact (1 at 1 s, 0 at 6 s, 0.6 m margin)
28-35     per direction: nearness of the nearest pedestrian or cyclist (1 at 0 m, 0 at 50 m)
36        an oncoming vehicle in the lane to the left (1 at 2 s, 0 at 6 s)
37        somebody beside the ego, or closing on it, where its lane ends (as the expert's rule, 0 to 1)
38, 39    the expert's risk r of the whole scene, on a half circle: cos(pi r), sin(pi r)
==== ==== ===========================================================================
"""

from __future__ import annotations

import math

import numpy as np

from envs.compiled import njit
from envs.scene import (
    ActorKind,
    ActorRow,
    EgoRow,
    FloatArray,
    IntArray,
    RoadRow,
    SceneBatch,
)
from llm_hints.geometry import contact_time, fade, octant, relative
from llm_hints.providers.rules import RulesProvider
from llm_hints.risk import merging_risk, oncoming_gap_risk
from llm_hints.stop_lines import must_stop

FEATURE_SIZE = 40
FEATURE_VERSION = 5
"""Rises when a feature or a bucket changes its meaning; a stored bank of another version is refused."""

NEAR, URGENT, WALKER = 12, 20, 28
ONCOMING, MERGING, RISK = 36, 37, 38
RANGE_M = 50.0
"""How far road users count."""

CONTACT_MARGIN_M = 0.6
"""Margin at each side within which a pass counts as contact."""

_PEDESTRIAN = int(ActorKind.PEDESTRIAN)
_CYCLIST, _STATIC = int(ActorKind.CYCLIST), int(ActorKind.STATIC)


def _per_feature(
    road: tuple[float, ...], near: float, urgent: float, walker: float, rules: tuple[float, ...]
) -> FloatArray:
    """Return one read-only number per feature: of the road, of the three groups of eight directions, of rules."""
    numbers = np.array(road + (near,) * 8 + (urgent,) * 8 + (walker,) * 8 + rules)
    numbers.setflags(write=False)
    return numbers


WEIGHT = _per_feature((0.7, 0.7, 0.7, 0.8, 0.8, 0.3, 0.3, 0.4, 0.8, 1.0, 0.3, 0.7), 0.6, 1.6, 1.4, (1.0, 1.6, 2.0, 2.0))
CENTRE = _per_feature(
    (0.3, 0.3, 0.3, 0.6, 0.7, 0.5, 0.4, 0.3, 0.1, 0.05, 0.1, 0.4), 0.15, 0.1, 0.02, (0.05, 0.05, 0, 0)
)


@njit
def road_features(ego: FloatArray, road: FloatArray, b: int, out: FloatArray) -> None:
    """Write features 0 to 10 of world ``b``."""
    speed = max(ego[EgoRow.SPEED, b], 0.0)
    out[int(road[RoadRow.CATEGORY, b])] = 1.0
    out[3] = speed / 15.0
    out[4] = min(speed / max(road[RoadRow.SPEED_LIMIT, b], 1.0), 2.0)
    out[5] = 1.0 if road[RoadRow.LANES_LEFT, b] > 0.5 else 0.0
    out[6] = 1.0 if road[RoadRow.LANES_RIGHT, b] > 0.5 else 0.0
    out[7] = road[RoadRow.LEFT_IS_ONCOMING, b]
    out[8] = fade(road[RoadRow.DISTANCE_TO_LANE_END, b], 0.0, 120.0)
    if must_stop(road, b):
        out[9] = fade(road[RoadRow.DISTANCE_TO_STOP_LINE, b], 0.0, 60.0)
    out[10] = road[RoadRow.IN_JUNCTION, b]


@njit
def rule_features(
    actors: FloatArray,
    road: FloatArray,
    b: int,
    a: int,
    place: tuple[float, float, float, float, float, float, float],
    out: FloatArray,
) -> None:
    """Raise features 36 and 37 by actor ``a``: what decides a hint and shows in no nearness."""
    forward, left, rate_x, _, half_x, half_y, same_way = place
    if int(actors[ActorRow.KIND, b, a]) in (_PEDESTRIAN, _CYCLIST, _STATIC):
        return
    merging = merging_risk(forward, left, rate_x, half_x, half_y, road[RoadRow.DISTANCE_TO_LANE_END, b])
    out[MERGING] = max(out[MERGING], merging / 0.8)
    if same_way < -0.7 and road[RoadRow.LEFT_IS_ONCOMING, b] > 0.5:
        out[ONCOMING] = max(out[ONCOMING], 4.0 * oncoming_gap_risk(forward, left, rate_x, half_x, half_y))


@njit
def actor_features(ego: FloatArray, actors: FloatArray, road: FloatArray, b: int, out: FloatArray) -> None:
    """Write features 11 to 35 of world ``b``, and what ``rule_features`` adds, from its visible actors."""
    cos_yaw = math.cos(ego[EgoRow.YAW, b])
    sin_yaw = math.sin(ego[EgoRow.YAW, b])
    count = 0
    for a in range(actors.shape[2]):
        if actors[ActorRow.VALID, b, a] < 0.5 or actors[ActorRow.VISIBLE, b, a] < 0.5:
            continue
        place = relative(ego, actors, b, a, cos_yaw, sin_yaw)
        rule_features(actors, road, b, a, place, out)
        forward, left, rate_x, rate_y, half_x, half_y, _ = place
        side = octant(forward, left)
        near = fade(math.sqrt(forward * forward + left * left), 0.0, RANGE_M)
        count += 1 if near > 0.0 else 0
        out[NEAR + side] = max(out[NEAR + side], near)
        contact = contact_time(forward, left, rate_x, rate_y, half_x, half_y + CONTACT_MARGIN_M)
        out[URGENT + side] = max(out[URGENT + side], fade(contact, 1.0, 6.0))
        if int(actors[ActorRow.KIND, b, a]) in (_PEDESTRIAN, _CYCLIST):
            out[WALKER + side] = max(out[WALKER + side], near)
    out[11] = min(count / 8.0, 1.0)


@njit
def write_keys(
    ego: FloatArray, actors: FloatArray, road: FloatArray, rows: IntArray, risks: FloatArray, keys: FloatArray
) -> None:
    """Write the unit keys ``(n, 40)`` of the worlds ``rows`` (n), whose risks are ``risks`` (n)."""
    for i in range(len(rows)):
        key = keys[i]
        key[:] = 0.0
        road_features(ego, road, rows[i], key)
        actor_features(ego, actors, road, rows[i], key)
        key[RISK], key[RISK + 1] = math.cos(math.pi * risks[i]), math.sin(math.pi * risks[i])
        square = 0.0
        for f in range(FEATURE_SIZE):
            key[f] = (key[f] - CENTRE[f]) * WEIGHT[f]
            square += key[f] * key[f]
        # Never zero: the one-hot category and its centre differ in at least one feature.
        key /= math.sqrt(square)


def scene_keys(scene: SceneBatch, rows: IntArray) -> FloatArray:
    """Return the keys ``(n, 40)`` of the worlds ``rows`` (n): centred, weighted, of length 1."""
    keys = np.empty((len(rows), FEATURE_SIZE))
    risks = RulesProvider().risk(scene, rows)
    write_keys(scene.ego.block, scene.actors.block, scene.road.block, rows, risks, keys)
    return keys
