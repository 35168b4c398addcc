"""The life of one stream: attempts, runs, pauses between them, and how it stands."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from civiscope.base import Backoff, Clock, Log
from civiscope.devices import import_start_us
from civiscope.ingest.camera import CameraSession
from civiscope.ingest.file_session import FileSession
from civiscope.ingest.foreign import ForeignSession
from civiscope.ingest.import_session import ImportSession
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import ImportMark, LossReason, StreamSource, StreamState, StreamStatus, Transport
from civiscope.ingest.network import Network
from civiscope.ingest.picture_session import PictureSession
from civiscope.ingest.ports import StreamSink
from civiscope.ingest.run import Run
from civiscope.ingest.settings import IntakeSettings
from civiscope.media.wire import Arrival, RtpTransport

_RATE_WINDOW_US = 2_000_000
_LOOK_EVERY_US = 250_000
_QUICK_RETRIES_OF_KNOWN_PASSWORD = 3
_NEVER_US = 1 << 62
_MAX_PATIENCE = 3
"""Doublings of the wait for a first packet: some cameras send nothing until their next key frame."""


class Session(Protocol):
    """One attempt, however it is carried."""

    transport_refused: bool
    date_arrival_us: int | None
    """When the camera's Date came (UTC); None where it did not."""

    @property
    def camera_date(self) -> str:
        """The Date header of its answer, as it came."""
        ...

    @property
    def peer(self) -> tuple[str, int] | None:
        """Numeric host and port it is connected to; None while there is none."""
        ...

    @property
    def lost_packets(self) -> int:
        """So far."""
        ...

    @property
    def sends_password_in_clear(self) -> bool:
        """The camera offers only Basic on an open connection: whoever listens can read the password."""
        ...

    def poll(self, buffer: memoryview, arrival: Arrival) -> None:
        """Take and give all that can be now; raises `Lost` when it is over."""
        ...

    def rest(self) -> tuple[int, int]:
        """(descriptor, monotonic µs): until then it need not be polled before the descriptor can be read.

        -1 as descriptor: poll it in every tick.
        """
        ...

    def overdue(self) -> Lost:
        """What to tell somebody who has no more time, by how far it came."""
        ...

    def flush(self) -> None:
        """Deliver what was still being put together."""
        ...

    def close(self, arrival: Arrival) -> None:
        """Let go of everything."""
        ...


def begin_session(
    source: StreamSource, transport: Transport, settings: IntakeSettings, network: Network, run: Run
) -> Session:
    """One attempt by the transport that the address asks for; raises `Lost` when it cannot even begin."""
    if source.foreign:
        return ForeignSession(source, transport, settings, network, run)
    start_us = import_start_us(source.url)
    if start_us is not None:
        return ImportSession(source, start_us, settings, run)
    if source.url.startswith("file:"):
        return FileSession(source, settings, run)
    if source.url.startswith(("http://", "https://")):
        return PictureSession(source, settings, network, run)
    wanted = RtpTransport.UDP if transport is Transport.UDP else RtpTransport.TCP
    return CameraSession(source, wanted, settings, network, run)


class StreamLife:
    """Keeps one stream alive for as long as its source is wanted, or until its import is finished."""

    def __init__(
        self,
        source: StreamSource,
        sinks: Sequence[StreamSink],
        clock: Clock,
        settings: IntakeSettings,
        network: Network,
        log: Log,
    ) -> None:
        self.source = source
        self.mark = ImportMark()
        """How far an import is; nothing for what is live."""
        self._import_us = import_start_us(source.url)
        self.descriptor = -1
        """What must be readable before `tick` is of use again, until `due_us` (monotonic); -1: nothing is."""
        self.due_us = 0
        self._sinks = tuple(sinks)
        self._settings = settings
        self._network = network
        self._log = log.bind(stream=source.stream_id)
        self._state = StreamState.CONNECTING
        self._since_us = clock.now_us()
        self._run = self._new_run()
        self._session: Session | None = None
        self._transport = Transport.TCP if source.transport is Transport.AUTO else source.transport
        self._retry_at_us = 0
        limit_s = settings.retry_limit_s if self._import_us is None else settings.retry_gate_s
        self._backoff = Backoff(settings.retry_first_s, limit_s=limit_s)
        self._alive_us: int | None = None
        self._password_failures = 0
        self._silent_starts = 0
        self._look_due_us = 0
        self._last_loss: tuple[LossReason, str] | None = None
        self._rate = _Rate()

    def go_on_from(self, mark: ImportMark) -> None:
        """Before the first tick: so much of the import is recorded already."""
        self.mark = mark
        self._run = self._new_run()
        if self.is_import and mark.is_finished:
            self._last_loss = (LossReason.FINISHED, "The file was imported to its end.")
            self._state, self.due_us = StreamState.FINISHED, _NEVER_US

    @property
    def is_import(self) -> bool:
        """Taken in once, with its own time."""
        return self._import_us is not None

    def tick(self, buffer: memoryview, arrival: Arrival) -> None:
        """Let it do what it can now."""
        session = self._session
        try:
            if session is None:
                if arrival.monotonic_us < self._retry_at_us:
                    return
                session = self._session = self._begin(arrival)
            session.poll(buffer, arrival)
            self.descriptor, self.due_us = session.rest()
        except Lost as lost:
            self.descriptor, self.due_us = -1, 0
            self._lose(lost.reason, lost.detail, arrival)
            return
        if arrival.monotonic_us >= self._look_due_us or self._state is not StreamState.RUNNING:
            self._look(arrival)

    def _look(self, arrival: Arrival) -> None:
        """What need not be done in every tick."""
        self._look_due_us = arrival.monotonic_us + _LOOK_EVERY_US
        if not self._run.is_started:
            return
        self._rate.note(self._run, arrival.monotonic_us)
        if self._state is not StreamState.RUNNING:
            self._turn(StreamState.RUNNING, arrival)
            self._backoff.reset()
            self._password_failures = 0
            self._silent_starts = 0
        self._alive_us = arrival.monotonic_us

    def end(self, arrival: Arrival, reason: LossReason, detail: str) -> None:
        """No longer wanted, at least not like this."""
        self._close(arrival, reason, detail)

    def gate_changed(self, arrival: Arrival) -> None:
        """Other rules hold: who may not be met any more is left, who was refused is tried at once."""
        peer = self._session.peer if self._session is not None else None
        if peer is not None and not self._network.gate.allows(*peer):
            self.descriptor, self.due_us = -1, 0
            self._lose(LossReason.GATE, f"{peer[0]} is no longer where devices may stand.", arrival)
        if self._last_loss is not None and self._last_loss[0] is LossReason.GATE:
            self._retry_at_us = 0

    def status(self) -> StreamStatus:
        """How it stands now."""
        run, session = self._run, self._session
        reason, detail = self._last_loss or (None, "")
        return StreamStatus(
            stream_id=self.source.stream_id, state=self._state, since_us=self._since_us,
            run_id=run.run_id if run.is_started else None,
            transport=self._transport if session is not None else Transport.AUTO,
            tracks=run.tracks, units=run.units, bytes=run.bytes,
            bitrate_bps=self._rate.bitrate_bps, frame_rate_fps=self._rate.frame_rate_fps,
            lost_packets=session.lost_packets if session is not None else 0,
            damaged_units=run.damaged_units, last_unit_us=run.last_unit_us,
            last_reason=reason, last_detail=detail,
        )  # fmt: skip

    def _new_run(self) -> Run:
        first = self.mark.next_unit if self.is_import else 0
        return Run(self.source.stream_id, self._sinks, self._settings.hold_bytes, self._log, first)

    def _begin(self, arrival: Arrival) -> Session:
        self._run = self._new_run()
        self._rate = _Rate()
        self._turn(StreamState.CONNECTING, arrival)
        first_packet_s = self._settings.stall_s * 2.0 ** min(self._silent_starts, _MAX_PATIENCE)
        settings = replace(self._settings, first_packet_s=first_packet_s)
        return begin_session(self.source, self._transport, settings, self._network, self._run)

    def _turn(self, state: StreamState, arrival: Arrival) -> None:
        if state is not self._state:
            self._state = state
            self._since_us = arrival.utc_us

    def _lose(self, reason: LossReason, detail: str, arrival: Arrival) -> None:
        session, ran = self._session, self._run.is_started
        self._close(arrival, reason, detail)
        if reason is LossReason.FINISHED:
            self._finish(arrival, ran, detail)
            return
        pause_s = self._pause_s(reason, arrival.monotonic_us)
        if reason is LossReason.STALLED and not ran:
            self._silent_starts += 1
        if self.source.transport is Transport.AUTO and session is not None and not self.source.foreign:
            refused = session.transport_refused
            if refused or (self._transport is Transport.UDP and not ran):
                udp_next = refused and self._transport is Transport.TCP
                self._transport = Transport.UDP if udp_next else Transport.TCP
                pause_s = 0.0 if udp_next else pause_s
        self._retry_at_us = arrival.monotonic_us + int(pause_s * 1e6)
        self._turn(StreamState.WAITING, arrival)
        self._log.warning("stream lost" if ran else "stream not there", reason=reason, detail=detail)
        if not ran:
            self._wait(arrival, reason, detail)
        self._run = self._new_run()

    def _finish(self, arrival: Arrival, ran: bool, detail: str) -> None:
        """The import is over for good: not even a restart opens the file again."""
        self.mark = ImportMark(self.mark.next_unit, is_finished=True)
        self.due_us = _NEVER_US
        self._turn(StreamState.FINISHED, arrival)
        self._log.info("import finished", units=self.mark.next_unit, detail=detail)
        if not ran:
            self._wait(arrival, LossReason.FINISHED, detail)
        self._run = self._new_run()

    def _wait(self, arrival: Arrival, reason: LossReason, detail: str) -> None:
        for sink in self._sinks:
            sink.stream_waiting(self.source.stream_id, self._lost_at_us(arrival), reason, detail)

    def _lost_at_us(self, arrival: Arrival) -> int:
        """From when on footage is missing: of an import, in its own time."""
        if self._import_us is None:
            return arrival.utc_us
        return self._import_us if self._run.last_unit_us is None else self._run.last_unit_us

    def _close(self, arrival: Arrival, reason: LossReason, detail: str) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.flush()
            session.close(arrival)
        self._run.end(self._lost_at_us(arrival), reason, detail)
        if self.is_import:
            self.mark = ImportMark(self._run.next_sequence, self.mark.is_finished)
        self._last_loss = (reason, detail)

    def _pause_s(self, reason: LossReason, now_us: int) -> float:
        """See `IntakeSettings`: who may come back any moment is asked often, who refuses is not."""
        settings = self._settings
        pause_s = self._backoff.next_delay_s()
        if self.is_import:
            return pause_s
        if reason is LossReason.AUTHENTICATION:
            self._password_failures += 1
            known = self._alive_us is not None
            if not known or self._password_failures > _QUICK_RETRIES_OF_KNOWN_PASSWORD:
                return settings.retry_password_s
        if reason is LossReason.GATE:
            return settings.retry_gate_s
        if reason in (LossReason.REFUSED, LossReason.PROTOCOL, LossReason.TLS) and not self._was_alive(
            now_us
        ):
            return min(settings.retry_refused_limit_s, settings.retry_first_s * 2.0**self._backoff.attempts)
        return pause_s

    def _was_alive(self, now_us: int) -> bool:
        return self._alive_us is not None and now_us - self._alive_us < self._settings.alive_s * 1e6


class _Rate:
    """Bits and frames per second over the last whole window."""

    def __init__(self) -> None:
        self.bitrate_bps = 0.0
        self.frame_rate_fps = 0.0
        self._from: tuple[int, int, int] | None = None

    def note(self, run: Run, now_us: int) -> None:
        if self._from is None:
            self._from = (now_us, run.bytes, run.video_units)
            return
        since_us, size, frames = self._from
        passed_us = now_us - since_us
        if passed_us >= _RATE_WINDOW_US:
            self.bitrate_bps = (run.bytes - size) * 8e6 / passed_us
            self.frame_rate_fps = (run.video_units - frames) * 1e6 / passed_us
            self._from = (now_us, run.bytes, run.video_units)
