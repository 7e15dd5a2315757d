"""A port that was found can be listened at, and so can its neighbours."""

from __future__ import annotations

import socket

from tests.ports import SIDE_BY_SIDE, free_port


def test_ports_side_by_side_are_free_and_a_taken_block_is_passed_over() -> None:
    first = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first + SIDE_BY_SIDE - 1))
        taken.listen()
        other = free_port()
        assert other >= first + SIDE_BY_SIDE or other + SIDE_BY_SIDE <= first
        for port in range(other, other + SIDE_BY_SIDE):
            with socket.socket() as probe:
                # As servers do: ports of servers that have just ended rest for a while.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
