"""The gates of the traffic over many simulated hours: ``python -m tests.gates --help``."""

from __future__ import annotations

import argparse
import sys

from envs.roads.walk_graph import WalkGraph
from envs.scene import ActorKind
from tests.gates.population import GENERATED, KINDS, MAPS, WITH_CYCLISTS, Worlds, load_map, load_walk, populate
from tests.gates.report import Report, run_gates
from tests.gates.with_ego import run_with_ego


def main() -> int:
    """Run the gates as the command line says; return 1 where one is missed."""
    options = _parser().parse_args()
    held = True
    for name in options.maps:
        if name != GENERATED and not (MAPS / f"{name}.xodr").exists():
            print(f"{name}: not there, skipped")
            continue
        graph = load_map(name)
        walk = load_walk(name, graph) if options.pedestrians else None
        for vehicles in options.vehicles:
            kinds = (ActorKind.CAR,) if options.cars else WITH_CYCLISTS if options.cyclists else KINDS
            people = (walk, options.pedestrians, options.parked, options.jaywalkers)
            worlds = populate(graph, vehicles, options.seeds, kinds, *people)
            print(f"{name}, {vehicles} vehicles, {options.pedestrians} pedestrians, ego {options.ego}: ", end="")
            held &= _run(worlds, walk, options)
    return 0 if held else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.gates", description=__doc__)
    parser.add_argument("--maps", nargs="+", default=[GENERATED, "Town01", "Town02", "Town04"])
    parser.add_argument("--vehicles", type=int, nargs="+", default=[40], help="vehicles in each world")
    parser.add_argument("--minutes", type=float, default=10.0, help="simulated minutes of each world")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(6)), help="one world for each")
    parser.add_argument("--pedestrians", type=int, default=0, help="pedestrians in each world")
    parser.add_argument("--jaywalkers", type=float, default=0.0, metavar="SHARE", help="share of them who jaywalk")
    parser.add_argument(
        "--ego", choices=("none", "route", "awkward"), default="none",
        help="an ego that follows routes, or one that also stops and stands anywhere and drives against the traffic",
    )  # fmt: skip
    parser.add_argument("--cars", action="store_true", help="no trucks and buses")
    parser.add_argument("--cyclists", action="store_true", help="one cyclist among seven vehicles")
    parser.add_argument("--parked", type=int, default=0, help="how many of the vehicles have broken down in a street")
    parser.add_argument("--events", type=int, default=8, help="events that are shown of each run")
    return parser


def _run(worlds: Worlds, walk: WalkGraph | None, options: argparse.Namespace) -> bool:
    """Run the gates on ``worlds`` and print what came of it; return whether all held."""
    if options.ego == "none":
        report = run_gates(worlds, options.minutes)
        _tell(report)
        told, held = list(report.events), report.holds
    else:
        report, contacts, stories = run_with_ego(worlds, walk, options.minutes, options.ego == "awkward")
        _tell(report)
        print(f"   {contacts}")
        told, held = stories + list(report.events), report.holds and contacts.struck == contacts.rear_ended == 0
    for event in told[: options.events]:
        print(f"   {event}")
    return held


def _tell(report: Report) -> None:
    print(
        f"{report.hours:.2f} h: {report.overlaps} overlaps ({report.overlap_ticks} ticks), "
        f"{report.run_over} pedestrians touched in {report.crossings} crossings "
        f"and {report.jaywalks} away from crosswalks, "
        f"{report.causeless} stood without a cause, {report.long} over 5 min, "
        f"{report.red_runs} of {report.lines} lines on red, {report.passes} overtook, "
        f"{report.mean_speed:.2f} m/s, {report.steps_per_s:.0f} steps/s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
