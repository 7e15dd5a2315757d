"""The kernels' cache: one folder for each state of the sources, and not more of them than are kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from envs.compiled import KEPT_STATES, is_compiled, kernel_cache, njit
from envs.user_cache import CACHE_VARIABLE


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    kernel_cache.cache_clear()
    yield
    # Later tests must find the usual folder again.
    monkeypatch.undo()
    kernel_cache.cache_clear()


def test_the_newest_states_are_kept(tmp_path: Path) -> None:
    kernels = tmp_path / "kernels"
    for age in range(KEPT_STATES + 3):
        (kernels / f"state{age}").mkdir(parents=True)
        os.utime(kernels / f"state{age}", (1_000_000 - age, 1_000_000 - age))
    folder = kernel_cache()
    assert folder.parent == kernels and not folder.exists()
    assert sorted(path.name for path in kernels.iterdir()) == sorted(f"state{age}" for age in range(KEPT_STATES))


def test_a_kernel_is_compiled_and_computes() -> None:
    @njit
    def double(number: float) -> float:
        return 2.0 * number

    assert not is_compiled("double")
    assert double(1.5) == 3.0
    assert is_compiled("double") and not is_compiled("doubl")


def test_a_kernel_cannot_allocate() -> None:
    """It has no runtime that counts references, which is what makes passing tuples of arrays free."""

    @njit
    def allocate(count: int) -> npt.NDArray[np.float64]:
        return np.zeros(count)

    with pytest.raises(Exception, match="Only accept returning of array passed into the function"):
        allocate(3)
