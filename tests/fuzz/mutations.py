"""Structural mutations of XML: wrong numbers, and elements that are missing, doubled, swapped or out of place."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from xml.etree.ElementTree import Element

import numpy as np

VALUES = (
    "nan", "inf", "-inf", "1e308", "-1e308", "1e-308", "1e9", "-1e9", "0", "-0.0", "-1", "1", "-3.5",
    "99999999999999999999", "", " ", "x", "none", "start", "end", "road", "junction", "true", "0x10", "1,5", "1_000",
    "\u0663", "\t\n", "A" * 300,
)  # fmt: skip
"""What an attribute becomes: no numbers, huge, negative and tiny ones, empty ones, text, other digits."""


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a map with one to four mutations; one in ten is also cut or has a byte changed."""
    root = ElementTree.fromstring(content)
    for _ in range(int(rng.integers(1, 5))):
        _MUTATIONS[int(rng.integers(len(_MUTATIONS)))](root, rng)
    result = ElementTree.tostring(root)
    return _damaged(result, rng) if rng.random() < 0.1 else result


def _damaged(content: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content)))
    if rng.random() < 0.5:
        return content[:place]
    return content[:place] + bytes([int(rng.integers(256))]) + content[place + 1 :]


def _any(root: Element, rng: np.random.Generator) -> Element:
    elements = list(root.iter())
    return elements[int(rng.integers(len(elements)))]


def _attribute(root: Element, rng: np.random.Generator) -> tuple[Element, str]:
    elements = [element for element in root.iter() if element.attrib]
    if not elements:
        root.set("version", "1")
        return root, "version"
    element = elements[int(rng.integers(len(elements)))]
    keys = list(element.attrib)
    return element, keys[int(rng.integers(len(keys)))]


def _set_value(root: Element, rng: np.random.Generator) -> None:
    element, key = _attribute(root, rng)
    element.set(key, VALUES[int(rng.integers(len(VALUES)))])


def _scale_value(root: Element, rng: np.random.Generator) -> None:
    """Change a number by a factor; what is no number becomes one."""
    element, key = _attribute(root, rng)
    factor = (-1.0, 0.0, 0.5, 1.001, 2.0, 1e3, 1e-3, 1e12)[int(rng.integers(8))]
    try:
        element.set(key, repr(float(element.get(key, "")) * factor))
    except ValueError:
        element.set(key, repr(factor))


def _drop_attribute(root: Element, rng: np.random.Generator) -> None:
    element, key = _attribute(root, rng)
    del element.attrib[key]


def _swap_values(root: Element, rng: np.random.Generator) -> None:
    (one, first), (two, second) = _attribute(root, rng), _attribute(root, rng)
    one_value, two_value = one.get(first, ""), two.get(second, "")
    one.set(first, two_value)
    two.set(second, one_value)


def _child(root: Element, rng: np.random.Generator) -> tuple[Element, int]:
    """Return a random element with children, and the number of one of them; the root where there is none."""
    parents = [element for element in root.iter() if len(element)]
    if not parents:
        root.append(Element("road"))
        return root, 0
    parent = parents[int(rng.integers(len(parents)))]
    return parent, int(rng.integers(len(parent)))


def _drop_element(root: Element, rng: np.random.Generator) -> None:
    parent, index = _child(root, rng)
    del parent[index]


def _double_element(root: Element, rng: np.random.Generator) -> None:
    parent, index = _child(root, rng)
    parent.insert(int(rng.integers(len(parent) + 1)), copy.deepcopy(parent[index]))


def _swap_elements(root: Element, rng: np.random.Generator) -> None:
    parent, index = _child(root, rng)
    other = int(rng.integers(len(parent)))
    parent[index], parent[other] = parent[other], parent[index]


def _transplant(root: Element, rng: np.random.Generator) -> None:
    parent, index = _child(root, rng)
    _any(root, rng).append(copy.deepcopy(parent[index]))


def _rename(root: Element, rng: np.random.Generator) -> None:
    _any(root, rng).tag = _any(root, rng).tag


_MUTATIONS: tuple[Callable[[Element, np.random.Generator], None], ...] = (
    _set_value, _set_value, _set_value, _scale_value, _scale_value, _drop_attribute, _swap_values, _drop_element,
    _double_element, _swap_elements, _transplant, _rename,
)  # fmt: skip
