"""The recorder process: takes streams in, writes them, hands them on; needs no server and no private key."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from civiscope.app.home import Home
from civiscope.app.keys import follow_key, load_keys
from civiscope.app.plan import PlanFile, RecordingPlan, plan_digest
from civiscope.app.role import be, bus_of, stop_on_signal
from civiscope.app.settings import GIB, Settings
from civiscope.app.volumes import NodeVolumes, volume_places
from civiscope.base import AppError, SystemClock, get_log
from civiscope.cluster import tell_ready
from civiscope.devices import DeviceGate, GateRules
from civiscope.ingest import (
    FeedServer,
    Intake,
    IntakeSettings,
    RecordedOnly,
    StreamSource,
    StreamState,
    StreamStatus,
)
from civiscope.recording import (
    DeletionRules,
    DestructionLedger,
    HeldSpan,
    HoldBook,
    KeepBook,
    KeepTimes,
    ModeBook,
    ModeGate,
    ModeStatus,
    Recorder,
    RecorderFace,
    RecorderSettings,
    RecorderStatus,
    RecordingModes,
    VolumeIdentity,
    VolumeStatus,
    Window,
    import_marks,
)
from civiscope.storage import DirectoryFiles

TICK_S = 0.040
WATCHED_TICK_S = 0.010
_IMPORT_QUEUE_BYTES = 8 << 20
"""When more waits for the disk, imports wait too."""
_HOUR_US = 3_600_000_000
_log = get_log("civiscope.app.recorder")


def recorder_settings(settings: Settings) -> RecorderSettings:
    """The recording part of the settings in the recorder's own units."""
    recording = settings.recording
    return RecorderSettings(
        keep_us=int(recording.retention_hours * _HOUR_US),
        quota_bytes=int(recording.quota_gib * GIB) if recording.quota_gib else None,
        min_free_bytes=int(recording.keep_free_gib * GIB),
    )


class RecorderDesk:
    """Implements `RecorderFace`; lives on the recorder's loop."""

    def __init__(
        self,
        intake: Intake,
        sinks: tuple[Recorder, ModeGate, RecordedOnly],
        plan_file: PlanFile,
        volumes: Callable[[], tuple[VolumeStatus, ...]],
        books: tuple[HoldBook, KeepBook, ModeBook],
    ) -> None:
        self._intake = intake
        self._recorder, self._gate, self._recorded = sinks
        self._plan_file = plan_file
        self._volumes = volumes
        self._holds, self._times, self._modes = books
        self._plan = RecordingPlan()

    def start_from_kept_plan(self) -> None:
        """Record what was recorded last."""
        self._record(self._plan_file.load())

    async def apply_plan(self, sources: tuple[StreamSource, ...], gate: GateRules) -> None:
        """Record these from now on; a disk that cannot keep the plan does not stop the recording."""
        plan = RecordingPlan(sources, gate)
        self._record(plan)
        try:
            await asyncio.to_thread(self._plan_file.keep, plan)
        except AppError as error:
            _log.error("the plan is not kept", why=error.message)

    async def apply_holds(self, holds: tuple[HeldSpan, ...]) -> None:
        """In force at once; a disk that cannot keep them is an AppError, and they are sent again."""
        await asyncio.to_thread(self._holds.apply, holds)

    async def apply_times(self, times: KeepTimes) -> None:
        """In force at once; a disk that cannot keep them is an AppError, and they are sent again."""
        await asyncio.to_thread(self._times.apply, times)

    async def apply_modes(self, modes: RecordingModes) -> None:
        """In force at once; a disk that cannot keep them is an AppError, and they are sent again."""
        self._modes.apply(modes)
        await asyncio.to_thread(self._modes.keep, modes)

    async def record(self, windows: tuple[Window, ...]) -> None:
        """In force at once; a recorder that starts anew gets them again."""
        self._gate.heard()
        self._gate.record(windows)

    async def keep_case_wraps(self, wraps: tuple[bytes, ...]) -> None:
        """Written with the next cut, in the writer's thread."""
        self._recorder.keep_case_wraps(wraps)

    async def status(self) -> RecorderStatus:
        """Plan, holds, times, modes, streams and volumes; who asks is the server, so it is there."""
        self._gate.heard()
        volumes = await asyncio.to_thread(self._volumes)
        streams = tuple(self._as_written(one) for one in self._intake.status())
        gate = self._gate
        modes = ModeStatus(self._modes.digest, gate.is_unheard, gate.held_bytes, gate.windows())
        return RecorderStatus(
            streams, volumes, plan_digest(self._plan), self._holds.digest, self._times.digest, modes
        )

    def _as_written(self, status: StreamStatus) -> StreamStatus:
        """An import is finished when its last picture is on the disk: then its file may go."""
        if status.state is StreamState.FINISHED and not self._recorder.is_written(status.stream_id):
            return replace(status, state=StreamState.RUNNING)
        return status

    def _record(self, plan: RecordingPlan) -> None:
        self._intake.set_gate(DeviceGate(plan.gate))
        self._recorded.set_sources(plan.sources)
        self._intake.set_sources(plan.sources)
        self._plan = plan
        recorded = sum(source.recorded for source in plan.sources)
        _log.info("recording by plan", streams=recorded, fed_only=len(plan.sources) - recorded)


async def run_recorder(home: Home, settings: Settings) -> None:
    """Be the recorder until SIGTERM; ends with every part on the disk."""
    stop = stop_on_signal()
    clock = SystemClock()
    keys = load_keys(home)
    async with bus_of("recorder", home, clock) as bus, AsyncExitStack() as closing:
        feed = FeedServer(home.feed_socket, clock)
        own = recorder_settings(settings)
        identity = VolumeIdentity(keys.identity.site_id, keys.identity.node_id)
        node = NodeVolumes(volume_places(home, settings), identity, own, clock, bus.publish)
        volumes = node.open()
        imports = import_marks([one.volume for one in volumes])
        holds = HoldBook(home.role("recorder") / "holds.json")
        sealer = keys.sealer()
        ledger_files = DirectoryFiles(home.destroyed)
        closing.callback(ledger_files.close)
        ledger = DestructionLedger(ledger_files, sealer, keys.identity.node_id, clock)
        times = KeepBook(home.role("recorder") / "times.json", own.keep_us)
        rules = DeletionRules(holds.protects, holds.cases_of, ledger, times.keep_us)
        recorder = Recorder(volumes, sealer, clock, own, bus.publish, rules)
        intake_settings = IntakeSettings(import_folders=settings.devices.import_folders)
        gate = ModeGate(recorder, clock)
        modes = ModeBook(home.role("recorder") / "modes.json", gate.set_modes)
        recorded = RecordedOnly(gate)
        intake = Intake((recorded, feed), clock, DeviceGate(), intake_settings, imports)
        plan_file = PlanFile(home.role("recorder") / "plan.sealed", keys.recorder_vault())
        sinks = (recorder, gate, recorded)
        desk = RecorderDesk(intake, sinks, plan_file, node.status, (holds, times, modes))
        try:
            desk.start_from_kept_plan()
            bus.serve(RecorderFace, desk)
            await bus.start()
            tell_ready()
            trying = asyncio.create_task(node.try_again(recorder))
            closing.callback(trying.cancel)
            renewing = asyncio.ensure_future(follow_key(keys.recorder_folder, sealer.renew))
            closing.callback(renewing.cancel)
            await _tick(intake, (recorder, gate), feed, stop)
        finally:
            intake.close()
            gate.drain()
            recorder.close()
            feed.close()


async def _tick(
    intake: Intake, sinks: tuple[Recorder, ModeGate], feed: FeedServer, stop: asyncio.Event
) -> None:
    """Every 40 ms, every 10 ms while somebody watches, until `stop`."""
    clock, (recorder, gate) = SystemClock(), sinks
    while not stop.is_set():
        began_us = clock.monotonic_us()
        intake.hold_imports(recorder.queued_bytes > _IMPORT_QUEUE_BYTES)
        intake.tick()
        gate.tick()
        recorder.tick()
        feed.tick()
        spent_s = (clock.monotonic_us() - began_us) / 1e6
        interval_s = WATCHED_TICK_S if feed.watched else TICK_S
        await asyncio.sleep(max(0.001, interval_s - spent_s))


if __name__ == "__main__":
    be(run_recorder)
