"""Wherever parts, segments and runs are cut, an export shows each picture of its span once, at its time."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from itertools import pairwise

import av
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.recording.footage import EPOCH_US, Camera, Room, Site

from civiscope.base import ManualClock, Span
from civiscope.media import EncoderSettings, FileUnits, PlanarPicture, encode_clip

COUNT, GOP = 30, 15
STEP_US = 250_000
"""Four pictures a second: reordered ones lie more than half a second apart."""
HOUR_US = 3_600_000_000
SIZE_PX = (64, 48)


@dataclass(frozen=True)
class Clip:
    """A few seconds with pictures that need later ones; digests of its pictures in the order of showing."""

    file: FileUnits
    pictures: list[bytes]

    def shown_us(self, index: int) -> int:
        """When a unit shows, from the first one on."""
        return self.file.units[index].pts * 1_000_000 // 90_000


@dataclass(frozen=True)
class Case:
    """Where an import is cut, and what is exported of it; numbers of units and of pictures."""

    cuts: frozenset[int] = frozenset()
    resumed_at: int = COUNT
    begin: int = 0
    length: int = COUNT
    segment_us: int = 300_000_000
    hour_at: int = 2 * COUNT

    @property
    def end(self) -> int:
        """Behind the last picture."""
        return min(self.begin + self.length, COUNT)


CASES = st.builds(
    Case,
    st.frozensets(st.integers(1, COUNT - 1)),
    st.integers(1, COUNT),
    st.integers(0, COUNT - 1),
    st.integers(1, COUNT),
    st.sampled_from([300_000_000, 1_000_000]),
    st.integers(0, 2 * COUNT),
)


def shown(file: bytes) -> Iterator[tuple[float, bytes]]:
    """(seconds, digest) of each picture that a player shows."""
    with av.open(BytesIO(file), "r") as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            yield frame.time, sha256(frame.to_ndarray().tobytes()).digest()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    width, height = SIZE_PX
    noise = random.Random(3).randbytes(width * height + 8 * COUNT)
    chroma = bytes([128]) * (width * height // 4)
    pictures = (
        PlanarPicture(width, height, noise[8 * n :][: width * height], chroma, chroma) for n in range(COUNT)
    )
    encode_clip(path, pictures, EncoderSettings(rate_fps=4, gop_frames=GOP, b_frames=3))
    file = FileUnits(path)
    digests = [digest for _, digest in shown(path.read_bytes())]
    assert len(set(digests)) == len(file.units) == COUNT
    order = [unit.pts * 4 // 90_000 for unit in file.units]
    assert order[0] == 0
    assert max(before - after for before, after in pairwise(order)) >= 2
    assert order[-1] < COUNT - 1, "the last unit is not the last picture"
    return Clip(file, digests)


def imported(room: Room, clip: Clip, start_us: int, case: Case) -> Camera:
    """The clip as an import that was broken off at a unit; parts end where the case says."""
    recorder = room.recorder()
    camera = Camera(room.clock, tracks=clip.file.tracks)
    units = clip.file.units
    begin = 0
    for index, unit in enumerate(units):
        if index in {0, case.resumed_at}:
            camera.end(recorder)
            camera.start(recorder)
            begin = index
        if index in case.cuts:
            recorder.cut()
        first = units[begin]
        arrival_us = start_us + clip.shown_us(begin) + (unit.dts - first.dts) * 1_000_000 // 90_000
        placed = replace(
            unit, pts=unit.pts - first.pts, dts=unit.dts - first.pts, arrival_us=arrival_us,
            arrival_monotonic_us=room.clock.monotonic_us(),
        )  # fmt: skip
        camera.give(recorder, placed)
    camera.end(recorder)
    recorder.close()
    return camera


@given(case=CASES)
@example(case=Case(cuts=frozenset({COUNT - 1})))
@example(case=Case(resumed_at=COUNT - 2, begin=COUNT - 4))
@example(case=Case(cuts=frozenset(range(1, COUNT)), resumed_at=17, begin=26, hour_at=19))
@example(case=Case(resumed_at=5, begin=12, segment_us=1_000_000))
def test_each_picture_of_a_span_is_shown_once_at_its_time(
    site: Site, tmp_path_factory: pytest.TempPathFactory, clip: Clip, case: Case
) -> None:
    room = Room(site, tmp_path_factory.mktemp("cut") / "volume", ManualClock(EPOCH_US + HOUR_US))
    room.settings = replace(room.settings, segment_us=case.segment_us)
    start_us = EPOCH_US // HOUR_US * HOUR_US - case.hour_at * STEP_US
    camera = imported(room, clip, start_us, case)
    span = Span(start_us + case.begin * STEP_US, start_us + case.end * STEP_US)
    found = list(shown(b"".join(room.archive().export_mp4(camera.stream_id, span))))
    assert [digest for _, digest in found] == clip.pictures[case.begin : case.end]
    for number, (time_s, _) in enumerate(found):
        assert abs(time_s - number * STEP_US / 1e6) < 0.002
