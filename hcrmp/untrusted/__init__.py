"""Readers for what strangers' planners hold: torch's archives and weights, within the bounds of ``envs.untrusted``.

None of them unpickles.
"""
