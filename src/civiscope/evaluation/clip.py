"""A clip as the analyst would get it: as a camera's sub stream, or every frame at full size."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from civiscope.base import AppError, ErrorKind
from civiscope.evaluation.result import ClipFacts
from civiscope.media import EncoderSettings, FileUnits, TrackConfig, TrackKind, read_video_facts, recode_clip

LIVE_WIDTH_PX, LIVE_FPS, LIVE_BITRATE_BPS = 640, 5, 256_000
"""What cameras are asked for: 640 wide, 5 fps, at most 256 kbit/s, a key frame each 2 s."""
_NATIVE_BITRATE_BPS = 8_000_000
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class OpenClip:
    """The clip's own facts, and the units to look at."""

    facts: ClipFacts
    units: FileUnits
    fps: float
    """Of the units."""

    @property
    def track(self) -> TrackConfig:
        """The pictures."""
        return next(track for track in self.units.tracks if track.kind is TrackKind.VIDEO)


@contextmanager
def open_clip(path: Path, *, is_native: bool) -> Iterator[OpenClip]:
    """Read a clip; made smaller (live), or only coded anew where its codec is none of a camera's (native).

    AppError in plain words for a file that is no clip.
    """
    facts = _facts(path)
    with TemporaryDirectory(prefix="civiscope-clip-") as folder:
        made = Path(folder) / "clip.mp4"
        if is_native:
            units = _native_units(path, made, facts)
            yield OpenClip(facts, units, facts.fps)
            return
        width_px, height_px = _live_size(facts)
        settings = EncoderSettings(rate_fps=LIVE_FPS, gop_frames=2 * LIVE_FPS, bitrate_bps=LIVE_BITRATE_BPS)
        recode_clip(path, made, width_px, height_px, settings)
        yield OpenClip(facts, FileUnits(made, audio=False), float(LIVE_FPS))


def _native_units(path: Path, made: Path, facts: ClipFacts) -> FileUnits:
    try:
        units = FileUnits(path, audio=False)
    except AppError as error:
        if error.kind is not ErrorKind.INVALID:
            raise
        rate_fps = max(1, round(facts.fps))
        settings = EncoderSettings(
            rate_fps=rate_fps, gop_frames=2 * rate_fps, bitrate_bps=_NATIVE_BITRATE_BPS
        )
        recode_clip(path, made, facts.width_px // 2 * 2, facts.height_px // 2 * 2, settings)
        units = FileUnits(made, audio=False)
    if not any(track.kind is TrackKind.VIDEO for track in units.tracks):
        raise AppError(ErrorKind.INVALID, f"{path.name} holds no pictures, only sound.")
    return units


def _live_size(facts: ClipFacts) -> tuple[int, int]:
    """At most 640 wide in the same shape, no larger than the clip."""
    width_px = min(LIVE_WIDTH_PX, facts.width_px) // 2 * 2
    return width_px, max(2, round(facts.height_px * width_px / facts.width_px / 2) * 2)


def _facts(path: Path) -> ClipFacts:
    video = read_video_facts(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
    return ClipFacts(
        file=path.name,
        sha256=digest.hexdigest(),
        width_px=video.width_px,
        height_px=video.height_px,
        fps=video.fps,
        frames=video.frames,
        duration_s=round(video.frames / video.fps, 3),
    )
