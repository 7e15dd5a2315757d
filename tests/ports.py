"""Ports that nobody uses, for the servers that tests and benchmarks start."""

from __future__ import annotations

import os
import socket
from itertools import count

SIDE_BY_SIDE = 8
"""Ports that belong together: a server takes two, a farm of two with the default stride six."""

FIRST, LAST = 20_000, 32_000
"""Below the range that the system draws from for outgoing connections, which takes a neighbour when it likes."""


def free_port(side_by_side: int = SIDE_BY_SIDE) -> int:
    """Return the first of some free ports; test processes that run side by side search from different places."""
    blocks = (LAST - FIRST) // side_by_side
    for block in count(os.getpid()):
        first = FIRST + block % blocks * side_by_side
        if all(_free(port) for port in range(first, first + side_by_side)):
            return first
        if block > os.getpid() + blocks:
            break
    raise OSError(f"no {side_by_side} free ports side by side between {FIRST} and {LAST}")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
