"""The planner and its jobs: multi-critic PPO that listens to hints; train, evaluate, replay."""
