"""The gates of the CARLA-compatible server, driven by the real client: ``python -m tests.gates.server --help``.

Same state in fresh processes, lanes and red lights kept by the Traffic Manager's vehicles, many ticks without a hang
and with a flat memory, many loads of maps without a crash. The fuzz has a command of its own (``make fuzz-server``).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.envs.carla_server.serving import run_client, serving

DRIVE = "from tests.envs.carla_server.traffic_script import main; main()"
MANY_TICKS = """
import json, os, sys, time
import carla
from tests.envs.carla_server.serving import resident_mb
from tests.envs.carla_server.traffic_script import connect, spawn
port, count, ticks, server = (int(word) for word in sys.argv[1:5])
client, world, manager = connect(carla, port)
vehicles = spawn(carla, client, world, manager, count)
rows, begin, driven = [], time.monotonic(), 0.0
for tick in range(1, ticks + 1):
    world.tick()
    if tick in (min(2000, ticks), ticks // 2, ticks):
        rows.append([tick, round(resident_mb(server), 1), round(resident_mb(os.getpid()), 1)])
moving = sum(vehicle.get_velocity().length() > 0.1 for vehicle in vehicles)
print(json.dumps([rows, round(ticks / (time.monotonic() - begin), 1), moving]), flush=True)
os._exit(0)
"""
MANY_LOADS = """
import json, os, sys
import carla
from tests.envs.carla_server.serving import resident_mb
port, loads, server = (int(word) for word in sys.argv[1:4])
client = carla.Client("127.0.0.1", port)
client.set_timeout(20.0)
rows = []
for number in range(1, loads + 1):
    world = client.load_world(sys.argv[4 + number % (len(sys.argv) - 4)], reset_settings=False)
    car = world.get_blueprint_library().find("vehicle.tesla.model3")
    world.spawn_actor(car, world.get_map().get_spawn_points()[0])
    for _ in range(3):
        world.tick()
    assert len(world.get_actors().filter("vehicle.*")) == 1
    if number in (min(10, loads), loads // 2, loads):
        rows.append([number, round(resident_mb(server), 1), round(resident_mb(os.getpid()), 1)])
print(json.dumps(rows), flush=True)
os._exit(0)
"""


def main() -> int:
    """Run the gates that are asked for; return 1 where one is missed."""
    options = _parser().parse_args()
    gates: list[tuple[bool, Callable[[str, argparse.Namespace], bool]]] = [
        (options.processes > 0, same_state), (options.ticks > 0, many_ticks)
    ]  # fmt: skip
    held = True
    for name in options.maps:
        for wanted, gate in gates:
            held &= not wanted or gate(name, options)
    if options.loads:
        held &= many_loads(options)
    return 0 if held else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.gates.server", description=__doc__)
    parser.add_argument("--maps", nargs="+", default=["town", "Town02"])
    parser.add_argument("--vehicles", type=int, default=30)
    parser.add_argument("--processes", type=int, default=10, help="fresh processes that must end in the same state")
    parser.add_argument("--drive", type=int, default=2000, help="ticks of each of them")
    parser.add_argument("--ticks", type=int, default=100_000, help="ticks without a hang")
    parser.add_argument("--loads", type=int, default=500, help="loads of a map without a crash")
    return parser


def same_state(name: str, options: argparse.Namespace) -> bool:
    """Drive in fresh processes: one hash of all states, in their lanes, and nobody leaves a red light."""
    reports = []
    for _ in range(options.processes):
        with serving(name) as (port, _):
            reports.append(_run(DRIVE, port, options.vehicles, options.drive))
    hashes = {report.pop("state_hash") for report in reports}
    worst = max(report["worst_deviation_m"] for report in reports)
    held = len(hashes) == 1 and worst < 1.75 and all(report["left_on_red"] == 0 for report in reports)
    _tell(held, f"{name}: {options.processes} processes, {len(hashes)} state hash(es), {reports[0]}")
    return held


def many_ticks(name: str, options: argparse.Namespace) -> bool:
    """Tick with the Traffic Manager; a hang ends at the client's deadline, memory grows by less than a tenth."""
    with serving(name) as (port, server):
        rows, rate, moving = _run(MANY_TICKS, port, options.vehicles, options.ticks, server)
    held = _flat(rows)
    _tell(held, f"{name}: {options.ticks} ticks at {rate}/s, {moving} of {options.vehicles} move at the end; "
                f"[tick, server MB, client MB]: {rows}")  # fmt: skip
    return held


def many_loads(options: argparse.Namespace) -> bool:
    """Load the maps in turn."""
    with serving(options.maps[0]) as (port, server):
        begin = time.monotonic()
        rows = _run(MANY_LOADS, port, options.loads, server, *options.maps)
    held = _flat(rows)
    spent = time.monotonic() - begin
    _tell(held, f"{options.loads} loads of {options.maps} in {spent:.0f} s; [load, server MB, client MB]: {rows}")
    return held


def _flat(rows: list[list[float]]) -> bool:
    return rows[-1][1] < 1.1 * rows[-2][1]


def _run(script: str, *arguments: Any) -> Any:
    return json.loads(run_client(script, *map(str, arguments), deadline_s=7200.0).splitlines()[-1])


def _tell(held: bool, text: str) -> None:
    print(f"{'held  ' if held else 'MISSED'} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
