"""HumanWindow: frames in a window, for ``render_mode="human"``. Only this file imports pygame, and only when used."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt


class HumanWindow:
    """One window that shows frames; it opens with the first frame, and ``close`` may be called twice.

    ``title`` of the window; ``rate_hz`` at most that many frames a second (0: as they come). When the person closes the
    window, ``closed`` becomes true and later frames are dropped: the drive goes on.
    """

    def __init__(self, title: str = "hcrmp", rate_hz: float = 0.0) -> None:
        self.title = title
        self.rate_hz = rate_hz
        self._pygame: Any = None
        self._surface: Any = None
        self._clock: Any = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the window was closed, by the program or by the person."""
        return self._closed

    def show(self, frame: npt.NDArray[np.uint8]) -> None:
        """Show a frame, ``(height, width, 3)`` uint8, and handle what the person did to the window."""
        if self._closed:
            return
        if self._surface is None or self._surface.get_size() != (frame.shape[1], frame.shape[0]):
            self._open(frame.shape[1], frame.shape[0])
        self._pygame.surfarray.blit_array(self._surface, frame.swapaxes(0, 1))
        self._pygame.display.flip()
        if any(event.type == self._pygame.QUIT for event in self._pygame.event.get()):
            self.close()
        elif self.rate_hz > 0.0:
            self._clock.tick(self.rate_hz)

    def close(self) -> None:
        """Close the window and give the display back."""
        if self._surface is not None:
            self._pygame.display.quit()
        self._surface = None
        self._closed = True

    def _open(self, width: int, height: int) -> None:
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        import pygame

        self._pygame = pygame
        pygame.display.init()
        pygame.display.set_caption(self.title)
        self._surface = pygame.display.set_mode((width, height))
        self._clock = pygame.time.Clock()
