"""Pictures of a scene: ``SceneRenderer`` makes RGB arrays, ``RenderOverlay`` says what to write around them."""

from envs.rendering.panel import RenderOverlay
from envs.rendering.renderer import EGO_COLOUR, KIND_COLOURS, SceneRenderer

__all__ = ["EGO_COLOUR", "KIND_COLOURS", "RenderOverlay", "SceneRenderer"]
