"""The embedded simulator: B worlds in one process, vehicle dynamics, collisions, visibility."""
