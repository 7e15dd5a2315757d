"""Readers for files that strangers made: nothing in them is run, and nothing is allocated on their word.

Each reader looks at sizes first (of the file, of what it unpacks to, of every array that a header claims), then at the
content, and says in one line what is wrong. None of them unpickles.
"""

from envs.untrusted.errors import UntrustedFileError

__all__ = ["UntrustedFileError"]
