"""Where the tests find real maps."""

from __future__ import annotations

from pathlib import Path

import pytest

MAPS = Path(__file__).parents[4] / "shared" / "data" / "carla_maps"


@pytest.fixture
def town(request: pytest.FixtureRequest) -> Path:
    """Path of the CARLA town named by the (indirect) parameter; skips where the maps are not there."""
    path = MAPS / f"{request.param}.xodr"
    if not path.exists():
        pytest.skip(f"no {path.name} in ../shared/data/carla_maps")
    return path
