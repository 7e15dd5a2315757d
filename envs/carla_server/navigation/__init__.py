"""Where walkers can go: a map's navigation mesh in the form that the client's pathfinding (Detour) loads."""
