"""CARLA as a simulator: the only room that imports ``carla``."""
