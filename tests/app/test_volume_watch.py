"""The state of a volume as its facts tell it."""

from pathlib import Path

from civiscope.app.volume_watch import VolumeWatch
from civiscope.base import RunId, SegmentId, StreamId, new_id
from civiscope.bus import Fact
from civiscope.recording import (
    SegmentClosed,
    SegmentOpened,
    SegmentsDeleted,
    VolumeFailed,
    VolumeRecovered,
    segment_path,
)


def test_used_bytes_count_open_closed_and_deleted_segments(tmp_path: Path) -> None:
    heard: list[Fact] = []
    watch = VolumeWatch(tmp_path, 1000, heard.append)
    stream, run, segment = StreamId(new_id()), RunId(new_id()), SegmentId(new_id())
    watch.take(SegmentOpened(stream, run, segment, 0))
    assert watch.status().used_bytes == 1000
    path = tmp_path / segment_path(stream, segment)
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(300))
    assert watch.status().used_bytes == 1300
    watch.take(SegmentClosed(stream, run, segment, 0, 1, 400, 1, ""))
    assert watch.status().used_bytes == 1400
    watch.take(SegmentsDeleted(1, 1000, 0, 1, "retention"))
    assert watch.status().used_bytes == 400
    assert len(heard) == 3
    assert watch.status().free_bytes > 0


def test_a_fault_is_shown_until_it_is_over(tmp_path: Path) -> None:
    watch = VolumeWatch(tmp_path, 0, lambda _: None)
    watch.take(VolumeFailed(str(tmp_path), "full", "no room"))
    assert watch.status().state == "full"
    watch.take(VolumeRecovered(str(tmp_path)))
    assert watch.status().state == "good"
    assert VolumeWatch(tmp_path / "gone", 0, lambda _: None).status().free_bytes == 0
