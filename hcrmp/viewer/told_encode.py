"""What a drive tells beside its scenes, as plain JSON for the replay page."""

from __future__ import annotations

import numpy as np

from hcrmp.viewer.packing import SHARE_QUANTUM, Plain, series
from hcrmp.viewer.told import ACTION_NAMES, Scan, Told

SCAN_QUANTUM_M = 0.1


def encode_told(told: Told) -> Plain:
    """Return prompts and answers, the spread of the policy and the scan; None for what was not recorded."""
    policy = None
    if told.mean is not None and told.spread is not None:
        policy = {
            name: {"mean": series(mean, SHARE_QUANTUM), "spread": series(spread, SHARE_QUANTUM)}
            for name, mean, spread in zip(ACTION_NAMES, told.mean.T, told.spread.T, strict=True)
        }
    return {
        "answers": [[round(one.asked_at_s, 2), one.source, one.prompt, one.answer] for one in told.answers],
        "answer": None if told.answer_index is None else series(told.answer_index, 1.0),
        "policy": policy,
        "scan": None if told.scan is None else _scan(told.scan),
    }


def _scan(scan: Scan) -> Plain:
    """Return the rays that meet something: for each tick pairs of (ray, range in ``SCAN_QUANTUM_M``), one flat list."""
    meets = scan.ranges_m < scan.range_m - SCAN_QUANTUM_M
    ranges = np.rint(scan.ranges_m / SCAN_QUANTUM_M).astype(np.int64)
    hits = [
        np.column_stack([np.flatnonzero(met), near[met]]).ravel().tolist()
        for met, near in zip(meets, ranges, strict=True)
    ]
    return {"rays": scan.ranges_m.shape[1], "range": scan.range_m, "q": SCAN_QUANTUM_M, "hits": hits}
