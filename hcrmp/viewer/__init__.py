"""The replay viewer: a recorded drive as a self-contained HTML page, a film or a picture."""

from hcrmp.viewer.frames import write_png, write_video
from hcrmp.viewer.page import write_comparison, write_html

__all__ = ["write_comparison", "write_html", "write_png", "write_video"]
