"""One running simulation: the world of the current episode, its maps, and what is sent after each tick."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from envs.carla_recording import Recording
from envs.carla_server import wire
from envs.carla_server.blueprints import AttributeType, Catalogue
from envs.carla_server.payloads import Description, Settings
from envs.carla_server.recorder import Recorder
from envs.carla_server.replayer import Replay, ReplayOptions, ReplayOrder
from envs.carla_server.sensors.suite import SensorSuite
from envs.carla_server.streams import StreamServer
from envs.carla_server.town import OPENDRIVE_MAP, TownLibrary, TownMap, compile_town
from envs.carla_server.wake_up import WakeUp
from envs.carla_server.world import World


class Simulation:
    """The current episode and how to begin another.

    Args:
        library: maps by name.
        map_name: the map that it begins with.
        streams: where the messages go.
        settings: those that it begins with.
        recordings: folder of the recordings.
    """

    def __init__(
        self, library: TownLibrary, map_name: str, streams: StreamServer, settings: Settings,
        recordings: Path = Path("recordings"),
    ) -> None:  # fmt: skip
        self.library, self.streams = library, streams
        self.catalogue = Catalogue.standard()
        self.traffic_managers: dict[int, str] = {}
        self.first_settings = settings
        self.wake_up = WakeUp(self.traffic_managers)
        self.sent_map: TownMap | None = None
        self.stream_port = 0
        self.world = World(library.load(map_name), self.catalogue, 1, settings)
        self.suite = SensorSuite()
        self.recorder = Recorder(recordings)
        self.replay: Replay | None = None
        self.replay_options = ReplayOptions()
        self._map_changed = True
        streams.greet = self._greeting

    def warm_up(self) -> None:
        """Drive a car that sees for a step in a world of its own: no client waits while kernels are compiled."""
        world = World(self.world.town, self.catalogue, 0, self.first_settings)
        if len(world.town.spawn_points):
            car = world.spawn(Description("vehicle.lincoln.mkz_2017", ()), world.town.spawn_points[0])
            small = tuple((f"image_size_{axis}", int(AttributeType.INT), "8") for axis in "xy")
            for type_id, attributes in (("sensor.camera.depth", small), ("sensor.lidar.ray_cast", ())):
                world.spawn(Description(type_id, attributes), np.zeros(6), car.id)
        world.tick()
        world.state_message(False)
        SensorSuite().collect(world, lambda _: True, lambda *_: None, 0)

    def take_map(self, text: str) -> None:
        """Compile the OpenDRIVE map that a client sends, to be loaded next."""
        self.sent_map = compile_town(OPENDRIVE_MAP, text)

    def load(self, name: str, reset_settings: bool, listeners_stay: bool = False) -> None:
        """Begin a new episode on a map, without actors, at time 0.

        A client that loads a map leaves its session of the world's stream; with ``listeners_stay`` nobody does.
        """
        town = self._town(name)
        settings = self.first_settings if reset_settings else self.world.settings
        # Bytes that reach a client while it closes its old session can end its process.
        if not listeners_stay:
            self.streams.pause(wire.WORLD_STREAM)
        self.recorder.stop()
        self.replay = None
        before = self.world
        self.world = World(town, self.catalogue, before.episode + 1, settings, before.next_stream)
        self.world.frame = before.frame
        self.suite = SensorSuite()
        self.traffic_managers.clear()
        self._map_changed = True

    def tick(self) -> int:
        """Advance by one step and send what is new; return the frame."""
        replaying = self.replay is not None and self.replay.advance(self.world, self.world.step_s)
        frame = self.world.tick()
        self.send_state()
        if self.world.sensors:
            self.suite.collect(self.world, self.streams.listened, self.streams.send_payload, self.stream_port)
        if self.recorder.running:
            self.recorder.write(self.world)
        if self.replay is not None and not replaying:
            self.stop_replay(keep_actors=True)
        if self.traffic_managers:
            self.wake_up.ticked()
        return frame

    def start_replay(self, recording: Recording, order: ReplayOrder) -> Replay:
        """Begin to replay a recording, on its map; ``CarlaLogError`` where it is broken."""
        replay = Replay.of(recording, order, self.replay_options)
        self.stop_replay(keep_actors=False)
        if recording.map_name.rpartition("/")[2] != self.world.town.name:
            self.load(recording.map_name, reset_settings=False, listeners_stay=True)
        replay.begin(self.world)
        self.replay = replay
        return replay

    def stop_replay(self, keep_actors: bool) -> None:
        """End the replay, if there is one; the actors that it brought in stay, or not."""
        replay, self.replay = self.replay, None
        if replay is not None:
            replay.finish(self.world, keep_actors)

    def send_state(self) -> None:
        """Send the world's state, as it is, to all who listen."""
        message = self.world.state_message(self._map_changed)
        self._map_changed = False
        self.streams.send(wire.WORLD_STREAM, message)

    def has_stream(self, stream: int) -> bool:
        """Say whether anything is sent on a stream."""
        return stream == wire.WORLD_STREAM or any(actor.stream == stream for actor in self.world.sensors)

    def _greeting(self, stream: int) -> bytes | None:
        """Return what a new listener is sent at once: the world as it is, so that it need not wait for a tick."""
        return self.world.state_message(self._map_changed) if stream == wire.WORLD_STREAM else None

    def _town(self, name: str) -> TownMap:
        if not name:
            return self.world.town
        if name.rpartition("/")[2] == OPENDRIVE_MAP and self.sent_map is not None:
            return self.sent_map
        return self.library.load(name)
