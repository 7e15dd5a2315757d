"""From a scene to a hint: what a language model, or its stand-in, tells the planner. Knows ``envs.scene`` only."""
