"""``hcrmp report``: evaluations and trainings as one self-contained page, and in CARLA Leaderboard's layout."""
