"""A person holds a span, and retention deletes all around it. A bookmark keeps nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.recording.footage import EPOCH_US, EVERYTHING, Camera, Room, make_site, play

from civiscope.app.case_keeper import CaseKeeper
from civiscope.app.plan import PlanFile
from civiscope.app.recorder import RecorderDesk
from civiscope.app.recorder_link import RecorderLink
from civiscope.app.volume_watch import VolumeWatch
from civiscope.base import AppError, ManualClock, PrincipalId, Span, StreamId, new_id
from civiscope.devices import CameraDraft, DeviceGate, Devices, GateRules, migrate_devices
from civiscope.evidence import Evidence, HoldDraft, migrate_evidence
from civiscope.ingest import Intake, RecordedOnly
from civiscope.recording import (
    Archive,
    DeletionRules,
    DestructionLedger,
    HoldBook,
    KeepBook,
    ModeBook,
    ModeGate,
    holds_digest,
)
from civiscope.recording.recorder import Recorder
from civiscope.security import (
    AuditLog,
    Keyring,
    Principal,
    PrincipalKind,
    Role,
    Vault,
    VaultDoor,
    WordBox,
    migrate_security,
)
from civiscope.storage import Database, DirectoryFiles

SECOND_US = 1_000_000
ANNA = Principal(PrincipalId(new_id()), "Anna", PrincipalKind.PERSON, frozenset({Role.OPERATOR}))


def words_of(room: Room) -> WordBox:
    """Seals with the site's key, opens with it."""
    return WordBox(room.site.keys.picture_sealer(), room.site.keyring, room.clock)


class Server:
    """Evidence, the cameras and the line to the recorder, on a real database."""

    def __init__(self, room: Room, database: Database, folder: Path) -> None:
        self.devices = Devices(database, Vault(Vault.new_key()), room.clock)
        audit = AuditLog(database, room.site.keys.audit_keys(), folder, room.clock)
        self.evidence = Evidence(database, audit, self._streams_of, room.clock, words_of(room))
        self.wake = asyncio.Event()
        self.evidence.on_change = self.wake.set
        self._clock = room.clock

    @contextlib.asynccontextmanager
    async def speaking_to(self, desk: RecorderDesk) -> AsyncIterator[None]:
        """The line runs."""
        link = RecorderLink(desk, self.devices, self._clock, self.wake, GateRules)
        link.held = self.evidence.held_spans
        running = asyncio.ensure_future(link.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def has_told(self, desk: RecorderDesk) -> None:
        """The recorder's holds are the server's."""
        async with asyncio.timeout(10):
            wanted = holds_digest(await self.evidence.held_spans())
            while (await desk.status()).holds_digest != wanted:
                await asyncio.sleep(0.005)

    async def _streams_of(self, channel_id: object) -> list[StreamId]:
        cameras = {one.channel_id: one for one in await self.devices.cameras()}
        return [one.id for one in cameras[channel_id].streams]  # type: ignore[index]  # a ChannelId


class Node:
    """One recorder process's parts, as `run_recorder` wires them, without sockets."""

    def __init__(self, room: Room, folder: Path) -> None:
        holds = HoldBook(folder / "holds.json", lead_us=2 * SECOND_US)
        site = room.site
        self.files = DirectoryFiles(folder / "destroyed")
        ledger = DestructionLedger(self.files, site.sealer, site.identity.node_id, room.clock)
        times = KeepBook(folder / "times.json", room.settings.keep_us)
        watch = VolumeWatch(room.folder, 0, lambda _: None)
        self.recorder = Recorder(
            room.volume(),
            room.site.sealer,
            room.clock,
            room.settings,
            watch.take,
            DeletionRules(holds.protects, holds.cases_of, ledger, times.keep_us),
        )
        gate = ModeGate(self.recorder, room.clock)
        recorded = RecordedOnly(gate)
        self.intake = Intake((recorded,), room.clock, DeviceGate())
        plan_file = PlanFile(folder / "plan.sealed", Vault(Vault.new_key()))
        sinks = (self.recorder, gate, recorded)
        books = (holds, times, ModeBook(folder / "modes.json", gate.set_modes))
        self.desk = RecorderDesk(self.intake, sinks, plan_file, lambda: (watch.status(),), books)

    async def retain(self) -> None:
        """A few looks at retention."""
        for _ in range(3):
            self.recorder.cut()
            await asyncio.to_thread(self.recorder.wait_written)

    def close(self) -> None:
        self.intake.close()
        self.recorder.close()
        self.files.close()


@pytest.fixture
def room(tmp_path: Path) -> Room:
    made = Room(make_site(tmp_path / "keys"), tmp_path / "volume", ManualClock(EPOCH_US))
    made.settings = replace(made.settings, segment_us=SECOND_US)
    return made


def recorded(room: Room, stream_id: StreamId) -> list[Span]:
    return [one.span for one in room.archive().timeline(stream_id, EVERYTHING).recorded]


async def test_a_held_span_survives_and_a_bookmark_survives_nothing(room: Room, tmp_path: Path) -> None:
    with Database(tmp_path / "server.db") as database:
        for migrate in (migrate_security, migrate_devices, migrate_evidence):
            migrate(database)
        server = Server(room, database, tmp_path)
        camera = await server.devices.add_camera(CameraDraft("Yard", "rtsp://192.0.2.1/a"))
        node = Node(room, tmp_path)
        film = Camera(room.clock, stream_id=camera.main.id)
        film.start(node.recorder)
        for _ in range(20):
            play(node.recorder, [film], 15)
            node.recorder.wait_written()
        start_us = EPOCH_US + 10 * SECOND_US
        held = Span(start_us, start_us + 2 * SECOND_US)
        before = list(room.archive().read(camera.main.id, held))
        assert len(before) > 15

        async with server.speaking_to(node.desk):
            await server.evidence.add_bookmark(camera.channel_id, EPOCH_US + 3 * SECOND_US, "The van", ANNA)
            hold = await server.evidence.hold(HoldDraft(camera.channel_id, held, "Case 7"), ANNA)
            await server.has_told(node.desk)
        node.close()

        room.clock.advance(3_600 * SECOND_US)
        room.settings = replace(room.settings, keep_us=60 * SECOND_US)
        node = Node(room, tmp_path)  # starts alone: no server has spoken to it
        await node.retain()
        assert list(room.archive().read(camera.main.id, held)) == before
        (left,) = recorded(room, camera.main.id)
        assert EPOCH_US + 5 * SECOND_US < left.start_us <= held.start_us
        assert held.end_us <= left.end_us < EPOCH_US + 16 * SECOND_US
        reasons = [one.reason for one in room.archive().timeline(camera.main.id, EVERYTHING).gaps]
        assert reasons.count("retention") == 2
        marked = Span(EPOCH_US + 3 * SECOND_US, EPOCH_US + 4 * SECOND_US)
        assert list(room.archive().read(camera.main.id, marked)) == []
        assert await server.evidence.forget_bookmarks_before(room.clock.now_us() - 60 * SECOND_US) == 1

        async with server.speaking_to(node.desk):
            await server.evidence.end_hold(hold.id, ANNA)
            await server.has_told(node.desk)
        node.close()
        node = Node(room, tmp_path)
        await node.retain()
        node.close()
        assert recorded(room, camera.main.id) == []


def wraps(room: Room) -> list[str]:
    """The kinds of wraps on the volume."""
    return sorted(path.suffix for path in (room.folder / "keys").rglob("*.*"))


async def test_a_hold_is_wrapped_for_its_case_and_after_its_age_only_the_case_opens(
    room: Room, tmp_path: Path
) -> None:
    with Database(tmp_path / "server.db") as database:
        for migrate in (migrate_security, migrate_devices, migrate_evidence):
            migrate(database)
        server = Server(room, database, tmp_path)
        camera = await server.devices.add_camera(CameraDraft("Yard", "rtsp://192.0.2.1/a"))
        node = Node(room, tmp_path)
        film = Camera(room.clock, stream_id=camera.main.id)
        film.start(node.recorder)
        for _ in range(8):
            play(node.recorder, [film], 15)
            node.recorder.wait_written()
        held = Span(EPOCH_US + 4 * SECOND_US, EPOCH_US + 6 * SECOND_US)
        door = VaultDoor(room.site.keys, room.clock)
        archive = Archive([room.folder], door.keyring, room.clock)
        keeper = CaseKeeper(server.evidence, door, archive, node.desk, room.clock)
        server.evidence.on_change = keeper.after(server.wake.set)
        running = asyncio.ensure_future(keeper.run())
        async with server.speaking_to(node.desk):
            await server.evidence.hold(HoldDraft(camera.channel_id, held, "Case 7"), ANNA)
            await server.has_told(node.desk)
            async with asyncio.timeout(10):
                while ".case" not in wraps(room):
                    await node.retain()  # cuts, as the recorder's tick does
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        node.close()
        archive.refresh()
        before = list(archive.read(camera.main.id, held))

        room.clock.advance(5 * 3_600 * SECOND_US)
        room.settings = replace(room.settings, keep_us=3_600 * SECOND_US)
        node = Node(room, tmp_path)
        await node.retain()
        node.close()
        assert wraps(room) == [".case"]
        archive.refresh()
        assert list(archive.read(camera.main.id, held)) == before
        without: Keyring = room.site.keyring
        with pytest.raises(AppError, match="destroyed"):
            list(Archive([room.folder], without, room.clock).read(camera.main.id, held))
