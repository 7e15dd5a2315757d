"""Ticks per second of the CARLA-compatible server with the real client, in synchronous mode.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_carla_server`` prints a table in Markdown. Client and server are
two processes on this machine. The row without a client is the server's own work for a tick: world and message. The
first row is the machine's: 64 bytes there and back between two processes, of which a tick with a client takes at least
one, and one with a Traffic Manager six.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time

from envs.carla_server.payloads import Description, Settings
from envs.carla_server.simulation import Simulation
from envs.carla_server.streams import StreamServer
from envs.carla_server.town import TownLibrary
from tests.benchmarks.machine import machine
from tests.envs.carla_server.serving import MAPS, ROOT, served

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_carla_server"
STEP = Settings(synchronous=True, fixed_delta_s=0.05)
ECHO = """
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while data := connection.recv(64):
    connection.sendall(data)
"""
CLIENT = """
import sys, time
import carla
from tests.envs.carla_server.traffic_script import spawn
from tests.ports import free_port
port, vehicles, ticks, managed = (int(word) for word in sys.argv[1:5])
client = carla.Client("127.0.0.1", port)
client.set_timeout(20.0)
world = client.get_world()
if managed:
    manager = client.get_trafficmanager(free_port())
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(1)
    spawn(carla, client, world, manager, vehicles)
else:
    points, model = world.get_map().get_spawn_points(), world.get_blueprint_library().find("vehicle.tesla.model3")
    for number in range(vehicles):
        world.spawn_actor(model, points[3 * number])
for _ in range(ticks // 10):
    world.tick()
begin = time.perf_counter()
for _ in range(ticks):
    world.tick()
print(ticks / (time.perf_counter() - begin))
if managed:
    manager.set_synchronous_mode(False)
"""


def round_trips(count: int) -> float:
    """Return round trips per second of 64 bytes between this process and another."""
    with subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        with socket.create_connection(("127.0.0.1", int(other.stdout.readline()))) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begin = time.perf_counter()
            for _ in range(count):
                connection.sendall(bytes(64))
                connection.recv(64)
            return count / (time.perf_counter() - begin)


def alone(map_name: str, vehicles: int, ticks: int) -> float:
    """Return ticks per second of the world and its message, without a network."""
    library = TownLibrary(MAPS if MAPS.is_dir() else None)
    simulation = Simulation(library, map_name, StreamServer(), STEP)
    for number in range(vehicles):
        pose = simulation.world.town.spawn_points[3 * number]
        simulation.world.spawn(Description("vehicle.tesla.model3", ()), pose)
    for _ in range(ticks // 10):
        simulation.tick()
    begin = time.perf_counter()
    for _ in range(ticks):
        simulation.tick()
    return ticks / (time.perf_counter() - begin)


def with_client(map_name: str, vehicles: int, ticks: int, managed: bool) -> float:
    """Return ticks per second of the real client's ``world.tick``."""
    with served(map_name) as port:
        words = [str(port), str(vehicles), str(ticks), str(int(managed))]
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, *words], cwd=ROOT, capture_output=True, text=True, timeout=600.0, check=True
        )
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", nargs="*", default=["town"], metavar="MAP")
    parser.add_argument("--ticks", type=int, default=10_000)
    options = parser.parse_args()
    print(f"`{COMMAND}`\n\n{machine()}\n\n| map | vehicles | who drives | ticks/s |\n|---|---|---|---|")
    print(f"| none | 0 | a round trip between two processes | {round_trips(options.ticks):,.0f} |")
    for name in options.maps:
        for vehicles in (1, 30):
            print(f"| {name} | {vehicles} | nobody, no client | {alone(name, vehicles, options.ticks):,.0f} |")
        print(f"| {name} | 1 | nobody, real client | {with_client(name, 1, options.ticks, False):,.0f} |")
        managed = with_client(name, 30, options.ticks // 5, True)
        print(f"| {name} | 30 | Traffic Manager of the real client | {managed:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
