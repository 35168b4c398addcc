"""What "next motion" finds on real clips: recorded by the real recorder, held against the block map's truth.

`python -m bench.next_motion FOLDER` prints a table of docs/design/browsing.md. Each clip is recorded as it is
and coded anew as cameras do, at constant quality and at a constant rate; the truth is what the analyst's
block map sees in every decoded frame. A clip is played three times over, so that what is quiet is learnt.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.recording.footage import EVERYTHING, Camera, Room, make_site, play_file

from civiscope.analytics import BlockMap
from civiscope.base import Span, StreamId, merge_spans
from civiscope.media import (
    AccessUnit,
    DecodeError,
    EncoderSettings,
    FileUnits,
    Frame,
    PictureDecoder,
    TrackKind,
    recode_clip,
)
from civiscope.recording import Archive

CLIPS = (
    ("one-by-one-person-detection.mp4", "indoors, people come and stand"),
    ("car-detection.mp4", "from above, cars one by one"),
    ("bottle-detection.mp4", "conveyor, long still parts"),
    ("vtest_PETS09-S2L1.mp4", "campus, always somebody small"),
)
CODINGS = {
    "as it is": None,
    "constant quality": EncoderSettings(rate_fps=10, gop_frames=20),
    "constant 1 Mbit/s": EncoderSettings(rate_fps=10, gop_frames=20, bitrate_bps=1_000_000),
}
_WIDTH_PX, _HEIGHT_PX = 640, 360
_TIMES = 3
_LEARNING_US = 20_000_000
_NEAR_US = 3_000_000
_ACTIVE_SHARE = 0.004
"""A second is active when moving blocks are this share of a frame of it."""


@dataclass(frozen=True, slots=True)
class Score:
    """Whole seconds, after the first 20."""

    active: int
    found_active: int
    quiet: int
    found_quiet: int
    motions: int
    found_motions: int
    """Told within 3 s of their beginning."""
    search_s: float
    """CPU for an hour of recording."""

    @property
    def words(self) -> str:
        """Columns of the table."""
        recall = f"{self.found_active / self.active:.2f}" if self.active else "-"
        false = f"{self.found_quiet / self.quiet:.2f}" if self.quiet else "-"
        return f"{recall} | {false} | {self.found_motions} of {self.motions} | {self.search_s:.2f}"


def main(folder: Path) -> None:
    """One line per clip and coding."""
    print(
        "| clip | coded | active seconds found | quiet ones called active | motions found | s for an hour |"
    )
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        site = make_site(Path(name) / "keys")
        for clip, scene in CLIPS:
            for number, (coding, settings) in enumerate(CODINGS.items()):
                path = folder / clip
                if settings is not None:
                    path = Path(name) / f"{number}-{clip}"
                    recode_clip(folder / clip, path, _WIDTH_PX, _HEIGHT_PX, settings)
                archive, stream_id = _recorded(Room(site, Path(name) / f"volume-{number}-{clip}"), path)
                print(f"| {clip} ({scene}) | {coding} | {_score(archive, stream_id).words} |", flush=True)


def _recorded(room: Room, path: Path) -> tuple[Archive, StreamId]:
    recorder, camera = room.recorder(), Camera(room.clock)
    file = FileUnits(path, audio=False)
    for _ in range(_TIMES):
        play_file(recorder, camera, file)
        camera.end(recorder)
        recorder.tick()
    recorder.close()
    return room.archive(), camera.stream_id


def _score(archive: Archive, stream_id: StreamId) -> Score:
    truth = _truth(archive, stream_id)
    begin_us = archive.timeline(stream_id, EVERYTHING).recorded[0].span.start_us
    began = time.process_time()
    found = archive.motion(stream_id, EVERYTHING)
    hours = (max(truth) - begin_us) / 3_600_000_000
    per_hour_s = (time.process_time() - began) / hours
    scored = {at_us: is_active for at_us, is_active in truth.items() if at_us >= begin_us + _LEARNING_US}
    active = [at_us for at_us, is_active in scored.items() if is_active]
    quiet = [at_us for at_us, is_active in scored.items() if not is_active]
    motions = merge_spans((Span(at, at + 1_000_000) for at in active), _NEAR_US)
    begun = [any(abs(one.start_us - motion.start_us) <= _NEAR_US for one in found) for motion in motions]
    return Score(
        len(active), _touched(active, found), len(quiet), _touched(quiet, found), len(motions), sum(begun),
        per_hour_s,
    )  # fmt: skip


def _touched(seconds: list[int], found: list[Span]) -> int:
    return sum(any(one.overlaps(Span(at, at + 1_000_000)) for one in found) for at in seconds)


def _truth(archive: Archive, stream_id: StreamId) -> dict[int, bool]:
    """Whole seconds of UTC, and whether the block map saw something move in them."""
    seconds: dict[int, bool] = {}
    decoder: PictureDecoder | None = None
    blocks: BlockMap | None = None
    for recorded in archive.read(stream_id, EVERYTHING):
        track = next(one for one in recorded.tracks if one.kind is TrackKind.VIDEO)
        decoder = decoder or PictureDecoder(track)
        second = recorded.wall_us // 1_000_000 * 1_000_000
        seconds.setdefault(second, False)
        for frame in _frames(decoder, recorded.unit):
            blocks = blocks or BlockMap(frame.width_px, frame.height_px)
            motion = blocks.look(frame.luma(), 0.1)
            if motion.is_warm and motion.moving.mean() >= _ACTIVE_SHARE:
                seconds[second] = True
    return seconds


def _frames(decoder: PictureDecoder, unit: AccessUnit) -> list[Frame]:
    try:
        return decoder.decode(unit)
    except DecodeError:
        return []


if __name__ == "__main__":
    main(Path(sys.argv[1]))
