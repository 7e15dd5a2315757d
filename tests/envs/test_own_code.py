"""Code of the user's own that a configuration names: how it is named, loaded, and what is said where it cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envs.own_code import OwnCodeError, absolute, check_named, load_code, names_code, short_name, without_folder

DATA = """
from __future__ import annotations
from dataclasses import dataclass, field

@dataclass
class Settings:
    numbers: list[float] = field(default_factory=list)

calls = []
def double(x):
    calls.append(x)
    return 2 * x
"""


def test_a_file_is_imported_once_for_all_that_is_named_in_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(DATA)
    double = load_code(f"{file}:double", "key")
    assert double(3) == 6 and load_code(f"{file}:calls", "key") == [3]
    # Dataclasses look for their module among those that are imported.
    assert load_code(f"{file}:Settings", "key")().numbers == []


def test_an_installed_module_is_named_with_dots() -> None:
    assert load_code("envs.own_code:names_code", "key") is names_code


@pytest.mark.parametrize("text", ["courtesy", "a b:c", "mine.py:", "mine.py:a-b", ":f", "mine.py:f:g", "1a:f"])
def test_another_form_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(OwnCodeError, match=r"reward\.x names code as FILE\.py:name, or package\.module:name"):
        check_named(text, "reward.x")


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("def double(x): ...", "doubel", "has no 'doubel'; did you mean 'double'"),
        ("import no_such_module", "f", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "f", "fails: ZeroDivisionError"),
        ("def f(", "f", "fails: SyntaxError"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_line(tmp_path: Path, content: str, name: str, words: str) -> None:
    (tmp_path / "mine.py").write_text(content)
    before = set(sys.modules)
    with pytest.raises(OwnCodeError, match=words) as caught:
        load_code(f"{tmp_path / 'mine.py'}:{name}", "key")
    assert "\n" not in str(caught.value) and str(caught.value).startswith("key")
    if "fails" in words:
        assert not [module for module in set(sys.modules) - before if module.startswith("own_mine")]


def test_a_file_or_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OwnCodeError, match="there is no file"):
        load_code(f"{tmp_path / 'gone.py'}:f", "key")
    with pytest.raises(OwnCodeError, match=r"there is no module gone\.away: install"):
        load_code("gone.away:f", "key")


def test_references_keep_their_meaning_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("mine.py:f") == f"{tmp_path / 'mine.py'}:f"
    assert absolute("a.b:f") == "a.b:f" and absolute("merging") == "merging"
    assert without_folder(f"{tmp_path}/mine.py:f") == "mine.py:f" and without_folder("a.b:f") == "a.b:f"
    assert short_name("mine.py:f") == "f" and short_name("merging") == "merging"
    assert names_code("mine.py:f") and not names_code("merging")
