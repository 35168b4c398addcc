"""What `media.mp4` writes is read back the same, and other programs play it."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.media.mp4.clip import Clip, decoded, sound_clip, video_clip

from civiscope.base import ProtocolError
from civiscope.media import Codec, TrackConfig
from civiscope.media.mp4 import (
    Sample,
    fragment,
    fragment_header,
    init_segment,
    mse_type,
    parse_fragment,
    parse_init,
    sample_offsets,
)

_SOUND = (Codec.AAC, Codec.OPUS, Codec.PCMU, Codec.PCMA)


def _movie(*clips: Clip) -> bytes:
    out = [init_segment([clip.track for clip in clips])]
    samples = sorted((s for clip in clips for s in clip.samples), key=lambda s: (s.decode_time, s.track_id))
    for number in range(0, len(samples), 7):
        out.append(fragment(number // 7 + 1, samples[number : number + 7]))
    return b"".join(out)


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.MJPEG])
def test_pictures_are_decoded_by_another_program(codec: Codec) -> None:
    clip = video_clip(codec)
    frames = decoded(_movie(clip), "video")
    assert len(frames) == len(clip.samples)
    assert [frame.pts for frame in frames] == [s.decode_time + s.composition_offset for s in clip.samples]


def test_b_frames_keep_their_order() -> None:
    clip = video_clip(b_frames=2)
    assert any(s.composition_offset != s.duration for s in clip.samples)
    frames = decoded(_movie(clip), "video")
    times = sorted(s.decode_time + s.composition_offset for s in clip.samples)
    assert [frame.pts for frame in frames] == times


@pytest.mark.parametrize("codec", _SOUND)
def test_sound_is_decoded_by_another_program(codec: Codec) -> None:
    clip = sound_clip(codec)
    frames = decoded(_movie(clip), "audio")
    assert sum(frame.samples for frame in frames) >= 0.9 * sum(s.duration for s in clip.samples)


def test_ffprobe_sees_both_tracks(tmp_path: Path) -> None:
    path = tmp_path / "movie.mp4"
    path.write_bytes(_movie(video_clip(Codec.H265), sound_clip()))
    command = ["ffprobe", "-v", "error", "-show_streams", "-count_packets", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    assert done.stderr == b""
    video, audio = json.loads(done.stdout)["streams"]
    assert (video["codec_name"], video["codec_tag_string"], video["width"]) == ("hevc", "hvc1", 320)
    assert (audio["codec_name"], audio["sample_rate"], audio["channels"]) == ("aac", "48000", 1)
    assert video["nb_read_packets"] == "30"


@pytest.mark.parametrize("codec", Codec)
def test_init_reads_back_the_same(codec: Codec) -> None:
    track = sound_clip(codec, 0.1).track if codec in _SOUND else video_clip(codec, count=2).track
    written = init_segment([track, replace(track, track_id=7)], epoch_us=1_700_000_000_000_000)
    first, second = parse_init(written)
    expected = replace(track, codec_data=track.codec_data.removeprefix(b"OpusHead"))
    assert (first, second) == (expected, replace(expected, track_id=7))


def test_types_are_named_as_browsers_know_them() -> None:
    video, sound = video_clip(count=1).track, sound_clip(seconds=0.1).track
    assert mse_type([video, sound]).startswith('video/mp4; codecs="avc1.42')
    assert mse_type([video, sound]).endswith(',mp4a.40.2"')
    assert mse_type([sound]) == 'audio/mp4; codecs="mp4a.40.2"'
    assert mse_type([video_clip(Codec.H265, count=1).track]) == 'video/mp4; codecs="hvc1.1.6.L60.90"'
    assert mse_type([sound_clip(Codec.OPUS, 0.1).track]) == 'audio/mp4; codecs="opus"'


def test_tracks_without_parameter_sets_are_refused() -> None:
    for codec in (Codec.H264, Codec.H265):
        with pytest.raises(ProtocolError, match="cannot be written without"):
            init_segment([TrackConfig(1, codec, 90_000)])


@st.composite
def _fragments(draw: st.DrawFn) -> tuple[int, list[Sample]]:
    samples = []
    for track_id in draw(st.lists(st.integers(1, 2**32 - 1), min_size=1, max_size=3, unique=True)):
        time = draw(st.integers(0, 2**63))
        for _ in range(draw(st.integers(1, 6))):
            duration = draw(st.integers(0, 2**32 - 1))
            offset = draw(st.integers(-(2**31), 2**31 - 1))
            data = draw(st.binary(max_size=40))
            samples.append(Sample(track_id, time, offset, duration, draw(st.booleans()), data))
            time += duration
    return draw(st.integers(0, 2**32 - 1)), samples


@given(_fragments())
def test_a_fragment_reads_back_the_same(made: tuple[int, list[Sample]]) -> None:
    sequence, samples = made
    written = fragment(sequence, samples)
    found = parse_fragment(written)
    assert (found.sequence, list(found.samples)) == (sequence, samples)
    header, order = fragment_header(sequence, samples)
    for sample, offset in zip(order, sample_offsets(len(header), order), strict=True):
        assert written[offset : offset + len(sample.data)] == sample.data


def _survives(read: Callable[[bytes], object], data: bytes) -> None:
    try:
        read(data)
    except ProtocolError as error:
        assert error.message  # noqa: PT017  # any other error fails the test


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_protocol_error(data: bytes) -> None:
    _survives(parse_init, data)
    _survives(parse_fragment, data)


@given(st.data())
def test_broken_bytes_end_in_a_protocol_error(data: st.DataObject) -> None:
    written, read = data.draw(st.sampled_from(_examples()))
    broken = bytearray(written)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(broken)))
    _survives(read, bytes(broken[: cut or None]))


def _examples() -> list[tuple[bytes, Callable[[bytes], object]]]:
    h264 = (bytes.fromhex("6742c00dd9"), bytes.fromhex("68cb83cb20"))
    tracks = [
        TrackConfig(1, Codec.H264, 90_000, parameter_sets=h264, width_px=320, height_px=180),
        TrackConfig(2, Codec.AAC, 48_000, sample_rate_hz=48_000, channel_count=2),
        TrackConfig(3, Codec.OPUS, 48_000, sample_rate_hz=48_000, channel_count=2),
        TrackConfig(4, Codec.MJPEG, 90_000, width_px=320, height_px=180),
    ]
    samples = [Sample(1, 5, 0, 3, True, b"abc"), Sample(1, 8, -1, 3, False, b"de")]
    return [(init_segment(tracks), parse_init), (fragment(1, samples), parse_fragment)]


def test_times_that_cannot_be_written_are_our_fault() -> None:
    good = Sample(1, 10, 0, 1, True, b"x")
    for bad in (replace(good, decode_time=-1), replace(good, duration=-1), replace(good, decode_time=2**64)):
        with pytest.raises(ProtocolError, match="cannot be written"):
            fragment(1, [bad])
    with pytest.raises(ProtocolError, match="goes back"):
        fragment(1, [good, replace(good, decode_time=9)])
