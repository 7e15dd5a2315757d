"""Whether a process of this machine sleeps: none of its threads has run for a while, and none wants to.

A thread that is only slow, on a busy machine, is runnable meanwhile, so it is told from one that waits for a signal.
Linux alone says so (``/proc``, proc(5)); elsewhere, and of the processes of other users, nothing is known.
"""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")
LISTENS = "0A"
ASLEEP = "S"


def listener(port: int) -> int | None:
    """Return the process that listens at the TCP port of this machine; None where that cannot be known."""
    sockets = {f"socket:[{inode}]" for name in ("tcp", "tcp6") for inode in _inodes(PROC / "net" / name, port)}
    if not sockets:
        return None
    return next((pid for pid in _processes() if sockets & _open_files(pid)), None)


def turns(pid: int) -> dict[str, str] | None:
    """Return how often each sleeping thread of a process has had the processor; None where one wants it, or is gone.

    Two equal answers mean that the process slept all the while.
    """
    try:
        told = {task.name: _status(task) for task in (PROC / str(pid) / "task").iterdir()}
    except OSError:
        return None
    if not told or any(not lines["State"].startswith(ASLEEP) for lines in told.values()):
        return None
    return {
        thread: f"{lines['voluntary_ctxt_switches']} {lines['nonvoluntary_ctxt_switches']}"
        for thread, lines in told.items()
    }


def _status(task: Path) -> dict[str, str]:
    lines = (task / "status").read_text("utf-8", "replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _inodes(table: Path, port: int) -> list[str]:
    try:
        rows = [line.split() for line in table.read_text("ascii").splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == LISTENS and int(row[1].rpartition(":")[2], 16) == port]


def _processes() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _open_files(pid: int) -> set[str]:
    try:
        return {str(link.readlink()) for link in (PROC / str(pid) / "fd").iterdir()}
    except OSError:
        return set()
