"""Whenever the power goes, and whatever the disk kept: nothing synced is lost, nothing torn is shown."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.recording.footage import EVERYTHING, Camera, Room, Site, play, recorded

from civiscope.base import SystemClock
from civiscope.recording import Archive, Volume
from civiscope.security import SiteKeys, load_keyring
from civiscope.storage import DirectoryFiles, Files, RecordedFiles, after_cut


class History:
    """A short recording whose every change of the disk is known, and what was durable after each barrier."""

    def __init__(self, site: Site, folder: Path, seed: int) -> None:
        self.room = Room(site, folder / "real")
        self.files = RecordedFiles(DirectoryFiles(folder / "real"))
        self.room.make_files = self.the_files
        rng = random.Random(seed)
        recorder = self.room.recorder()
        self.cameras = [Camera(self.room.clock, mean_bytes=rng.choice([80, 700])) for _ in range(2)]
        self.durable: list[tuple[int, list[int]]] = []
        for camera in self.cameras:
            camera.start(recorder)
        for _ in range(rng.randrange(3, 7)):
            play(recorder, self.cameras, rng.randrange(3, 9))
            if rng.random() < 0.3:
                self.cameras[0].end(recorder)
                self.cameras[0].start(recorder)
            recorder.cut()
            assert recorder.wait_written()
            self.durable.append((len(self.files.changes), [len(camera.sent) for camera in self.cameras]))
        if rng.random() < 0.5:
            recorder.close()

    def the_files(self, path: Path) -> Files:
        """What the volume writes through."""
        return self.files

    def durable_at(self, count: int) -> list[int]:
        """How many units of each camera were on the disk for certain after `count` changes.

        A cut ends with index writes behind its barrier, so what was written is durable by the end of it.
        """
        done = [units for at, units in self.durable if at <= count]
        return done[-1] if done else [0, 0]


@settings(max_examples=60)
@given(seed=st.integers(0, 1 << 30))
def test_any_prefix_of_the_writes_opens_again(
    site: Site, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    history = History(site, folder, seed)
    chance = random.Random(seed)
    changes = history.files.changes
    for attempt in range(3):
        count = chance.randrange(len(changes) + 1)
        found = folder / f"found{attempt}"
        after_cut(changes, count, chance, found)
        room = Room(site, found, history.room.clock)
        recorder = room.recorder()
        archive = room.archive()
        for camera, certain in zip(history.cameras, history.durable_at(count), strict=True):
            units = list(recorded(archive, camera.stream_id))
            sent = [unit for _, unit in camera.sent]
            assert all(unit in sent for unit in units)
            assert units[:certain] == sent[:certain]
            if units:
                gap = archive.timeline(camera.stream_id, EVERYTHING).gaps[-1]
                assert (gap.end_us, gap.reason in ("our_restart", "closed")) == (None, True)
        for camera in history.cameras:
            camera.start(recorder)
        play(recorder, history.cameras, 16)
        recorder.close()
        archive.refresh()
        for camera in history.cameras:
            timeline = archive.timeline(camera.stream_id, EVERYTHING)
            assert "unexplained" not in {gap.reason for gap in timeline.gaps}
            assert [unit for _, unit in camera.sent][-16:] == list(recorded(archive, camera.stream_id))[-16:]
            camera.sent = camera.sent[:-16]


@settings(max_examples=30)
@given(share=st.floats(0, 1), seed=st.integers(0, 1000))
def test_a_segment_cut_at_any_byte_is_mended(
    site: Site, tmp_path_factory: pytest.TempPathFactory, share: float, seed: int
) -> None:
    room = Room(site, tmp_path_factory.mktemp("torn") / "volume")
    recorder = room.recorder()
    camera = Camera(room.clock, mean_bytes=100)
    camera.start(recorder)
    play(recorder, [camera], 60)
    assert recorder.wait_written()
    (path,) = (room.folder / "segments").glob("*/*.cvs")
    size_bytes = path.stat().st_size
    kept = int(size_bytes * share)
    copy = room.folder.with_name("copy")
    subprocess.run(["cp", "-r", room.folder, copy], check=True)
    (copy / "synced.cvx").unlink()
    with open(copy / path.relative_to(room.folder), "r+b") as file:
        file.truncate(kept)
    torn = Room(site, copy, room.clock)
    Volume.open(DirectoryFiles(copy), site.identity, room.clock)
    units = list(recorded(torn.archive(), camera.stream_id))
    assert units == [unit for _, unit in camera.sent][: len(units)]
    if share > 0.9:
        assert len(units) >= 14
    recorder.close()


CHILD = """
import sys, pathlib, time
sys.path[:0] = [{root!r}, {root!r} + "/src"]
from civiscope.base import SystemClock, StreamId
from civiscope.recording import Recorder, RecorderSettings, Volume, VolumeIdentity
from civiscope.security import SiteKeys, load_sealer
from civiscope.storage import DirectoryFiles
from tests.recording.footage import Camera
import uuid
keys = SiteKeys.load(pathlib.Path({keys!r}))
identity = VolumeIdentity(keys.identity.site_id, keys.identity.node_id)
clock = SystemClock()
volume = Volume.open(DirectoryFiles(pathlib.Path({folder!r})), identity, clock)
settings = RecorderSettings(cut_every_us=50_000, segment_us=400_000, min_free_bytes=0)
recorder = Recorder(volume, load_sealer(keys.recorder_folder), clock, settings, lambda fact: None)
cameras = [Camera(clock, StreamId(uuid.UUID(int=n + 1))) for n in range(4)]
for camera in cameras:
    camera.start(recorder)
print("recording", flush=True)
while True:
    for camera in cameras:
        camera.frame(recorder)
    recorder.tick()
    time.sleep(0.004)
"""


def test_a_killed_recorder_leaves_a_whole_volume(tmp_path: Path) -> None:
    keys = SiteKeys.create(tmp_path / "keys", "killed")
    folder = tmp_path / "volume"
    root = str(Path(__file__).resolve().parents[2])
    code = CHILD.format(root=root, keys=str(tmp_path / "keys"), folder=str(folder))
    rng = random.Random(5)
    counts: list[int] = []
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"recording\n"
        time.sleep(0.15 + rng.random() * 0.5)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
        child.stdout.close()
        archive = Archive([folder], load_keyring(keys.server_folder), SystemClock())
        counts.append(sum(len(list(archive.read(stream, EVERYTHING))) for stream in archive.streams()))
    assert counts == sorted(set(counts))
    identity = Site(keys, None, None).identity  # type: ignore[arg-type]  # only the ids are needed
    Volume.open(DirectoryFiles(folder), identity, SystemClock())
    archive = Archive([folder], load_keyring(keys.server_folder), SystemClock())
    for stream_id in archive.streams():
        read = list(archive.read(stream_id, EVERYTHING))
        by_run: dict[object, list[int]] = {}
        for one in read:
            by_run.setdefault(one.run_id, []).append(one.unit.sequence)
        assert len(by_run) == 3
        for sequences in by_run.values():
            assert sequences == list(range(len(sequences)))
        timeline = archive.timeline(stream_id, EVERYTHING)
        assert [gap.reason for gap in timeline.gaps] == ["our_restart"] * 3
        assert {one.verdict.value for one in archive.verify(stream_id, EVERYTHING)} == {"whole"}
