"""Files of passages: ours in the package, and a user's own; errors name the file and the line.

A file is a YAML list of mappings with the fields of ``Passage``; ``emphasis`` names its critics:

    - id: depot-speed
      title: Walking pace in the depot
      source: House rules of the depot
      kinds: [speed, pedestrian]
      emphasis: {safety: 0.8, efficiency: 0.1, comfort: 0.1}
      text: Nobody drives faster than a person walks between the halls. ...
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from llm_hints.hint import CRITICS
from llm_hints.knowledge.passage import Passage, PassageError

SUFFIXES = (".yaml", ".yml")
FIELDS = tuple(Passage.__dataclass_fields__)

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def shipped_folder() -> Path:
    """Return the folder of the passages that come with the package."""
    return Path(__file__).parent / "passages"


def load_passages(places: Sequence[Path]) -> tuple[Passage, ...]:
    """Return the passages of files and of folders' files, in that order; raise ``PassageError`` for what is wrong."""
    passages: dict[str, Passage] = {}
    where: dict[str, str] = {}
    for path in _files(places):
        for line, passage in _read(path):
            if passage.id in passages:
                raise PassageError(
                    f"{path}:{line}: id {passage.id!r} is taken, see {where[passage.id]}: choose another"
                )
            passages[passage.id], where[passage.id] = passage, f"{path}:{line}"
    return tuple(passages.values())


def _files(places: Iterable[Path]) -> list[Path]:
    """Return the files that ``places`` mean, those of a folder sorted by name."""
    files: list[Path] = []
    for place in places:
        if place.is_dir():
            found = sorted(path for path in place.iterdir() if path.suffix in SUFFIXES)
            if not found:
                raise PassageError(f"{place} holds no passages: files named *.yaml are needed")
            files += found
        else:
            files.append(place)
    return files


def _read(path: Path) -> list[tuple[int, Passage]]:
    """Return the passages of one file with the lines that they begin in."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise PassageError(f"no file of passages at {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PassageError(f"{path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise PassageError(f"{path}{line}: no valid YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(root, yaml.SequenceNode):
        raise PassageError(f"{path}: a YAML list of passages is needed, each beginning with '- id: ...'")
    return [(node.start_mark.line + 1, _passage(path, node)) for node in root.value]


def _passage(path: Path, node: yaml.Node) -> Passage:
    """Return the passage of one list entry; its errors name ``path`` and the line."""
    try:
        return _from_fields(_fields(node))
    except PassageError as error:
        raise PassageError(f"{path}:{node.start_mark.line + 1}: {error}") from None


def _fields(node: yaml.Node) -> dict[str, Any]:
    """Return the fields of an entry, each given once."""
    if not isinstance(node, yaml.MappingNode):
        raise PassageError(f"a mapping with the fields {', '.join(FIELDS)} is needed")
    names = [key.value for key, _ in node.value]
    if sorted(names) != sorted(FIELDS):
        wrong = sorted(set(names) ^ set(FIELDS)) or sorted({name for name in names if names.count(name) > 1})
        raise PassageError(f"each of the fields {', '.join(FIELDS)} is needed once; look at {', '.join(wrong)}")
    try:
        fields: dict[str, Any] = SafeConstructor().construct_document(node)
    except yaml.YAMLError as error:
        raise PassageError(f"no valid YAML: {getattr(error, 'problem', error)}") from None
    return fields


def _from_fields(fields: dict[str, Any]) -> Passage:
    """Return the passage, its types checked and its emphasis bound by name."""
    for name in ("id", "title", "text", "source"):
        if not isinstance(fields[name], str):
            raise PassageError(f"{name} {fields[name]!r} came; a text is needed (in quotes, if it is a number)")
    kinds, emphasis = fields["kinds"], fields["emphasis"]
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise PassageError(f"kinds {kinds!r} came; a list of kinds is needed")
    if not isinstance(emphasis, dict) or set(emphasis) != set(CRITICS) or not all(map(_is_number, emphasis.values())):
        raise PassageError(f"emphasis {emphasis!r} came; a number for each of {', '.join(CRITICS)} is needed")
    safety, efficiency, comfort = (float(emphasis[name]) for name in CRITICS)
    text = " ".join(fields["text"].split())
    return Passage(fields["id"], fields["title"], text, fields["source"], tuple(kinds), (safety, efficiency, comfort))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
