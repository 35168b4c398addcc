"""The drawn streets: known truth, no jump at the seam, and pictures that survive coding."""

from pathlib import Path

import av
import pytest

from civiscope.base import AppError
from civiscope.media import EncoderSettings, encode_clip
from civiscope.simulator.canvas import Box, Canvas
from civiscope.simulator.street import StreetPlan, draw_street, movers, prepare_town

SMALL = StreetPlan("Test lane", 5, 320, 180, 5, 2)


def test_a_street_draws_every_frame_and_things_move() -> None:
    pictures = list(draw_street(SMALL))
    assert len(pictures) == 10
    assert all(len(p.y) == 320 * 180 and len(p.u) == len(p.v) == 160 * 90 for p in pictures)
    assert len({p.y for p in pictures}) == 10
    assert pictures[0].y == next(draw_street(SMALL)).y


def test_movers_close_their_loop() -> None:
    for mover in movers(SMALL):
        assert mover.left_px(0.0, 320) == mover.left_px(1.0, 320)
        assert mover.crossings != 0


def test_town_is_coded_once_and_plays(tmp_path: Path) -> None:
    clips = prepare_town(tmp_path, (SMALL,))
    clip = clips["Test lane"]
    first_written = clip.stat().st_mtime_ns
    assert prepare_town(tmp_path, (SMALL,)) == clips
    assert clip.stat().st_mtime_ns == first_written
    with av.open(str(clip)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 10
    assert (frames[0].width, frames[0].height) == (320, 180)


def test_an_odd_width_is_padded_not_sheared(tmp_path: Path) -> None:
    canvas = Canvas(66, 34, (100, 128, 128))
    canvas.fill(Box(0, 0, 32, 34), (200, 128, 128))
    path = tmp_path / "narrow.mp4"
    encode_clip(path, [canvas.picture()] * 5, EncoderSettings(rate_fps=5))
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    plane = frame.planes[0]
    rows = [bytes(plane)[row * plane.line_size : row * plane.line_size + 66] for row in range(34)]
    assert all(abs(row[8] - 200) < 12 and abs(row[56] - 100) < 12 for row in rows)


def test_drawing_outside_is_clipped() -> None:
    canvas = Canvas(32, 32)
    canvas.fill(Box(-100, -100, 10, 10), (255, 0, 0))
    canvas.fill(Box(30, 30, 100, 100), (255, 0, 0))
    assert canvas.picture().y.count(255) == 4
    with pytest.raises(ValueError, match="even sides"):
        Canvas(31, 32)


def test_no_picture_no_file(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="no picture"):
        encode_clip(tmp_path / "none.mp4", [], EncoderSettings())
    with pytest.raises(AppError, match="no-such"):
        encode_clip(tmp_path / "none.mp4", draw_street(SMALL), EncoderSettings(encoder="no-such"))
