"""The shipped passages, and files of passages with their errors."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from llm_hints.knowledge.passage import SCENE_KINDS, PassageError
from llm_hints.knowledge.passage_files import load_passages, shipped_folder
from tests.llm_hints.knowledge.builders import make_passage

ENTRY = """\
- id: {id}
  title: Walking pace
  source: House rules of the depot
  kinds: [speed, pedestrian]
  emphasis: {{safety: 0.8, efficiency: 0.1, comfort: 0.1}}
  text: >-
    Nobody drives faster than a person walks between the halls.
    Whoever cannot see round a corner stops before it.
"""


def write(folder: Path, content: str, name: str = "own.yaml") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_the_shipped_passages_cover_every_kind_and_every_critic() -> None:
    passages = load_passages([shipped_folder()])
    assert len(passages) >= 130
    kinds = Counter(kind for passage in passages for kind in passage.kinds)
    assert min(kinds[kind] for kind in SCENE_KINDS) >= 4
    for critic in range(3):
        assert sum(passage.emphasis[critic] == max(passage.emphasis) for passage in passages) >= 8
    assert len({passage.source.split(",")[0] for passage in passages}) >= 30


def test_the_shipped_passages_are_short_and_say_different_things() -> None:
    passages = load_passages([shipped_folder()])
    sentences = [len(re.findall(r"[.!?](?=\s|$)", passage.text)) for passage in passages]
    assert (min(sentences), max(sentences)) >= (2, 2) and max(sentences) <= 4
    assert len({passage.text for passage in passages}) == len({passage.id for passage in passages}) == len(passages)


def test_a_users_file_is_read_and_its_emphasis_bound_by_name(tmp_path: Path) -> None:
    shuffled = ENTRY.format(id="depot").replace(
        "{safety: 0.8, efficiency: 0.1, comfort: 0.1}", "{comfort: 0.2, safety: 0.7, efficiency: 0.1}"
    )
    (passage,) = load_passages([write(tmp_path, shuffled)])
    assert passage.emphasis == (0.7, 0.1, 0.2)
    assert passage.kinds == ("speed", "pedestrian")
    assert passage.text.endswith("halls. Whoever cannot see round a corner stops before it.")


def test_a_folder_is_read_in_the_order_of_its_names_and_other_files_are_left(tmp_path: Path) -> None:
    write(tmp_path, ENTRY.format(id="second"), "b.yml")
    write(tmp_path, ENTRY.format(id="first"), "a.yaml")
    write(tmp_path, "no passages", "notes.txt")
    assert [passage.id for passage in load_passages([tmp_path])] == ["first", "second"]


def test_an_id_that_is_taken_names_both_places(tmp_path: Path) -> None:
    first = write(tmp_path, ENTRY.format(id="same"), "a.yaml")
    second = write(tmp_path, ENTRY.format(id="other") + ENTRY.format(id="same"), "b.yaml")
    with pytest.raises(PassageError) as caught:
        load_passages([first, second])
    assert str(caught.value).startswith(f"{second}:9: ") and f"{first}:1" in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("kinds: [speed, pedestrain]", "kinds: [speed, pedestrian]", "Did you mean pedestrian?"),
        ("kinds: []", "kinds: [speed, pedestrian]", "one at least"),
        ("kinds: [speed, speed]", "kinds: [speed, pedestrian]", "once"),
        ("kinds: speed", "kinds: [speed, pedestrian]", "a list of kinds"),
        ("safety: 0.9,", "safety: 0.8,", "their sum 1"),
        ("safety: 1.8, efficiency: -0.9,", "safety: 0.8, efficiency: 0.1,", "in \\[0, 1\\]"),
        ("safety: high,", "safety: 0.8,", "a number for each"),
        ("speed: 0.8,", "safety: 0.8,", "a number for each"),
        ("title: 12", "title: Walking pace", "a text is needed"),
        ("id: two words", "id: depot", "hyphens"),
        ("  source: ''", "  source: House rules of the depot", "source has 0 characters"),
        ("  title: a", "  title: Walking pace", "title has 1 characters; 3 to 80"),
        ("  note: x", "  source: House rules of the depot", "look at note, source"),
        ("  title: x\n  title: y", "  title: Walking pace", "look at title"),
        (f"  text: {'a ' * 400}#", "  text: >-", "600 are allowed|no valid YAML"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path, wrong: str, right: str, told: str) -> None:
    broken = ENTRY.format(id="depot").replace(right, wrong)
    assert wrong in broken
    path = write(tmp_path, ENTRY.format(id="fine") + broken)
    with pytest.raises(PassageError, match=told) as caught:
        load_passages([path])
    assert re.match(rf"{re.escape(str(path))}:\d+: ", str(caught.value))
    assert int(str(caught.value).removeprefix(f"{path}:").split(":")[0]) >= 9
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- id: [", "no valid YAML"),
        ("id: one\n", "a YAML list of passages"),
        ("", "a YAML list of passages"),
        ("- only a text\n", ":1: a mapping with the fields id"),
        ("- !!python/object:os.system {}\n", "the fields id"),
    ],
)
def test_files_that_hold_no_passages(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(PassageError, match=told):
        load_passages([write(tmp_path, content)])


def test_places_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(PassageError, match="no file of passages at"):
        load_passages([tmp_path / "missing.yaml"])
    with pytest.raises(PassageError, match=r"files named \*\.yaml"):
        load_passages([tmp_path])
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PassageError, match="cannot be read|no valid YAML"):
        load_passages([tmp_path])


def test_a_passage_made_in_code_is_checked_too() -> None:
    with pytest.raises(PassageError, match="text has 5 characters"):
        make_passage(text="short")
