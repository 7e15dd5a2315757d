"""What the paper reports (Chen et al., arXiv 2505.15793), to stand beside ours: figures of an unpublished protocol.

Its scenes cannot be rebuilt, its cells have few episodes and no intervals, and its numbers do not all agree with each
other: goals, never a test.
"""

from __future__ import annotations

SUCCESS: dict[str, dict[str, tuple[int, ...]]] = {
    "HCRMP": {
        "overtaking": (99, 93, 87), "merging": (97, 92, 86),
        "occluded_pedestrian": (73, 67, 61), "trilemma": (75, 69, 64),
    },
    "Vanilla PPO": {"overtaking": (80, 69, 62), "merging": (89, 75, 68)},
    "E2ECLA": {"overtaking": (60, 56, 38), "merging": (56, 54, 42)},
    "AutoReward, iteration 5": {"overtaking": (85, 76, 70), "merging": (94, 85, 71)},
    "VLM-RL": {
        "overtaking": (54, 52, 50), "merging": (56, 53, 50),
        "occluded_pedestrian": (65, 53, 41), "trilemma": (67, 58, 54),
    },
}  # fmt: skip
"""Success rates in percent at low, medium and high density (Tables 1 and 2)."""

COLLISIONS: dict[str, tuple[int, ...]] = {
    "overtaking": (1, 7, 13), "merging": (3, 8, 14), "occluded_pedestrian": (27, 33, 39), "trilemma": (28, 31, 36),
}  # fmt: skip
"""HCRMP's collision rates in percent (Tables 1 and 2)."""

DRIVING: dict[str, tuple[tuple[float, ...], ...]] = {
    "occluded_pedestrian": (
        (9.98, 86.06, 50.07, 10.04, 1.69), (9.96, 82.09, 51.17, 9.97, 1.74), (8.97, 77.95, 48.59, 9.69, 1.72),
    ),
    "trilemma": (
        (10.24, 88.20, 51.58, 9.57, 1.44), (10.08, 79.91, 49.72, 10.14, 1.23), (9.94, 77.34, 47.13, 9.96, 1.72),
    ),
}  # fmt: skip
"""HCRMP's AS (m/s), TD (m), TS (s), SV and AV at low, medium and high density (Table 2)."""

ABLATION = {"hcrmp": 69, "no_asr": 40, "no_csa": 48, "attention": 57}
"""Success in percent, trilemma, medium density, by our method's name (Table 3)."""

PROMPTS = {
    "original": {"overtaking": (93, 4), "merging": (92, 6), "trilemma": (69, 7)},
    "concise": {"overtaking": (88, 4), "merging": (90, 4), "trilemma": (61, 5)},
    "detailed": {"overtaking": (91, 19), "merging": (92, 21), "trilemma": (62, 27)},
}
"""Success and calls of the cache in percent by prompt style (C.3)."""

PROVIDERS = {"Gemini-2.5-Pro": 64, "Llama-3.3-70B": 63, "GPT-4o": 61, "DeepSeek-r1": 61, "Qwen-Turbo": 59}
"""Success in percent, trilemma, high density, by language model (Table 4)."""

HINTS = {"right": (85, None), "wrong": (67, 23)}
"""Success and error of the value estimate in percent, overtaking, high density (Table 5)."""

MEAN_SUCCESS = 80.25
"""Mean of HCRMP's twelve cells in percent: the paper's headline."""

ANCHOR_GAIN = 54.67
"""Per cent less variance of the weights with anchors."""

DENSITIES = ("low", "medium", "high")


def success_in(cell: str, method: str = "HCRMP") -> int | None:
    """Return the success in a cell ("merging/low") in percent, None where the paper has none."""
    family, _, density = cell.partition("/")
    row = SUCCESS[method].get(family)
    return None if row is None else row[DENSITIES.index(density)]
