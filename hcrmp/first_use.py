"""What a user is told who waits for the kernels for the first time."""

from __future__ import annotations

from envs.embedded.kernel import step_is_compiled


def compilation_note() -> str:
    """Return that the simulator is compiled first, where it is: minutes without a decision look like a fault."""
    return "" if step_is_compiled() else "compiling the simulator, once for each version of it: 1 to 3 minutes ..."
