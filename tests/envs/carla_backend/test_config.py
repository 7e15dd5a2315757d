"""What a farm may be configured as, and what is refused."""

from __future__ import annotations

import pytest

from envs.carla_backend.config import CarlaConfig, FarmConfig, first_servers, split_address
from envs.errors import InvalidConfigError


def test_given_servers_are_worlds_in_their_order() -> None:
    farm = FarmConfig(servers=("10.0.0.1:2000", "node7"))
    assert farm.addresses == (("10.0.0.1", 2000), ("node7", 2000))


def test_a_slurm_host_list_is_one_server_each() -> None:
    farm = FarmConfig(servers=("node[08-10,3]:2004", "rack[1-2]n[1-2]", "other:2000"))
    nodes = [("node08", 2004), ("node09", 2004), ("node10", 2004), ("node3", 2004)]
    racks = [(f"rack{rack}n{node}", 2000) for rack in (1, 2) for node in (1, 2)]
    assert farm.addresses == (*nodes, *racks, ("other", 2000))
    with pytest.raises(InvalidConfigError, match=r"'4-1' in 'node\[4-1\]:2000' is no range of hosts"):
        FarmConfig(servers=("node[4-1]:2000",))


def test_launched_servers_are_a_stride_apart() -> None:
    farm = FarmConfig(launch="serve {port}", count=3, first_port=3000, port_stride=5)
    assert farm.addresses == (("127.0.0.1", 3000), ("127.0.0.1", 3005), ("127.0.0.1", 3010))


def test_fewer_worlds_take_the_first_servers() -> None:
    assert first_servers(FarmConfig(servers=("a:1", "b:2", "c:3")), 2).addresses == (("a", 1), ("b", 2))
    assert len(first_servers(FarmConfig(launch="serve {port}", count=3), 2).addresses) == 2


@pytest.mark.parametrize("address", ["", ":2000", "host:", "host:port", "host:0", "host:70000"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidConfigError):
        split_address(address)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"servers": ()}, "servers"),
        ({"launch": "serve 2000"}, "port"),
        ({"port_stride": 2}, "port_stride"),
        ({"gpus": ()}, "gpus"),
        ({"count": 0}, "count"),
        ({"retries": 0}, "retries"),
        ({"ready_s": 0.0}, "ready_s"),
        ({"recycle_episodes": -1}, "recycle_episodes"),
    ],
)
def test_what_is_no_farm_is_refused(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidConfigError, match=named):
        FarmConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [{"port": 0}, {"port": 65534}, {"timeout_s": 0.0}, {"ticks_per_decision": 0}, {"sizes": "mine"}]
)
def test_what_is_no_server_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        CarlaConfig(**wrong)  # type: ignore[arg-type]
