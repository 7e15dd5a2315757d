"""Evaluation measures: pure functions over arrays and ``SceneBatch``, each with its definition and its source."""
