"""Sensors: what each sends after a tick, made only for those who listen."""
