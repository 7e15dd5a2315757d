"""Evaluations of several planners: by a protocol, in parallel, resumable, compared with tests."""
