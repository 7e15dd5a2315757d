"""The Rerun recording is read back with Rerun's own reader where it is installed; it is a package of 170 MB."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hcrmp.errors import UserError
from hcrmp.exports.rerun_file import write_rerun
from tests.envs.drive_builder import make_drive


def test_without_the_package_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(UserError, match=r'^to=rerun needs the package rerun-sdk: pip install "hcrmp\[rerun\]"$'):
        write_rerun(make_drive(3), tmp_path / "drive.rrd")
    assert not list(tmp_path.iterdir())
