"""Any stream of units, however odd, is read back as it came; no segment of a run overlaps another."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.recording.footage import AUDIO, EVERYTHING, VIDEO, Camera, Room, Site, with_generation

from civiscope.media import AccessUnit, UnitFlags
from civiscope.recording.sample_index import (
    read_arrivals,
    read_sample_index,
    write_arrivals,
    write_sample_index,
)
from civiscope.recording.track_lines import read_track_lines, write_track_lines

FLAGS = st.sampled_from([0, 1, 2, 3, 4, 6, 8, 15]).map(UnitFlags)

FIRST = (1, 1, 0, UnitFlags.KEY, b"first", 66_666)


@st.composite
def steps(draw: st.DrawFn) -> tuple[int, int, int, UnitFlags, bytes, int]:
    """(track, ticks since the last, composition offset, flags, data, microseconds until it arrives)."""
    return (
        draw(st.sampled_from([1, 1, 1, 2])),
        draw(st.one_of(st.just(6_000), st.integers(1, 20_000), st.integers(1, 1 << 40))),
        draw(st.sampled_from([0, 0, 3_000, -3_000, 12_000])),
        draw(FLAGS),
        draw(st.binary(max_size=60)),
        draw(st.sampled_from([66_666, 66_666, 0, 5_000, 2_000_000])),
    )


@settings(max_examples=60)
@given(
    wanted=st.lists(steps(), min_size=1, max_size=60),
    jumps=st.sets(st.integers(0, 59), max_size=3),
    changes=st.sets(st.integers(1, 59), max_size=2),
    clock_steps=st.dictionaries(st.integers(0, 59), st.integers(-7_200_000_000, 7_200_000_000), max_size=2),
)
def test_any_stream_is_read_back_as_it_came(
    site: Site,
    tmp_path_factory: pytest.TempPathFactory,
    wanted: list[tuple[int, int, int, UnitFlags, bytes, int]],
    jumps: set[int],
    changes: set[int],
    clock_steps: dict[int, int],
) -> None:
    room = Room(site, tmp_path_factory.mktemp("any") / "volume")
    room.settings = replace(room.settings, segment_us=2_000_000)
    recorder = room.recorder()
    camera = Camera(room.clock, tracks=(VIDEO, AUDIO))
    camera.start(recorder)
    dts = {1: 0, 2: 0}
    generation = 0
    for number, (track, ticks, offset, flags, data, wait_us) in enumerate([FIRST, *wanted]):
        room.clock.step_wall(clock_steps.get(number, 0))
        if number in changes:
            generation += 1
            camera.tracks = (with_generation(VIDEO, generation), AUDIO)
            recorder.tracks_changed(camera.stream_id, camera.run_id, camera.tracks, room.clock.now_us())
        camera.sequence += 5 if number in jumps else 1
        dts[track] += ticks
        unit = AccessUnit(
            track, camera.sequence, dts[track] + offset, dts[track], room.clock.now_us(),
            room.clock.monotonic_us(), flags, generation if track == 1 else 0, data,
        )  # fmt: skip
        camera.give(recorder, unit)
        room.clock.advance(wait_us)
        recorder.tick()
    recorder.close()
    archive = room.archive()
    assert [one.unit for one in archive.read(camera.stream_id, EVERYTHING)] == [
        unit for _, unit in camera.sent
    ]
    verdicts = archive.verify(camera.stream_id, EVERYTHING)
    assert {one.verdict.value for one in verdicts} == {"whole"}
    last = -1
    for part in archive.parts(camera.stream_id, EVERYTHING):
        assert part.first_sequence > last
        last = part.first_sequence + part.unit_count - 1
    timeline = archive.timeline(camera.stream_id, EVERYTHING)
    assert timeline.recorded
    assert timeline.gaps[-1].end_us is None


@given(st.lists(steps(), min_size=1, max_size=80), st.integers(-(1 << 50), 1 << 50))
def test_the_sample_index_is_exact_and_small(
    wanted: list[tuple[int, int, int, UnitFlags, bytes, int]], arrival_us: int
) -> None:
    dts = {1: -500, 2: 10_000}
    units: list[AccessUnit] = []
    for number, (track, ticks, offset, flags, data, wait_us) in enumerate(wanted):
        dts[track] += ticks
        arrival_us += wait_us
        units.append(
            AccessUnit(track, number, dts[track] + offset, dts[track], arrival_us, number * 3, flags, 0, data)
        )
    first: dict[int, int] = {}
    for unit in units:
        first.setdefault(unit.track_id, unit.dts)
    found = read_sample_index(write_sample_index(units), len(units), first)
    assert [(one.track_id, one.size_bytes, one.dts, one.pts, one.flags) for one in found] == [
        (unit.track_id, len(unit.data), unit.dts, unit.pts, unit.flags) for unit in units
    ]
    arrivals = read_arrivals(write_arrivals(units), len(units), units[0].arrival_us, 0)
    assert arrivals == [(unit.arrival_us, unit.arrival_monotonic_us) for unit in units]


def test_an_ordinary_camera_needs_under_four_bytes_a_frame() -> None:
    units = [
        AccessUnit(
            1,
            n,
            n * 6_000,
            n * 6_000,
            0,
            0,
            UnitFlags(n % 30 == 0),
            0,
            bytes(60_000 if n % 30 == 0 else 15_000),
        )
        for n in range(150)
    ]
    assert len(write_sample_index(units)) / len(units) < 3.2


@given(
    st.lists(
        st.builds(
            lambda sets, data, size: replace(
                VIDEO, parameter_sets=tuple(sets), codec_data=data, width_px=size
            ),
            st.lists(st.binary(max_size=30), max_size=3),
            st.binary(max_size=10),
            st.integers(0, 10_000),
        ),
        max_size=3,
    )
)
def test_track_lines_are_read_back(tracks: list[object]) -> None:
    configs = tuple(one for one in tracks if isinstance(one, type(VIDEO)))
    assert read_track_lines(write_track_lines(configs)) == configs
