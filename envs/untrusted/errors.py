"""The one error of all readers of strangers' files."""

from __future__ import annotations

from envs.errors import EnvsError

LONGEST = 400
"""Characters of a message: what it quotes from the file may be of any length."""


class UntrustedFileError(EnvsError):
    """A file that is damaged, malicious or of another kind; one printable line, whatever the file holds."""

    def __init__(self, message: str) -> None:
        line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(message.split()))
        super().__init__(line if len(line) <= LONGEST else f"{line[:LONGEST]} ...")
