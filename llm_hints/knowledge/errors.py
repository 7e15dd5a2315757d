"""What can go wrong with a knowledge base beside its files."""

from __future__ import annotations


class KnowledgeError(RuntimeError):
    """Something that retrieval needs is not there; says what, and how to get it or do without."""
