"""Observation blocks: each owns its features' names, its encoding and its slice of the observation."""
