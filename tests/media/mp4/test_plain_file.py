"""A plain file plays in other programs from its first wished picture to its last."""

import io
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import av
import pytest
from tests.media.mp4.clip import Clip, decoded, sound_clip, video_clip

from civiscope.base import ProtocolError
from civiscope.media import Codec
from civiscope.media.mp4 import PlainFile, PlainSample, Sample, Window
from civiscope.media.mp4.boxes import walk


def _plain(sample: Sample, configuration: int = 0) -> PlainSample:
    return PlainSample(
        sample.track_id, sample.decode_time, sample.composition_offset, sample.duration, len(sample.data),
        sample.is_key, configuration,
    )  # fmt: skip


def _write(clips: list[Clip], windows: dict[int, Window] | None = None) -> bytes:
    file = PlainFile([clip.track for clip in clips], epoch_us=1_700_000_000_000_000)
    rates = {clip.track.track_id: clip.track.clock_rate_hz for clip in clips}
    samples = [sample for clip in clips for sample in clip.samples]
    samples.sort(key=lambda sample: sample.decode_time / rates[sample.track_id])
    for sample in samples:
        file.add(_plain(sample))
    data = b"".join(sample.data for sample in samples)
    assert len(data) == file.data_bytes
    return file.header(windows) + data


def _shown(data: bytes) -> list[int]:
    """Presentation times in milliseconds of the pictures a player shows."""
    with av.open(io.BytesIO(data), "r") as container:
        return [round(frame.time * 1000) for frame in container.decode(video=0) if frame.time is not None]


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.MJPEG])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_every_picture_is_there(codec: Codec, b_frames: int) -> None:
    clip = video_clip(codec, b_frames=0 if codec is Codec.MJPEG else b_frames)
    assert _shown(_write([clip])) == [round(i * 1000 / 15) for i in range(30)]


@pytest.mark.parametrize("b_frames", [0, 2])
def test_the_edit_list_cuts_to_the_frame(b_frames: int) -> None:
    clip = video_clip(b_frames=b_frames)
    first = min(s.decode_time + s.composition_offset for s in clip.samples)
    window = Window(first + 10 * 6000, first + 25 * 6000)
    written = _write([clip], {1: window})
    assert _shown(written)[:3] == [0, 67, 133]
    assert len(_shown(written)) in {15, 16}
    pictures = decoded(written, "video")
    whole = decoded(_write([clip]), "video")
    assert (pictures[0].to_ndarray() == whole[10].to_ndarray()).all()


def test_a_cut_between_two_pictures_keeps_the_one_being_shown() -> None:
    clip = video_clip()
    written = _write([clip], {1: Window(10 * 6000 + 3000, 20 * 6000)})
    with av.open(io.BytesIO(written), "r") as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times[0] is not None
    assert times[0] <= 0.034


def test_ffprobe_finds_nothing_wrong_and_sound_starts_later(tmp_path: Path) -> None:
    video = video_clip()
    sound = sound_clip()
    late = [replace(s, decode_time=s.decode_time + 24_000) for s in sound.samples if s.decode_time < 60_000]
    path = tmp_path / "plain.mp4"
    path.write_bytes(_write([video, Clip(sound.track, late)], {1: Window(0, 180_000), 2: Window(0, 96_000)}))
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    assert done.stderr == b""
    found = json.loads(done.stdout)
    assert [stream["codec_name"] for stream in found["streams"]] == ["h264", "aac"]
    assert found["streams"][0]["nb_frames"] == "30"
    assert float(found["streams"][1]["start_time"]) == pytest.approx(0.5, abs=0.03)
    assert float(found["format"]["duration"]) == pytest.approx(2.0, abs=0.05)
    assert found["format"]["tags"]["creation_time"].startswith("2023-11-14T22:13:20")


def test_a_changed_resolution_plays_on() -> None:
    small, large = video_clip(), video_clip(size_px=(640, 360))
    file = PlainFile([small.track, large.track])
    for sample in small.samples:
        file.add(_plain(sample))
    for sample in large.samples:
        file.add(_plain(replace(sample, decode_time=sample.decode_time + 180_000), configuration=1))
    data = b"".join(sample.data for sample in (*small.samples, *large.samples))
    frames = decoded(file.header() + data, "video")
    assert [frame.width for frame in frames] == [320] * 30 + [640] * 30


def test_large_files_use_wide_offsets() -> None:
    file = PlainFile([video_clip(count=1).track])
    for index in range(3):
        file.add(PlainSample(1, index * 6000, 0, 6000, 2_000_000_000, True))
    header = file.header()
    assert b"co64" in header
    assert header[-16:-8] == b"\x00\x00\x00\x01mdat"
    assert int.from_bytes(header[-8:]) == 6_000_000_016
    assert [found.kind for found in walk(memoryview(header[:-16]))] == [b"ftyp", b"moov"]


def test_wrong_order_is_our_fault() -> None:
    file = PlainFile([video_clip(count=1).track])
    file.add(PlainSample(1, 6000, 0, 6000, 1, True))
    with pytest.raises(ProtocolError, match="goes back"):
        file.add(PlainSample(1, 0, 0, 6000, 1, True))
    with pytest.raises(ProtocolError, match="not one of"):
        file.add(PlainSample(9, 0, 0, 6000, 1, True))
    file.add(PlainSample(1, 6000 + 2**33, 0, 6000, 1, True))
    with pytest.raises(ProtocolError, match="does not fit"):
        file.header()


def test_an_empty_file_has_no_tracks() -> None:
    assert b"trak" not in PlainFile([video_clip(count=1).track]).header()
