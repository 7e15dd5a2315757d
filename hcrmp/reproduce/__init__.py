"""``hcrmp reproduce``: a run made again from its configuration, and what is not as it was."""
