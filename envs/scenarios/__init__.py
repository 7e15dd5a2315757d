"""Scenarios as data: the conditions, their sampling by seed, and their maps."""
