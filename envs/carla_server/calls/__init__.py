"""The calls that the server answers, one file for each family."""
