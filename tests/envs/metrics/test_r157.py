"""UN R157's careful driver: hand-worked cases, closed form against small steps, and monotony in the gap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.errors import InvalidConfigError
from envs.metrics.braking import Braking, closed_until_matched
from envs.metrics.r157 import Assessment, CarefulDriver, Outcome, cut_in, cut_out, deceleration

DRIVER = CarefulDriver()
LAMPS = CarefulDriver(ramp_s=1e-9, deceleration=8.0)  # brakes at once: distances are plain v^2 / 16
KMH = 1.0 / 3.6


def one(*numbers: float) -> tuple[np.ndarray, ...]:
    """Return numbers as batches of one scenario."""
    return tuple(np.array([number]) for number in numbers)


def assess_cut_in(numbers: Sequence[float], driver: CarefulDriver = DRIVER, lengths: float = 10.0) -> Any:
    """Assess (ego speed, lead speed, gap, lateral gap, lateral speed)."""
    ego, lead, gap, beside, lateral = one(*numbers)
    return only(cut_in(ego, lead, gap, beside, lateral, lengths, driver))


def only(assessment: Assessment) -> Any:
    """Return (outcome, seconds until braking, least gap) of the one scenario."""
    return Outcome(int(assessment.outcome[0])), float(assessment.brake_s[0]), float(assessment.least_gap[0])


def test_the_constants_of_table_1() -> None:
    assert DRIVER.deceleration == pytest.approx(7.59294)
    assert DRIVER.jerk == pytest.approx(12.65, abs=0.01)


def test_distance_until_the_speeds_match() -> None:
    """Ramp to 8 m/s2 in 1 s sheds 4 m/s over 10 - 8 / 6 m; from 6 m/s then 36 / 16 m. Within the ramp: 2/3 v t."""
    closed = closed_until_matched(np.array([10.0, 4.0, 1.0, 0.0]), 8.0, 1.0)
    assert closed == pytest.approx([10.0 - 8.0 / 6.0 + 2.25, 4.0 - 8.0 / 6.0, 2.0 / 3.0 * 0.5, 0.0])


def test_braking_in_closed_form_is_braking_in_small_steps() -> None:
    car = Braking(np.array([15.0, 1.0]), np.array([0.5, math.inf]), 10.0, 0.6)
    dt, x, v = 1e-4, np.zeros(2), np.array([15.0, 1.0])
    for tick in range(40000):
        time_s = tick * dt
        a = np.where(time_s >= car.start_s, np.minimum(10.0 * (time_s - car.start_s), 6.0), 0.0)
        new = np.maximum(v - a * dt, 0.0)
        x, v = x + 0.5 * (v + new) * dt, new
    assert car.travelled(np.array(4.0)) == pytest.approx(x, abs=2e-3)
    assert car.stop_s == pytest.approx([0.5 + 0.6 + (15.0 - 1.8) / 6.0, math.inf])


class TestCutIn:
    """A vehicle 1.5 m beside crosses at 1 m/s: perceived at 0.375 + 0.4 s, braked for at 1.525 s."""

    def test_preventable(self) -> None:
        """6 m/s over 12 m: 12 - 6 x 1.525 - 36 / 16 = 0.6 m are left."""
        left = pytest.approx(0.6, abs=1e-6)
        found = assess_cut_in((20.0, 14.0, 12.0, 1.5, 1.0), LAMPS)
        assert found == (Outcome.PREVENTABLE, pytest.approx(1.525), left)

    def test_unavoidable(self) -> None:
        """10 m/s over 20 m: 20 - 15.25 - 100 / 16 = -1.5 m."""
        left = pytest.approx(-1.5, abs=1e-6)
        found = assess_cut_in((20.0, 10.0, 20.0, 1.5, 1.0), LAMPS)
        assert found == (Outcome.UNAVOIDABLE, pytest.approx(1.525), left)

    def test_the_driver_waits_for_a_ttc_of_2_s(self) -> None:
        """100 m at 10 m/s: TTC is 2 s after 8 s, the brakes act at 8.75 s: 20 - 7.5 - 6.25 m are left."""
        left = pytest.approx(6.25, abs=1e-6)
        found = assess_cut_in((20.0, 10.0, 100.0, 1.5, 1.0), LAMPS)
        assert found == (Outcome.PREVENTABLE, pytest.approx(8.75), left)

    def test_a_vehicle_of_the_same_speed_is_no_conflict(self) -> None:
        assert assess_cut_in((20.0, 20.0, 1.0, 1.5, 1.0)) == (Outcome.NO_CONFLICT, math.inf, 1.0)

    def test_an_ego_that_has_passed_by_then_is_no_conflict(self) -> None:
        """1 m ahead at 10 m/s: after 1.5 s the ego is 14 m past, which two cars are not long, and two trucks are."""
        assert assess_cut_in((20.0, 10.0, 1.0, 1.5, 1.0), lengths=10.0)[0] == Outcome.NO_CONFLICT
        assert assess_cut_in((20.0, 10.0, 1.0, 1.5, 1.0), lengths=20.0)[0] == Outcome.UNAVOIDABLE

    @pytest.mark.parametrize(("gap", "lateral", "outcome"), [(30.0, 2.0, "PREVENTABLE"), (10.0, 3.0, "UNAVOIDABLE")])
    def test_the_public_scenarios_of_the_regulation(self, gap: float, lateral: float, outcome: str) -> None:
        """OSC-ALKS-scenarios 4.4_1 (no collision) and 4.4_2 (unavoidable): 60 km/h, 20 km/h slower, 3.5 m lanes."""
        assert assess_cut_in((60 * KMH, 40 * KMH, gap, 1.5, lateral))[0] == Outcome[outcome]

    def test_wrong_numbers_are_refused(self) -> None:
        with pytest.raises(InvalidConfigError, match="negative gap"):
            assess_cut_in((20.0, 10.0, -1.0, 1.5, 1.0))
        with pytest.raises(InvalidConfigError, match="lateral speed of 0 or less"):
            assess_cut_in((20.0, 10.0, 1.0, 1.5, 0.0))


def test_a_cut_out_by_hand() -> None:
    """20 m/s, 2 s behind a leader of 5 m that leaves at 1.5 m/s: perceived at 0.25 + 0.4 s, braked for at 1.4 s. The
    standing obstacle is 40 + 5 + 10 m away: 55 - 28 - 400 / 16 = 2 m are left; 3 m nearer, none."""
    free = cut_out(np.array([20.0]), np.array([10.0, 7.0]), np.array([1.5]), driver=LAMPS)
    assert free.outcome.tolist() == [Outcome.PREVENTABLE, Outcome.UNAVOIDABLE]
    assert free.least_gap == pytest.approx([2.0, -1.0], abs=1e-6)
    assert free.brake_s == pytest.approx([1.4, 1.4])
    moving = cut_out(np.array([20.0]), np.array([7.0]), np.array([1.5]), obstacle_speed=20.0)
    assert only(moving) == (Outcome.NO_CONFLICT, math.inf, 52.0)


def test_a_braking_leader_by_hand() -> None:
    """Both at 20 m/s, 2 s apart. The leader brakes at once with 8 m/s2, perceived at once: the driver brakes 1.15 s
    later just as hard and loses 23 m of the 40; 20 m apart, it hits."""
    ego, brake, jerk = one(20.0, 8.0, 1e9)
    assert only(deceleration(ego, ego, brake, jerk, driver=LAMPS)) == (
        Outcome.PREVENTABLE,
        pytest.approx(1.15),
        pytest.approx(17.0, abs=1e-3),
    )
    assert only(deceleration(ego, ego, brake, jerk, ego, LAMPS)) == (
        Outcome.UNAVOIDABLE,
        pytest.approx(1.15),
        pytest.approx(-3.0, abs=1e-3),
    )


def test_a_leader_is_perceived_at_5_mps2_or_at_its_most() -> None:
    """With 2 m/s3: 5 m/s2 after 2.5 s, and a braking of 4 m/s2 is full after 2 s; 1.15 s later the driver brakes."""
    found = deceleration(np.array([20.0]), np.array([20.0]), np.array([8.0, 4.0]), np.array([2.0]))
    assert found.brake_s == pytest.approx([3.65, 3.15])


def test_a_standing_ego_hits_nobody() -> None:
    found = deceleration(np.array([0.0]), np.array([10.0]), np.array([8.0]), np.array([20.0]), np.array([5.0]))
    assert only(found) == (Outcome.NO_CONFLICT, math.inf, 5.0)
    with pytest.raises(InvalidConfigError, match="does not brake"):
        deceleration(np.array([1.0]), np.array([10.0]), np.array([0.0]), np.array([20.0]))


speeds = st.floats(1.0, 36.0)


@settings(max_examples=200, deadline=None)
@given(speeds, speeds, st.floats(0.0, 80.0), st.floats(0.0, 80.0), st.floats(0.0, 3.0), st.floats(0.3, 3.0))
def test_a_larger_gap_never_turns_a_preventable_cut_in_into_an_unavoidable_one(
    ego: float, lead: float, gap: float, more: float, beside: float, lateral: float
) -> None:
    gaps = np.array([gap, gap + more])
    near, far = cut_in(np.array([ego]), np.array([lead]), gaps, np.array([beside]), np.array([lateral])).outcome
    assert not (near == Outcome.PREVENTABLE and far == Outcome.UNAVOIDABLE)


@settings(max_examples=100, deadline=None)
@given(speeds, st.floats(0.0, 80.0), st.floats(0.0, 80.0), st.floats(0.3, 3.0), st.floats(0.0, 2.0))
def test_a_cut_out_gets_no_worse_with_the_gap_or_with_a_quicker_leader(
    ego: float, gap: float, more: float, lateral: float, quicker: float
) -> None:
    near = cut_out(np.array([ego]), np.array([gap, gap + more]), np.array([lateral]))
    assert near.outcome[1] <= near.outcome[0]
    assert cut_out(np.array([ego]), np.array([gap]), np.array([lateral + quicker])).outcome[0] <= near.outcome[0]


@settings(max_examples=40, deadline=None)
@given(speeds, speeds, st.floats(0.5, 10.0), st.floats(1.0, 40.0), st.floats(0.0, 80.0), st.floats(0.0, 80.0))
def test_a_braking_leader_gets_no_worse_with_the_gap(
    ego: float, lead: float, brake: float, jerk: float, gap: float, more: float
) -> None:
    ve, vo, braking, rate = one(ego, lead, brake, jerk)
    found = deceleration(ve, vo, braking, rate, np.array([gap, gap + more]))
    assert found.outcome[1] <= found.outcome[0]
    assert found.least_gap[1] - found.least_gap[0] == pytest.approx(more, abs=1e-9)


def simulated_cut_in(ego: float, lead: float, gap: float, beside: float, lateral: float) -> tuple[Outcome, float]:
    """Two boxes (5 x 2 m) in steps of 1 ms; the driver brakes until the gap does not close any more."""

    def hits(brakes: bool) -> tuple[bool, float]:
        x, v, a, perceived, critical, dt = gap, ego, 0.0, math.inf, math.inf, 1e-3
        least = gap
        for tick in range(30000):
            time_s = tick * dt
            if lateral * time_s > 0.375 and perceived == math.inf:
                perceived = time_s + 0.4
            if time_s >= perceived and critical == math.inf and v > lead and x / (v - lead) <= 2.0:
                critical = time_s
            if brakes and time_s >= critical + 0.75:
                a = min(a + DRIVER.jerk * dt, DRIVER.deceleration)
                v = max(v - a * dt, lead)
            x -= (v - lead) * dt
            least = min(least, x)
            if lateral * time_s >= beside and -10.0 <= x <= 0.0:
                return True, least
        return False, least

    if not hits(brakes=False)[0]:
        return Outcome.NO_CONFLICT, gap
    collision, least = hits(brakes=True)
    return (Outcome.UNAVOIDABLE if collision else Outcome.PREVENTABLE), least


def test_the_closed_form_agrees_with_small_steps() -> None:
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(40):
        lead = rng.uniform(2.0, 15.0)
        numbers = (
            lead + rng.uniform(2.0, 16.0),
            lead,
            rng.uniform(1.0, 45.0),
            rng.uniform(0.2, 2.0),
            rng.uniform(0.5, 3.0),
        )
        outcome, least = simulated_cut_in(*numbers)
        found, _, kept = assess_cut_in(numbers)
        if abs(kept) < 0.1 or abs(numbers[2] - (numbers[0] - lead) * numbers[3] / numbers[4] + 10.0) < 0.1:
            continue
        assert found == outcome, numbers
        if outcome == Outcome.PREVENTABLE:
            assert kept == pytest.approx(least, abs=0.06)
        seen.add(outcome)
    assert seen == set(Outcome)


def test_how_fast_a_cut_in_may_close_before_2_s_are_too_late() -> None:
    """2 v - 0.75 v - (what the braking closes) = 0: with v (0.95 - v / 15.186) + 0.1139 at v = 14.54 m/s."""
    closing = np.array([14.4, 14.7])
    found = cut_in(closing + 5.0, np.array([5.0]), np.array([200.0]), np.array([1.5]), np.array([1.0]))
    assert found.outcome.tolist() == [Outcome.PREVENTABLE, Outcome.UNAVOIDABLE]
