"""The stream of episodes: each world's own, evenly or by weights, the same after a resume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.episodes import EpisodeStream
from envs.errors import InvalidConfigError
from envs.scene import IntArray

CELLS = (0, 1, 2, 3)
WEIGHTS = np.array([0.1, 0.0, 0.6, 0.3])


def started(batch: int, root: int = 5) -> EpisodeStream:
    stream = EpisodeStream(batch, CELLS)
    stream.start(root)
    return stream


def drawn(stream: EpisodeStream, times: int) -> tuple[IntArray, IntArray]:
    """Return seeds and cells ``(times, B)`` of so many episodes in every world."""
    rows = np.arange(len(stream.state()["episodes"]))
    seeds, cells = zip(*(stream.draw(rows) for _ in range(times)), strict=True)
    return np.stack(seeds), np.stack(cells)


def test_without_weights_the_cells_are_the_words_modulo_their_number() -> None:
    """Pinned: trainings that were begun before there were weights go on as they would have."""
    seeds, cells = drawn(started(2), 3)
    words = np.array([[np.random.SeedSequence(5, spawn_key=(b, k)).generate_state(2) for b in range(2)]
                      for k in range(3)]).astype(np.int64)  # fmt: skip
    assert np.array_equal(seeds, words[..., 0] >> 1) and np.array_equal(cells, words[..., 1] % 4)


def test_cells_come_in_proportion_to_their_weights() -> None:
    stream = started(64)
    stream.set_weights(20.0 * WEIGHTS)
    _, cells = drawn(stream, 100)
    shares = np.bincount(cells.ravel(), minlength=4) / cells.size
    # 6,400 draws: five standard deviations of the most uncertain share.
    assert shares == pytest.approx(WEIGHTS, abs=5.0 * 0.5 / np.sqrt(cells.size)) and shares[1] == 0.0


@given(worlds=st.integers(1, 6), before=st.integers(0, 4))
def test_a_draw_depends_on_root_world_number_and_present_weights_alone(worlds: int, before: int) -> None:
    """Not on how many worlds there are, nor on the weights of earlier draws."""
    some, many = started(worlds), started(8)
    some.set_weights(WEIGHTS[::-1].copy())
    for _ in range(before):
        some.draw(np.arange(worlds))
        many.draw(np.arange(8))
    some.set_weights(WEIGHTS)
    many.set_weights(WEIGHTS)
    assert all(np.array_equal(a, b[:, :worlds]) for a, b in zip(drawn(some, 4), drawn(many, 4), strict=True))


def test_weights_leave_the_seeds_as_they_are() -> None:
    plain, weighted = started(3), started(3)
    weighted.set_weights(WEIGHTS)
    assert np.array_equal(drawn(plain, 9)[0], drawn(weighted, 9)[0])


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_stream_goes_on_from_its_state(weights: np.ndarray | None) -> None:
    stream, other = started(3), EpisodeStream(3, CELLS)
    stream.set_weights(weights)
    drawn(stream, 4)
    other.set_weights(np.array([1.0, 1.0, 0.0, 0.0]))
    other.set_state(stream.state())
    assert all(np.array_equal(a, b) for a, b in zip(drawn(stream, 20), drawn(other, 20), strict=True))


def test_a_state_from_before_there_were_weights_means_evenly() -> None:
    stream, other = started(3), started(3)
    state = stream.state()
    del state["weights"]
    other.set_weights(WEIGHTS)
    other.set_state(state)
    assert other.weights is None and np.array_equal(drawn(stream, 9)[1], drawn(other, 9)[1])


@pytest.mark.parametrize("weights", [[1.0, 2.0], [0.0] * 4, [1.0, -1.0, 1.0, 1.0], [1.0, np.nan, 1.0, 1.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(InvalidConfigError, match="weights must be 4 numbers >= 0, one more than 0 at least, got"):
        started(1).set_weights(np.array(weights))
