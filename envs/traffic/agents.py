"""The state of road users as arrays: one row an attribute, shared by every body that the traffic brain drives."""

from __future__ import annotations

from enum import IntEnum

SCRIPTS_PER_AGENT = 2
"""Scripted events (a trigger with its action) that one agent can carry."""


class AgentMode(IntEnum):
    """How an agent moves."""

    UNUSED = 0
    STATIC = 1
    VEHICLE = 2
    WALKER = 3


class AgentRow(IntEnum):
    """Rows of the agents' block ``(len(AgentRow), B, A)``.

    ``LANE, S, D`` lane of the lane graph, arc length (m) and lateral offset (m, positive left of the lane's centre);
    ``SPEED`` along the lane or, for a walker, along its yaw (m/s); ``LATERAL_SPEED`` d(D)/dt (m/s);
    ``DESIRED_SPEED`` (m/s), ``HEADWAY`` (s), ``MIN_GAP`` (m), ``MAX_ACCELERATION``, ``COMFORT_BRAKE`` (m/s2): IDM;
    ``POLITENESS``, ``CHANGE_THRESHOLD`` (m/s2), ``MAY_CHANGE``: MOBIL; ``COOLDOWN`` until the next lane change (s);
    ``YIELDS`` opens a gap for a vehicle whose lane ends; ``FORCED_BRAKE`` a scripted deceleration (m/s2, 0 = none);
    ``WALK_LEFT`` metres that a walker still has to go; ``HARDEST_BRAKE`` that the driver gets out of the vehicle
    (m/s2);
    ``ASIDE`` offset that the driver keeps from the lane's centre to let an oncoming or standing body pass (m);
    ``NUMBER`` a whole number that with ``TURNS``, the count of forks passed, draws where the driver turns;
    ``FOLLOWING`` the acceleration that following its leader alone asks for (m/s2);
    ``SPEED_FACTOR`` share of the lane's advised speed that the driver keeps to (0: the desired speed alone counts);
    ``ODOMETER`` distance driven (m). Right of way (``envs.traffic.right_of_way``): ``WAITED`` at its stop line (s);
    ``CAUSE`` a ``WaitCause`` and ``CAUSED_BY`` the slot of whom (-1: nobody); ``STOOD_AT`` the gate, + 1, at whose stop
    sign it has stood. ``KEEP_D`` offset from the lane's centre at which it drives where nothing is in its way (m).
    Overtaking (``envs.traffic.overtaking``): ``PASSING`` a ``PassPhase``, ``PASS_D`` the offset at which it passes (m),
    ``PASS_FIRST`` and ``PASS_LAST`` the slots of whom, ``PASS_WAITED`` how long it has stood and waited to pass (s).
    ``HEEDLESS`` drives through junctions as if nobody else had a right to (by scenario alone). ``LETS_PASS`` the slot,
    + 1, of the oncoming whom it lets pass a standing body (``envs.traffic.letting_pass``; 0: nobody).
    """

    MODE = 0
    LANE = 1
    S = 2
    D = 3
    SPEED = 4
    ACCELERATION = 5
    LATERAL_SPEED = 6
    DESIRED_SPEED = 7
    HEADWAY = 8
    MIN_GAP = 9
    MAX_ACCELERATION = 10
    COMFORT_BRAKE = 11
    POLITENESS = 12
    CHANGE_THRESHOLD = 13
    MAY_CHANGE = 14
    COOLDOWN = 15
    YIELDS = 16
    FORCED_BRAKE = 17
    WALK_LEFT = 18
    HARDEST_BRAKE = 19
    ASIDE = 20
    NUMBER = 21
    TURNS = 22
    FOLLOWING = 23
    SPEED_FACTOR = 24
    ODOMETER = 25
    WAITED = 26
    CAUSE = 27
    CAUSED_BY = 28
    STOOD_AT = 29
    KEEP_D = 30
    PASSING = 31
    PASS_D = 32
    PASS_FIRST = 33
    PASS_LAST = 34
    PASS_WAITED = 35
    HEEDLESS = 36
    LETS_PASS = 37


class PassPhase(IntEnum):
    """How far a driver is in overtaking somebody."""

    NONE = 0
    OUT = 1
    """It pulls out and passes."""
    BACK = 2
    """It returns to its lane: before whom it has passed, or behind if it gave up."""


class WaitCause(IntEnum):
    """Why a driver does not drive as fast as it wants to."""

    NONE = 0
    LEADER = 1
    """Somebody is ahead, or comes towards it where it would pass somebody ahead."""
    SIGNAL = 2
    """The signal is red, or yellow and there is time to stop."""
    SIGN = 3
    """It has yet to stand at a stop sign."""
    CONFLICT = 4
    """Somebody holds a way through the junction that meets its own."""
    PRIORITY = 5
    """Somebody with the right of way comes."""
    EXIT = 6
    """There is no room behind the junction (keep clear)."""
    CROSSWALK = 7
    """Somebody is on the crosswalk, or about to step on it."""
    EGO = 8
    """The ego is in the way."""


class TriggerKind(IntEnum):
    """When a scripted action starts."""

    NONE = 0
    TIME = 1
    """Simulated time reaches the value (s)."""
    EGO_DISTANCE = 2
    """The ego's centre comes within the value (m)."""
    EGO_ARRIVAL = 3
    """The ego's front would be level with the agent in the value (s) at its present speed."""
    ROUTE_ARRIVAL = 4
    """So would it along its route, bends included: ``EGO_AT`` is where on the route that is."""


class ActionKind(IntEnum):
    """What a scripted action does."""

    SPEED = 0
    """Take the first parameter as the desired speed (m/s), at the second (m/s2) at most."""
    WALK = 1
    """Walk along the own yaw at the first parameter (m/s) for the second (m)."""
    CHANGE_LANE = 2
    """Change to the left (first parameter > 0) or to the right lane, whoever is there."""
    MEET = 3
    """Choose the speed so as to be at ``OWN_AT`` the first parameter (s) after the ego is at ``EGO_AT``, within a
    range around the second (m/s); goes on until that is near (as OpenSCENARIO's SynchronizeAction)."""


class ScriptRow(IntEnum):
    """Last axis of the scripts' block ``(B, A, SCRIPTS_PER_AGENT, len(ScriptRow))``.

    ``EGO_AT`` a place on the ego's route (m from its start), ``OWN_AT`` one on the agent's way (its odometer, m).
    """

    TRIGGER = 0
    VALUE = 1
    ACTION = 2
    FIRST = 3
    SECOND = 4
    FIRED = 5
    EGO_AT = 6
    OWN_AT = 7


class ObjectRow(IntEnum):
    """Rows of the objects' block ``(len(ObjectRow), B, A + 1)``: every body as the brain sees it, the ego last.

    ``LANE`` (-1: not there), ``S``, ``D`` of the centre in that lane; ``HALF_LENGTH``, ``HALF_WIDTH`` of the body's
    shadow along and across the lane (m); ``SPEED``, ``LATERAL_SPEED`` along and across it (m/s); ``WALKS`` 1 of a
    walker; ``CLEARANCE`` that others keep beside it beyond what they keep beside a car (m).
    """

    LANE = 0
    S = 1
    D = 2
    HALF_LENGTH = 3
    HALF_WIDTH = 4
    SPEED = 5
    LATERAL_SPEED = 6
    WALKS = 7
    CLEARANCE = 8
