"""What cannot be branched or simulated again."""

from __future__ import annotations

from hcrmp.errors import UserError


class BranchError(UserError):
    """A drive that cannot be simulated again or branched here; one line that says why, and what can be done."""
