"""Media files imported once with their own time: what is recorded, when, and after a recorder's death."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from tests.ingest.rig import LOOPBACK, Memory, make_clip, source_of, ticking
from tests.recording.footage import EVERYTHING, Site, make_site

from civiscope.base import AppError, StreamId, SystemClock
from civiscope.devices import import_start_us, parse_address
from civiscope.ingest import ImportMark, Intake, IntakeSettings, LossReason, StreamSource, StreamState
from civiscope.ingest.file_importer import FileImporter, ImportOrders
from civiscope.ingest.foreign_wire import ForeignDone, ForeignMessage, ForeignPlaced, ForeignTracks
from civiscope.ingest.import_session import SPEED_LIMIT
from civiscope.media import FileUnits
from civiscope.recording import Archive, RecordedUnit, Recorder, RecorderSettings, Volume, import_marks
from civiscope.storage import DirectoryFiles

HOUR_US = 3_600_000_000
START_US = (SystemClock().now_us() // HOUR_US - 3) * HOUR_US + 1_000_001


def address(path: Path, start_us: int = START_US) -> str:
    return f"{path.as_uri()}?import={start_us}"


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory, clips: dict[str, Path]) -> Path:
    """A folder of 24 files of two seconds with reordered pictures."""
    folder = tmp_path_factory.mktemp("days")
    for number in range(24):
        shutil.copy(clips["reordered"], folder / f"{number:02}.mp4")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return make_site(tmp_path_factory.mktemp("site") / "keys")


@pytest.mark.parametrize("name", ["h264", "reordered", "mjpeg", "h265"])
async def test_each_unit_comes_once_at_its_own_time(
    clips: dict[str, Path], file_units: dict[str, FileUnits], name: str
) -> None:
    settings = IntakeSettings(import_folders=(clips[name].parent,))
    async with ticking([source_of(address(clips[name]))], settings) as rig:
        await rig.until(lambda: bool(rig.memory.runs) and rig.memory.run.end is not None, 30.0)
        run = rig.memory.run
        (status,) = rig.intake.status()
        await asyncio.sleep(0.1)
        assert len(rig.memory.runs) == 1
    wanted = file_units[name].units
    assert [(one.pts, one.dts, one.data) for one in run.units] == [
        (one.pts, one.dts, one.data) for one in wanted
    ]
    assert run.units[0].arrival_us == START_US
    first_dts = wanted[0].dts
    assert all(one.arrival_us == START_US + (one.dts - first_dts) * 1_000_000 // 90_000 for one in run.units)
    now_us = SystemClock().monotonic_us()
    assert all(0 <= now_us - one.arrival_monotonic_us < 60_000_000 for one in run.units)
    assert run.end is not None
    assert run.end[:2] == (run.units[-1].arrival_us, LossReason.FINISHED)
    assert (status.state, status.last_reason) == (StreamState.FINISHED, LossReason.FINISHED)


async def test_it_gives_way_to_what_is_live(long_clip: Path) -> None:
    settings = IntakeSettings(import_folders=(long_clip,))
    async with ticking([source_of(address(long_clip))], settings) as rig:
        run = await rig.units(2, 30.0)
        began_us = SystemClock().monotonic_us()
        await rig.units(600, 30.0)
        took_us = SystemClock().monotonic_us() - began_us
        # 64 KiB of these small pictures are some seconds, and may come at once
        assert run.units[599].arrival_us - START_US < took_us * SPEED_LIMIT + 12_000_000
        rig.intake.hold_imports(True)
        held = len(run.units)
        await asyncio.sleep(0.3)
        assert len(run.units) == held
        rig.intake.hold_imports(False)
        await rig.until(lambda: len(run.units) > held, 10.0)


def told(path: Path, from_unit: int = 0) -> list[ForeignMessage]:
    messages: list[ForeignMessage] = []
    FileImporter(ImportOrders(path, audio=False, from_unit=from_unit), messages.append).run()
    return messages


def test_a_folder_goes_on_where_the_file_before_ends(clips: dict[str, Path], tmp_path: Path) -> None:
    shutil.copy(clips["h264"], tmp_path / "a.mp4")
    shutil.copy(clips["reordered"], tmp_path / "b.mp4")
    shutil.copy(clips["mjpeg"], tmp_path / "c.avi")
    (tmp_path / "d.txt").write_text("no film")
    (tmp_path / "e.mp4").symlink_to(clips["large"])
    messages = told(tmp_path)
    units = [one for one in messages if isinstance(one, ForeignPlaced)]
    assert len(units) == 100
    assert sorted(one.pts for one in units) == [3600 * number for number in range(100)]
    assert all(before.dts < after.dts for before, after in pairwise(units))
    assert all(one.dts <= one.pts for one in units)
    assert units[50].config is not None
    done = messages[-1]
    assert isinstance(done, ForeignDone)
    assert "c.avi, d.txt" in done.detail
    assert "e.mp4" not in done.detail  # a link might lead anywhere: as if it were not there


@pytest.mark.parametrize("from_unit", [1, 13, 50, 77, 99])
def test_what_is_recorded_is_not_told_again(clips: dict[str, Path], tmp_path: Path, from_unit: int) -> None:
    shutil.copy(clips["reordered"], tmp_path / "a.mp4")
    shutil.copy(clips["large"], tmp_path / "b.mp4")
    whole = [one for one in told(tmp_path) if isinstance(one, ForeignPlaced)]
    messages = told(tmp_path, from_unit)
    tracks, *rest = messages
    assert isinstance(tracks, ForeignTracks)
    config = tracks.tracks[0].config
    assert config is not None
    assert config.width_px == (160 if from_unit < 50 else 320)
    units = [one for one in rest if isinstance(one, ForeignPlaced)]
    assert [one.data for one in units] == [one.data for one in whole[from_unit:]]
    assert units[0].pts == 0
    shift = whole[from_unit].pts
    assert [one.pts + shift for one in units] == [one.pts for one in whole[from_unit:]]
    assert units[0].at_us == whole[from_unit].pts * 1_000_000 // 90_000
    assert told(tmp_path, 100) == [ForeignDone("The file was imported to its end.")]


class Studio:
    """An intake and a recorder on one volume, as the recorder's process has them."""

    def __init__(self, site: Site, folder: Path, source: StreamSource, settings: IntakeSettings) -> None:
        self.clock = SystemClock()
        volume = Volume.open(DirectoryFiles(folder), site.identity, self.clock)
        self.marks = import_marks([volume])
        self.recorder = Recorder(
            volume, site.sealer, self.clock, RecorderSettings(min_free_bytes=0), lambda _: None
        )
        self.intake = Intake([self.recorder], self.clock, LOOPBACK, settings, self.marks)
        self.intake.set_sources([source])

    @property
    def state(self) -> StreamState:
        return self.intake.status()[0].state


@asynccontextmanager
async def recording(
    site: Site, folder: Path, source: StreamSource, settings: IntakeSettings
) -> AsyncIterator[Studio]:
    """Ticks while the block runs; a clean stop at its end."""
    studio = Studio(site, folder, source, settings)

    async def tick() -> None:
        while True:
            studio.intake.tick()
            studio.recorder.tick()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(tick())
    try:
        yield studio
    finally:
        task.cancel()
        studio.intake.close()
        studio.recorder.close()


async def until(fact: Callable[[], bool], limit_s: float = 40.0) -> None:
    async with asyncio.timeout(limit_s):
        while not fact():
            await asyncio.sleep(0.01)


async def until_finished(studio: Studio) -> None:
    await until(lambda: studio.state is StreamState.FINISHED)


def read(site: Site, folder: Path, stream_id: StreamId) -> list[RecordedUnit]:
    archive = Archive([folder], site.keyring, SystemClock())
    return list(archive.read(stream_id, EVERYTHING))


def assert_whole(site: Site, folder: Path, source: StreamSource, path: Path, start_us: int) -> None:
    """Every unit of the path once, at its time, and nothing missing before, between or behind."""
    wanted = [one for one in told(path) if isinstance(one, ForeignPlaced)]
    found = read(site, folder, source.stream_id)
    assert [one.unit.sequence for one in found] == list(range(len(wanted)))
    assert [one.unit.data for one in found] == [one.data for one in wanted]
    for one, told_one in zip(found, wanted, strict=True):
        assert abs(one.wall_us - start_us - told_one.pts * 1_000_000 // 90_000) <= 2
    archive = Archive([folder], site.keyring, SystemClock())
    timeline = archive.timeline(source.stream_id, EVERYTHING)
    assert timeline.gaps == ()
    assert timeline.recorded[0].span.start_us == start_us
    end_us = max(one.span.end_us for one in timeline.recorded)
    assert abs(end_us - start_us - len(wanted) * 40_000) <= 2


async def test_an_import_is_recorded_over_the_hour_and_not_opened_again(
    site: Site, long_clip: Path, tmp_path: Path
) -> None:
    start_us = START_US // HOUR_US * HOUR_US - 20_000_000
    source = source_of(address(long_clip, start_us))
    settings = IntakeSettings(import_folders=(long_clip,))
    folder = tmp_path / "volume"
    async with recording(site, folder, source, settings) as studio:
        await until_finished(studio)
    assert_whole(site, folder, source, long_clip, start_us)
    volume = Volume.open(DirectoryFiles(folder), site.identity, SystemClock())
    assert len({one.key_hour for one in volume.catalogue.segments()}) == 2
    parts = Archive([folder], site.keyring, SystemClock()).parts(source.stream_id, EVERYTHING)
    assert max(one.span.duration_us for one in parts) < 1_400_000
    volume.files.close()
    async with recording(site, folder, source, settings) as again:
        assert again.marks[source.stream_id] == ImportMark(1200, is_finished=True)
        assert again.state is StreamState.FINISHED
        await asyncio.sleep(0.3)
        assert again.intake.status()[0].units == 0
    assert_whole(site, folder, source, long_clip, start_us)


async def test_a_cut_import_goes_on_where_it_was(site: Site, long_clip: Path, tmp_path: Path) -> None:
    """A copy of the volume in the middle of the work is what a killed recorder leaves."""
    source = source_of(address(long_clip))
    settings = IntakeSettings(import_folders=(long_clip,))
    folder, killed = tmp_path / "volume", tmp_path / "killed"
    async with recording(site, folder, source, settings) as studio:
        await until(lambda: 300 < studio.intake.status()[0].units < 1000)
        await until(lambda: any(folder.glob("segments/*/*.cvs")))
        shutil.copytree(folder, killed)
        (segment,) = sorted(killed.glob("segments/*/*.cvs"))[-1:]
        segment.write_bytes(segment.read_bytes()[:-100])  # the last write is torn
        live = Archive([folder], site.keyring, SystemClock())
        assert live.timeline(source.stream_id, EVERYTHING).gaps == ()  # at work, not silent
        studio.intake.hold_imports(True)
    async with recording(site, killed, source, settings) as studio:
        mark = studio.marks[source.stream_id]
        assert not mark.is_finished
        assert 0 < mark.next_unit < 1200
        await until_finished(studio)
        (status,) = studio.intake.status()
        assert status.last_reason is LossReason.FINISHED
    assert_whole(site, killed, source, long_clip, START_US)
    async with recording(site, folder, source, settings) as studio:  # and after a clean stop
        await until_finished(studio)
    assert_whole(site, folder, source, long_clip, START_US)


async def test_a_file_that_is_gone_waits_in_its_own_time(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    source = source_of(address(tmp_path / "clips" / "none.mp4"))
    settings = IntakeSettings(import_folders=(tmp_path / "clips",))

    class Waits(Memory):
        at_us: tuple[int, ...] = ()

        def stream_waiting(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
            super().stream_waiting(stream_id, at_us, reason, detail)
            self.at_us = (*self.at_us, at_us)

    memory = Waits()
    intake = Intake([memory], SystemClock(), LOOPBACK, settings)
    intake.set_sources([source])
    intake.tick()
    assert memory.waits[0][0] is LossReason.REFUSED
    assert memory.at_us == (START_US,)
    make_clip(tmp_path / "clips" / "none.mp4", preset="ultrafast")

    def finished() -> bool:
        intake.tick()
        return bool(memory.runs) and memory.run.end is not None

    await until(finished)
    assert len(memory.run.units) == 50
    intake.close()


def test_addresses_of_imports() -> None:
    typed = parse_address("file:///srv/clips/a%20b.mp4?import=1700000000000000").address
    assert typed.url == "file:///srv/clips/a%20b.mp4?import=1700000000000000"
    assert (typed.import_us, typed.driver) == (1_700_000_000_000_000, "file")
    assert typed.file_path == "/srv/clips/a%20b.mp4"
    assert import_start_us("file:///srv/a%3Fimport=5") is None
    assert import_start_us("rtsp://host/a?import=5") is None
    for odd in ("?import=", "?import=-1", "?import=1x", "?import=1&a=2", "?x=1", "?", "?import=" + "1" * 17):
        with pytest.raises(AppError, match="import="):
            parse_address(f"file:///srv/clips/a.mp4{odd}")
        assert import_start_us(f"file:///srv/clips/a.mp4{odd}") is None
