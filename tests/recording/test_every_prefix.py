"""Every prefix of what a volume's life writes, unsynced changes dropped, torn or reordered, opens again.

The life crosses an hour of keys, deletes by age, compacts its index, rewrites its check-points, is closed and
opened; some volumes are cut a second time while they are mended.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest
from tests.recording.footage import EPOCH_US, EVERYTHING, Camera, Room, Site, play

from civiscope.base import ManualClock, StreamId
from civiscope.recording import Archive, SegmentVerdict, Verdict, Volume
from civiscope.recording import volume as volume_file
from civiscope.storage import DirectoryFiles, Files, RecordedFiles, after_cut
from civiscope.storage.recorded_files import Change, RecordedChange

S = 1_000_000
HOUR_US = 3_600 * S
Unit = tuple[StreamId, UUID, int]


class Unsynced(DirectoryFiles):
    """A folder of a test: the cut is played, so nothing need reach the disk."""

    def sync(self) -> None:
        return


@dataclass(frozen=True)
class Moment:
    """What was certain when so many changes had been made."""

    changes: int
    sent: frozenset[Unit]
    alive: frozenset[Unit]


def on_disk(archive: Archive) -> frozenset[Unit]:
    """Every unit a volume shows."""
    return frozenset(
        (stream_id, part.run_id, part.first_sequence + step)
        for stream_id in archive.streams()
        for part in archive.parts(stream_id, EVERYTHING)
        for step in range(part.unit_count)
    )


class Life:
    """A volume's life: every change, and what was certain after each cut."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.room = Room(site, folder, ManualClock(EPOCH_US))
        self.room.clock.advance(HOUR_US - 60 * S - 4 * S)
        self.room.settings = replace(
            self.room.settings, keep_us=5 * S, retention_every_us=S, segment_us=1_500_000
        )
        self.changes: list[RecordedChange] = []
        self.room.make_files = self.the_files
        self.cameras = [Camera(self.room.clock, mean_bytes=40, gop=5) for _ in range(2)]
        self.moments = [Moment(0, frozenset(), frozenset())]
        for cuts in (7, 4, 2):
            self.session(cuts)

    def the_files(self, path: Path) -> Files:
        """One history for all sessions."""
        files = RecordedFiles(Unsynced(path))
        files.changes = self.changes
        return files

    def session(self, cuts: int) -> None:
        """Open, record, close."""
        recorder = self.room.recorder()
        for camera in self.cameras:
            camera.start(recorder)
        for _ in range(cuts):
            play(recorder, self.cameras, 13)
            recorder.cut()
            assert recorder.wait_written()
            self.note()
        recorder.close()
        self.note()

    def note(self) -> None:
        sent = frozenset(
            (camera.stream_id, run_id, unit.sequence)
            for camera in self.cameras
            for run_id, unit in camera.sent
        )
        alive = on_disk(self.room.archive())
        self.moments.append(Moment(len(self.changes), sent, alive))

    def around(self, count: int) -> tuple[Moment, Moment]:
        """The last moment at or before so many changes, and the next."""
        before = max((one for one in self.moments if one.changes <= count), key=lambda one: one.changes)
        later = [one for one in self.moments if one.changes > count]
        return before, later[0] if later else before


@pytest.fixture(scope="module")
def life(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with pytest.MonkeyPatch.context() as small:
        small.setattr(volume_file, "_COMPACT_DELETED", 2)
        small.setattr(volume_file, "_SYNCED_LIMIT_BYTES", 100)
        yield Life(site, tmp_path_factory.mktemp("life") / "volume")


def is_torn_tail(verdict: SegmentVerdict) -> bool:
    """A part that was not synced is torn and one behind it is whole: both are kept, and it says where."""
    altered, cut = verdict.findings
    return (altered.verdict, cut.verdict) == (Verdict.ALTERED, Verdict.CUT) and (
        altered.detail == "bytes between two records were changed" and verdict.part_count > 0
    )


def check(life: Life, count: int, folder: Path) -> None:
    """Nothing synced is lost, nothing torn or deleted is shown, every hole has its reason."""
    site = life.room.site
    Volume.open(Unsynced(folder), site.identity, life.room.clock).files.close()
    archive = Archive([folder], site.keyring, life.room.clock)
    before, after = life.around(count)
    shown = on_disk(archive)
    assert not (before.sent & before.alive & after.alive) - shown, "what was synced is lost"
    assert shown <= after.sent
    assert not shown & (before.sent - before.alive), "what was deleted is back"
    for stream_id in archive.streams():
        verdicts = archive.verify(stream_id, EVERYTHING)
        for one in verdicts:
            assert one.verdict is Verdict.WHOLE or is_torn_tail(one), one
        timeline = archive.timeline(stream_id, EVERYTHING)
        assert "unexplained" not in {gap.reason for gap in timeline.gaps}
        if timeline.recorded:
            assert timeline.gaps[-1].end_us is None


def test_the_life_has_all_it_should_have(life: Life) -> None:
    changes = [one.change for one in life.changes]
    renamed = [one.new_path for one in life.changes if one.change is Change.RENAME]
    assert renamed.count("index.cvx") >= 1
    assert renamed.count("synced.cvx") >= 1
    removed = [one.path for one in life.changes if one.change is Change.REMOVE]
    assert sum(path.endswith(".cvs") for path in removed) > 4
    hours = {path for path in (one.path for one in life.changes) if path.startswith("keys/")}
    assert len(hours) >= 4
    assert changes.count(Change.SYNC) > 15
    assert life.moments[-1].alive < life.moments[-1].sent


@pytest.mark.parametrize("share", range(4))
def test_every_prefix_opens_again(life: Life, tmp_path: Path, share: int) -> None:
    for count in range(share, len(life.changes) + 1, 4):
        folder = tmp_path / str(count)
        after_cut(life.changes, count, random.Random(count), folder)
        check(life, count, folder)


def test_a_second_cut_while_it_is_mended_loses_nothing(life: Life, tmp_path: Path) -> None:
    changes = life.changes
    chance = random.Random(3)
    for count in range(5, len(changes), 17):
        first = tmp_path / f"{count}"
        after_cut(changes, count, random.Random(count), first)
        start = {
            str(path.relative_to(first)): path.read_bytes() for path in first.rglob("*") if path.is_file()
        }
        mending = RecordedFiles(Unsynced(first))
        Volume.open(mending, life.room.site.identity, life.room.clock)
        mending.close()
        second = tmp_path / f"{count}-again"
        after_cut(mending.changes, chance.randrange(len(mending.changes) + 1), chance, second, start)
        check(life, count, second)
