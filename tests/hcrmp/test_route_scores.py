"""Routes in ``hcrmp evaluate``: driven on from what is no collision, scored in the published forms."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from envs.metrics.driving_score import leaderboard_2_0, leaderboard_2_1
from envs.metrics.infractions import Infraction
from hcrmp.comparison.places import in_run, label
from hcrmp.episode_record import EpisodeRecord
from hcrmp.evaluate import evaluate, open_folder
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.metrics import summarise
from hcrmp.results import print_results, read_records
from hcrmp.results import summarise as results_of
from hcrmp.run_folder import read_json
from hcrmp.sections import ScenarioConfig
from tests.hcrmp.tiny import quiet

ROUTES = ScenarioConfig(("route",))


def config(tmp_path: Path) -> EvaluateConfig:
    return EvaluateConfig(
        runs_dir=str(tmp_path), density="high", episodes=24, worlds=24, record=1, progress=False, scenario=ROUTES,
        driver="full_throttle",
    )  # fmt: skip


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> EvaluateConfig:
    chosen = config(tmp_path_factory.mktemp("runs"))
    evaluate(chosen, open_folder(chosen), quiet())
    return chosen


def test_every_route_has_its_scores_and_its_infractions(evaluated: EvaluateConfig) -> None:
    path = in_run(evaluated, open_folder(evaluated)).results
    assert read_json(path)["protocol"]["ends_at"] == "collision"
    records = read_records(path)
    for record in records:
        completion = min(record.progress, 1.0)
        assert record.driving_scores["leaderboard-2.0"] == leaderboard_2_0(completion, record.infractions).score
        assert record.driving_scores["leaderboard-2.1"] == leaderboard_2_1(completion, record.infractions).score
        assert record.driving_scores["bench2drive"] == record.driving_scores["leaderboard-2.0"]
        assert all(0.0 < one.time_s <= record.time_s + 1e-6 and one.road and one.lane for one in record.infractions)
        collided = [one for one in record.infractions if one.kind.startswith("collision")]
        assert len(collided) == (record.outcome == "collision")
        if record.outcome == "success":
            assert record.infractions == ()
    ran = [r for r in records if any(one.kind == "red_light" for one in r.infractions)]
    assert any(max(one.time_s for one in r.infractions if one.kind == "red_light") < r.time_s - 0.5 for r in ran)


def test_the_table_shows_the_scores_and_says_what_they_are(evaluated: EvaluateConfig) -> None:
    records = read_records(in_run(evaluated, open_folder(evaluated)).results)
    text = io.StringIO()
    print_results(results_of("full_throttle", records, 0, "collision"), Console(file=text, width=150))
    told = " ".join(text.getvalue().split())
    assert "how the routes were driven" in told and "DS 2.0, B2D" in told and "DS 2.1" in told
    assert "no physics of contact" in told


def test_the_means_are_those_of_the_routes() -> None:
    usual = EpisodeRecord("route", "low", 0, "success", 10.0, 100.0, 10.0, 0.0, 0.0, 0.0, 3.0, progress=1.001)
    half = replace(
        usual, outcome="collision", progress=0.5,
        driving_scores={"leaderboard-2.0": 21.0, "bench2drive": 21.0, "leaderboard-2.1": 30.0},
        infractions=(Infraction("red_light", 1.0), Infraction("red_light", 2.0), Infraction("collision_vehicle", 3.0)),
    )  # fmt: skip
    whole = replace(usual, driving_scores={"leaderboard-2.0": 100.0, "bench2drive": 100.0, "leaderboard-2.1": 100.0})
    other = replace(usual, scenario="merging")
    metrics = summarise("all", [half, whole, other], np.random.default_rng(0)).metrics
    assert metrics["completion"].value == pytest.approx(0.75)
    assert metrics["leaderboard-2.0"].value == pytest.approx(60.5)
    assert metrics["leaderboard-2.1"].value == pytest.approx(65.0)
    assert metrics["red_lights"].value == pytest.approx(1.0) and metrics["stop_signs"].value == 0.0
    assert "completion" not in summarise("merging", [other], np.random.default_rng(0)).metrics


def test_what_ends_an_episode_can_be_chosen_and_is_in_the_name(tmp_path: Path) -> None:
    auto = config(tmp_path)
    assert auto.ending == "collision" and replace(auto, scenario=ScenarioConfig()).ending == "violation"
    strict = replace(auto, ends_at="violation")
    assert strict.ending == "violation" and label(strict) == f"{label(auto)}-ends-violation"
