"""From names to environments: what the Gymnasium ids call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from envs.cameras import CameraConfig
from envs.carla_backend.config import FarmConfig
from envs.driving_env import DrivingConfig, DrivingEnv, DrivingVectorEnv
from envs.errors import choose, require
from envs.observation import PERCEPTIONS, ObservationConfig
from envs.scenarios.catalogue import scenario_set

if TYPE_CHECKING:
    from envs.embedded.simulator import EmbeddedConfig
    from envs.scenarios.catalogue import ScenarioSet
    from envs.simulator import Simulator

SIMULATORS = ("embedded", "carla")
"""Valid values of ``simulator``."""


def make_env(
    scenario: str | Sequence[str],
    density: str | Sequence[str] = "medium",
    observation: str | ObservationConfig = "scan",
    simulator: str | FarmConfig = "embedded",
    config: DrivingConfig | None = None,
    render_mode: str | None = None,
    map: str = "",
    randomise: Mapping[str, Any] | None = None,
) -> DrivingEnv:
    """Return one world as a ``gymnasium.Env``; arguments as in ``make_vector_env``."""
    return DrivingEnv(
        make_vector_env(1, scenario, density, observation, simulator, config, render_mode, map, randomise)
    )


def make_vector_env(
    num_envs: int,
    scenario: str | Sequence[str],
    density: str | Sequence[str] = "medium",
    observation: str | ObservationConfig = "scan",
    simulator: str | FarmConfig = "embedded",
    config: DrivingConfig | None = None,
    render_mode: str | None = None,
    map: str = "",
    randomise: Mapping[str, Any] | None = None,
) -> DrivingVectorEnv:
    """Return ``num_envs`` worlds in one vector environment.

    Args:
        num_envs: number of worlds B.
        scenario: condition or conditions ("overtaking", ...; "paper" for all four).
        density: "low", "medium", "high", or "all".
        observation: "scan", "agents", or a whole ``ObservationConfig``; where ``config`` is given, it decides instead.
        simulator: "embedded"; "carla" (a server at 127.0.0.1:2000); or the servers, one for each world.
        config: action, observation and reward settings.
        render_mode: None, "rgb_array" or "human".
        map: map of the routes: a generated one, the path of an OpenDRIVE file, or a map that the CARLA servers have
            ("": the generated town).
        randomise: ranges in place of the scenarios' own, by path, for example ``{"actors.*.speed": [2, 9]}``
            (``envs.scenarios.randomise``).

    Raises:
        ValueError: a name is not known, and the message names the nearest valid one; or the map cannot be read, or is
            too small for routes; or no scenario has a field of ``randomise``, or it cannot take its value.
    """
    farm = FarmConfig() if choose_simulator(simulator) == "carla" else simulator
    if config is None:
        config = DrivingConfig(observation=_observation(observation))
    towns = _towns(num_envs, map, farm) if isinstance(farm, FarmConfig) else {}
    scenarios = scenario_set(scenario, density, map, randomise, towns)
    cameras = config.observation.cameras
    return DrivingVectorEnv(
        _carla(scenarios, farm, cameras) if isinstance(farm, FarmConfig) else _embedded(num_envs, scenarios),
        scenarios,
        range(len(scenarios)),
        config,
        render_mode,
        scenarios.maps.drawing,
    )


def choose_simulator(simulator: str | FarmConfig) -> str:
    """Return the simulator's name; refuse one that there is not."""
    return "farm" if isinstance(simulator, FarmConfig) else choose("simulator", simulator, SIMULATORS)


def _observation(observation: str | ObservationConfig) -> ObservationConfig:
    if isinstance(observation, ObservationConfig):
        return observation
    return ObservationConfig(perception=choose("observation", observation, PERCEPTIONS))


def _embedded(num_envs: int, scenarios: ScenarioSet) -> Simulator:
    from envs.embedded.simulator import EmbeddedSimulator

    return EmbeddedSimulator(num_envs, scenarios.maps, _slots(scenarios))


def _towns(num_envs: int, map_name: str, config: FarmConfig) -> dict[str, str]:
    """Return the OpenDRIVE of a map that only the servers have, by its name."""
    from envs.carla_backend.maps import towns_of_server

    servers = len(config.addresses)
    require(num_envs == servers, f"{num_envs} worlds were asked for, and there are {servers} CARLA servers: one each")
    return towns_of_server(map_name, config)


def _carla(scenarios: ScenarioSet, config: FarmConfig, cameras: CameraConfig) -> Simulator:
    from envs.carla_backend.farm import CarlaFarm

    return CarlaFarm(scenarios.maps, _slots(scenarios), config, cameras=cameras)


def _slots(scenarios: ScenarioSet) -> EmbeddedConfig:
    from envs.embedded.simulator import EmbeddedConfig

    return EmbeddedConfig(
        actors=scenarios.most_actors, pedestrians=scenarios.most_pedestrians, jaywalkers=scenarios.has_jaywalkers
    )
