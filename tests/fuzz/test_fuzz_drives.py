"""A short, deterministic run of the fuzz of drives and journals, and that it would notice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from envs.recording import DriveLog, DriveLogError
from tests.fuzz.drive_corpus import Files, drives, journal
from tests.fuzz.fuzz_drives import fuzz_file, verdict


@pytest.fixture(scope="module")
def sound() -> Files:
    return drives()


@pytest.fixture(scope="module")
def left() -> Files:
    return journal()


def test_the_sound_files_are_read(sound: Files, left: Files, tmp_path: Path) -> None:
    for name, content in sound.items():
        assert verdict(name, {"drive.arrow": content}, tmp_path) == "read"
    assert verdict("journal", left, tmp_path) == "read"


def test_two_hundred_files_are_read_or_refused(sound: Files, left: Files, tmp_path: Path) -> None:
    outcomes = Counter(verdict(*fuzz_file(sound, left, 0, index), tmp_path) for index in range(200))
    assert outcomes["read"] > 20 and outcomes["refused"] > 50


def test_a_file_depends_on_seed_and_number_alone(sound: Files, left: Files) -> None:
    assert fuzz_file(sound, left, 3, 7) == fuzz_file(sound, left, 3, 7)
    assert fuzz_file(sound, left, 3, 7) != fuzz_file(sound, left, 3, 8)


def test_an_error_of_two_lines_is_noticed(sound: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> DriveLog:
        raise DriveLogError("one\ntwo")

    monkeypatch.setattr(DriveLog, "read", broken)
    with pytest.raises(AssertionError, match="not one line"):
        verdict("plain", {"drive.arrow": sound["plain"]}, tmp_path)
