"""Fuzz of the CARLA-compatible server: ``make fuzz-server ARGS="--calls 100000 --connections 1000 --seed 1"``.

First mutated calls straight into the server: each must be answered, or refused in one line, and the world must go on
with finite numbers. Then mutated bytes over connections (garbage, halves, sizes that lie), some left open: a sound
client beside them must be served all the time. The memory of the process is told before and after.
"""

from __future__ import annotations

import argparse
import copy
import resource
import socket
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from envs.carla_server import wire
from envs.carla_server.calls.table import CallTable
from envs.carla_server.payloads import Settings
from envs.carla_server.rpc import UnknownCallError
from envs.carla_server.server import ServerConfig, call_table, running
from envs.carla_server.simulation import Simulation
from envs.carla_server.streams import StreamServer
from envs.carla_server.town import TownLibrary
from envs.roads.generate import Street
from tests.envs.carla_server.raw import RawClient

SYNCHRONOUS = Settings(synchronous=True, fixed_delta_s=0.05)
FAULT = "a fault of the server"
POSE = [[10.0, 2.0, 0.3], [0.0, 90.0, 0.0]]
CAR = [0, "vehicle.audi.tt", [["role_name", 4, "hero"]]]
CONTROL = [0.5, 0.1, 0.0, False, False, False, 1]
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**63, -(2**63), 1e308, float("nan"), float("inf"), "", "x" * 300, "\ud800\udc80",
    b"\x00\xff", [], [[]], [1], {}, {"a": 1}, [None] * 20,
)  # fmt: skip
"""What an argument becomes."""

CALLS: dict[str, list[Any]] = {
    "tick_cue": [], "get_episode_info": [], "get_map_info": [], "get_actor_definitions": [], "get_spectator": [],
    "spawn_actor": [CAR, POSE], "spawn_actor_with_parent": [[0, "sensor.other.imu", []], POSE, 1, 0, ""],
    "destroy_actor": [3], "get_actors_by_id": [[1, 2, 3]], "get_actor_bounding_box": [1],
    "set_actor_transform": [2, POSE], "set_actor_location": [2, POSE[0]], "set_actor_simulate_physics": [2, False],
    "set_actor_target_velocity": [2, [1.0, 2.0, 0.0]], "set_actor_target_angular_velocity": [2, [0.0, 0.0, 9.0]],
    "add_actor_impulse": [2, [100.0, 0.0, 0.0]], "enable_actor_constant_velocity": [2, [5.0, 0.0, 0.0]],
    "apply_control_to_vehicle": [2, CONTROL], "get_physics_control": [2], "set_vehicle_light_state": [2, [3]],
    "apply_physics_control": [2, [[[0.0, 1.0]], *[1.0] * 5, True, *[1.0] * 3, [], 1500.0, 0.3, [0.0] * 3, [],
                                  [[2.0, 0.2, 50.0, 30.0, 900.0, 0.0, 3.0, 20.0, 3000.0, [0.0] * 3]] * 4, False]],
    "apply_control_to_walker": [2, [[1.0, 0.0, 0.0], 1.4, False]], "get_telemetry_data": [2],
    "set_traffic_light_state": [2, 1], "set_traffic_light_green_time": [2, 3.0], "reset_all_traffic_lights": [],
    "set_weather_parameters": [[1.0] * 14], "set_episode_settings": [SYNCHRONOUS.payload()],
    "add_traffic_manager_running": [["127.0.0.1", 1]], "destroy_traffic_manager": [1], "get_sensor_token": [0],
    "copy_opendrive_to_file": [Street(length_m=60.0).opendrive(), []], "load_new_episode": ["street_0", True, 0],
    "apply_batch": [[[[0, [CAR, POSE, [False], 0, "", [[[2, [0, CONTROL]]]]]]], [[1, [5]]], [[6, [2, POSE]]]], False],
    "cast_ray": [POSE[0], [20.0, 2.0, 0.0]], "project_point": [POSE[0], [0.0, 0.0, -1.0], 10.0],
    "get_required_files": ["Nav"], "request_file": ["Carla/Maps/Nav/x.bin"], "get_navigation_mesh": [],
    "apply_walker_state": [3, POSE, 1.4],
    "replay_file": ["fuzz", 0.0, 0.0, 2, True, POSE], "stop_replayer": [True], "set_replayer_time_factor": [2.0],
    "show_recorder_file_info": ["fuzz", True], "show_recorder_collisions": ["fuzz", 97, 97],
    "show_recorder_actors_blocked": ["fuzz", 1.0, 10.0], "set_replayer_ignore_hero": [True],
    "start_recorder": ["fuzz", False], "stop_recorder": [], "query_lights_state": ["x"], "draw_debug_shape": [[]],
}  # fmt: skip


def mutated(value: Any, rng: np.random.Generator) -> Any:
    """Return ``value`` with one thing in it changed: replaced, left out, doubled, or a number scaled."""
    value = copy.deepcopy(value)
    if isinstance(value, list) and value and rng.random() < 0.8:
        place = int(rng.integers(len(value)))
        kind = rng.random()
        if kind < 0.8:
            value[place] = mutated(value[place], rng)
        elif kind < 0.9:
            del value[place]
        else:
            value.insert(place, copy.deepcopy(value[place]))
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and rng.random() < 0.5:
        return type(value)(value * (-1, 0, 2, 1000)[int(rng.integers(4))])
    return ODD[int(rng.integers(len(ODD)))]


def fuzz_call(table: CallTable, seed: int, index: int) -> str:
    """Make call ``index`` of a seed; return "answered", "refused" or "unknown"; ``AssertionError``: what fails."""
    rng = np.random.default_rng([seed, index])
    name = list(CALLS)[int(rng.integers(len(CALLS)))]
    arguments = CALLS[name] if rng.random() < 0.3 else mutated(CALLS[name], rng)
    if rng.random() < 0.02:
        name += "_"
    if not isinstance(arguments, list):
        arguments = [arguments]
    try:
        reply = table.dispatch(name, [[False], *arguments])
    except UnknownCallError as error:
        assert "\n" not in str(error)
        return "unknown"
    written = msgpack.packb(reply, unicode_errors="surrogateescape")
    assert FAULT.encode() not in written, f"{name}{arguments!r:.300}: {written[:300]!r}"
    return "refused" if _refused(reply) else "answered"


def _refused(reply: Any) -> bool:
    head = reply[0] if isinstance(reply, list) and reply else None
    return isinstance(head, list) and len(head) == 2 and isinstance(head[1], list) and head[0] in (0, True)


def assert_sound(simulation: Simulation) -> None:
    """Raise where a number of the world is not finite."""
    world = simulation.world
    if not np.isfinite(world.table.motion[: len(world.table)]).all():
        raise AssertionError("a number of the world is not finite")
    if len(world.table) > 200:
        world.destroy([actor.id for actor in world.table.order if actor.kind <= 1])


def fuzz_calls(calls: int, seed: int, first: int = 0) -> Counter[str]:
    """Make mutated calls, and a tick after every tenth; return the outcomes."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        simulation = Simulation(TownLibrary(), "street_0", StreamServer(), SYNCHRONOUS, Path(folder))
        simulation.wake_up.ticked = lambda: None  # type: ignore[method-assign]  # there is no event loop here
        simulation.streams.expect = lambda stream: None  # type: ignore[method-assign]
        table = call_table(simulation)
        for index in range(first, first + calls):
            try:
                outcomes[fuzz_call(table, seed, index)] += 1
                if index % 10 == 0:
                    simulation.tick()
                    assert_sound(simulation)
            except AssertionError as error:
                outcomes["failed"] += 1
                print(f"seed {seed}, call {index}: {error}", flush=True)
        simulation.recorder.stop()
    return outcomes


def fuzz_bytes(connections: int, seed: int) -> Counter[str]:
    """Send mutated bytes over connections, some of which stay open; return the outcomes of the sound client."""
    rng = np.random.default_rng(seed)
    outcomes: Counter[str] = Counter()
    opened: list[socket.socket] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running(ServerConfig("street_0", port=0, recordings=Path(folder), settings=SYNCHRONOUS)) as server,
        RawClient(server.port) as sound,
    ):
        for _ in range(connections):
            target = server.port + int(rng.random() < 0.3)
            connection = socket.create_connection(("127.0.0.1", target), timeout=10.0)
            try:
                connection.sendall(_bytes(rng))
            except OSError:
                outcomes["closed while sending"] += 1
            opened.append(connection)
            if len(opened) > 200:
                opened.pop(int(rng.integers(len(opened)))).close()
            outcomes["served" if sound.value("version") == wire.VERSION else "failed"] += 1
        sound.value("tick_cue")
        for connection in opened:
            connection.close()
    return outcomes


def _bytes(rng: np.random.Generator) -> bytes:
    kind = rng.random()
    if kind < 0.3:
        return rng.bytes(int(rng.integers(1, 400)))
    name = list(CALLS)[int(rng.integers(len(CALLS)))]
    whole: bytes = msgpack.packb([0, 1, name, [[False], *CALLS[name]]])
    if kind < 0.5:
        return whole[: int(rng.integers(1, len(whole) + 1))]
    if kind < 0.6:
        return b"\xdd" + rng.bytes(4) + whole
    if kind < 0.7:
        return b"\xc6" + rng.bytes(4) + rng.bytes(2000)
    place = int(rng.integers(len(whole)))
    return whole[:place] + rng.bytes(1) + whole[place + 1 :]


def memory_mb() -> float:
    """Return the most memory that this process has had (MB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> int:
    """Run both parts and print the counts; 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    begin = time.perf_counter()
    fuzz_calls(max(options.calls // 10, 1), options.seed + 1)
    before = memory_mb()
    calls = fuzz_calls(options.calls, options.seed)
    middle = memory_mb()
    connections = fuzz_bytes(options.connections, options.seed)
    print(f"seed {options.seed}: {options.calls} calls: {dict(calls)}; {options.connections} connections: "
          f"{dict(connections)}; {time.perf_counter() - begin:.0f} s; most memory {before:.0f} MB after a tenth of the "
          f"calls, {middle:.0f} MB after all, {memory_mb():.0f} MB after the connections")  # fmt: skip
    return min(calls["failed"] + connections["failed"], 1)


if __name__ == "__main__":
    raise SystemExit(main())
