"""``hcrmp replay``: a recorded drive as a self-contained page, and as a video."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from envs.recording import DriveLog
from envs.recording.names import DRIVE_SUFFIX, drive_files, is_drive_name, recorded_at
from hcrmp.consoles import stderr_console, stdout_console
from hcrmp.errors import ConfigError, RunFolderError
from hcrmp.replay_config import ReplayConfig
from hcrmp.run_folder import RunFolder
from hcrmp.viewer import write_comparison, write_html, write_png, write_video

BY_RANK = ("worst", "best", "last", "all")
"""Words for ``episode`` that are no names."""

GRAVITY = ("success", "timeout", "violation", "off_road", "collision")
"""Outcomes from good to bad."""

MOST = 60
"""Drives on one page."""

SHOWN_NAMES = 12
"""Names of drives in an error message."""

PICTURE_SIZE = (1600, 900)
"""Width and height of the picture of a moment (pixels)."""


def run(config: ReplayConfig) -> int:
    """Write page and video and print where they are; or what ``exact`` and ``from_s`` ask for."""
    if config.exact or config.branches:
        return _simulate(config)
    paths = replay(config, stderr_console())
    console = stdout_console()
    for path in paths:
        console.print(str(path), soft_wrap=True, highlight=False)
    return 0


def _simulate(config: ReplayConfig) -> int:
    """Simulate the drive again, or let somebody else take over."""
    # Imported here: whoever looks at a drive need not wait for torch.
    if config.exact:
        from hcrmp.branch import exact

        return exact.run(path_of(config))
    from hcrmp.branch import job

    return job.run(config, path_of(config))


def path_of(config: ReplayConfig) -> Path:
    """Return the file of the one drive that ``config`` names."""
    if config.drive:
        return Path(config.drive)
    folder = RunFolder(config.run_path)
    name, _ = choose(config.episode, recorded_drives(folder))
    return recorded_at(folder.drives / f"{name}{DRIVE_SUFFIX}")


def replay(config: ReplayConfig, console: Console) -> list[Path]:
    """Write the page, and the video where one is wanted, of the drive or drives that ``config`` names."""
    # Read whole before anything is written: a drive that cannot be read leaves earlier pages as they are.
    name, drives, place = _named(config)
    if config.beside:
        return [_beside(config, name, drives, place)]
    if config.frame is not None:
        return [_picture(config.frame, name, drives, place)]
    paths = [write_html(drives, place / f"{name}.html")]
    if config.video != "none" and len(drives) == 1:
        console.print(f"{name}: {drives[0].meta.outcome}, {drives[0].duration_s:.1f} s; writing the {config.video} ...")
        paths.append(write_video(drives[0], place / f"{name}.{config.video}", speed=config.speed))
    return paths


def _named(config: ReplayConfig) -> tuple[str, list[DriveLog], Path]:
    """Return a name for the drive or drives that ``config`` names, the drives, and where their page goes."""
    if config.drive:
        file = Path(config.drive)
        return file.stem, [DriveLog.read(file)], Path(config.output) if config.output else file.parent
    folder = RunFolder(config.run_path)
    name, drives = choose(config.episode, recorded_drives(folder))
    return name, drives, Path(config.output) if config.output else folder.path / "replay"


def _beside(config: ReplayConfig, name: str, drives: Sequence[DriveLog], place: Path) -> Path:
    """Write the page of the drive and the one beside it."""
    other, second = _other(config)
    first = _only(drives, "beside compares one drive with another")
    return write_comparison(first, second, place / f"{name}-beside-{other}.html", (name, other))


def _other(config: ReplayConfig) -> tuple[str, DriveLog]:
    """Return name and drive of ``beside``: a drive of the run, or a file."""
    if config.run and not is_drive_name(config.beside):
        name, drives = choose(config.beside, recorded_drives(RunFolder(config.run_path)))
        return name, _only(drives, "beside compares one drive with another")
    return Path(config.beside).stem, DriveLog.read(config.beside)


def _picture(time_s: float, name: str, drives: Sequence[DriveLog], place: Path) -> Path:
    """Write the picture of a moment; refuse one that the drive does not have."""
    drive = _only(drives, "frame shows one drive")
    start_s, end_s = float(drive.scenes.time_s[0]), float(drive.scenes.time_s[-1])
    if not start_s <= time_s <= end_s:
        raise ConfigError(f"frame must lie in the drive, {start_s:.1f} to {end_s:.1f} s, got {time_s:g}")
    return write_png(drive, time_s, place / f"{name}-{time_s:g}s.png", PICTURE_SIZE)


def _only(drives: Sequence[DriveLog], what: str) -> DriveLog:
    if len(drives) > 1:
        raise ConfigError(f"{what}, and episode=all are {len(drives)}: name one, or worst, best, last")
    return drives[0]


def recorded_drives(folder: RunFolder) -> list[Path]:
    """Return the run's drives, oldest first; raises where there is none."""
    if not folder.path.is_dir():
        RunFolder.open(folder.path)  # which says what there is instead
    found = sorted(drive_files(folder.drives), key=lambda path: (path.stat().st_mtime, path.name))
    if not found:
        raise RunFolderError(f"{folder.path} has no recorded drive: 'hcrmp evaluate run={folder.path}' records some")
    return found


def choose(episode: str, recorded: Sequence[Path]) -> tuple[str, list[DriveLog]]:
    """Return the drive that ``episode`` names or ranks, and its name; ``all`` returns up to ``MOST``, worst first."""
    if episode == "last":
        return recorded[-1].stem, [DriveLog.read(recorded[-1])]
    if episode in BY_RANK:
        return _ranked(episode, recorded)
    paths = {path.stem: path for path in recorded}
    if episode not in paths:
        raise RunFolderError(_unknown(episode, sorted(paths)))
    return episode, [DriveLog.read(paths[episode])]


def _ranked(rank: str, recorded: Sequence[Path]) -> tuple[str, list[DriveLog]]:
    """Return the drives of a rank. How drives ended is read quickly; only those that tie are read whole."""
    by_gravity: dict[int, list[Path]] = {}
    for path in recorded:
        by_gravity.setdefault(gravity(DriveLog.read_meta(path).outcome), []).append(path)
    if rank == "all":
        worst = [path for group in sorted(by_gravity, reverse=True) for path in by_gravity[group]][:MOST]
        return "all", sorted(map(DriveLog.read, worst), key=badness, reverse=True)
    pick = min if rank == "best" else max
    tied = [(path.stem, DriveLog.read(path)) for path in by_gravity[pick(by_gravity)]]
    name, drive = pick(tied, key=lambda entry: badness(entry[1]))
    return name, [drive]


def gravity(outcome: str) -> int:
    """Return how bad an outcome is; one without a name is the worst."""
    return GRAVITY.index(outcome) if outcome in GRAVITY else len(GRAVITY)


def badness(drive: DriveLog) -> tuple[int, float]:
    """Return what drives are ranked by: how it ended, then the reward that it missed (the three terms alike)."""
    return gravity(drive.meta.outcome), -float(drive.trace.reward_terms.sum())


def _unknown(episode: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(episode, names, n=3, cutoff=0.5)
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    hidden = len(names) - SHOWN_NAMES
    shown = ", ".join(names[:SHOWN_NAMES]) + (f" and {hidden} more" if hidden > 0 else "")
    return f"no drive {episode!r} is recorded.{guess} There are {', '.join(BY_RANK)}, {shown}."
