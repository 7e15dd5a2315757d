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
