"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# The first example may compile kernels, and machines differ: no test is about time.
settings.register_profile("hcrmp", deadline=None)
settings.load_profile("hcrmp")
