"""What a simulated device shows: a file as main stream, the same made small as sub stream, and a snapshot."""

import hashlib
import os
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from civiscope.base import AppError
from civiscope.media import EncoderSettings, FileUnits, TrackKind, decode_key_frame, recode_clip
from civiscope.simulator.footage import Footage

SUB_FPS = 5
SUB_WIDTH_PX = 640
_SUB_BITRATE_BPS = 256_000


@dataclass(frozen=True, slots=True)
class View:
    """One lens, ready to be served; may be shared by devices of one thread."""

    main: Footage
    sub: Footage | None
    """None where it cannot be made small: no encoder, or no picture that can be decoded."""
    snapshot: bytes = field(repr=False)
    """JPEG; empty where no key frame can be decoded."""


def load_view(clip: Path, cache: Path) -> View:
    """Read a file and its small twin, which is made once and kept in `cache`. Blocks, seconds at first."""
    source = FileUnits(clip)
    main = Footage(source)
    sub = None
    try:
        sub = Footage.load(small_clip(clip, source, cache), audio=False)
    except AppError:
        return View(main, None, _snapshot(source))
    if sub.units[-1].due_us < main.duration_us:
        sub.duration_us = main.duration_us  # both pass their seam together
    return View(main, sub, _snapshot(source))


def small_clip(clip: Path, source: FileUnits, cache: Path) -> Path:
    """The clip as H.264, 640 px wide (640x360 for 16:9), 5 pictures per second, a key frame every 2 s."""
    state = clip.stat()
    mark = f"{clip.resolve()}|{state.st_size}|{state.st_mtime_ns}|{SUB_WIDTH_PX}|{SUB_FPS}"
    kept = cache / f"sub-{hashlib.sha256(mark.encode()).hexdigest()[:24]}.mp4"
    if not kept.exists():
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = kept.with_suffix(f".{os.getpid()}.mp4")
        settings = EncoderSettings(rate_fps=SUB_FPS, gop_frames=2 * SUB_FPS, bitrate_bps=_SUB_BITRATE_BPS)
        try:
            recode_clip(clip, unfinished, *_small_size(source), settings)
            unfinished.rename(kept)
        finally:
            unfinished.unlink(missing_ok=True)
    return kept


def _small_size(source: FileUnits) -> tuple[int, int]:
    """At most 640 px wide, in the same shape; no wider than the source."""
    track = next((one for one in source.tracks if one.kind is TrackKind.VIDEO), None)
    if track is None or not track.width_px or not track.height_px:
        return SUB_WIDTH_PX, SUB_WIDTH_PX * 9 // 16
    width_px = min(SUB_WIDTH_PX, track.width_px) // 2 * 2
    height_px = round(Fraction(track.height_px * width_px, track.width_px * 2)) * 2
    return width_px, max(2, height_px)


def _snapshot(source: FileUnits) -> bytes:
    track = source.tracks[0]
    unit = next((one for one in source.units_of(track.track_id) if one.is_key), None)
    try:
        return b"" if unit is None else decode_key_frame(track, unit).jpeg
    except AppError:
        return b""
