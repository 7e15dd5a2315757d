"""The replay page of a long drive in a real headless Chromium: its size, how soon it shows, how smoothly it plays.

``python -m tests.benchmarks.bench_viewer`` prints a table in Markdown. The drive: a car of the town's traffic followed
for ten minutes among 30 other road users. The machine draws without a GPU.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from envs.recording import DriveLog, DriveMeta, DriveRecorder, Tick
from envs.scene import ActorRow, EgoRow
from hcrmp.viewer import write_comparison, write_html
from tests.benchmarks.crowded_town import TownSource, one_town, town_env
from tests.benchmarks.machine import machine
from tests.browser import BROWSER_OPTIONS, program

COMMAND = "python -m tests.benchmarks.bench_viewer"
DESKTOP = {"width": 1440, "height": 900}
PERIOD_S = 0.1
TICK = Tick(weights=(0.5, 0.3, 0.2), values=(0.5, 0.3, 0.2), hint_text="Urban road, low density", hint_source="rules")
BRAKE = np.array([[0.0, 1.0, 0.0]])

WATCH = """
window.firstShown = null;
window.costs = [];
const ask = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (callback) => ask((now) => {
  const begin = performance.now();
  callback(now);
  window.costs.push(performance.now() - begin);
  if (window.firstShown === null && document.getElementById("now")?.textContent) window.firstShown = performance.now();
});
"""
"""JavaScript before the page's own: notes when it has first drawn itself, and what each frame's callbacks cost (ms)."""

FRAMES = """(seconds) => new Promise((done) => {
  const times = [];
  window.costs.length = 0;
  document.getElementById("play").click();
  const note = (now) => {
    times.push(now);
    if (now - times[0] < 1000 * seconds) return window.requestAnimationFrame(note);
    document.getElementById("play").click();
    // This function's own callbacks cost next to nothing; the page's are the dear half.
    const costs = window.costs.slice().sort((a, b) => b - a).slice(0, times.length);
    done({ steps: times.slice(1).map((time, i) => time - times[i]), costs });
  };
  window.requestAnimationFrame(note);
})"""
"""JavaScript: plays so many seconds; the times between frames and the page's work in each (ms)."""


def long_drive(ticks: int, others: int) -> DriveLog:
    """Return a drive of ``ticks`` in the town: its ego is that car of the traffic that comes farthest."""
    maps = one_town()
    env = town_env(1, others + 1, 0, maps)
    case = TownSource(maps, others + 1, 0, 1).sample(0, 0)
    recorder = DriveRecorder(DriveMeta("long drive", map_name=maps.names[0]), maps.drawing(maps.names[0]))
    env.simulator.reset([case])
    for _ in range(ticks):
        scene = env.simulator.step(BRAKE)
        recorder.append(scene, 0, TICK)
    env.close()
    return _driven_by_the_fastest(recorder.finish("success"))


def _driven_by_the_fastest(drive: DriveLog) -> DriveLog:
    """Return the drive with a car of the traffic in the ego's place."""
    scenes = drive.scenes.copy()
    actors = scenes.actors.block
    chosen = int(np.abs(actors[ActorRow.SPEED]).sum(axis=0).argmax())
    for row in ("X", "Y", "YAW", "SPEED", "ACCELERATION", "LENGTH", "WIDTH"):
        scenes.ego.block[EgoRow[row]] = actors[ActorRow[row], :, chosen]
    actors[:, :, chosen] = 0.0
    scenes.route.block[:] = 0.0
    scenes.time_s[:] = PERIOD_S * np.arange(len(drive))
    return replace(drive, scenes=scenes)


@dataclass(frozen=True)
class Measured:
    """A page in one browser, all in ms.

    When it had drawn itself, and what the main thread had worked by then: its own CPU time, which other processes do
    not lengthen. Then the times between frames, the script's work in each, and the main thread's CPU time for a frame.
    """

    opened: float
    opened_cpu: float
    steps: list[float]
    costs: list[float]
    frame_cpu: float


def measured(page: Page, path: Path, seconds: float) -> Measured:
    """Open a page, wait until it has drawn itself, and play it."""
    protocol = page.context.new_cdp_session(page)
    protocol.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics = protocol.send("Performance.getMetrics")["metrics"]
        return 1000.0 * float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    page.add_init_script(WATCH)
    page.goto(path.as_uri() + "#t=5")
    page.wait_for_function("window.firstShown !== null", timeout=60_000)
    opened, opened_cpu = float(page.evaluate("window.firstShown")), worked()
    page.wait_for_timeout(500)
    before = worked()
    told = page.evaluate(FRAMES, seconds)
    return Measured(opened, opened_cpu, told["steps"], told["costs"], (worked() - before) / len(told["steps"]))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--others", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--keep", default="", help="folder that the pages are kept in")
    arguments = parser.parse_args()
    drive = long_drive(round(60.0 * arguments.minutes / PERIOD_S), arguments.others)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(arguments.keep or folder)
        begin = time.perf_counter()
        pages = {"one drive": write_html([drive], place / "one.html")}
        made_s = time.perf_counter() - begin
        pages["two beside each other"] = write_comparison(drive, drive, place / "two.html")
        print(f"`{COMMAND}`\n\n{machine()}; headless Chromium, no GPU, {DESKTOP['width']} x {DESKTOP['height']}")
        print(f"{arguments.minutes:g} minutes, {arguments.others} road users; the page is made in {made_s:.2f} s\n")
        print(
            "| page | MB (deflated) | opens, ms | of it CPU | frame, ms (95th percentile) "
            "| script in it (95th) | CPU in it |"
        )
        print("|---|---|---|---|---|---|---|")
        for name, path in pages.items():
            print(row(name, path, arguments.rounds, arguments.seconds), flush=True)


def row(name: str, path: Path, rounds: int, seconds: float) -> str:
    """Measure a page ``rounds`` times, each in a new browser; return its line of the table."""
    found: list[Measured] = []
    for _ in range(rounds):
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program(), args=BROWSER_OPTIONS)
            page = browser.new_context(offline=True, viewport=DESKTOP).new_page()  # type: ignore[arg-type]
            found.append(measured(page, path, seconds))
            browser.close()
    data = path.read_bytes()
    size = f"{len(data) / 1e6:.2f} ({len(zlib.compress(data)) / 1e6:.2f})"
    opened = [one.opened for one in found]
    steps = [step for one in found for step in one.steps]
    costs = [cost for one in found for cost in one.costs]
    frame, work = (f"{np.median(values):.1f} ({np.percentile(values, 95):.1f})" for values in (steps, costs))
    opening = f"{np.median(opened):.0f} ({min(opened):.0f}-{max(opened):.0f})"
    opening_cpu, frame_cpu = (np.median([getattr(one, name) for one in found]) for name in ("opened_cpu", "frame_cpu"))
    return f"| {name} | {size} | {opening} | {opening_cpu:.0f} | {frame} | {work} | {frame_cpu:.1f} |"


if __name__ == "__main__":
    main()
