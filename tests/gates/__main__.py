"""The gates of the traffic over many simulated hours: ``python -m tests.gates --help``."""

from __future__ import annotations

import argparse
import sys

from envs.scene import ActorKind
from tests.gates.population import GENERATED, KINDS, MAPS, WITH_CYCLISTS, load_map, populate
from tests.gates.report import run_gates


def main() -> int:
    """Run the gates as the command line says; return 1 where one is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.gates", description=__doc__)
    parser.add_argument("--maps", nargs="+", default=[GENERATED, "Town01", "Town02", "Town04"])
    parser.add_argument("--vehicles", type=int, nargs="+", default=[40], help="vehicles in each world")
    parser.add_argument("--minutes", type=float, default=10.0, help="simulated minutes of each world")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(6)), help="one world for each")
    parser.add_argument("--cars", action="store_true", help="no trucks and buses")
    parser.add_argument("--cyclists", action="store_true", help="one cyclist among seven vehicles")
    parser.add_argument("--parked", type=int, default=0, help="how many of the vehicles have broken down in a street")
    parser.add_argument("--events", type=int, default=8, help="events that are shown of each run")
    options = parser.parse_args()
    held = True
    for name in options.maps:
        if name != GENERATED and not (MAPS / f"{name}.xodr").exists():
            print(f"{name}: not there, skipped")
            continue
        graph = load_map(name)
        for vehicles in options.vehicles:
            kinds = (ActorKind.CAR,) if options.cars else WITH_CYCLISTS if options.cyclists else KINDS
            report = run_gates(populate(graph, vehicles, options.seeds, kinds, options.parked), options.minutes)
            held &= report.holds
            print(
                f"{name}, {vehicles} vehicles, {report.hours:.2f} h: {report.overlaps} overlaps "
                f"({report.overlap_ticks} ticks), {report.causeless} stood without a cause, {report.red_runs} of "
                f"{report.lines} lines on red, {report.passes} overtook, {report.mean_speed:.2f} m/s, "
                f"{report.steps_per_s:.0f} steps/s",
                flush=True,
            )
            for event in report.events[: options.events]:
                print(f"   {event}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
