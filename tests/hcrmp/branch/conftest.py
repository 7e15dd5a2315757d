"""Drives that several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcrmp.branch.worlds import Origin, origin_of
from hcrmp.run_folder import RunFolder
from hcrmp.sections import HintsConfig
from llm_hints.providers.faulty import FaultConfig
from llm_hints.service_config import HintServiceConfig
from tests.hcrmp.branch.drives import planner_drive, scripted_drive
from tests.hcrmp.tiny import tiny_run

LATE_HINTS = HintsConfig(
    provider="faulty",
    faults=FaultConfig(wrong=0.2, malformed=0.2, late=0.2, missing=0.2),
    service=HintServiceConfig(latency_s=0.3, latency_jitter_s=0.2),
)
"""Hints with everything that a restored moment could lose: questions in the air, fading hints, faults, a cache."""


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return tiny_run(tmp_path_factory.mktemp("branch"), hints=LATE_HINTS)


@pytest.fixture(scope="session")
def planned(run: RunFolder) -> Origin:
    """A tiny planner merges, with hints of every fault."""
    return origin_of(planner_drive(run))


@pytest.fixture(scope="session")
def route(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The law-abiding driver goes through a town with traffic and pedestrians."""
    return origin_of(scripted_drive(tmp_path_factory.mktemp("route"), "law_abiding", "route"))


@pytest.fixture(scope="session")
def referenced(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The reference driver overtakes; it plans every 0.6 s, and remembers what it chose."""
    return origin_of(scripted_drive(tmp_path_factory.mktemp("reference"), "reference", "overtaking"))


@pytest.fixture(scope="session")
def struck(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """A driver at full throttle, which hits somebody."""
    folder: Path = tmp_path_factory.mktemp("struck")
    return origin_of(scripted_drive(folder, "full_throttle", "occluded_pedestrian"))
