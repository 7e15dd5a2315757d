"""What it costs to write a drive of 60 s with 30 other road users in the town in each format, and to read a recording.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_exchange`` prints a table in Markdown. Formats whose package is not
installed are left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from envs.action import ActionConfig, to_control
from envs.drivers.law_abiding import LawAbidingDriver
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.recording import DriveLog, DriveMeta, DriveRecorder, Tick
from envs.recording.carla_log import KnownMap, drive_of_carla_log, write_carla_log
from envs.scenarios.maps import MapLibrary
from envs.scenarios.route import TOWN, route, sample_route
from hcrmp.errors import UserError
from hcrmp.exports.csv_tables import write_csv
from hcrmp.exports.mcap_file import write_mcap
from hcrmp.exports.rerun_file import write_rerun
from hcrmp.import_job import load_map
from tests.benchmarks.machine import machine

VEHICLES = 30
COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_exchange"


def town_drive(ticks: int) -> DriveLog:
    """Return a drive through the town with all that a planner's trace has."""
    maps = MapLibrary([TOWN])
    scenario = replace(route("high", TOWN), vehicles=VEHICLES, pedestrians=0)
    simulator = EmbeddedSimulator(1, maps, EmbeddedConfig(VEHICLES, 0))
    driver, config, previous = LawAbidingDriver(1), ActionConfig(), np.zeros((1, 2))
    scene = simulator.reset([sample_route(scenario, 1, 0, maps)])
    recorder = DriveRecorder(DriveMeta("route", "high", map_name=TOWN), maps.drawing(TOWN))
    tick = Tick(hint_state=np.zeros(13), weights=(0.2, 0.6, 0.2), values=(0.0, 1.0, 0.0), hint_text="keep the pace")
    recorder.append(scene, 0, tick)
    for _ in range(ticks - 1):
        control, previous = to_control(driver.act(scene), scene, previous, config)
        scene = simulator.step(control)
        recorder.append(scene, 0, replace(tick, action=previous[0], control=control[0]))
    return recorder.finish("running")


def measured(
    write: Callable[[DriveLog, Path], list[Path]], drive: DriveLog, path: Path, rounds: int
) -> tuple[float, int]:
    """Return the median time (s) and the bytes of all files written."""
    spent = []
    for _ in range(rounds):
        begin = time.perf_counter()
        paths = write(drive, path)
        spent.append(time.perf_counter() - begin)
    return float(np.median(spent)), sum(item.stat().st_size for item in paths)


def formats(known: KnownMap) -> dict[str, Callable[[DriveLog, Path], list[Path]]]:
    """Return how each format is written."""
    return {
        "drive (.arrow)": lambda drive, path: [drive.save(path)],
        "CARLA recording (.log)": lambda drive, path: [write_carla_log(drive, path, known)],
        "MCAP": write_mcap,
        "Rerun (.rrd)": write_rerun,
        "CSV, both tables": write_csv,
    }


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    drive, known = town_drive(options.ticks), load_map(TOWN)
    others = len(set(drive.scenes.actors.id[drive.scenes.actors.valid].tolist()))
    print(f"`{COMMAND}`\n\n{machine()}\n{len(drive)} ticks, {others} others\n")
    print("| format | write s | KiB |\n|---|---|---|")
    with TemporaryDirectory() as folder:
        for name, write in formats(known).items():
            try:
                spent, size = measured(write, drive, Path(folder) / "drive.out", options.rounds)
            except UserError as missing:
                print(f"| {name} | {missing} | |")
                continue
            print(f"| {name} | {spent:.3f} | {size / 1024:,.0f} |")
        log = write_carla_log(drive, Path(folder) / "drive.log", known)
        begin = time.perf_counter()
        drive_of_carla_log(log, lambda name: known)
        print(f"\nimport of the recording: {time.perf_counter() - begin:.2f} s")


if __name__ == "__main__":
    main()
