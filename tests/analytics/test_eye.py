"""One channel's pipeline on drawn pictures, really coded and decoded: when the detector looks, and what is
told."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from civiscope.analytics import (
    CLASSES,
    AnalyticOrder,
    ChannelEye,
    Detections,
    ObjectClass,
    PluginShelf,
    ScoreLevels,
    SeeingSettings,
    Seen,
    build_eye,
)
from civiscope.base import AppError, ErrorKind, ManualClock
from civiscope.media import EncoderSettings, FileUnits, Frame, PictureDecoder, PlanarPicture, encode_clip

WIDTH, HEIGHT, RATE_FPS = 320, 192, 5
Place = tuple[int, int] | None


class BrightThings:
    """A detector for drawn pictures: what is white is a person."""

    name = "bright_things"
    classes = frozenset({ObjectClass.PERSON})

    levels = ScoreLevels(0.5, 0.2)

    def __init__(self) -> None:
        self.looks = 0
        self.is_broken = False

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        return width_px // 2, height_px // 2

    def detect(self, rgb: NDArray[np.uint8]) -> Detections:
        self.looks += 1
        if self.is_broken:
            raise AppError(ErrorKind.INVALID, "The model does not run.")
        rows, columns = np.nonzero(rgb.min(2) > 200)
        if not len(rows):
            return Detections.none()
        size = np.array([rgb.shape[1], rgb.shape[0]] * 2)
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / size
        return Detections(
            box[None].astype(np.float32),
            np.array([0.9], np.float32),
            np.array([CLASSES.index(ObjectClass.PERSON)], np.int8),
        )


def pictures(places: Sequence[Place], size: tuple[int, int] = (WIDTH, HEIGHT)) -> Iterator[PlanarPicture]:
    """A grey wall with noise, and a white thing of 24 x 48 where it is told."""
    chance = np.random.default_rng(1)
    grey = bytes([128]) * (size[0] * size[1] // 4)
    for place in places:
        luma = 90 + chance.normal(0, 2, (size[1], size[0]))
        if place is not None:
            luma[place[1] : place[1] + 48, place[0] : place[0] + 24] = 235
        yield PlanarPicture(*size, np.clip(luma, 0, 255).astype(np.uint8).tobytes(), grey, grey)


def frames(folder: Path, places: Sequence[Place], size: tuple[int, int] = (WIDTH, HEIGHT)) -> Iterator[Frame]:
    path = folder / f"{uuid4()}.mp4"
    encode_clip(path, pictures(places, size), EncoderSettings(rate_fps=RATE_FPS, gop_frames=10))
    file = FileUnits(path)
    decoder = PictureDecoder(file.tracks[0])
    for unit in file.units:
        yield from decoder.decode(unit)
    yield from decoder.flush()


def zone_order() -> AnalyticOrder:
    settings = {
        "name": "Right",
        "zone": [[0.5, 0.1], [0.98, 0.1], [0.98, 0.98], [0.5, 0.98]],
        "min_dwell_s": 1,
    }
    return AnalyticOrder(uuid4(), "zone", json.dumps(settings))


class Watch:
    """An eye, its detector, and what it saw."""

    def __init__(self, folder: Path, *orders: AnalyticOrder) -> None:
        self.detector = BrightThings()
        self.eye, self.left_out = build_eye(self.detector, orders, PluginShelf(), ManualClock())
        self._folder = folder
        self.count = 0

    def look(self, *places: Place, size: tuple[int, int] = (WIDTH, HEIGHT)) -> list[Seen]:
        seen = []
        for frame in frames(self._folder, places, size):
            seen.append(self.eye.look(frame, self.count, self.count * 1_000_000 // RATE_FPS))
            self.count += 1
        return seen


EMPTY: Place = None


def walk(x0: int, x1: int, steps: int) -> list[Place]:
    return [(x0 + (x1 - x0) * step // steps, 100) for step in range(steps)]


def test_where_nothing_moves_the_detector_does_not_look(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    seen = watch.look(*[EMPTY] * 100)
    assert sum(one.did_detect for one in seen) == sum(not one.motion.is_warm for one in seen) <= 9
    assert watch.detector.looks <= 9


def test_it_looks_at_each_frame_in_which_something_moves(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    seen = watch.look(*[EMPTY] * 20, *walk(10, 280, 20))[20:]
    assert sum(one.did_detect for one in seen) >= 19
    assert {one.track_id for each in seen for one in each.frame.objects} == {1}
    assert seen[-1].frame.objects[0].is_seen


def test_what_rests_is_kept_and_looked_for_seldom(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.look(*[EMPTY] * 20, *walk(10, 150, 10))
    seen = watch.look(*[(150, 100)] * 400)
    assert all(len(one.frame.objects) == 1 and one.frame.objects[0].track_id == 1 for one in seen[3:])
    looks = [at for at, one in enumerate(seen) if one.did_detect and at > 15]
    pauses_s = [(after - before) / RATE_FPS for before, after in pairwise(looks)]
    assert pauses_s[:3] == [10, 20, 20], "less and less, and at least every twenty seconds"
    seen = watch.look(*walk(150, 280, 8))
    assert all(one.did_detect for one in seen[1:])


def test_who_is_there_from_the_first_frame_is_found(tmp_path: Path) -> None:
    seen = Watch(tmp_path).look(*[(100, 100)] * 30)
    assert all(len(one.frame.objects) == 1 for one in seen[1:])


def test_a_visit_is_told_from_end_to_end(tmp_path: Path) -> None:
    watch = Watch(tmp_path, zone_order())
    path = [*[EMPTY] * 15, *walk(10, 220, 14), *[(220, 100)] * 30, *walk(220, 10, 14), *[EMPTY] * 20]
    said = [one.observation for seen in watch.look(*path) for one in seen.observations]
    assert [(one.kind, one.phase.value) for one in said] == [
        ("zone.entered", "occurred"), ("zone.present", "began"),
        ("zone.present", "ended"), ("zone.left", "occurred"),
    ]  # fmt: skip
    entered_s = said[0].at_us / 1e6
    assert 15 / RATE_FPS + 8 / RATE_FPS < entered_s < 15 / RATE_FPS + 14 / RATE_FPS
    assert watch.eye.end(watch.count * 200_000) == ()


def test_the_end_ends_what_lasts(tmp_path: Path) -> None:
    watch = Watch(tmp_path, zone_order())
    watch.look(*[EMPTY] * 10, *walk(10, 220, 10), *[(220, 100)] * 10)
    assert [one.observation.phase.value for one in watch.eye.end(9_000_000)] == ["ended"]


def test_the_same_pictures_give_the_same_observations(tmp_path: Path) -> None:
    order = zone_order()

    def run() -> list[Seen]:
        return Watch(tmp_path, order).look(*[EMPTY] * 10, *walk(10, 250, 20))

    first, second = run(), run()
    assert [one.observations for one in first] == [one.observations for one in second]
    assert [one.frame for one in first] == [one.frame for one in second]


def test_another_size_begins_a_new_background(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.look(*[EMPTY] * 20)
    seen = watch.look(*[EMPTY] * 20, size=(160, 128))
    assert not seen[0].motion.is_warm
    assert seen[-1].motion.is_warm


def test_a_detector_that_fails_is_told_and_the_eye_goes_on(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.look(*[EMPTY] * 20)
    watch.detector.is_broken = True
    with pytest.raises(AppError, match="does not run"):
        watch.look(*walk(10, 100, 5))
    watch.detector.is_broken = False
    assert watch.look(*walk(40, 200, 10))[-1].frame.objects


def test_an_order_that_cannot_be_followed_leaves_the_others(tmp_path: Path) -> None:
    bad = AnalyticOrder(uuid4(), "zone", "{}")
    watch = Watch(tmp_path, bad, zone_order())
    assert list(watch.left_out) == [bad.analytic_id]
    assert "zone: Field required" in watch.left_out[bad.analytic_id]
    assert len(watch.eye.analytics) == 1


def test_defaults_are_one_value() -> None:
    assert SeeingSettings() == SeeingSettings()
    assert ChannelEye(SeeingSettings(), BrightThings()).analytics == ()
