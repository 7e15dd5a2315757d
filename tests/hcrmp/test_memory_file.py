"""The hints' memory bank as a file that outlives a run, and what of the hints is told where."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hcrmp.cli import main
from hcrmp.config import load
from hcrmp.course import known_hints
from hcrmp.errors import ConfigError
from hcrmp.evaluate import evaluate
from hcrmp.sections import HintsConfig
from hcrmp.train import train
from llm_hints.cache import CacheConfig, CacheFileError, SemanticCache
from llm_hints.service_config import HintServiceConfig
from tests.hcrmp.test_curriculum import scalars
from tests.hcrmp.tiny import ROLLOUT, evaluate_config, quiet, tiny_config, tiny_run

FIRST = HintServiceConfig(policy="cache_first")


def hints(path: Path, **changes: int) -> HintsConfig:
    return HintsConfig(service=FIRST, cache=CacheConfig(**changes), cache_file=str(path))  # type: ignore[arg-type]


def test_a_bank_outlives_its_run_and_saves_the_next_ones_questions(tmp_path: Path) -> None:
    path = tmp_path / "bank.npz"
    first = train(tiny_config(tmp_path, "first", hints=hints(path), tensorboard=True), quiet())
    learnt = len(SemanticCache.load(path))
    assert learnt > 0
    second = train(tiny_config(tmp_path, "second", hints=hints(path), tensorboard=True), quiet())
    assert len(SemanticCache.load(path)) >= learnt
    asked = [sum(scalars(folder.tensorboard)["hints/asked"]) for folder in (first, second)]
    assert asked[0] >= learnt and asked[1] < asked[0] / 2
    assert not list(tmp_path.glob("*.tmp"))


def test_checkpoints_save_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    monkeypatch.setattr(SemanticCache, "save", lambda bank, path: saved.append(len(bank)))
    tiny_run(tmp_path, total_steps=4 * ROLLOUT, checkpoint_every=ROLLOUT, hints=hints(tmp_path / "bank.npz"))
    assert len(saved) == 4 and sorted(saved) == saved


def test_a_resumed_training_has_the_bank_of_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "bank.npz"
    folder = tiny_run(tmp_path, hints=hints(path))
    held = known_hints(folder, None, HintsConfig())
    path.unlink()
    tiny_run(tmp_path, hints=hints(path), resume=True, total_steps=3 * ROLLOUT)
    assert len(SemanticCache.load(path)) >= len(held["keys"]) > 0


def test_a_bank_does_not_answer_for_another_model(tmp_path: Path) -> None:
    trained = HintsConfig(service=FIRST)
    folder = tiny_run(tmp_path, hints=trained)
    assert known_hints(folder, None, trained)["keys"].size
    assert known_hints(folder, replace(trained, cache=CacheConfig(threshold=0.95)), trained)["keys"].size
    bundled = load("evaluate", ["run=x", "hints=bundled"]).hints
    assert bundled.service.policy == "cache_first" and known_hints(folder, bundled, trained) == {}
    # Where everything is asked, the bank serves only what the model does not.
    assert known_hints(folder, replace(bundled, service=HintServiceConfig()), trained)["keys"].size


def test_an_evaluation_reads_a_file_only_where_it_is_asked_to_and_writes_none(tmp_path: Path) -> None:
    path = tmp_path / "bank.npz"
    folder = tiny_run(tmp_path, hints=hints(path))
    learnt = path.read_bytes()
    path.write_bytes(b"text")
    results, _ = evaluate(evaluate_config(folder), folder, quiet())
    assert results.mean.metrics["hints_cached"].value > 0
    with pytest.raises(CacheFileError, match="no memory bank"):
        evaluate(evaluate_config(folder, hints=hints(path)), folder, quiet())
    path.write_bytes(learnt)
    again, _ = evaluate(evaluate_config(folder, hints=hints(path)), folder, quiet())
    assert again.mean.metrics["hints_cached"].value == results.mean.metrics["hints_cached"].value
    assert path.read_bytes() == learnt


def test_the_results_tell_of_the_hints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Strict enough that both are heard: the cache and who is asked.
    strict = CacheConfig(threshold=0.98)
    folder = tiny_run(tmp_path, hints=HintsConfig(service=FIRST, cache=strict))
    words = [f"run={folder.path}", "scenario=merging", "density=low", "episodes=2", "worlds=2", "progress=false"]
    assert main(["evaluate", *words]) == 0
    printed = capsys.readouterr().out
    assert "where the hints came from" in printed and "ms a batch" in printed
    written = json.loads(next(folder.evaluation.glob("*.json")).read_text(encoding="utf-8"))
    episode = written["episodes"][0]
    assert episode["hint_counts"]["due"] == episode["hints_due"] > 0
    shares = written["planners"][0]["summaries"][0]["metrics"]
    assert shares["hints_cached"]["value"] + shares["hints_asked"]["value"] == pytest.approx(1.0)
    assert written["planners"][0]["members"][0]["hint_latency"]["batches"] >= 0


def test_where_every_question_was_answered_there_is_no_table_of_hints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_run(tmp_path)
    words = [f"run={folder.path}", "scenario=merging", "density=low", "episodes=1", "progress=false"]
    assert main(["evaluate", *words]) == 0
    assert "where the hints came from" not in capsys.readouterr().out


def test_tensorboard_has_the_counters_of_each_rollout_and_the_wall_times(tmp_path: Path) -> None:
    curves = scalars(train(tiny_config(tmp_path, tensorboard=True), quiet()).tensorboard)
    assert len(curves["hints/due"]) == 2 and curves["hints/due"] == curves["hints/asked"] == curves["hints/answered"]
    for name in ("scm_calls_percent", "cache_share_percent", "stale", "invalid", "late", "weight_safety"):
        assert f"hints/{name}" in curves
    for share in ("p50", "p95", "p99"):
        assert min(curves[f"hints/batch_{share}_ms"]) > 0 and min(curves[f"hints/hint_{share}_ms"]) > 0


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"text", "remove it, or name another"), (None, "make it first"), (b"old", "version"), (b"big", "raise it")],
)
def test_a_file_that_is_no_bank_stops_a_training_before_it_begins(
    tmp_path: Path, content: bytes | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bank.npz" if content else tmp_path / "nowhere" / "bank.npz"
    if content == b"old":
        SemanticCache().save(path)
        with np.load(path) as file:
            np.savez(path, **{**dict(file), "version": np.array(2)})
    elif content == b"big":
        bank = SemanticCache(CacheConfig(2000))
        bank.insert(np.eye(36)[:2], np.zeros(2, np.int64), np.zeros((2, 13)), np.full((2, 3), 1 / 3))
        bank.save(path)
    elif content:
        path.write_bytes(content)
    before = path.read_bytes() if content else b""
    words = [f"runs_dir={tmp_path / 'runs'}", "run=x", f"hints.cache_file={path}", "hints.cache.capacity=1"]
    assert main(["train", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and str(path.parent) in error and told in error
    assert not (tmp_path / "runs").exists()
    assert not content or path.read_bytes() == before


def test_a_file_without_a_cache_is_refused_and_a_path_means_where_it_was_given() -> None:
    with pytest.raises(ConfigError, match="cache_file came"):
        load("train", ["hints.cache_file=x.npz", "hints.service.cache=false"])
    assert Path(load("train", ["hints.cache_file=x.npz"]).hints.cache_file) == Path("x.npz").absolute()
