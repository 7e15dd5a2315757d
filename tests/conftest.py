"""Settings of all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

# The first example may compile kernels, and machines differ: no test is about time.
settings.register_profile("hcrmp", deadline=None)
settings.load_profile("hcrmp")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the long form of the tests that drive many seeds (``make solvable``)."""
    parser.addoption("--all-seeds", action="store_true", help="drive every seed, not the first few, in long tests")


NEAR_NO_KERNELS = ("tests/hcrmp/test_camera_encoder.py", "tests/llm_hints/", "tests/envs/roads/")
"""Tests that take their time and compile next to nothing."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin the second half, which a second worker takes, with what needs no kernels: the first compiles them alone.

    On an empty cache both would compile the same kernels at the same time, for minutes.
    """
    names = [item.path.relative_to(config.rootpath).as_posix() for item in items]
    free = [item for item, name in zip(items, names, strict=True) if name.startswith(NEAR_NO_KERNELS)]
    others = [item for item, name in zip(items, names, strict=True) if not name.startswith(NEAR_NO_KERNELS)]
    half = len(items) // 2
    items[:] = [*others[:half], *free, *others[half:]]
