"""``hcrmp serve``: the embedded simulator behind CARLA's own protocol, for the unmodified ``carla`` client."""

from __future__ import annotations

from pathlib import Path

from envs.carla_server.payloads import Settings
from envs.carla_server.server import ServerConfig, serve
from envs.carla_server.wire import VERSION
from hcrmp.errors import UserError
from hcrmp.server_config import ServeConfig


def run(config: ServeConfig) -> int:
    """Serve until Ctrl-C; say where."""
    try:
        serve(server_config(config), lambda port: _announce(config, port))
    except OSError as error:
        raise UserError(
            f"cannot listen at {config.host}, ports {config.port} and {config.port + 1}: {error.strerror or error}. "
            "End what uses them, or give another port=..."
        ) from error
    return 0


def server_config(config: ServeConfig) -> ServerConfig:
    """Return what the server is built from."""
    folder = Path(config.map_folder) if config.map_folder else None
    if folder is not None and not folder.is_dir():
        raise UserError(f"map_folder {config.map_folder} is no folder: give one that holds .xodr files")
    settings = Settings(synchronous=config.synchronous, fixed_delta_s=config.step_s)
    return ServerConfig(config.map, folder, config.host, config.port, Path(config.recordings), settings)


def _announce(config: ServeConfig, port: int) -> None:
    print(f"CARLA {VERSION} protocol at {config.host}:{port} (streams: {port + 1}), map {config.map}. Ctrl-C ends.")
    print(f'  python -c "import carla; print(carla.Client({config.host!r}, {port}).get_world().get_map())"', flush=True)
