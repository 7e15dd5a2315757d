"""A CARLA-compatible, headless, deterministic server: the unmodified ``carla`` 0.9.16 client connects to it."""
