"""The maps that a CARLA server has and we have not: their OpenDRIVE, read from the server before anything drives."""

from __future__ import annotations

from dataclasses import replace

from envs.carla_backend.config import CarlaError, FarmConfig
from envs.carla_backend.handles import WorkerLost, worker_maker
from envs.carla_backend.site import MARGIN_S, Site, refuse_absent
from envs.carla_backend.worker import MapSetup
from envs.roads.map_file import FILE_SUFFIX
from envs.scenarios.maps import UnknownMapError, generated_maps, is_own_map


def towns_of_server(name: str, farm: FarmConfig) -> dict[str, str]:
    """Return the OpenDRIVE text of a map by its name, read from the farm's first server, which is then on it.

    A map of ours needs no server: there is nothing to return. A server that is launched ends again.

    Raises:
        UnknownMapError: neither the server nor we have it; the message lists what both have.
        CarlaError: the server is not there, or does not answer.
    """
    if not name or is_own_map(name):
        return {}
    refuse_absent(farm)
    host, port = farm.addresses[0]
    server = replace(farm.server, host=host, port=port)
    site = Site(0, farm, MapSetup(server, farm.ready_s), worker_maker(farm))
    try:
        site.begin()
        site.open()
        site.ask("names")
        names = site.answer(server.timeout_s + MARGIN_S)
        if name not in names:
            raise UnknownMapError("map", name, {*generated_maps(), f"PATH{FILE_SUFFIX}", *names})
        site.ask("opendrive", name)
        return {name: site.answer(server.load_timeout_s + 2.0 * server.timeout_s + MARGIN_S)}
    except WorkerLost as lost:
        raise CarlaError(f"the map {name!r} could not be read from the server at {site.address}: {lost}") from lost
    finally:
        site.close()
