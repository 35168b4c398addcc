"""How long streams are kept: each by its own time, never what is protected, and what goes early says so."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.recording.footage import EVERYTHING, Camera, Room, play

from civiscope.base import AppError, ErrorKind, StreamId, new_id
from civiscope.recording import KeepBook, KeepTimes, SegmentsDeleted, StreamTime, VolumeForecast
from civiscope.recording.forecast import StreamUse, room_forecast

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US


def filmed(room: Room, count: int = 2, seconds: int = 6) -> list[Camera]:
    """Some seconds of some cameras in segments of about one."""
    room.settings = replace(room.settings, segment_us=SECOND_US)
    cameras = [Camera(room.clock) for _ in range(count)]
    recorder = room.recorder()
    for camera in cameras:
        camera.start(recorder)
    for _ in range(seconds):
        play(recorder, cameras, 15)
        assert recorder.wait_written()
    recorder.close()
    return cameras


def retain(room: Room) -> None:
    """A start of the recorder, a look at retention, and its end."""
    recorder = room.recorder()
    recorder.cut()
    assert recorder.wait_written()
    recorder.close()


def test_each_stream_goes_by_its_own_time(room: Room, tmp_path: Path) -> None:
    short, long = filmed(room)
    book = KeepBook(tmp_path / "times.json", 72 * HOUR_US)
    book.apply(KeepTimes(72 * HOUR_US, (StreamTime(short.stream_id, 2 * HOUR_US),)))
    room.keep_us = KeepBook(tmp_path / "times.json", None).keep_us  # as after a restart, without a server
    room.clock.advance(3 * HOUR_US)
    retain(room)
    archive = room.archive()
    assert archive.timeline(short.stream_id, EVERYTHING).recorded == ()
    assert {one.reason for one in archive.timeline(short.stream_id, EVERYTHING).gaps} >= {"retention"}
    assert archive.timeline(long.stream_id, EVERYTHING).recorded != ()
    assert [one.reason for one in room.facts if isinstance(one, SegmentsDeleted)] == ["retention"]


def test_what_goes_before_its_time_says_so(room: Room) -> None:
    (camera,) = filmed(room, count=1)
    whole = sum(one.size_bytes for one in room.archive().parts(camera.stream_id, EVERYTHING))
    room.settings = replace(room.settings, quota_bytes=whole // 2)
    retain(room)
    gaps = room.archive().timeline(camera.stream_id, EVERYTHING).gaps
    assert gaps[0].reason == "made_room"
    assert [one.reason for one in room.facts if isinstance(one, SegmentsDeleted)] == ["made_room"]
    assert room.archive().timeline(camera.stream_id, EVERYTHING).recorded != ()


def test_the_forecast_is_told_once_while_it_stays(room: Room) -> None:
    room.keep_us = lambda _: 72 * HOUR_US
    room.settings = replace(room.settings, quota_bytes=50_000_000, retention_every_us=SECOND_US)
    filmed(room, count=1, seconds=8)
    told = [one for one in room.facts if isinstance(one, VolumeForecast)]
    assert told
    assert told[-1].hours_left is not None
    assert 0 < told[-1].hours_left <= (told[-1].reach_hours or 0) < 72
    room.facts.clear()
    room.settings = replace(room.settings, quota_bytes=None)
    retain(room)
    assert [one.hours_left for one in room.facts if isinstance(one, VolumeForecast)] == [None]


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"[" * 5_000, b'{"version": 2}', b'{"version": 1, "default_us": 0, "streams": []}',
        b'{"version": 1, "default_us": -5, "streams": []}',
        b'{"version": 1, "default_us": true, "streams": []}',
        b'{"version": 1, "default_us": 5, "streams": [["x", 5]]}',
        b'{"version": 1, "default_us": 5, "streams": [["00000000-0000-0000-0000-000000000001", 0]]}',
    ],
)  # fmt: skip
def test_times_that_cannot_be_read_delete_nothing(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "times.json"
    path.write_bytes(text)
    book = KeepBook(path, 72 * HOUR_US)
    assert book.keep_us(StreamId(new_id())) is None
    assert book.digest == ""
    book.apply(KeepTimes(5 * HOUR_US))
    assert KeepBook(path, None).keep_us(StreamId(new_id())) == 5 * HOUR_US


def test_times_that_cannot_be_kept_are_in_force_and_asked_for_again(tmp_path: Path) -> None:
    book = KeepBook(tmp_path / "gone" / "times.json", 72 * HOUR_US)
    with pytest.raises(AppError) as caught:
        book.apply(KeepTimes(5 * HOUR_US))
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert book.keep_us(StreamId(new_id())) == 5 * HOUR_US
    assert book.digest == ""


def test_a_digest_names_the_times_in_any_order(tmp_path: Path) -> None:
    streams = tuple(StreamTime(StreamId(new_id()), number * HOUR_US) for number in (1, 2, 3))
    book = KeepBook(tmp_path / "times.json", None)
    book.apply(KeepTimes(9, streams[::-1]))
    assert book.digest == KeepTimes(9, streams).digest() != KeepTimes(9, streams[:2]).digest()


uses = st.lists(
    st.builds(
        StreamUse,
        st.integers(0, 10**9),
        st.one_of(st.just(0.0), st.floats(1.0, 1e6)),
        st.one_of(st.none(), st.integers(0, 10**6).map(lambda seconds: seconds * SECOND_US)),
    ),
    max_size=8,
)


@settings(max_examples=300)
@given(uses, st.integers(0, 10**11))
def test_the_room_is_used_up_when_it_was_foretold(found: list[StreamUse], capacity_bytes: int) -> None:
    told = room_forecast(found, capacity_bytes)

    def used(at_us: float) -> float:
        return sum(
            one.used_bytes
            + one.rate_bps * min(at_us, float("inf") if one.grows_us is None else one.grows_us) / 1e6
            for one in found
        )

    if told.left_us is None:
        assert all(one.rate_bps == 0 or one.grows_us is not None for one in found)
        if any(one.rate_bps > 0 for one in found):
            assert used(10**13) <= capacity_bytes * (1 + 1e-6) + 10
    elif told.left_us > 0:
        slack = sum(one.rate_bps for one in found) + capacity_bytes * 1e-6
        assert abs(used(told.left_us) - capacity_bytes) <= slack
    else:
        assert used(SECOND_US) + sum(one.rate_bps for one in found) >= capacity_bytes
