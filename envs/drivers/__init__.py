"""Scripted drivers of the ego: naive ones that a scenario must defeat, a privileged one that masters it."""
