"""A short, deterministic run of the fuzz of recordings, and that it would notice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from envs.carla_recording import CarlaLogError
from envs.recording import DriveLog
from hcrmp.import_job import import_drive
from tests.fuzz import fuzz_logs
from tests.fuzz.fuzz_logs import fuzz_file, measured, verdict
from tests.fuzz.log_corpus import log_corpus
from tests.fuzz.log_mutations import packets


def test_the_sound_recordings_become_drives(tmp_path: Path) -> None:
    for content in log_corpus().values():
        assert b"".join(packets(content)) == content
        assert verdict(content, tmp_path) == "drive"


def test_a_hundred_files_become_drives_or_are_refused(tmp_path: Path) -> None:
    outcomes = Counter(verdict(fuzz_file(0, index)[1], tmp_path) for index in range(100))
    assert outcomes["drive"] > 20 and outcomes["refused"] > 20


def test_a_file_depends_on_seed_and_number_alone() -> None:
    assert fuzz_file(3, 7) == fuzz_file(3, 7) != fuzz_file(3, 8)


@pytest.mark.parametrize("lie", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x80"])
def test_a_size_of_four_gigabytes_takes_no_memory(tmp_path: Path, lie: bytes) -> None:
    parts = packets(log_corpus()["bare"])
    for index in range(1, len(parts)):
        spoilt = [*parts[:index], parts[index][:1] + lie + parts[index][5:], *parts[index + 1 :]]
        assert measured(b"".join(spoilt), tmp_path) == "refused"


def test_a_trace_on_the_disk_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def leaves(*_: object, **__: object) -> None:
        (tmp_path / "drive.arrow.part").touch()
        raise CarlaLogError(f"{tmp_path / 'drive.log'}: no")

    monkeypatch.setattr(fuzz_logs, "import_drive", leaves)
    with pytest.raises(AssertionError, match="files are left over"):
        verdict(b"", tmp_path)


def test_a_number_that_is_not_finite_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def spoilt(*given: object, **more: object) -> tuple[DriveLog, Path]:
        drive, path = import_drive(*given, **more)  # type: ignore[arg-type]
        drive.scenes.ego.block[0, 0] = np.nan
        return drive, path

    monkeypatch.setattr(fuzz_logs, "import_drive", spoilt)
    with pytest.raises(AssertionError, match="not finite"):
        verdict(log_corpus()["bare"], tmp_path)
