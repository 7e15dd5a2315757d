"""Pictures and films of a recorded drive, drawn by the same renderer as the live view."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from envs.recording import DriveLog
from envs.rendering import RenderOverlay, SceneRenderer
from hcrmp.run_folder import provenance, provenance_line
from hcrmp.viewer.critical import Critical, critical

FILM_SUFFIXES = (".mp4", ".gif")
_GIF_SIZE = (640, 360)
_END_HOLD_S = 1.0


def overlay_of(drive: DriveLog, tick: int, risk: Critical) -> RenderOverlay:
    """Return what to write around the picture of a tick; the outcome shows at the drive's end only."""
    ego = drive.scenes.ego
    meta, trace = drive.meta, drive.trace
    words = [meta.planner, f"seed {meta.seed}"]
    return RenderOverlay(
        title=", ".join(part for part in (meta.scenario.replace("_", " ").capitalize(), meta.density) if part),
        subtitle=", ".join(word for word in words if word),
        hint_text=trace.hint_text[tick],
        hint_source=trace.hint_source[tick],
        hint_age_s=float(trace.hint_age_s[tick]),
        weights=None if trace.weights is None else trace.weights[tick],
        outcome=meta.outcome if tick == len(drive) - 1 else "",
        trail=np.column_stack([ego.x[: tick + 1], ego.y[: tick + 1]]),
        critical=int(risk.slot[tick]),
    )


def write_png(drive: DriveLog, time_s: float, path: str | os.PathLike[str], size: tuple[int, int] = (960, 540)) -> Path:
    """Write the picture of the tick nearest to ``time_s`` (simulated seconds)."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    tick = drive.tick_at(time_s)
    overlay = overlay_of(drive, tick, critical(drive.scenes))
    frame = SceneRenderer(drive.drawing, size).render(drive.scenes, tick, overlay)
    told = PngInfo()
    told.add_text("Comment", _made_by(drive))
    Image.fromarray(frame).save(target, format="PNG", pnginfo=told)
    return target


def write_video(
    drive: DriveLog,
    path: str | os.PathLike[str],
    fps: float = 10.0,
    size: tuple[int, int] | None = None,
    speed: float = 1.0,
) -> Path:
    """Write the drive as a film, ``.mp4`` (H.264) or ``.gif``, of ``fps`` pictures a second.

    ``speed`` is the simulated seconds that pass in one second of the film.
    The last picture stays for a second. ``size`` (width, height) in pixels; by default 960 x 540, a GIF 640 x 360.
    """
    target = Path(path)
    if target.suffix.lower() not in FILM_SUFFIXES:
        raise ValueError(f"a film cannot be written as {target.name!r}: end its name in {' or '.join(FILM_SUFFIXES)}")
    if not fps > 0.0:
        raise ValueError(f"fps is {fps}; it must be positive: pictures a second")
    if not speed > 0.0:
        raise ValueError(f"speed is {speed}; it must be positive: simulated seconds in a second of the film")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.stem}.part{target.suffix}")
    try:
        if target.suffix.lower() == ".gif":
            _write_gif(drive, partial, fps, size or _GIF_SIZE, speed)
        else:
            _write_mp4(drive, partial, fps, size or (960, 540), speed)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def frames(drive: DriveLog, fps: float, size: tuple[int, int], speed: float = 1.0) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the film's pictures, ``fps`` for every ``speed`` simulated seconds, and the last one for a second more."""
    renderer, risk = SceneRenderer(drive.drawing, size), critical(drive.scenes)
    start = float(drive.scenes.time_s[0])
    count = int(round(drive.duration_s / speed * fps)) + 1
    ticks = [drive.tick_at(start + number * speed / fps) for number in range(count)]
    ticks += [len(drive) - 1] * int(round(_END_HOLD_S * fps))
    for number, tick in enumerate(ticks):
        if number == 0 or tick != ticks[number - 1]:
            frame = renderer.render(drive.scenes, tick, overlay_of(drive, tick, risk))
        yield frame


def _write_mp4(drive: DriveLog, path: Path, fps: float, size: tuple[int, int], speed: float) -> None:
    # H.264 in yuv420p, which every browser plays, wants even sizes.
    even = (size[0] - size[0] % 2, size[1] - size[1] % 2)
    writer = imageio.get_writer(
        path, fps=fps, codec="libx264", quality=7, macro_block_size=2, pixelformat="yuv420p",
        output_params=["-metadata", f"comment={_made_by(drive)}"],
    )  # fmt: skip
    with writer:
        for frame in frames(drive, fps, even, speed):
            writer.append_data(frame)


def _write_gif(drive: DriveLog, path: Path, fps: float, size: tuple[int, int], speed: float) -> None:
    """Write with Pillow: one palette for all pictures keeps the file small and the colours still."""
    pictures = [Image.fromarray(frame) for frame in frames(drive, fps, size, speed)]
    palette = pictures[len(pictures) // 2].quantize(128)
    few = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    few[0].save(
        path, save_all=True, append_images=few[1:], duration=round(1000.0 / fps), loop=0, optimize=True,
        comment=_made_by(drive).encode(),
    )  # fmt: skip


def _made_by(drive: DriveLog) -> str:
    return provenance_line(provenance(drive.meta.seed))
