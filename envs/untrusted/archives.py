"""Zip archives in memory: names, ratios and totals are looked at before anything is unpacked, and nothing is extracted.

Nothing of them is ever written to the disk, so that a name cannot lead anywhere; names that would are refused all the
same, because whoever made them meant harm.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from envs.untrusted.errors import UntrustedFileError

MOST_MEMBERS = 20_000
LARGEST_RATIO = 200
"""Unpacked bytes to a packed one. Weights and arrays are stored as they are; text rarely packs to less than 1/20."""
SMALL = 1 << 16
"""Members of so few bytes may have any ratio."""
DAMAGE = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, struct.error,
          zlib.error, UnicodeError, IndexError, OverflowError)  # fmt: skip
"""What zipfile lets through where an archive is broken."""


class Archive:
    """The members of a zip archive ``content``, of ``most`` unpacked bytes altogether."""

    def __init__(self, content: bytes, what: str, most: int) -> None:
        self.what = what
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except DAMAGE as error:
            raise UntrustedFileError(f"{what} is no zip archive or is cut short ({error})") from error
        self._members = {member.filename: member for member in self._zip.infolist()}
        self._check(most)

    @property
    def names(self) -> list[str]:
        """Names of the members."""
        return list(self._members)

    def size(self, name: str) -> int:
        """Return the unpacked bytes of a member; 0 where there is none of that name."""
        return self._members[name].file_size if name in self._members else 0

    def read(self, name: str) -> bytes:
        """Return a member."""
        if name not in self._members:
            raise UntrustedFileError(f"{self.what} has no {name}")
        try:
            content = self._zip.read(self._members[name])
        except DAMAGE as error:
            raise UntrustedFileError(f"{self.what}: {name} is damaged ({error})") from error
        if len(content) != self.size(name):
            raise UntrustedFileError(f"{self.what}: {name} is not of the size that the archive claims")
        return content

    def _check(self, most: int) -> None:
        members = self._zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise UntrustedFileError(f"{self.what} has {len(members):,} members, at most {MOST_MEMBERS:,} are read")
        if len(self._members) != len(members):
            raise UntrustedFileError(f"{self.what} has two members of one name")
        for member in members:
            self._check_member(member)
        total = sum(member.file_size for member in members)
        if total > most:
            raise UntrustedFileError(f"{self.what} unpacks to {total:,} bytes, at most {most:,} are read: a zip bomb")

    def _check_member(self, member: zipfile.ZipInfo) -> None:
        name = member.filename
        if leads_away(name) or stat.S_ISLNK(member.external_attr >> 16):
            raise UntrustedFileError(f"{self.what} has a member {name!r}, which leads out of the archive")
        if member.flag_bits & 1:
            raise UntrustedFileError(f"{self.what}: {name} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UntrustedFileError(f"{self.what}: {name} is packed in a way that is not read (stored or deflated)")
        if member.file_size > max(SMALL, LARGEST_RATIO * member.compress_size):
            raise UntrustedFileError(
                f"{self.what}: {name} unpacks {member.compress_size:,} bytes to {member.file_size:,}: a zip bomb"
            )


def leads_away(name: str) -> bool:
    """Return whether a member's name is absolute, climbs, or names a drive."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not name
