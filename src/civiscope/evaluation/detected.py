"""What a detector finds in single frames of a clip, without a tracker: for scoring the detector alone."""

from collections.abc import Collection, Iterator
from pathlib import Path

from civiscope.analytics import CLASSES, Detector
from civiscope.evaluation.clip import open_clip
from civiscope.evaluation.sequence import Placed
from civiscope.media import Frame, PictureDecoder


def detect_frames(path: Path, detector: Detector, frames: Collection[int]) -> Iterator[Placed]:
    """Boxes in pixels of the clip for the frames asked for, counted from 1, whatever their score."""
    with open_clip(path, is_native=True) as clip:
        decoder = PictureDecoder(clip.track)
        number = 0
        for unit in clip.units.units_of(clip.track.track_id):
            for frame in decoder.decode(unit):
                number += 1
                if number in frames:
                    yield from _found(frame, detector, number)


def _found(frame: Frame, detector: Detector, number: int) -> Iterator[Placed]:
    width_px, height_px = frame.width_px, frame.height_px
    found = detector.detect(frame.rgb(*detector.size_for(width_px, height_px)))
    rows = zip(found.boxes_n.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True)
    for (x0, y0, x1, y1), score, kind in rows:
        box = (x0 * width_px, y0 * height_px, (x1 - x0) * width_px, (y1 - y0) * height_px)
        yield Placed(number, 0, box, score, CLASSES[kind].value)
