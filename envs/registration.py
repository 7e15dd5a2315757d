"""The Gymnasium ids of the conditions and the routes. Importing ``envs`` registers them; one is loaded when made."""

from __future__ import annotations

NAMESPACE = "hcrmp"
SCENARIOS = {
    "Overtaking-v0": "overtaking",
    "Merging-v0": "merging",
    "Trilemma-v0": "trilemma",
    "OccludedPedestrian-v0": "occluded_pedestrian",
    "Route-v0": "route",
}
"""Name of the id -> name of the condition in ``envs.scenarios``."""

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
