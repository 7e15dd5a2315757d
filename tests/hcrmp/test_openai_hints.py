"""A training and an evaluation on hints from a chat endpoint that answers well, badly and not at all."""

from __future__ import annotations

import io
import logging
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hcrmp.evaluate import evaluate
from hcrmp.run_folder import RunFolder
from hcrmp.sections import HintsConfig
from hcrmp.train import train
from llm_hints.providers.openai_http import OpenAiConfig
from llm_hints.service_config import HintServiceConfig
from tests.hcrmp.tiny import evaluate_config, quiet, tiny_config, tiny_run
from tests.llm_hints.providers.chat_stub import Handler, Stub, break_off, stub

KEY = "sk-secret-0123456789"
NOBODY = (
    '{"road_category": "Highway", "traffic_density": "Low", "critical_entities": [], '
    '"weights": {"safety": 0.5, "comfort": 0.2, "efficiency": 0.3}}'
)


def in_turn(handler: Handler, body: dict[str, Any], turn: Any = count()) -> None:  # noqa: B008
    """Answer well, with what the request held, with HTML, with an error, and not at all."""
    ways = (
        lambda: handler.say(NOBODY),
        lambda: handler.say(str(dict(handler.headers.items()))),
        lambda: handler.text(200, "<html>"),
        lambda: handler.json(500, {"error": {"message": handler.headers["Authorization"]}}),
        lambda: break_off(handler, body),
    )
    ways[next(turn) % len(ways)]()


def hints(server: Stub) -> HintsConfig:
    config = OpenAiConfig(server.base_url, "m", "HINT_KEY", retries=0, parallel=2, pause_s=0.0, schema="plain")
    return HintsConfig("openai", openai=config, service=HintServiceConfig(period_s=0.2, window_s=0.2))


def files_with(word: str, folder: RunFolder) -> list[Path]:
    return [path for path in folder.path.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


def test_whatever_the_endpoint_does_the_jobs_go_on_and_no_file_has_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HINT_KEY", KEY)
    caplog.set_level(logging.DEBUG, logger="llm_hints")
    with stub(in_turn) as server:
        folder = tiny_run(tmp_path, hints=hints(server), tensorboard=True)
        trained = len(server.bodies)
        evaluate(evaluate_config(folder), folder, quiet())
        assert trained > 50 and len(server.bodies) > trained
    assert files_with("HINT_KEY", folder) and not files_with(KEY, folder) and KEY not in caplog.text
    assert all(kind in caplog.text for kind in ("malformed: ", "not_json", "server_error", "dropped"))


@pytest.mark.parametrize(("answers", "told"), [(True, False), (False, True)], ids=["answers", "never"])
def test_a_training_that_never_heard_its_model_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: bool, told: bool
) -> None:
    monkeypatch.setenv("HINT_KEY", KEY)
    said = io.StringIO()
    with stub(lambda handler, body: handler.say(NOBODY) if answers else handler.text(200, "<html>")) as server:
        train(tiny_config(tmp_path, hints=hints(server)), Console(file=said, width=300))
    assert ("questions was answered" in said.getvalue()) is told
