"""The Gymnasium ids of the families and the routes. Importing ``envs`` registers them; one is loaded when made."""

from __future__ import annotations

NAMESPACE = "hcrmp"
SCENARIOS = {
    "Overtaking-v0": "overtaking",
    "Merging-v0": "merging",
    "Trilemma-v0": "trilemma",
    "OccludedPedestrian-v0": "occluded_pedestrian",
    "StraightObstacle-v0": "straight_obstacle",
    "TurningObstacle-v0": "turning_obstacle",
    "LaneChanging-v0": "lane_changing",
    "VehiclePassing-v0": "vehicle_passing",
    "RedLightRunning-v0": "red_light_running",
    "UnprotectedLeftTurn-v0": "unprotected_left_turn",
    "RightTurn-v0": "right_turn",
    "CrossingNegotiation-v0": "crossing_negotiation",
    "CutIn-v0": "cut_in",
    "CutOut-v0": "cut_out",
    "Deceleration-v0": "deceleration",
    "RoadWorks-v0": "road_works",
    "LaneClosure-v0": "lane_closure",
    "Route-v0": "route",
}
"""Name of the id -> name of the family in ``envs.scenarios``."""

ENV_IDS = tuple(f"{NAMESPACE}/{name}" for name in SCENARIOS)
"""All ids, for example ``hcrmp/Merging-v0``; see ``envs.factory`` for their keyword arguments."""


def register_envs() -> None:
    """Register every id that is not registered yet."""
    # Imported here, so that this module is complete before Gymnasium may look at it.
    import gymnasium

    for name, scenario in SCENARIOS.items():
        env_id = f"{NAMESPACE}/{name}"
        if env_id not in gymnasium.registry:
            gymnasium.register(
                env_id,
                entry_point="envs.factory:make_env",
                vector_entry_point="envs.factory:make_vector_env",
                kwargs={"scenario": scenario},
            )
