"""Share a planner, and open one that was shared, without running anything that is in the file."""

from hcrmp.share.opening import load_policy

__all__ = ["load_policy"]
