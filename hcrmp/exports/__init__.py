"""Drives in the formats of other tools: one file each, whose package is imported when it is asked for."""
