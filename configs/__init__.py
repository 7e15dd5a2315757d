"""Hydra configuration: choices for each job; defaults stand in the dataclasses of the code."""
