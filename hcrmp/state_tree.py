"""Nested state (dicts, lists, numbers, texts, arrays) to and from one JSON document and one set of plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

ARRAY_MARK = "__array__"


def split_tree(tree: Any) -> tuple[Any, dict[str, npt.NDArray[Any]]]:
    """Return ``tree`` as a JSON-able copy whose arrays are replaced by marks, and the arrays by mark.

    Integers of any size survive (the state of NumPy's generators has 128 bits). Tuples come back as lists. What is
    neither JSON nor a numeric, boolean or text array is refused: nothing here is ever pickled.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    return _split(tree, "", arrays), arrays


def join_tree(document: Any, arrays: dict[str, npt.NDArray[Any]]) -> Any:
    """Return the tree that ``split_tree`` took apart."""
    if isinstance(document, dict):
        if set(document) == {ARRAY_MARK}:
            return arrays[document[ARRAY_MARK]]
        return {key: join_tree(value, arrays) for key, value in document.items()}
    if isinstance(document, list):
        return [join_tree(value, arrays) for value in document]
    return document


def _split(node: Any, place: str, arrays: dict[str, npt.NDArray[Any]]) -> Any:
    if isinstance(node, dict):
        return {_key(key, place): _split(value, f"{place}/{key}", arrays) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_split(value, f"{place}/{index}", arrays) for index, value in enumerate(node)]
    if isinstance(node, np.generic) and not node.dtype.hasobject:
        return node.item()
    if isinstance(node, np.ndarray) and not node.dtype.hasobject:
        name = f"array_{len(arrays)}"
        arrays[name] = node
        return {ARRAY_MARK: name}
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    raise TypeError(
        f"state {place or '/'} is a {type(node).__name__}; allowed are dicts, lists, numbers, texts and arrays"
    )


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str) or key == ARRAY_MARK:
        raise TypeError(f"state {place or '/'} has the key {key!r}; keys are texts other than {ARRAY_MARK!r}")
    return key
