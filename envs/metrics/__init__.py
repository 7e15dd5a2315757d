"""Evaluation measures: pure functions over arrays and ``SceneBatch``, each with its definition and its source.

``boxes``, ``following``, ``exposure``, ``encroachment``, ``rss`` tell how critical a moment or a drive was, ``comfort``
and ``rules`` how it was driven, ``drive`` all of it for one recorded drive. ``infractions``, ``driving_score`` and
``safebench`` score routes in the published forms; ``r157`` tells preventable collisions from unavoidable ones.
"""

from envs.metrics.drive import DriveMeasures, measure_drive
from envs.metrics.driving_score import DrivingScore, bench2drive, leaderboard_2_0, leaderboard_2_1
from envs.metrics.infractions import Infraction, infractions_of
from envs.metrics.r157 import Assessment, CarefulDriver, Outcome
from envs.metrics.safebench import SafeBenchDrive, safebench_drive, safebench_score

__all__ = [
    "Assessment",
    "CarefulDriver",
    "DriveMeasures",
    "DrivingScore",
    "Infraction",
    "Outcome",
    "SafeBenchDrive",
    "bench2drive",
    "infractions_of",
    "leaderboard_2_0",
    "leaderboard_2_1",
    "measure_drive",
    "safebench_drive",
    "safebench_score",
]
