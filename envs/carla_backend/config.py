"""How a CARLA server is reached and used. Needs no ``carla``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from envs.errors import EnvsError, choose, require

PORTS = (1, 65_533)
"""The server takes three ports in a row."""


class CarlaError(EnvsError, RuntimeError):
    """The server cannot be reached, does not answer in time, or refuses; the message says what to do."""


class WrongVersionError(CarlaError):
    """The server is of a version that is not supported: waiting does not help."""


@dataclass(frozen=True, slots=True)
class CarlaConfig:
    """One CARLA server and what runs on it."""

    host: str = "127.0.0.1"
    """Where the server listens; a farm's servers are where its addresses say."""
    port: int = 2000
    """Its RPC port; the streams are on the next. Likewise."""
    timeout_s: float = 20.0
    """Deadline of every call (s)."""
    load_timeout_s: float = 120.0
    """Deadline of calls that load a map (s)."""
    ticks_per_decision: int = 1
    """Server ticks in a decision period of 0.1 s."""
    substep_s: float = 0.02
    """Longest step of the server's physics (s)."""
    rendering: bool = False
    """Whether the server draws; cameras need it."""
    ego_blueprint: str = "vehicle.lincoln.mkz_2017"
    """The ego's vehicle: the one that the embedded vehicle model is fitted to."""
    tyre_friction: float = 0.0
    """Friction of the ego's tyres; 0: what the server's blueprint has. With 0.9 it drives like the embedded ego on our
    own server, whose blueprints have CARLA's grip."""
    sizes: Literal["server", "scenario"] = "server"
    """Whose sizes the scene tells: those of the bodies on the server, or those that the scenario drew."""
    background: Literal["brain", "traffic_manager"] = "brain"
    """Who drives the vehicles that have no part of their own in a scenario: those of routes, but for cyclists. The
    ``brain``: a drive is the same as on the embedded simulator, and repeats. CARLA's ``traffic_manager``: they are the
    server's vehicles with its physics, for results beside those of others who use it; each keeps the speed and gap
    that the scenario drew, a drive repeats only as far as the server does, and a decision wants ``ticks_per_decision``
    of 2, the step of 0.05 s that it is tuned for."""
    follow: bool = False
    """Whether the server's spectator follows the ego."""
    autopilot: bool = False
    """Whether CARLA's Traffic Manager drives the ego, along its route and by its own settings, whatever the planner
    wants (``driver=autopilot``); it wants ``ticks_per_decision`` of 2 as well."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a server."""
        choose("simulator.sizes", self.sizes, ("server", "scenario"))
        choose("simulator.background", self.background, ("brain", "traffic_manager"))
        require(PORTS[0] <= self.port <= PORTS[1], f"simulator.port must be in {list(PORTS)}, got {self.port}")
        require(self.ticks_per_decision >= 1, f"ticks_per_decision must be at least 1, got {self.ticks_per_decision}")
        require(self.tyre_friction >= 0.0, f"simulator.tyre_friction must be at least 0, got {self.tyre_friction}")
        for name in ("timeout_s", "load_timeout_s", "substep_s"):
            require(getattr(self, name) > 0.0, f"simulator.{name} must be more than 0, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class FarmConfig:
    """Several servers, one world each: given ones, or ones that the farm starts and starts anew."""

    servers: tuple[str, ...] = ("127.0.0.1:2000",)
    """Addresses ``HOST:PORT`` of servers that somebody else keeps running, several at once as SLURM writes its hosts
    (``node[01-04,7]:2000``); not used with ``launch``."""
    launch: str = ""
    """Command that starts one server, with ``{port}`` and, where it is wanted, ``{gpu}`` in it, for example
    ``/opt/carla/CarlaUE4.sh -RenderOffScreen -nosound -carla-rpc-port={port} -graphicsadapter={gpu}``."""
    count: int = 1
    """Servers that are launched."""
    first_port: int = 2000
    """Port of the first launched server; the others follow every ``port_stride``."""
    port_stride: int = 4
    """Ports between two servers: each takes three."""
    gpus: tuple[int, ...] = (0,)
    """Graphics adapters that launched servers take in turn."""
    ready_s: float = 180.0
    """How long a server may take from its launch, or a lost one to come back, until it answers (s)."""
    stagger_s: float = 0.0
    """Time between two launches at the start (s): servers that load at once starve each other."""
    retries: int = 5
    """How often in a row a world's server may fail before the run gives up."""
    recycle_episodes: int = 0
    """Episodes after which a launched server is replaced, since servers leak; 0: never."""
    recycle_memory_mib: int = 0
    """Resident memory of a launched server's processes at which it is replaced (MiB); 0: never."""
    log_dir: str = ""
    """Folder of the launched servers' output; "": it is thrown away."""
    workers: Literal["process", "ray"] = "process"
    """Where the client of each server runs: in a ``process`` of its own on this machine, or in a ``ray`` actor, which
    costs more a step and may be on another machine, beside its server."""
    ray_address: str = ""
    """Address of a Ray cluster (``auto``, ``HOST:PORT``); "": one of its own on this machine. Its nodes need this
    package too; servers at 127.0.0.1 and launched ones are those of this machine."""
    server: CarlaConfig = field(default_factory=CarlaConfig)
    """How each server is used."""

    def __post_init__(self) -> None:
        """Refuse farms without servers and ports that collide."""
        choose("simulator.workers", self.workers, ("process", "ray"))
        require(self.workers == "ray" or not self.ray_address, "simulator.ray_address is for simulator.workers=ray")
        require(bool(self.servers) or bool(self.launch), "simulator.servers is empty: give HOST:PORT, or launch=...")
        require(not self.launch or "{port}" in self.launch, f"simulator.launch has no {{port}} in it: {self.launch!r}")
        require(self.port_stride >= 3, f"simulator.port_stride must be at least 3, got {self.port_stride}")
        require(bool(self.gpus), "simulator.gpus is empty: give at least one adapter, usually [0]")
        for name in ("count", "retries"):
            require(getattr(self, name) >= 1, f"simulator.{name} must be at least 1, got {getattr(self, name)}")
        for name in ("recycle_episodes", "recycle_memory_mib", "stagger_s"):
            require(getattr(self, name) >= 0, f"simulator.{name} must be at least 0, got {getattr(self, name)}")
        require(self.ready_s > 0.0, f"simulator.ready_s must be more than 0, got {self.ready_s}")
        object.__setattr__(self, "servers", tuple(one for entry in self.servers for one in each_host(entry)))
        for address in self.servers:
            split_address(address)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """(host, port) of every server, one world each."""
        if self.launch:
            return tuple(("127.0.0.1", self.first_port + k * self.port_stride) for k in range(self.count))
        return tuple(split_address(address) for address in self.servers)


def first_servers(farm: FarmConfig, count: int) -> FarmConfig:
    """Return the farm of at most ``count`` servers: the first ones."""
    return replace(farm, servers=farm.servers[:count], count=min(farm.count, count))


def each_host(entry: str) -> list[str]:
    """Return the addresses of an entry of a SLURM host list: ``node[01-03,7]:2000`` is four, another is itself."""
    before, opened, rest = entry.partition("[")
    if not opened or re.fullmatch(r"[0-9,-]+\].*", rest) is None:
        return [entry]
    inside, _, after = rest.partition("]")
    numbers = [number for part in inside.split(",") for number in _range(part, entry)]
    return [one for number in numbers for one in each_host(f"{before}{number}{after}")]


def _range(part: str, entry: str) -> list[str]:
    """Return the numbers of ``01-03`` (with its zeros) or ``7``."""
    first, dash, last = part.partition("-")
    last = last if dash else first
    require(first.isdigit() and last.isdigit() and int(first) <= int(last),
            f"{part!r} in {entry!r} is no range of hosts: give it as 01-04, or 7")  # fmt: skip
    return [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT`` (port 2000 where it is left out)."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", "2000")
    require(bool(host) and port.isdigit(), f"a server is given as HOST:PORT, got {address!r}")
    number = int(port)
    require(PORTS[0] <= number <= PORTS[1], f"the port of {address!r} must be in {list(PORTS)}")
    return host, number
