"""``hcrmp robustness``: how often planners still succeed when a share of their hints is wrong."""
