"""What no sound client sends: the server answers with an error or closes that connection, and serves the others."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest

from envs.carla_server import rpc, streams, wire
from envs.carla_server.payloads import Settings
from envs.carla_server.server import CarlaServer, ServerConfig, running
from envs.carla_server.simulation import Simulation
from tests.envs.carla_backend.test_server_process import wait_for
from tests.envs.carla_server.raw import RawClient, RawStream


@pytest.fixture(scope="module")
def server() -> Iterator[CarlaServer]:
    settings = Settings(synchronous=True, fixed_delta_s=0.05)
    with running(ServerConfig(map="street_0", port=0, settings=settings)) as started:
        yield started


def test_a_step_that_fails_is_told_and_the_clock_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    steps, step = [0], Simulation.tick

    def second_fails(self: Simulation) -> Any:
        steps[0] += 1
        if steps[0] == 2:
            raise OSError("no space left on device")
        return step(self)

    monkeypatch.setattr(Simulation, "tick", second_fails)
    with running(ServerConfig(map="street_0", port=0, settings=Settings(synchronous=False, fixed_delta_s=0.02))):
        wait_for(lambda: steps[0] > 4)
    assert caplog.text.count("a step of the world failed") == 1 and "no space left" in caplog.text


def closed(client: RawClient) -> bool:
    return client.reply() is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\xc1" * 64,
        msgpack.packb([2, 1, "version", []]),
        msgpack.packb([0, "one", "version", []]),
        msgpack.packb([0, 1, 2, []]),
        msgpack.packb([0, 1, "version", {}]),
        msgpack.packb({"call": "version"}),
        b"\x91" * 4000,
        b"\xdd\xff\xff\xff\xff",
        b"\x81\x91\x01\x02",  # a map whose key is an array
    ],
    ids=lambda data: repr(data[:12]),
)
def test_bytes_that_are_no_call_close_that_connection_alone(
    server: CarlaServer, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with RawClient(server.port) as sound, RawClient(server.port) as broken:
        broken.socket.sendall(data)
        assert closed(broken)
        assert sound.value("version") == wire.VERSION
    assert all(record.exc_info is None for record in caplog.records)  # told in a line, not as a fault of ours


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("spawn_actor", ([], []), "argument 1: expected an array of 3"),
        ("spawn_actor", ([0, "vehicle.nobody.knows", []], [[0, 0, 0], [0, 0, 0]]), "unknown blueprint"),
        ("spawn_actor", ([0, "vehicle.audi.tt", []], [[0, 0], [0, 0, 0]]), "argument 2"),
        ("spawn_actor", ([0, "vehicle.audi.tt", []], [[0, 0, float("nan")], [0, 0, 0]]), "finite"),
        ("get_actor_bounding_box", ("one",), "expected a whole number"),
        ("get_actor_bounding_box", (2**63,), "unable to find actor"),
        ("get_actors_by_id", ({},), "expected an array"),
        ("get_physics_control", (1,), "not a vehicle"),
        ("version", (1, 2, 3), "takes 0 arguments, got 3"),
        ("get_group_traffic_lights", (1,), "not a light"),
    ],
)
def test_a_wrong_argument_is_told_with_the_name_of_the_call(
    server: CarlaServer, name: str, arguments: tuple[Any, ...], message: str
) -> None:
    with RawClient(server.port) as client, pytest.raises(RuntimeError) as caught:
        client.value(name, *arguments)
    assert str(caught.value).startswith(f"{name}: ") and message in str(caught.value)


def test_an_unknown_call_is_told_and_the_connection_goes_on(server: CarlaServer) -> None:
    with RawClient(server.port) as client:
        with pytest.raises(RuntimeError, match="does not implement the call 'fly_to_the_moon'"):
            client.call("fly_to_the_moon")
        assert client.value("version") == wire.VERSION


def test_a_call_in_pieces_is_answered_and_half_a_call_blocks_nobody(server: CarlaServer) -> None:
    data = msgpack.packb([0, 7, "version", [[False]]])
    with RawClient(server.port) as slow, RawClient(server.port) as other:
        for byte in data[:-1]:
            slow.socket.sendall(bytes([byte]))
        assert other.value("version") == wire.VERSION
        slow.socket.sendall(data[-1:])
        assert slow.reply() == [1, 7, None, [[1, wire.VERSION]]]


def test_half_a_call_is_given_up(monkeypatch: pytest.MonkeyPatch, server: CarlaServer) -> None:
    monkeypatch.setattr(rpc, "UNFINISHED_S", 0.1)
    with RawClient(server.port) as client:
        client.socket.sendall(msgpack.packb([0, 7, "version", [[False]]])[:-3])
        assert closed(client)


def test_a_call_that_is_too_large_is_closed(monkeypatch: pytest.MonkeyPatch, server: CarlaServer) -> None:
    monkeypatch.setattr(rpc, "MOST_BYTES", 1000)
    with RawClient(server.port) as client:
        client.send([0, 1, "copy_opendrive_to_file", [[False], "x" * 2000, []]])
        assert closed(client)
    assert len(server.rpc.connections) <= 1


def test_all_unfinished_calls_together_are_bounded(monkeypatch: pytest.MonkeyPatch, server: CarlaServer) -> None:
    monkeypatch.setattr(rpc, "MOST_PENDING", 100_000)
    text = msgpack.packb("x" * 90_000)[:-10]
    with RawClient(server.port) as one, RawClient(server.port) as other:
        one.socket.sendall(text)
        while server.rpc.pending < len(text):
            time.sleep(0.001)
        other.socket.sendall(text)
        assert closed(other)
        assert server.rpc.pending == len(text)


def test_a_map_that_is_no_map_is_refused_in_one_line(server: CarlaServer) -> None:
    with RawClient(server.port) as client:
        ((failed, (message,)),) = client.call("copy_opendrive_to_file", "<xml", [])
        assert failed is True and message.startswith("copy_opendrive_to_file: ") and "\n" not in message
        ((failed, (message,)),) = client.call("load_new_episode", "Town99", True, 0)
        assert failed is True and "unknown map 'Town99'" in message and "street_0" in message
        assert client.value("version") == wire.VERSION


def test_a_tick_waits_for_a_listener_on_its_way_but_not_for_ever(server: CarlaServer) -> None:
    with RawClient(server.port) as client:
        client.value("get_sensor_token", wire.WORLD_STREAM)
        begin = time.monotonic()
        client.value("tick_cue")
        assert time.monotonic() - begin > 0.9 * streams.EXPECTED_S
        client.value("get_sensor_token", wire.WORLD_STREAM)
        with RawStream(server.port + 1, wire.WORLD_STREAM) as stream:
            frame = client.value("tick_cue")
            told = [struct.unpack_from("<QQ", stream.message())[1] for _ in range(2)]
        assert told == [frame - 1, frame]


def test_many_connections_are_served_and_forgotten(server: CarlaServer) -> None:
    clients = [RawClient(server.port) for _ in range(300)]
    try:
        assert {client.value("version") for client in clients} == {wire.VERSION}
    finally:
        for client in clients:
            client.socket.close()
    end = time.monotonic() + 10.0
    while server.rpc.connections and time.monotonic() < end:
        time.sleep(0.01)
    assert not server.rpc.connections


def test_a_listener_who_does_not_read_loses_messages_and_holds_nobody(
    monkeypatch: pytest.MonkeyPatch, server: CarlaServer
) -> None:
    monkeypatch.setattr(streams, "MOST_QUEUED", 10_000)
    with RawClient(server.port) as client, RawStream(server.port + 1, wire.WORLD_STREAM):
        while not server.streams.listened(wire.WORLD_STREAM):
            time.sleep(0.001)
        for _ in range(20_000):
            client.value("tick_cue")
            if server.streams.dropped:
                break
        assert server.streams.dropped > 0
        (session,) = server.streams.sessions[wire.WORLD_STREAM]
        assert session._transport is not None
        assert session._transport.get_write_buffer_size() < 20_000


def test_a_stream_of_an_episode_before_is_silent(server: CarlaServer) -> None:
    imu = [0, "sensor.other.imu", []]
    with RawClient(server.port) as client:
        before = wire.stream_of_token(_token(client.value("spawn_actor", imu, [[0, 0, 0], [0, 0, 0]])))
        client.call("load_new_episode", "street_0", True, 0)
        after = wire.stream_of_token(_token(client.value("spawn_actor", imu, [[0, 0, 0], [0, 0, 0]])))
        assert after > before > wire.WORLD_STREAM
        with RawStream(server.port + 1, before, 0.3) as old, RawStream(server.port + 1, after) as new:
            while not (server.streams.listened(before) and server.streams.listened(after)):
                time.sleep(0.001)
            client.value("tick_cue")
            assert struct.unpack_from("<Q", new.message()) == (wire.SensorType.IMU,)
            with pytest.raises(TimeoutError):
                old.message()


def test_who_did_not_load_the_map_goes_on_listening(monkeypatch: pytest.MonkeyPatch, server: CarlaServer) -> None:
    monkeypatch.setattr(streams, "PAUSE_S", 0.3)
    with RawClient(server.port) as client, RawStream(server.port + 1, wire.WORLD_STREAM) as other:
        other.message()
        client.call("load_new_episode", "street_0", True, 0)
        begin = time.monotonic()
        client.value("tick_cue")
        frame = client.value("tick_cue")
        told = struct.unpack_from("<QQ", other.message())[1]
        assert told == frame and time.monotonic() - begin > 0.2  # nothing before the pause was over
        assert struct.unpack_from("<Q", _ticked(client, other), 48)[0] == server.simulation.world.episode


def _ticked(client: RawClient, stream: RawStream) -> bytes:
    client.value("tick_cue")
    return stream.message()


def _token(actor: list[Any]) -> bytes:
    return bytes(actor[5])


def test_the_world_is_told_in_packed_records(server: CarlaServer) -> None:
    with RawClient(server.port) as client, RawStream(server.port + 1, wire.WORLD_STREAM) as stream:
        while not server.streams.listened(wire.WORLD_STREAM):
            time.sleep(0.001)
        stream.message()  # the world as it was when the stream was joined
        frame = client.value("tick_cue")
        message = stream.message()
    kind, told, time_s = struct.unpack_from("<QQd", message)
    episode, _, step = struct.unpack_from("<Qdf", message, 48)
    world = server.simulation.world
    assert (kind, told, episode) == (17, frame, world.episode)
    assert step == pytest.approx(0.05) and time_s == world.time_s > 0.0
    assert (len(message) - 84) % 119 == 0
