"""One moment of each family, driven by the reference driver: ``FAMILIES.png``.

``python -m tests.benchmarks.family_pictures [--seed 3] [--out FAMILIES.png]``
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt
from PIL import Image

from envs.action import ActionConfig, to_control
from envs.drivers.reference import PATIENT, ReferenceDriver
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.rendering import RenderOverlay, SceneRenderer
from envs.scenarios.catalogue import FAMILIES, ScenarioSet, scenario_set
from envs.scenarios.families import CONDITIONS
from envs.scene import SceneBatch
from envs.termination import judge

COLUMNS = 4
TILE = (480, 192)
MAP_SHARE = 0.71
"""Share of a frame's height that shows the map."""
BEFORE_S = 0.5
"""How long before the nearest moment the picture is taken (s)."""

Picture = npt.NDArray[np.uint8]


def main() -> None:
    """Drive every family once and write the pictures as one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", default="FAMILIES.png")
    args = parser.parse_args()
    names = [name for name in FAMILIES if name not in CONDITIONS]
    tiles = [picture(name, args.seed) for name in names]
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE[0], rows * TILE[1]), (24, 27, 34))
    for k, tile in enumerate(tiles):
        sheet.paste(Image.fromarray(tile), (k % COLUMNS * TILE[0], k // COLUMNS * TILE[1]))
    sheet.save(args.out, optimize=True)
    print(f"{args.out}: {', '.join(names)}; medium density, seed {args.seed}, driver reference")


def picture(name: str, seed: int) -> Picture:
    """Return the map shortly before the ego of a family's case is nearest to somebody."""
    scenarios = scenario_set(name, "medium")
    moments = drive(scenarios, seed)
    nearest = int(np.argmin([distance(scene) for scene in moments]))
    scene = moments[max(nearest - round(BEFORE_S / 0.1), 0)]
    renderer = SceneRenderer(scenarios.maps.drawing(scenarios.sample(0, seed).map_name))
    frame = Image.fromarray(renderer.render(scene, 0, RenderOverlay(title=name.replace("_", " "))))
    shown = frame.crop((0, 0, frame.width, round(MAP_SHARE * frame.height))).resize(TILE, Image.Resampling.LANCZOS)
    return np.asarray(shown)


def drive(scenarios: ScenarioSet, seed: int) -> list[SceneBatch]:
    """Return every scene of the case that ``seed`` draws."""
    simulator = EmbeddedSimulator(1, scenarios.maps, EmbeddedConfig(actors=scenarios.most_actors))
    driver, config = ReferenceDriver(simulator, config=PATIENT), ActionConfig()
    scene, command, moments = simulator.reset([scenarios.sample(0, seed)]), np.zeros((1, 2)), []
    while not judge(scene).any_ended:
        control, command = to_control(driver.act(scene), scene, command, config)
        scene = simulator.step(control)
        moments.append(scene.copy())
    return moments


def distance(scene: SceneBatch) -> float:
    """Return the distance from the ego to the nearest other (m)."""
    actors, ego = scene.actors, scene.ego
    apart = np.hypot(actors.x[0] - ego.x[0], actors.y[0] - ego.y[0])
    return float(np.where(actors.valid[0], apart, np.inf).min())


if __name__ == "__main__":
    main()
