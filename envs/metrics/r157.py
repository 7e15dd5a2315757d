"""UN R157 (ALKS): the competent and careful human driver, who tells a preventable collision from an unavoidable one.

UN Regulation No. 157, Annex 4, Appendix 3 (in later series Annex 3) gives a driver who perceives a risk, brakes after a
delay and does nothing else. A system must not collide where this driver would not. What each constant rests on:

=========================================  ============================================================================
perception: lateral deviation over         Table 1 of the regulation, read in transcriptions of the original, of
0.375 m; risk evaluation 0.4 s; delay      amendment 1 and of amendment 4, which agree
0.75 s; 0.6 s to full braking of 0.774 g
jerk 12.65 m/s3                            follows: 0.774 x 9.81 / 0.6 = 12.655; the JRC's public FSM repository has it
cut-out: the obstacle stands, the leader   the data sheet of the cut-out, in the transcription of amendment 4
drives at the ego's speed, 2 s ahead
cut-in: brakes below a TTC of 2.0 s        not read in the regulation's own text; so in the JRC's repository and in
                                           esmini's ALKS reference driver, two public implementations
deceleration: perceived over 5 m/s2        not read in the regulation's own text; so in esmini's reference driver
=========================================  ============================================================================

Left out: Table 1 also has a full braking of 0.85 g in 0.6 s (an emergency brake) after "full wrap" of the two vehicles;
when it sets in could not be checked. Verdicts here are of the driver alone, and so on the side of "unavoidable". Ours:
perception takes the 0.4 s as a time (the JRC uses a fixed 0.72 m, 1.8 m/s for 0.4 s); a leader that brakes with less
than 5 m/s2 is perceived when its braking is full, for it would else be never; in a cut-in the driver brakes no further
once the gap does not close any more.

Every number of a scenario is ``(B,)`` or broadcasts to it. The driver has one lane, dry road, and does not steer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from envs.errors import require
from envs.metrics.braking import Braking, closed_until_matched, least_gap
from envs.metrics.following import lane_time_to_collision
from envs.scene import BoolArray, FloatArray, IntArray

GRAVITY = 9.81
"""Standard gravity as the regulation's public implementations round it (m/s2)."""


class Outcome(IntEnum):
    """What the careful driver makes of a scenario."""

    NO_CONFLICT = 0
    """No collision even if the driver does nothing."""
    PREVENTABLE = 1
    """A collision that the driver avoids."""
    UNAVOIDABLE = 2
    """A collision that the driver does not avoid."""


@dataclass(frozen=True, slots=True)
class CarefulDriver:
    """The constants of the driver; sources in the module's table."""

    wander_m: float = 0.375
    evaluation_s: float = 0.4
    delay_s: float = 0.75
    ramp_s: float = 0.6
    deceleration: float = 0.774 * GRAVITY
    critical_ttc_s: float = 2.0
    headway_s: float = 2.0
    perceived_deceleration: float = 5.0

    def __post_init__(self) -> None:
        require(min(self.ramp_s, self.deceleration) > 0.0, "the careful driver needs ramp_s and deceleration above 0")

    @property
    def jerk(self) -> float:
        """Rate at which the braking grows (m/s3)."""
        return self.deceleration / self.ramp_s


@dataclass(frozen=True, slots=True)
class Assessment:
    """The driver's verdict; every attribute is ``(B,)``.

    ``outcome`` an ``Outcome``; ``brake_s`` when the driver begins to brake (s, infinity: never); ``least_gap`` the
    least distance from bumper to bumper that the braking driver keeps (m), 0 or less where it is used up. Where there
    is no conflict it is the gap at first.
    """

    outcome: IntArray
    brake_s: FloatArray
    least_gap: FloatArray


DEFAULT_DRIVER = CarefulDriver()


def cut_in(
    ego_speed: FloatArray,
    lead_speed: FloatArray,
    gap: FloatArray,
    lateral_gap: FloatArray,
    lateral_speed: FloatArray,
    lengths: float = 10.0,
    driver: CarefulDriver = DEFAULT_DRIVER,
) -> Assessment:
    """Assess a vehicle that leaves the next lane's centre at time 0 for the ego's lane, at constant speeds.

    ``gap`` from the ego's front to its rear (dx0), ``lateral_gap`` between the facing sides (dy0) (m, not negative);
    ``ego_speed`` (Ve0), ``lead_speed`` (Vo0), ``lateral_speed`` (Vy) towards the ego's lane (m/s, positive);
    ``lengths`` of both vehicles together (m): an ego that is past it by then passes.

    The driver perceives it 0.4 s after it has left its lane's centre by 0.375 m and brakes, 0.75 s later, from when the
    time to collision is at most 2 s. A larger gap never turns a preventable collision into an unavoidable one.
    """
    ve, vo, dx, dy, vy = _batch(ego_speed, lead_speed, gap, lateral_gap, lateral_speed)
    require(bool((dx >= 0.0).all() and (dy >= 0.0).all()), "cut_in got a negative gap; give gaps of 0 m or more")
    require(bool((vy > 0.0).all()), "cut_in got a lateral speed of 0 or less; give it towards the ego's lane")
    closing = np.maximum(ve - vo, 0.0)
    collides = (closing > 0.0) & (dx - closing * dy / vy >= -lengths)
    perceived_s = driver.wander_m / vy + driver.evaluation_s
    critical_s = lane_time_to_collision(dx, ve, vo) - driver.critical_ttc_s
    return _assess(collides, dx, closing, np.maximum(perceived_s, critical_s) + driver.delay_s, driver)


def cut_out(
    ego_speed: FloatArray,
    obstacle_gap: FloatArray,
    lateral_speed: FloatArray,
    obstacle_speed: FloatArray | float = 0.0,
    lead_length: float = 5.0,
    driver: CarefulDriver = DEFAULT_DRIVER,
) -> Assessment:
    """Assess a leader that leaves the ego's lane at time 0 before a slow or standing obstacle in it.

    ``ego_speed`` of both (Ve0 = Vo0, m/s); the ego follows 2 s behind; ``obstacle_gap`` from the leader's front to the
    obstacle (dx0_f, m), which drives at ``obstacle_speed`` (Vf0, 0 in the regulation); ``lateral_speed`` (Vy) of the
    leader (m/s, positive); ``lead_length`` (m). The leader is taken to clear the obstacle itself.

    The driver perceives the obstacle 0.4 s after the leader has left the lane's centre by 0.375 m.
    """
    ve, dx, vy, vf = _batch(ego_speed, obstacle_gap, lateral_speed, obstacle_speed)
    require(bool((vy > 0.0).all()), "cut_out got a lateral speed of 0 or less; give the leader's speed out of the lane")
    closing = np.maximum(ve - vf, 0.0)
    distance = driver.headway_s * ve + lead_length + dx
    brake_s = driver.wander_m / vy + driver.evaluation_s + driver.delay_s
    return _assess(closing > 0.0, distance, closing, brake_s, driver)


def deceleration(
    ego_speed: FloatArray,
    lead_speed: FloatArray,
    lead_deceleration: FloatArray,
    lead_jerk: FloatArray,
    gap: FloatArray | None = None,
    driver: CarefulDriver = DEFAULT_DRIVER,
) -> Assessment:
    """Assess a leader in the ego's lane that begins to brake to a standstill at time 0.

    ``ego_speed`` (Ve0), ``lead_speed`` (Vo0) (m/s); ``lead_deceleration`` at most (Gx_max, m/s2) reached with
    ``lead_jerk`` (dG/dt, m/s3), both positive; ``gap`` (dx0, m), 2 s of the ego's speed where not given.

    The driver perceives it 0.4 s after the leader's deceleration has reached 5 m/s2.
    """
    behind = driver.headway_s * np.asarray(ego_speed) if gap is None else gap
    ve, vo, dx, brake, jerk = _batch(ego_speed, lead_speed, behind, lead_deceleration, lead_jerk)
    require(bool((brake > 0.0).all() and (jerk > 0.0).all()), "deceleration got a leader that does not brake")
    lead = Braking(vo, np.zeros_like(vo), jerk, brake / jerk)
    brake_s = np.minimum(brake, driver.perceived_deceleration) / jerk + driver.evaluation_s + driver.delay_s
    kept = least_gap(dx, Braking(ve, brake_s, driver.jerk, driver.ramp_s), lead)
    # The leader comes to stand, so that every ego that moves and does nothing hits it.
    return _verdict(ve > 0.0, np.where(ve > 0.0, brake_s, np.inf), kept)


def _assess(
    collides: BoolArray, gap: FloatArray, closing: FloatArray, brake_s: FloatArray, driver: CarefulDriver
) -> Assessment:
    """Return the verdict on a vehicle ahead of constant speed: the braking sheds the closing speed."""
    start_s = np.where(collides, brake_s, np.inf)
    driven = closing * np.where(collides, brake_s, 0.0) + closed_until_matched(closing, driver.jerk, driver.ramp_s)
    return _verdict(collides, start_s, np.where(collides, gap - driven, gap))


def _verdict(collides: BoolArray, brake_s: FloatArray, least: FloatArray) -> Assessment:
    avoided = np.where(least > 0.0, Outcome.PREVENTABLE, Outcome.UNAVOIDABLE)
    return Assessment(np.where(collides, avoided, Outcome.NO_CONFLICT).astype(np.int64), brake_s, least)


def _batch(*numbers: FloatArray | float) -> tuple[FloatArray, ...]:
    return tuple(np.broadcast_arrays(*(np.atleast_1d(np.asarray(n, dtype=np.float64)) for n in numbers)))
