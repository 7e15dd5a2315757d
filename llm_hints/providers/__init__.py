"""Sources of hints, one file each; what they have in common is in ``base``."""
