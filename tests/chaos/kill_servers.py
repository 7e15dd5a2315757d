"""Kill and stop CARLA servers at random while a planner trains on them; the training must not notice for long.

``python -m tests.chaos.kill_servers --blows 50`` trains on launched servers (our own), hits one at a time with SIGKILL
or SIGSTOP until so many blows have fallen, lets the training end, and then asks: did it end well, with the steps that
it was to make, is no process of it left, and is no port taken?
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PORT_STRIDE = 4
ROLLOUT = 512
START_S = 15.0
"""Time that the training has to get going (s); retries in a row are few by design, and blows fall often."""

STEPS_A_BLOW = 4_000
"""Decisions of the training for each blow: enough that it outlasts them."""


def main() -> int:
    """Run the gate; 0 where it holds."""
    options = _options()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        training = _train(options, Path(folder))
        blows = _hit(training, options, rng)
        status = training.wait()
        print(f"{blows} blows in {time.monotonic() - started:.0f} s; the training ended with {status}", flush=True)
        faults = [*_faults(training, status, blows, options), *_faults_of_run(Path(folder) / "chaos", options)]
    for fault in faults:
        print(f"FAULT: {fault}")
    print("held" if not faults else f"{len(faults)} faults")
    return int(bool(faults))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blows", type=int, default=50)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--first-port", type=int, default=23000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=float, default=6.0, help="mean time between two blows (s)")
    return parser.parse_args()


def _total_steps(options: argparse.Namespace) -> int:
    return int(options.blows * STEPS_A_BLOW)


def _train(options: argparse.Namespace, folder: Path) -> subprocess.Popen[bytes]:
    launch = f"{sys.executable} -m hcrmp.cli serve --map street_0 --port {{port}}"
    return subprocess.Popen([
        sys.executable, "-m", "hcrmp.cli", "train", "simulator=carla", f"simulator.launch='{launch}'",
        f"simulator.count={options.servers}", f"simulator.first_port={options.first_port}",
        f"simulator.port_stride={PORT_STRIDE}", "simulator.server.timeout_s=3", "simulator.ready_s=20",
        "simulator.retries=10", "scenario=overtaking", "density=low",
        f"total_steps={_total_steps(options)}", f"algo.n_steps={ROLLOUT}", "run=chaos", f"runs_dir={folder}",
        "progress=false",
    ])  # fmt: skip


def _hit(training: subprocess.Popen[bytes], options: argparse.Namespace, rng: random.Random) -> int:
    """Hit servers until the blows are over or the training is; return how many fell."""
    time.sleep(START_S)
    blows = 0
    while blows < options.blows and training.poll() is None:
        time.sleep(rng.expovariate(1.0 / options.every))
        # One that has been stopped and not been replaced yet is no new blow.
        servers = [pid for pid in _children(training.pid) if "serve" in _command(pid) and _stat(pid)[:1] != ["T"]]
        if not servers:
            continue
        victim, number = rng.choice(servers), rng.choice((signal.SIGKILL, signal.SIGSTOP))
        try:
            os.kill(victim, number)
        except ProcessLookupError:
            continue
        blows += 1
        print(f"{blows}: {number.name} to server {victim}", flush=True)
    return blows


def _faults(training: subprocess.Popen[bytes], status: int, blows: int, options: argparse.Namespace) -> list[str]:
    faults = []
    if status != 0:
        faults.append(f"the training ended with {status}")
    if blows < options.blows:
        faults.append(f"the training was over after {blows} blows: it was not tested by the others")
    ports = [options.first_port + PORT_STRIDE * k + j for k in range(options.servers) for j in (0, 1)]
    time.sleep(1.0)
    left = [entry for entry in _processes() if any(f"--port {port}" in _command(entry) for port in ports)]
    faults += [f"process {pid} is left: {_command(pid)}" for pid in left]
    faults += [f"port {port} is still taken" for port in ports if _taken(port)]
    return faults


def _faults_of_run(run: Path, options: argparse.Namespace) -> list[str]:
    """Compare the steps that the last checkpoint counts with those that were asked for."""
    checkpoint = run / "checkpoints" / "latest" / "meta.json"
    if not checkpoint.is_file():
        return ["it left no checkpoint"]
    counters = json.loads(checkpoint.read_text("utf-8"))["state"]["model"]["counters"]
    made, asked = int(counters["num_timesteps"]), _total_steps(options)
    if not asked <= made < asked + ROLLOUT * options.servers:
        return [f"it made {made} steps, asked were {asked}"]
    return []


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _children(parent: int) -> list[int]:
    return [pid for pid in _processes() if (fields := _stat(pid)) and int(fields[1]) == parent]


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    sys.exit(main())
