"""Attributes and children of XML elements, read strictly: what is missing or no number is an ``OpenDriveError``."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

from envs.roads.elements import OpenDriveError


def child(element: Element, tag: str, where: str) -> Element:
    """Return the first child ``tag``, which must be there; ``where`` names the element in the message."""
    found = element.find(tag)
    if found is None:
        raise OpenDriveError(f"{where}: no <{tag}>")
    return found


def text(element: Element, key: str, where: str) -> str:
    """Return an attribute that must be there."""
    value = element.get(key)
    if value is None:
        raise OpenDriveError(f"{where}: attribute {key!r} is missing")
    return value


def number(element: Element, key: str, where: str, default: float | None = None) -> float:
    """Return a finite number; a missing attribute takes ``default`` where there is one."""
    if default is not None and key not in element.attrib:
        return default
    written = text(element, key, where)
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise OpenDriveError(f"{where}: attribute {key!r} is {written!r}, expected a finite number")
    return value


def integer(element: Element, key: str, where: str) -> int:
    """Return a whole number."""
    written = text(element, key, where)
    try:
        return int(written)
    except ValueError:
        raise OpenDriveError(f"{where}: attribute {key!r} is {written!r}, expected a whole number") from None
