"""Every benchmark sets itself up at its smallest size and prints what it is to print; no number in it is looked at."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.browser import program

# On an empty cache the first of them compiles every kernel.
pytestmark = pytest.mark.timeout(600)

HERE = Path(__file__).parent
MODULES = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith(("test_", "__")))

# Those of which a small run is a command: its arguments, and the first cells of the rows it prints.
COMMANDS: dict[str, tuple[list[str], list[str]]] = {
    "bench_environment": (
        ["--rounds", "1", "--seconds", "0.001", "--no-highway"],
        ["hcrmp, 1 world", "hcrmp, 64 worlds, one process"],
    ),
    "bench_cache": (["--entries", "50", "--repeats", "20"], ["50 entries, one bucket"]),
    "bench_policies": (
        ["--worlds", "2", "--ms", "0.01", "--rounds", "1", "--steps", "2", "--warm-up", "2"],
        ["no hints", "rules", "0.01 ms a hint, cache first, events asked"],
    ),
    "bench_exchange": (
        ["--ticks", "8", "--rounds", "1"],
        ["drive (.arrow)", "CARLA recording (.log)", "CSV, both tables"],
    ),
    "bench_evaluation": (["keep_lane", "--processes", "1", "--episodes", "1"], ["keep_lane"]),
    "bench_hint_models": (["--batch", "2", "--rounds", "1"], ["rules expert", "bundled, cpu"]),
    "bench_knowledge": (["--rounds", "1", "--only-words"], ["lexical", "chance"]),
    "bench_reset": (["--resets", "2"], ["town"]),
    "bench_served": (["--worlds", "2", "--steps", "2", "--families", "merging"], ["merging, drives"]),
    **(
        {
            "bench_viewer": (
                ["--minutes", "0.05", "--others", "3", "--rounds", "1", "--seconds", "0.2"],
                ["one drive", "two beside each other"],
            )
        }
        if program()
        else {}
    ),
    "bench_roads": (["--rounds", "1"], ["on_ramp_road"]),
    "bench_share": (["--rounds", "1"], ["torch, SB3's predict", "ONNX Runtime alone, action", "planner.onnx"]),
    "bench_sumo": (
        ["--maps", "town", "--rounds", "1", "--seconds", "0.01", "--seeds", "1", "--minutes", "0.1"],
        ["ours, step by step", "SUMO IDM", "mean speed (m/s)", "stop"],
    ),
}


def load(name: str) -> ModuleType:
    return importlib.import_module(f"tests.benchmarks.{name}")


def first_cells(text: str) -> list[str]:
    """Return the first cell of each row of the tables in ``text`` that has a number in its second."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [cells[0] for cells in rows if len(cells) > 1 and re.match(r"[\d,.]+", cells[1])]


def test_the_page_lists_every_benchmark() -> None:
    folder = Path(__file__).parent
    listed = re.findall(r"^\| `(\w+)` \|", (folder / "README.md").read_text("utf-8"), re.M)
    assert set(listed) == {"calibrate_vehicle", *(path.stem for path in folder.glob("bench_*.py"))}


@pytest.mark.parametrize("name", MODULES)
def test_it_can_be_loaded(name: str) -> None:
    assert load(name).__doc__


@pytest.mark.parametrize("name", COMMANDS)
def test_its_small_run_prints_its_rows(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    module, (arguments, rows) = load(name), COMMANDS[name]
    if name == "bench_sumo" and not module.has_sumo():
        pytest.skip("SUMO is not installed (extra bench)")
    if name == "bench_share":
        pytest.importorskip("onnxruntime")
    if name == "bench_roads":
        monkeypatch.setattr(module, "MAPS", tmp_path)
        monkeypatch.setenv(module.CACHE_VARIABLE, str(tmp_path))  # it sets its own, which is undone with this
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    module.main()
    printed = first_cells(capsys.readouterr().out)
    assert [row for row in rows if row not in printed] == []


def test_the_scaling_tables_have_a_row_for_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    scaling, town = load("bench_scaling"), load("crowded_town")
    maps = town.one_town()
    envs = [town.town_env(worlds, *scaling.split(5), maps, kept=1) for worlds in (1, 2)]
    measured = scaling.measure((1, 2), envs, 1, 1e-6)
    scaling.print_table(measured, "worlds", [1, 2])
    assert first_cells(capsys.readouterr().out) == ["1", "2"] and (measured.cost > 0.0).all()


def test_the_memory_of_a_world_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    memory = load("bench_memory")
    monkeypatch.setattr(memory, "STEPS", 2)
    memory.run(1)
    now, most = (float(number) for number in capsys.readouterr().out.split())
    assert 0.0 < now and 0.0 < most


def test_the_hints_service_is_asked_and_answers() -> None:
    hints = load("bench_hints")
    assert all(value >= 0.0 for value in hints.service_us(2, cache=True, steps=40))


@pytest.mark.parametrize("method", ["hcrmp", "ppo"])
def test_both_planners_train(method: str) -> None:
    training = load("bench_training")
    model = training.planner(method, 4)
    training.seconds_of(model, 1)
    assert model.num_timesteps > 0


def test_the_learning_alone_is_that_of_each_variant() -> None:
    models = load("bench_update").models("cpu")
    assert len(models) == 5 and len({type(model) for model in models.values()}) == 2


def test_a_new_process_shows_the_help() -> None:
    startup = load("bench_startup")
    assert startup.seconds_of(startup.HELP, os.environ) > 0.0
